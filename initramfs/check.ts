/** `--check`: boots what was made in a virtual machine of its own, each form up to Baton's menu. */

import { spawn } from "node:child_process";
import { copyFile, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { BatonError } from "../src/errors.ts";
import type { Architecture } from "./apt.ts";
import { say } from "./cache.ts";
import { debianPackages } from "./debian.ts";
import type { Format } from "./options.ts";
import type { Profile } from "./profile.ts";

/** Milliseconds; without hardware virtualisation firmware and kernel take a minute and more. */
const PATIENCE = 600_000;
/** How Baton says that its menu, or what stands for it, is there. */
const READY = /baton: (?:menu|entries) ready, .*/;
/** After these nothing more comes. */
const LOST = /Kernel panic|waiting at the rescue menu/;

interface MachineKind {
  readonly program: string;
  readonly words: readonly string[];
  /** What its serial line is called. */
  readonly console: string;
  /** The Debian package with UEFI firmware, and in it the code and the variables that a machine begins with. */
  readonly firmware: readonly [name: string, code: string, variables: string];
}

const MACHINES: Readonly<Record<Architecture, MachineKind>> = {
  amd64: {
    program: "qemu-system-x86_64",
    // Whichever of its four serial lines the command line names.
    words: ["-machine", "q35", "-cpu", "max", ...Array(4).fill(["-serial", "chardev:serial"]).flat()],
    console: "ttyS0",
    firmware: ["ovmf", "usr/share/OVMF/OVMF_CODE_4M.fd", "usr/share/OVMF/OVMF_VARS_4M.fd"],
  },
  arm64: {
    program: "qemu-system-aarch64",
    words: ["-machine", "virt", "-cpu", "max,pauth-impdef=on", "-serial", "chardev:serial"],
    console: "ttyAMA0",
    firmware: ["qemu-efi-aarch64", "usr/share/AAVMF/AAVMF_CODE.fd", "usr/share/AAVMF/AAVMF_VARS.fd"],
  },
};

/** One way to start what was made. */
interface Start {
  readonly format: Format;
  readonly isUefi: boolean;
  /** QEMU's words, with the folder of the files. */
  words(folder: string, kind: MachineKind): string[];
}

const disk = (folder: string): string[] => [
  ...["-drive", `if=none,id=disk,format=raw,snapshot=on,file=${join(folder, "baton.img")}`],
  ...["-device", "virtio-blk-pci,drive=disk"],
];
const disc = (folder: string): string[] => [
  ...["-drive", `if=none,id=disc,format=raw,readonly=on,media=cdrom,file=${join(folder, "baton.iso")}`],
  ...["-device", "virtio-scsi-pci", "-device", "scsi-cd,drive=disc"],
];

const STARTS: readonly Start[] = [
  {
    format: "initramfs",
    isUefi: false,
    words: (folder, { console }) => [
      ...["-kernel", join(folder, "vmlinuz"), "-initrd", join(folder, "initramfs.cpio.zst")],
      ...["-append", `console=${console} quiet init_on_alloc=0 cryptomgr.notests rootfstype=ramfs`],
    ],
  },
  { format: "disk", isUefi: true, words: disk },
  { format: "disk", isUefi: false, words: disk },
  { format: "iso", isUefi: true, words: disc },
  { format: "iso", isUefi: false, words: disc },
  { format: "efi", isUefi: true, words: (folder) => ["-kernel", join(folder, "baton.efi")] },
];

/**
 * Boots each form that was made, one after the other.
 * @param folder has the files
 * @throws BatonError with the serial line's last lines where no menu came; "not-found" where there is no QEMU
 */
export async function checkImage(folder: string, formats: readonly Format[], profile: Profile): Promise<void> {
  const kind = MACHINES[profile.arch];
  const work = await mkdtemp(join(tmpdir(), "baton-check-"));
  try {
    for (const start of STARTS.filter(({ format }) => formats.includes(format))) {
      // A form without which the profile does: baton.efi needs a stub.
      if (start.isUefi && profile.stub === null) continue;
      const what = `${start.format}${start.isUefi ? " by UEFI" : ""}`;
      say(`check: booting ${what} in QEMU`);
      const firmware = start.isUefi ? await uefi(kind, profile, work) : [];
      say(`check: ${what}: ${await bootToMenu(kind, [...firmware, ...start.words(folder, kind)], what)}`);
    }
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

async function uefi({ firmware }: MachineKind, { suite, mirrors }: Profile, work: string): Promise<string[]> {
  const [name, code, variables] = firmware;
  // The same file on every architecture.
  const { root } = await debianPackages([name], { suite, mirrors });
  await copyFile(join(root, variables), join(work, "variables"));
  return [
    ...["-drive", `if=pflash,format=raw,unit=0,readonly=on,file=${join(root, code)}`],
    ...["-drive", `if=pflash,format=raw,unit=1,file=${join(work, "variables")}`],
  ];
}

/** @returns the line that Baton writes when its menu is there */
function bootToMenu(kind: MachineKind, words: readonly string[], what: string): Promise<string> {
  const all = [
    ...["-accel", process.env.BATON_QEMU_ACCEL ?? "tcg", "-m", "2048", "-nodefaults", "-display", "none", "-no-reboot"],
    ...["-chardev", "stdio,id=serial,mux=on,signal=off", ...kind.words, ...words],
  ];
  return new Promise((resolve, reject) => {
    const child = spawn(kind.program, all, { stdio: ["ignore", "pipe", "pipe"] });
    let said = "";
    const end = (settle: () => void) => {
      clearTimeout(timer);
      child.kill("SIGKILL");
      settle();
    };
    const fail = (why: string) => {
      const lines = said
        .replace(/\x1b\[[0-9;?]*[A-Za-z]|[^\n\x20-\x7e]/g, "")
        .trim()
        .split("\n")
        .slice(-15);
      const message = `check: ${what}: no menu came: ${why}; the serial line's last lines:\n${lines.join("\n")}`;
      end(() => reject(new BatonError("timeout", message)));
    };
    const timer = setTimeout(() => fail(`nothing for ${PATIENCE / 60_000} minutes`), PATIENCE);
    const take = (text: string) => {
      said = (said + text).slice(-100_000);
      const ready = READY.exec(said);
      if (ready) end(() => resolve(ready[0].trim()));
      else if (LOST.test(said)) fail("Baton or its kernel stopped");
    };
    child.stdout.setEncoding("utf8").on("data", take);
    child.stderr.setEncoding("utf8").on("data", take);
    child.on("error", (error) => {
      const message = `check: ${kind.program} can't be started (${error.message}): install Debian's qemu-system-x86 or -arm`;
      end(() => reject(new BatonError("not-found", message)));
    });
    child.on("close", (code) => fail(`QEMU ended (exit ${code})`));
  });
}
