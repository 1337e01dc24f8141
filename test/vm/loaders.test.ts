/** Bootloaders of single distributions, boards and tinkerers, each through to the second kernel's userland. */

import { createHash } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { debianPackages } from "../../initramfs/debian.ts";
import { menuReady, withBaton } from "./baton.ts";
import { type Content, diskImage, ESP } from "./disks.ts";
import { inFolder, run } from "./host.ts";
import { choose } from "./menudisk.ts";
import { expectBooted, KERNEL, type Payload, payload } from "./payload.ts";
import { mkimage } from "./uboot.ts";

const REPRODUCIBLE = { SOURCE_DATE_EPOCH: "1700000000" };

test("Limine: the default in a folder of its menu, on two partitions, with a hash that is right", async () => {
  const partuuid = "5a6b1c2d-0101-4000-8000-000000000101";
  const systems = [await payload("limine"), await payload("limine-more", { userland: false, gzip: true })];
  const hash = createHash("blake2b512")
    .update(await readFile(KERNEL))
    .digest("hex");
  const config = `timeout: 3
default_entry: Ours/Second
\${WORDS}=console=ttyS0 quiet

/Alone
    protocol: linux
    path: boot():/wrong
/+Ours
//First
    protocol: linux
    path: boot():/wrong
//Second
    comment: two modules, of this partition and of another
    protocol: linux
    path: guid(${partuuid}):/boot/vmlinuz#${hash}
    module_path: guid(${partuuid}):/boot/initrd.img
    module_path: boot():/more.img
    cmdline: root=PARTUUID=${partuuid} ro \${WORDS}
`;
  const image = await diskImage({
    name: "limine",
    scheme: "gpt",
    partitions: [
      {
        type: "vfat",
        sizeMiB: 34,
        partitionType: ESP,
        uuid: "5EED-0101",
        files: { "/limine.conf": config, "/more.img": { host: systems[1]!.file } },
      },
      {
        type: "ext4",
        sizeMiB: 64,
        partuuid,
        files: { "/boot/vmlinuz": { host: KERNEL }, "/boot/initrd.img": { host: systems[0]!.file } },
      },
    ],
  });
  const disks = [{ image, attach: "virtio" }] as const;
  await withBaton({ name: "limine", words: "baton.timeout=0", disks }, async (machine) => {
    await expectBooted(machine, { cmdline: `root=PARTUUID=${partuuid} ro console=ttyS0 quiet`, initrds: systems });
  });
});

/** A disk as rEFInd's package leaves it, with a stanza, and beside the kernel the options that its `mkrlconf` wrote. */
async function refindDisk(system: Payload): Promise<string> {
  const { root } = await debianPackages(["refind"]);
  const sample = await readFile(join(root, "usr/share/refind/refind/refind.conf-sample"), "utf8");
  const stanza = `
default_selection "One of our own"
menuentry "One of our own" {
    volume  SYSTEM
    loader  \\boot\\vmlinuz-6.1.0
    initrd  /boot/initrd.img-6.1.0
    options "root=LABEL=SYSTEM ro console=ttyS0 quiet"
    submenuentry "Single user" {
        add_options "single"
    }
}
`;
  let options = "";
  await inFolder(async (folder) => {
    const cmdline = join(folder, "cmdline");
    await writeFile(cmdline, "BOOT_IMAGE=/boot/vmlinuz root=LABEL=SYSTEM rw console=ttyS0 initrd=\\\\initrd quiet\n");
    const script = 'mount --bind "$0" /boot && mount --bind "$0/cmdline" /proc/cmdline && bash "$1" --force';
    const mkrlconf = join(root, "usr/sbin/mkrlconf");
    await run("unshare", ["--map-root-user", "--mount", "sh", "-c", script, folder, mkrlconf]);
    options = await readFile(join(folder, "refind_linux.conf"), "utf8");
  });
  return diskImage({
    name: "refind",
    scheme: "gpt",
    partitions: [
      {
        type: "vfat",
        sizeMiB: 34,
        partitionType: ESP,
        uuid: "5EED-0102",
        files: { "/EFI/refind/refind.conf": sample + stanza },
      },
      {
        type: "ext4",
        sizeMiB: 64,
        uuid: "5a6b1c2d-0102-4000-8000-000000000102",
        label: "SYSTEM",
        files: {
          "/boot/vmlinuz-6.1.0": { host: KERNEL },
          "/boot/initrd.img-6.1.0": { host: system.file },
          // The last line names the root of the machine that this runs on.
          "/boot/refind_linux.conf": options.split("\n").slice(0, 2).join("\n"),
        },
      },
    ],
  });
}

test("rEFInd: a stanza that is its default, with kernel and initrd on a volume by its label", async () => {
  const system = await payload("refind");
  const disks = [{ image: await refindDisk(system), attach: "ahci" }] as const;
  await withBaton({ name: "refind-stanza", words: "baton.timeout=0", disks }, async (machine) => {
    await expectBooted(machine, { cmdline: "root=LABEL=SYSTEM ro console=ttyS0 quiet", initrds: [system] });
  });
});

test("rEFInd: a kernel that it finds by itself, with the options that mkrlconf wrote, found by a search", async () => {
  const system = await payload("refind");
  const disks = [{ image: await refindDisk(system), attach: "ahci" }] as const;
  await withBaton({ name: "refind", words: "baton.timeout=-1", disks }, async (machine) => {
    await menuReady(machine);
    await machine.serial.waitForScreen(/Boot \/boot\/vmlinuz-6\.1\.0/);
    // What is selected stays so, also where the list is read again.
    await choose(machine, "Boot /boot/vmlinuz-6.1.0 from SYSTEM");
    await expectBooted(machine, { cmdline: "root=LABEL=SYSTEM rw console=ttyS0  quiet", initrds: [system] });
  });
});

