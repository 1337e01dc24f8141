/**
 * Baton beside a system that a BIOS and GRUB start: its kernel and initramfs in /boot/baton, and an entry in custom.cfg,
 * which every grub.cfg of grub-mkconfig reads at its end (util/grub.d/41_custom.in). grub.cfg itself isn't touched.
 */

import { existsSync, readFileSync } from "node:fs";
import { BatonError } from "../../errors.ts";
import { readEnvBlock } from "../../state/envblock.ts";
import { rewriteFile } from "../../state/files.ts";
import { putFile, putText, removeFile, removeFolder } from "../../state/place.ts";
import { formatSize } from "../../text.ts";
import { kernelFiles } from "./files.ts";
import { checkRoom, type Machine, mountOf, mountsOn, type Step } from "./machine.ts";

const FOLDER = "/boot/baton";
const KERNEL = `${FOLDER}/vmlinuz`;
const INITRD = `${FOLDER}/initramfs.cpio.zst`;
const ENTRY = "baton";
const GRUB_FOLDERS = ["/boot/grub", "/boot/grub2"];
const BEGIN = "### BEGIN baton (baton uninstall takes these lines away)";
const END = "### END baton";

/** Filesystems to which GRUB can write that it has started an entry once. */
const WRITABLE_BY_GRUB: readonly string[] = ["ext2", "ext3", "ext4", "vfat", "xfs"];

/** The folder of the machine's grub.cfg; null where there is none. */
function grubFolder({ root }: Machine): string | null {
  return GRUB_FOLDERS.find((folder) => existsSync(`${root}${folder}/grub.cfg`)) ?? null;
}

/** As GRUB reads it back. */
const quote = (word: string): string => (/^[\w=,./:+-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`);

/**
 * Baton's part of custom.cfg. Its files are named from where GRUB has its own, so that neither a copy of the disk nor a
 * stick can answer in their place. Baton, which reads the same file, has a variable of its name and passes it over.
 */
export function customPart(cmdline: string, isDefault: boolean): string {
  const words = cmdline.split(/\s+/).filter((word) => word !== "");
  return [
    BEGIN,
    'if [ -z "$baton" ]; then',
    "  regexp --set=1:baton_boot '^(.*)/grub2?/?$' \"$prefix\"",
    "  export baton_boot",
    `  menuentry Baton --id ${ENTRY} {`,
    `    linux "$baton_boot/baton/vmlinuz" ${words.map(quote).join(" ")}`,
    '    initrd "$baton_boot/baton/initramfs.cpio.zst"',
    "  }",
    // What grub-reboot asked for once comes first.
    ...(isDefault ? ['  if [ "$boot_once" != true ]; then', `    set default=${ENTRY}`, "  fi"] : []),
    "fi",
    END,
    "",
  ].join("\n");
}

/** The text without Baton's part. */
export function withoutPart(text: string): string {
  const start = text.indexOf(BEGIN);
  const end = text.indexOf(END, start);
  if (start < 0 || end < 0) return text;
  return text.slice(0, start) + text.slice(end + END.length).replace(/^\n/, "");
}

const readText = (path: string): string => (existsSync(path) ? readFileSync(path, "utf8") : "");

/** @throws BatonError with why Baton can't be installed here; nothing has changed then */
export async function grubSteps(
  machine: Machine,
  { once, from }: { readonly once: boolean; readonly from: string | undefined },
): Promise<Step[]> {
  const { root } = machine;
  const folder = grubFolder(machine);
  if (folder === null) {
    throw new BatonError(
      "unsupported",
      `this machine has no UEFI, and none of ${GRUB_FOLDERS.join(", ")} has a grub.cfg: make an entry by hand that starts vmlinuz with initramfs.cpio.zst`,
    );
  }
  const config = readText(`${root}${folder}/grub.cfg`);
  if (!/^\s*source\s.*\bcustom\.cfg/m.test(config)) {
    throw new BatonError(
      "unsupported",
      `${folder}/grub.cfg doesn't read custom.cfg: make it anew by update-grub or grub-mkconfig, with /etc/grub.d/41_custom`,
    );
  }
  if (asksPassword(machine, folder, config)) {
    throw new BatonError(
      "refused",
      `${folder}/grub.cfg sets superusers, so GRUB would ask for a password at each start of Baton, or Baton would lead around it: make an entry by hand, by which you choose`,
    );
  }
  const { kernel, initrd, cmdline } = await kernelFiles(from);
  await checkRoom(machine, "/boot", kernel.size + initrd.size, mountsOn(machine));
  if (once) await checkOnce(machine, folder, config);
  const custom = `${folder}/custom.cfg`;
  const others = withoutPart(readText(`${root}${custom}`)).replace(/(?<=[^\n])$/, "\n");
  const copies = [
    { file: kernel, target: KERNEL },
    { file: initrd, target: INITRD },
  ];
  const block = `${folder}/grubenv`;
  return [
    ...copies.map(({ file, target }) => ({
      says: `copy ${file.path} (${formatSize(file.size)}) to ${target}`,
      run: () => putFile(file.path, `${root}${target}`),
    })),
    {
      says: `add the entry Baton to ${custom}${once ? "" : ", as GRUB's default"}`,
      run: () => putText(others + customPart(cmdline, !once), `${root}${custom}`),
    },
    ...(once
      ? [
          {
            says: `set next_entry=${ENTRY} in ${block}`,
            run: () => rewriteFile(`${root}${block}`, { next_entry: ENTRY }, []),
          },
        ]
      : []),
  ];
}

