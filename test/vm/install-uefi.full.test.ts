/**
 * `baton install` and `uninstall` beside a system that UEFI starts, with Debian's efibootmgr on OVMF's own variables: once, for
 * good, and gone without a trace. The firmware then starts each as it was told.
 */

import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { debianPackages } from "../../initramfs/debian.ts";
import { unifiedKernelImage } from "../../initramfs/efi.ts";
import { sharedLibraries } from "../../initramfs/libraries.ts";
import { cpioDirectory, cpioFile } from "../../src/binary/cpio.ts";
import { initramfsWith, inside, until } from "./baton.ts";
import { diskImage, ESP } from "./disks.ts";
import { grubConfig } from "./grub.ts";
import { ROOT, run } from "./host.ts";
import { withMachine } from "./machine.ts";
import { stubFolder } from "./netfiles.ts";
import { expectBooted, imageKernel, imageSuite, KERNEL, type Payload, payload } from "./payload.ts";

const UUID = "5a6b1c2d-0036-4000-8000-000000000036";
const OPTIONS = `root=UUID=${UUID} ro console=ttyS0 quiet`;
const folder = mkdtempSync(join(tmpdir(), "baton-install-uefi-"));
after(() => rmSync(folder, { recursive: true, force: true }));
/** The firmware's memory and the machine's disk, which one start hands on to the next. */
const VARIABLES = join(folder, "variables");
const DISK = join(folder, "disk.img");

let system: Payload;
let userland = "";

before(async () => {
  system = await payload("install-uefi");
  const { release } = await imageKernel();
  const stub = readFileSync(join(await stubFolder(), "linuxx64.efi.stub"));
  const parts = { kernel: readFileSync(KERNEL), release, initrd: readFileSync(system.file), cmdline: OPTIONS };
  const debian = { title: "Debian", id: "debian", linux: `/boot/vmlinuz ${OPTIONS}`, initrd: "/boot/initrd.img" };
  const image = await diskImage({
    name: "install-uefi",
    scheme: "gpt",
    partitions: [
      {
        type: "vfat",
        sizeMiB: 192,
        partitionType: ESP,
        uuid: "5EED-0036",
        // What the system's own boot loader is here: a program that starts it.
        files: { "/EFI/debian/shimx64.efi": unifiedKernelImage(stub, parts) },
      },
      {
        type: "ext4",
        sizeMiB: 160,
        uuid: UUID,
        files: {
          "/boot/grub/grub.cfg": grubConfig(UUID, [debian]),
          "/boot/vmlinuz": { host: KERNEL },
          "/boot/initrd.img": { host: system.file },
          "/root/dist/baton.efi": { host: join(ROOT, "dist/baton.efi") },
        },
      },
    ],
  });
  await run("cp", ["--sparse=always", image, DISK]);
  userland = await installedSystem();
});

/** The running system: a root shell on ttyS1, Node, Baton's program, efibootmgr, and the disk mounted as a system has it. */
async function installedSystem(): Promise<string> {
  const { root } = await debianPackages(["efibootmgr"], { suite: imageSuite() });
  const program = join(root, "usr/bin/efibootmgr");
  const libraries = await sharedLibraries([program], root, "amd64");
  const files = [{ path: "/usr/bin/efibootmgr", source: program }, ...libraries];
  const folders = ["lib64", "lib/x86_64-linux-gnu", "usr/bin"].flatMap((path) =>
    path.split("/").map((_, index, all) => all.slice(0, index + 1).join("/")),
  );
  const entries = [
    ...folders.map((path) => cpioDirectory(path)),
    ...files.map(({ path, source }) => cpioFile(path.slice(1), readFileSync(source), 0o755)),
  ];
  const start = [
    "/bin/busybox mount -a",
    "export PATH=/usr/bin:/bin:/sbin HOME=/root",
    "/sbin/modprobe -a virtio_pci virtio_blk vfat nls_cp437 nls_ascii ext4 efivarfs",
    "mount -t efivarfs efivarfs /sys/firmware/efi/efivars",
    "while ! [ -b /dev/vda2 ]; do /bin/busybox sleep 0.1; done",
    "/bin/busybox mkdir -p /boot/efi /mnt",
    "mount -t vfat /dev/vda1 /boot/efi; mount -t ext4 -o ro /dev/vda2 /mnt",
    // Whose FIFO tells Baton's own image.
    "/bin/busybox rm -f /run/baton/status",
    "while :; do /bin/busybox setsid sh -i </dev/ttyS1 >/dev/ttyS1 2>&1; done",
  ];
  return initramfsWith("install-uefi-system", start.join("\n"), entries);
}