/** A FIT image of one kernel and a configuration for each ramdisk, made by mkimage; and a script that boots one of them. */
async function fitFiles(systems: readonly Payload[], script: string): Promise<Record<string, Content>> {
  const part = (name: string, type: string, file: string, hash: string): string =>
    `${name} { data = /incbin/("${file}"); type = "${type}"; arch = "x86_64"; os = "linux"; compression = "none"; ` +
    `load = <0x1000000>; entry = <0x1000000>; hash-1 { algo = "${hash}"; }; };`;
  const ramdisks = systems.map(({ file }, at) => part(`ramdisk-${at + 1}`, "ramdisk", file, "crc32"));
  const configurations = systems.map(
    (_, at) => `conf-${at + 1} { kernel = "kernel-1"; ramdisk = "ramdisk-${at + 1}"; };`,
  );
  const source = `/dts-v1/;
/ {
  description = "One kernel, and a ramdisk for each of its uses";
  images { ${part("kernel-1", "kernel", KERNEL, "sha256")} ${ramdisks.join(" ")} };
  configurations { default = "conf-1"; ${configurations.join(" ")} };
};
`;
  const made: Record<string, Content> = {};
  await inFolder(async (folder) => {
    await Promise.all([writeFile(join(folder, "a.its"), source), writeFile(join(folder, "a.cmd"), script)]);
    await mkimage(folder, "-f", "a.its", "board.itb");
    await mkimage(folder, "-A", "x86", "-T", "script", "-n", "Ours", "-d", "a.cmd", "boot.scr");
    for (const name of ["board.itb", "boot.scr"]) made[`/boot/${name}`] = await readFile(join(folder, name));
  });
  return made;
}

test("a FIT image by U-Boot's boot.scr: the configuration that the script names, not the image's default", async () => {
  const systems = [await payload("fit-first"), await payload("fit-second")];
  const script = [
    "part uuid ${devtype} ${devnum}:${distro_bootpart} uuid",
    "if load ${devtype} ${devnum}:${distro_bootpart} ${kernel_addr_r} ${prefix}board.itb; then",
    '  setenv bootargs "root=PARTUUID=${uuid} ro console=ttyS0 quiet"',
    "  bootm ${kernel_addr_r}#conf-2",
    "fi",
    "",
  ];
  const partuuid = "5a6b1c2d-0103-4000-8000-000000000103";
  const files = await fitFiles(systems, script.join("\n"));
  const image = await diskImage({
    name: "fit",
    scheme: "gpt",
    partitions: [{ type: "ext4", sizeMiB: 64, partuuid, files }],
  });
  const disks = [{ image, attach: "virtio" }] as const;
  await withBaton({ name: "fit", words: "baton.timeout=0", disks }, async (machine) => {
    const cmdline = `root=PARTUUID=${partuuid} ro console=ttyS0 quiet`;
    await expectBooted(machine, { cmdline, initrds: [systems[1]!] });
  });
});

/** A squashfs image of these files of the host. */
async function squashfs(files: Readonly<Record<string, string>>): Promise<Buffer> {
  let bytes = Buffer.alloc(0);
  await inFolder(async (folder) => {
    await run("mkdir", ["tree"], { cwd: folder });
    for (const [name, file] of Object.entries(files)) await run("cp", [file, join(folder, "tree", name)]);
    await run("mksquashfs", ["tree", "image", "-quiet", "-no-progress", "-all-root", "-comp", "zstd"], {
      cwd: folder,
      env: REPRODUCIBLE,
    });
    bytes = await readFile(join(folder, "image"));
  });
  return bytes;
}

test("GRUB's loopback: a kernel in a squashfs in an ISO file, and a second initrd in a squashfs beside it", async () => {
  const systems = [await payload("loopback"), await payload("loopback-more", { userland: false })];
  const inner = await squashfs({ vmlinuz: KERNEL, "initrd.img": systems[0]!.file });
  const iso = { type: "iso9660", sizeMiB: 0, label: "LIVE", files: { "/live/filesystem.squashfs": inner } } as const;
  const disc = await diskImage({ name: "loopback-iso", scheme: "none", partitions: [iso] });
  const config = `set timeout=0
search --no-floppy --file --set=root /distro.iso
menuentry "Live" --id live {
  set squash=/live/filesystem.squashfs
  loopback iso /distro.iso
  loopback more /more.squashfs
  loopback live (iso)$squash
  set root=(live)
  linux /vmlinuz boot=live findiso=/distro.iso console=ttyS0 quiet
  initrd /initrd.img (more)/more.img
}
`;
  const image = await diskImage({
    name: "loopback",
    scheme: "gpt",
    partitions: [
      {
        type: "ext4",
        sizeMiB: 64,
        files: {
          "/boot/grub/grub.cfg": config,
          "/distro.iso": { host: disc },
          "/more.squashfs": await squashfs({ "more.img": systems[1]!.file }),
        },
      },
    ],
  });
  const disks = [{ image, attach: "virtio" }] as const;
  await withBaton({ name: "loopback", words: "baton.timeout=0", disks }, async (machine) => {
    const cmdline = "BOOT_IMAGE=/vmlinuz boot=live findiso=/distro.iso console=ttyS0 quiet";
    await expectBooted(machine, { cmdline, initrds: systems });
  });
});