/** Fedora's grub.cfg sets superusers only where there is a user.cfg (grub2-setpassword). */
function asksPassword({ root }: Machine, folder: string, config: string): boolean {
  const isFedora = config.includes("GRUB2_PASSWORD");
  const own = /^\s*(set\s+)?superusers=/m.test(config + readText(`${root}${folder}/custom.cfg`));
  return own && (!isFedora || existsSync(`${root}${folder}/user.cfg`));
}

/** @throws BatonError where GRUB couldn't forget it: the machine would start Baton each time */
async function checkOnce(machine: Machine, folder: string, config: string): Promise<void> {
  const refused = (why: string): BatonError =>
    new BatonError(
      "refused",
      `GRUB can't start an entry once here: ${why}; baton install without --once makes Baton the default`,
    );
  if (!existsSync(`${machine.root}${folder}/grubenv`)) throw refused(`${folder}/grubenv isn't there`);
  if (!config.includes("next_entry")) throw refused(`${folder}/grub.cfg doesn't look at next_entry`);
  const mount = mountOf(folder, mountsOn(machine));
  const device = mount === undefined ? null : await machine.device(mount.source);
  if (mount === undefined || !WRITABLE_BY_GRUB.includes(mount.type)) {
    throw refused(`${folder} is on ${mount?.type ?? "no disk"}, which GRUB doesn't write to`);
  }
  if (device === null || device.kind === "other") {
    throw refused(
      `${folder} is on ${mount.source}, made of other devices (${device?.transport}), which GRUB doesn't write to`,
    );
  }
}

/** What takes Baton out of GRUB's configuration and /boot; empty where it isn't there. */
export async function grubRemovalSteps(machine: Machine, note: (text: string) => void): Promise<Step[]> {
  const { root } = machine;
  const folder = grubFolder(machine);
  const steps: Step[] = [];
  if (folder !== null) {
    const block = `${root}${folder}/grubenv`;
    if (existsSync(block) && readEnvBlock(readFileSync(block)).get("next_entry") === ENTRY) {
      steps.push({
        says: `take next_entry=${ENTRY} out of ${folder}/grubenv`,
        run: () => rewriteFile(block, {}, ["next_entry"]),
      });
    }
    const custom = `${folder}/custom.cfg`;
    const text = readText(`${root}${custom}`);
    const rest = withoutPart(text);
    if (rest !== text) {
      steps.push({
        says: rest === "" ? `remove ${custom}` : `take Baton's lines out of ${custom}`,
        run: () => (rest === "" ? removeFile(`${root}${custom}`) : putText(rest, `${root}${custom}`)),
      });
    }
  }
  if (existsSync(`${root}${FOLDER}`)) {
    steps.push({
      says: `remove ${KERNEL} and ${INITRD}`,
      run: async () => {
        for (const path of [KERNEL, INITRD]) await removeFile(`${root}${path}`);
        const left = await removeFolder(`${root}${FOLDER}`);
        if (left.length > 0) note(`${FOLDER} stays for what install didn't put there: ${left.join(", ")}`);
      },
    });
  }
  return steps;
}
