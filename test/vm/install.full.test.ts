/** `baton install` on a machine with a BIOS: its own GRUB, from power-on, starts Baton, and that the system of before. */

import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { open, readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { debianPackages } from "../../initramfs/debian.ts";
import { bootSectorFor, placedCore } from "../../initramfs/disk-image.ts";
import { install } from "../../src/commands/install/install.ts";
import { installed } from "../commands/install/installed.ts";
import { type Content, diskImage } from "./disks.ts";
import { ROOT, run } from "./host.ts";
import { withMachine } from "./machine.ts";
import { expectBooted, KERNEL, payload } from "./payload.ts";

const UUID = "5a6b1c2d-0016-4000-8000-000000000016";
const BIOS_BOOT = "21686148-6449-6E6F-744E-656564454649";
const CORE_SECTOR = 2048;
const OPTIONS = `root=UUID=${UUID} ro console=ttyS0 quiet`;
/** What grub-mkconfig writes, with one entry. */
const CONFIG = `serial --unit=0 --speed=115200
terminal_output serial
if [ -s $prefix/grubenv ]; then
  set have_grubenv=true
  load_env
fi
if [ "\${next_entry}" ] ; then
   set default="\${next_entry}"
   set next_entry=
   save_env next_entry
   set boot_once=true
else
   set default="0"
fi
search --no-floppy --fs-uuid --set=root ${UUID}
set timeout=1
menuentry 'Debian' --id debian {
  linux /boot/vmlinuz ${OPTIONS}
  initrd /boot/initrd.img
}
if [ -f  \${config_directory}/custom.cfg ]; then
  source \${config_directory}/custom.cfg
elif [ -z "\${config_directory}" -a -f  $prefix/custom.cfg ]; then
  source $prefix/custom.cfg
fi
`;

const work = mkdtempSync(join(tmpdir(), "baton-installed-"));
after(() => rmSync(work, { recursive: true, force: true }));

/** A disk with GRUB in its boot sector, a system, and what install made beside it. */
async function installedDisk(words: readonly string[]): Promise<string> {
  // Of this machine's own suite, as its grub-mkimage is.
  const { root: packages } = await debianPackages(["grub-pc-bin"]);
  const modules = join(packages, "usr/lib/grub/i386-pc");
  const system = installed(["/ ext4 /dev/sda2"]);
  system.write("/boot/grub/grub.cfg", CONFIG);
  system.write("/boot/grub/grubenv", "# GRUB Environment Block\n".padEnd(1024, "#"));
  assert.equal(await install([...words, "--from", join(ROOT, "dist")], system.machine), 0);
  const files: Record<string, Content> = {
    "/boot/vmlinuz": { host: KERNEL },
    "/boot/initrd.img": { host: (await payload("install")).file },
  };
  const add = (folder: string, host: string): void => {
    for (const name of readdirSync(host, { recursive: true, encoding: "utf8" })) {
      if (statSync(join(host, name)).isFile()) files[`${folder}/${name}`] = { host: join(host, name) };
    }
  };
  add("/boot", join(system.machine.root, "boot"));
  add("/boot/grub/i386-pc", modules);
  const made = await diskImage({
    name: "install",
    scheme: "gpt",
    partitions: [
      { type: "raw", sizeMiB: 1, partitionType: BIOS_BOOT },
      { type: "ext4", sizeMiB: 160, uuid: UUID, files },
    ],
  });
  const image = join(work, `disk${words.join("")}.img`);
  await run("cp", ["--sparse=always", made, image]);
  const core = join(work, "core.img");
  await run("grub-mkimage", [
    ...["--directory", modules, "--format", "i386-pc", "--output", core, "--prefix", "(hd0,gpt2)/boot/grub"],
    ...["biosdisk", "part_gpt", "ext2", "normal"],
  ]);
  const disk = await open(image, "r+");
  try {
    const sector = bootSectorFor(await readFile(join(modules, "boot.img")), CORE_SECTOR);
    await disk.write(sector, 0, sector.length, 0);
    const placed = placedCore(await readFile(core), CORE_SECTOR);
    await disk.write(placed, 0, placed.length, CORE_SECTOR * 512);
  } finally {
    await disk.close();
  }
  return image;
}

test("installed for good: GRUB's default is Baton, and Baton's default is the system that was GRUB's", async () => {
  const image = await installedDisk([]);
  const system = await payload("install");
  const disks = [{ image, attach: "ahci" }] as const;
  await withMachine({ name: "install-bios", firmware: "bios", vga: true, disks }, async (machine) => {
    await machine.serial.waitFor(/baton: start/, { timeoutMs: 400_000 });
    await machine.serial.waitFor(/baton: menu ready, 1 entries/);
    await machine.serial.waitForScreen(/\* Debian/);
    await expectBooted(machine, { cmdline: `BOOT_IMAGE=/boot/vmlinuz ${OPTIONS}`, initrds: [system] });
  });
});

test("installed with --once: GRUB starts Baton at the next start, and the system itself after that", async () => {
  const kept = join(work, "kept.img");
  const first = [{ image: await installedDisk(["--once"]), attach: "ahci", writable: { keepAs: kept } }] as const;
  await withMachine({ name: "install-bios-once", firmware: "bios", vga: true, disks: first }, async (machine) => {
    await machine.serial.waitFor(/baton: menu ready, 1 entries/, { timeoutMs: 400_000 });
  });
  const disks = [{ image: kept, attach: "ahci" }] as const;
  await withMachine({ name: "install-bios-after", firmware: "bios", vga: true, disks }, async (machine) => {
    await machine.serial.waitFor(/payload: /, { timeoutMs: 400_000 });
    assert.doesNotMatch(machine.serial.text, /baton: /);
  });
});
