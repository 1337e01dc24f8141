/**
 * `npm run screenshot`: takes the README's picture, docs/menu.png, from a virtual machine with three disks, and prints
 * the same menu as its serial line shows it. The configurations on the disks are those of test/corpus.
 */

import { existsSync } from "node:fs";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { ppmToPng } from "../png.ts";
import { INITRAMFS, menuReady, withBaton } from "./baton.ts";
import { type Content, diskImage, ESP } from "./disks.ts";
import { ROOT } from "./host.ts";
import type { MachineDisk } from "./machine.ts";
import { KERNEL, payload } from "./payload.ts";

const PICTURE = join(ROOT, "docs/menu.png");
const CORPUS = join(ROOT, "test/corpus");
const DEBIAN_UUID = "0c1b6ee4-6e3b-4a4c-9a0d-2f6e6a1b7c55";
/** The kernel is asked for a VESA mode of 800×600 with 65,536 colours: 100 columns and 37 rows of text. */
const VIDEO_MODE = 0x314;

/** The files of a tree below test/corpus, by absolute path in the tree. */
async function corpusTree(folder: string): Promise<Record<string, Content>> {
  const root = join(CORPUS, folder);
  const files: Record<string, Content> = {};
  for (const item of await readdir(root, { recursive: true, withFileTypes: true })) {
    const path = join(item.parentPath, item.name);
    if (item.isFile()) files[path.slice(root.length)] = await readFile(path);
  }
  return files;
}

async function screenshotDisks(): Promise<MachineDisk[]> {
  const kernel = { host: KERNEL };
  const initrd = { host: (await payload("screenshot")).file };
  const grub = await readFile(join(CORPUS, "grub-debian-12/vda2/boot/grub/grub.cfg"), "utf8");
  const nvme = await diskImage({
    name: "screenshot-debian",
    scheme: "gpt",
    partitions: [
      {
        type: "vfat",
        sizeMiB: 64,
        partitionType: ESP,
        uuid: "1A2B-3C4D",
        // What stands there is never read as a program: its place says what it is.
        files: { "/EFI/Microsoft/Boot/bootmgfw.efi": "MZ" },
      },
      {
        type: "ext4",
        sizeMiB: 192,
        uuid: DEBIAN_UUID,
        label: "root",
        files: {
          "/boot/grub/grub.cfg": grub.replaceAll("root=/dev/vda2", `root=UUID=${DEBIAN_UUID}`),
          "/boot/vmlinuz-6.1.0-31-amd64": kernel,
          "/boot/initrd.img-6.1.0-31-amd64": initrd,
          "/boot/vmlinuz-6.1.0-28-amd64": kernel,
          "/boot/initrd.img-6.1.0-28-amd64": initrd,
        },
      },
    ],
  });
  const sata = await diskImage({
    name: "screenshot-fedora",
    scheme: "gpt",
    partitions: [
      {
        type: "ext4",
        sizeMiB: 96,
        label: "boot",
        files: {
          ...(await corpusTree("bls-fedora-boot/vda2")),
          "/vmlinuz-6.9.4-200.fc40.x86_64": kernel,
          "/initramfs-6.9.4-200.fc40.x86_64.img": initrd,
          "/vmlinuz-6.8.5-301.fc40.x86_64": kernel,
          "/vmlinuz-0-rescue.fc40.x86_64": kernel,
          "/initramfs-0-rescue.fc40.x86_64.img": initrd,
        },
      },
    ],
  });
  const disc = await diskImage({
    name: "screenshot-live",
    scheme: "none",
    partitions: [
      {
        type: "iso9660",
        sizeMiB: 0,
        label: "d-live 12 xf amd64",
        files: {
          ...(await corpusTree("syslinux-debian-live/sr0")),
          "/live/vmlinuz-6.1.0-18-amd64": kernel,
          "/live/initrd.img-6.1.0-18-amd64": initrd,
        },
      },
    ],
  });
  return [
    { image: nvme, attach: "nvme" },
    { image: sata, attach: "ahci" },
    { image: disc, attach: "cdrom" },
  ];
}

async function screenshot(): Promise<void> {
  for (const file of [KERNEL, INITRAMFS]) {
    if (!existsSync(file)) throw new Error(`${file} is missing: run \`npm run screenshot\` or first \`npm run image\``);
  }
  const disks = await screenshotDisks();
  const words = `baton.timeout=60 vga=${VIDEO_MODE}`;
  await withBaton({ name: "screenshot", words, vga: true, disks }, async (machine) => {
    await menuReady(machine);
    // The last disk's entries are there, and the time runs: no device is waited for any more.
    await machine.serial.waitForScreen(/Fedora[\s\S]*Live system[\s\S]*boots in/, { timeoutMs: 120_000 });
    const picture = await machine.screenPicture();
    const png = ppmToPng(picture);
    await writeFile(PICTURE, png);
    process.stdout.write(`${machine.serial.picture()}\n`);
    process.stdout.write(`screenshot: ${PICTURE}: ${png.length} bytes\n`);
  });
}

screenshot().then(
  () => process.exit(0),
  (error: unknown) => {
    console.error(`screenshot: ${error instanceof Error ? error.message : error}`);
    process.exit(1);
  },
);
