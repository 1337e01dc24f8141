/** Baton as the boot loader that Debian's bootctl sees, and that a system asks for an entry, under OVMF. */

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { debianPackages } from "../../initramfs/debian.ts";
import { moduleTables, readModule } from "../../initramfs/kernel.ts";
import { sharedLibraries } from "../../initramfs/libraries.ts";
import { type ArchiveFile, archive } from "./archive.ts";
import { withBaton } from "./baton.ts";
import { diskImage } from "./disks.ts";
import { LOADER } from "./efivars.ts";
import { grubConfig } from "./grub.ts";
import { inFolder } from "./host.ts";
import type { Machine } from "./machine.ts";
import { imageKernel, imageSuite, initrdFile, KERNEL, userlandFiles } from "./payload.ts";

const UUID = "5a6b1c2d-0061-4000-8000-000000000061";
const LINUX = "/boot/vmlinuz root=/dev/none ro console=ttyS0 quiet";

/** What a system does of which entry `ask` is a part: it says what bootctl knows, and asks for an entry. */
const SYSTEM = `
busybox insmod /efivarfs.ko
busybox mount -t efivarfs efivarfs /sys/firmware/efi/efivars
bootctl --no-pager status 2>&1 | busybox sed 's/^/bootctl: /'
selected=/sys/firmware/efi/efivars/LoaderEntrySelected-${LOADER}
name=$(busybox tail -c +5 $selected | busybox tr -d '\\000')
echo "interface: selected $name"
if busybox grep -q ask /proc/cmdline; then
  # What systemctl reboot --boot-loader-entry= sets.
  bootctl set-oneshot "\${name%alpha}beta-advanced" 2>&1
fi
echo "interface: end"
busybox poweroff -f
`;

/** bootctl of the image's Debian with its libraries. */
async function system(): Promise<string> {
  const { root } = await debianPackages(["systemd-boot-tools", "systemd"], { suite: imageSuite() });
  const program = join(root, "usr/bin/bootctl");
  const libraries = await sharedLibraries([program], root, "amd64", ["/usr/lib/x86_64-linux-gnu/systemd"]);
  const kernel = await imageKernel();
  const { path } = (await moduleTables(kernel)).dep.get("efivarfs")!;
  const file = async (name: string, source: string): Promise<ArchiveFile> => ({
    path: name.replace(/^\//, ""),
    bytes: await readFile(source),
    mode: 0o755,
  });
  const files: ArchiveFile[] = [
    ...(await userlandFiles(SYSTEM)),
    { path: "efivarfs.ko", bytes: Buffer.from(await readModule(kernel, path)) },
    await file("bin/bootctl", program),
    ...(await Promise.all(libraries.map(({ path: name, source }) => file(name, source)))),
  ];
  return initrdFile("bootloader-interface", archive(files));
}

const reported = async (machine: Machine): Promise<string> =>
  (await machine.serial.waitFor(/payload: begin([\s\S]*?)interface: end/, { timeoutMs: 300_000 })).match[1]!;

test("bootctl names Baton and its entries; the entry that the system asks for boots once, and then the default again", () =>
  inFolder(async (folder) => {
    const initrd = await system();
    const image = await diskImage({
      name: "bootloader-interface",
      scheme: "gpt",
      partitions: [
        {
          type: "ext4",
          sizeMiB: 128,
          uuid: UUID,
          files: {
            "/boot/grub/grub.cfg": grubConfig(UUID, [
              { title: "Alpha", id: "alpha", linux: `${LINUX} which=alpha ask`, initrd: "/boot/initrd.img" },
              { title: "Beta", id: "beta", linux: `${LINUX} which=beta`, initrd: "/boot/initrd.img" },
            ]),
            "/boot/vmlinuz": { host: KERNEL },
            "/boot/initrd.img": { host: initrd },
          },
        },
      ],
    });
    const start = {
      ...({ firmware: "uefi", variables: join(folder, "vars") } as const),
      words: "baton.timeout=0 baton.writes=boot-loader-interface",
      disks: [{ image, attach: "ahci" }],
    } as const;
    await withBaton({ ...start, name: "interface-first" }, async (machine) => {
      const report = await reported(machine);
      assert.match(report, /which=alpha/);
      assert.match(report, /bootctl: +Product: Baton \d/);
      assert.match(report, /interface: selected \S*alpha$/m);
    });
    await withBaton({ ...start, name: "interface-asked" }, async (machine) => {
      const report = await reported(machine);
      assert.match(report, /which=beta/);
      assert.match(report, /interface: selected \S*beta-advanced$/m);
    });
    await withBaton({ ...start, name: "interface-again" }, async (machine) => {
      assert.match(await reported(machine), /which=alpha/);
    });
  }));