/** Runs commands on the installed system. */
async function onSystem(name: string, commands: readonly string[]): Promise<string[]> {
  const said: string[] = [];
  const disks = [{ image: DISK, attach: "virtio", writable: { keepAs: `${DISK}.new` } }] as const;
  const machine = { firmware: "uefi", variables: VARIABLES, kernel: KERNEL, initrd: userland, disks } as const;
  const cmdline = "console=ttyS0 quiet rootfstype=ramfs";
  await withMachine({ name: `install-uefi-${name}`, ...machine, cmdline, secondSerial: true }, async (vm) => {
    await until(vm, "cat /proc/mounts", /\/mnt ext4/);
    for (const command of commands) said.push(await inside(vm, command));
    await inside(vm, "umount /boot/efi; umount /mnt; sync");
  });
  await run("mv", [`${DISK}.new`, DISK]);
  return said;
}

/** What the firmware starts by itself. */
async function starts(name: string, what: "Baton" | "the system"): Promise<void> {
  const disks = [{ image: DISK, attach: "virtio" }] as const;
  await withMachine({ name: `install-uefi-${name}`, firmware: "uefi", variables: VARIABLES, disks }, async (vm) => {
    if (what === "Baton") {
      await vm.serial.waitFor(/baton: menu ready, [1-9]/, { timeoutMs: 400_000 });
      await expectBooted(vm, { cmdline: `BOOT_IMAGE=/boot/vmlinuz ${OPTIONS}`, initrds: [system] });
    } else {
      await vm.serial.waitFor(/payload: end/, { timeoutMs: 400_000 });
      assert.doesNotMatch(vm.serial.text, /baton: start/);
    }
  });
}

/** The firmware's boot entries and order, and the partition's files. */
const LOOK =
  "efibootmgr -v | grep -v -e ^BootCurrent -e ^Timeout; cd /boot/efi; find . -type f | sort | xargs sha256sum; cd /";

test("once, for good, and away again: the firmware starts what it was told, and nothing of Baton stays", async () => {
  const own = "efibootmgr -q -c -d /dev/vda -p 1 -L debian -l '\\EFI\\debian\\shimx64.efi'; echo done";
  await onSystem("first", [own]);
  // At its first start the firmware adds entries of its own.
  await starts("before", "the system");

  const install = "baton install --from /mnt/root/dist";
  const words = [LOOK, `${install} --once --dry-run`, LOOK, `${install} --once`];
  const [before, dry, unchanged, once] = await onSystem("once", words);
  assert.match(before!, /Boot[0-9A-F]{4}\* debian[\s\S]*\/EFI\/debian\/shimx64\.efi/i);
  assert.match(dry!, /would copy .*baton\.efi .* to \/boot\/efi\/EFI\/baton\/baton\.efi/);
  assert.equal(unchanged, before);
  assert.match(once!, /Baton starts at the next start, once/);
  await starts("once-next", "Baton");
  await starts("once-after", "the system");

  const [good] = await onSystem("good", [install]);
  assert.match(good!, /Baton starts from now on/);
  await starts("good-next", "Baton");
  await starts("good-again", "Baton");

  const [gone, after, again] = await onSystem("gone", ["baton uninstall", LOOK, "baton uninstall"]);
  assert.match(gone!, /efibootmgr --bootnum [0-9A-F]{4} --delete-bootnum/);
  assert.equal(after, before);
  assert.match(again!, /nothing of Baton is installed here/);
  await starts("gone-next", "the system");
});
