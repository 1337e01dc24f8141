/**
 * What other disks cost the menu (guest clock): 8 of 64 that never answer, against the 56 good ones alone, and a stick
 * whose files are made to fill memory and time, against none.
 */

import { gzipSync } from "node:zlib";
import { menuReady, withBaton } from "../vm/baton.ts";
import { diskImage, type Filesystem, type Partition } from "../vm/disks.ts";
import { grubConfig } from "../vm/grub.ts";
import type { MachineDisk } from "../vm/machine.ts";
import { KERNEL, payload } from "../vm/payload.ts";
import { circlingIso } from "../volumes/craftediso.ts";
import { type Figure, type Group, median, ratio } from "./figures.ts";

const GOOD = 56;
const HUNG = 8;
const ROUNDS = 2;
const BOMB_ROUNDS = 3;
/** Eleven days: such a disk doesn't answer while anybody looks. */
const NEVER_NS = 1_000_000 * 1e9;

async function measure(wanted: (name: string) => boolean, say: (text: string) => void): Promise<Figure[]> {
  return [
    ...(wanted("discovery.hungDisksRatio") ? [await measureHung(say)] : []),
    ...(wanted("discovery.bombRatio") ? [await measureBombs(say)] : []),
  ];
}

async function measureHung(say: (text: string) => void): Promise<Figure> {
  const good: number[] = [];
  const all: number[] = [];
  for (let round = 1; round <= ROUNDS; round++) {
    say(`round ${round} of ${ROUNDS}: ${GOOD} disks, then ${HUNG} more that never answer`);
    good.push(await menuSeconds(0));
    all.push(await menuSeconds(HUNG));
  }
  return {
    name: "discovery.hungDisksRatio",
    ...ratio(all, good),
    meaning: `menu ready with ${GOOD} disks and ${HUNG} that never answer ${median(all).toFixed(2)} s, with the good ones alone ${median(good).toFixed(2)} s`,
    target: 1.2,
  };
}

/** Each pair one after the other, so that a busy machine slows both. */
async function measureBombs(say: (text: string) => void): Promise<Figure> {
  const disk: MachineDisk = { image: await bootDisk(), attach: "virtio" };
  const stick: MachineDisk = { image: await bombStick(), attach: "usb" };
  const harmless: MachineDisk = { image: await harmlessStick(), attach: "usb" };
  const pairs: { readonly without: number; readonly with: number }[] = [];
  for (let round = 1; round <= BOMB_ROUNDS; round++) {
    say(`round ${round} of ${BOMB_ROUNDS}: a harmless stick, then a hostile one`);
    pairs.push({
      without: await stickSeconds("harmless", [disk, harmless]),
      with: await stickSeconds("bomb", [disk, stick]),
    });
  }
  const seconds = (values: readonly number[]): string => `${median(values).toFixed(2)} s`;
  return {
    name: "discovery.bombRatio",
    ...ratio(
      pairs.map((pair) => pair.with),
      pairs.map((pair) => pair.without),
    ),
    meaning: `menu ready with a hostile stick ${seconds(pairs.map((pair) => pair.with))}, with a harmless one ${seconds(pairs.map((pair) => pair.without))}`,
    target: 1.3,
  };
}

function stickSeconds(name: string, disks: readonly MachineDisk[]): Promise<number> {
  const options = { name: `bench-${name}`, words: "baton.timeout=-1", disks };
  return withBaton(options, async (machine) => (await menuReady(machine)).seconds);
}

function stickOf(name: string, files: Filesystem["files"]): Promise<string> {
  const partition: Partition = { type: "vfat", sizeMiB: 64, uuid: "B0B0-0001", ...(files ? { files } : {}) };
  return diskImage({ name, scheme: "gpt", partitions: [partition] });
}

const harmlessStick = (): Promise<string> => stickOf("bench-harmless", { "/readme.txt": "nothing to boot\n" });

/** One of each kind that once ended the program or stopped it for minutes. */
function bombStick(): Promise<string> {
  const digits = "0 1 2 3 4 5 6 7 8 9";
  const loops = ["a", "b", "c", "d", "e"].map((name) => `for ${name} in $digits; do `).join("");
  const grub = `set long="${"x".repeat(10_000)}"\nset digits="${digits}"\n${loops}menuentry "x$a$b$c$d$e" { linux /k $long }\n${"done; ".repeat(5)}\n`;
  const labels = Array.from({ length: 100_000 }, (_, index) => `LABEL a${index}\nKERNEL k\n`).join("");
  const bls = (index: number): string => `title ${index}\nlinux /k\n${"a b\n".repeat(60_000)}`;
  const entries = Array.from({ length: 16 }, (_, index) => [`/loader/entries/${index}.conf`, bls(index)] as const);
  return stickOf("bench-bombs", {
    "/boot/grub/grub.cfg": grub,
    "/syslinux/syslinux.cfg": `APPEND ${"x".repeat(65_000)}\n${labels}`,
    "/baton.yaml": "[".repeat(500_000),
    ...Object.fromEntries(entries),
    "/tool.iso": circlingIso(20_000),
    "/vmlinuz": gzipSync(Buffer.alloc(256 << 20)),
  });
}

export const disksGroup: Group = { prefixes: ["discovery."], measure };

/** Seconds from the kernel's start to the menu. One disk has something to boot; the dead ones come before it. */
async function menuSeconds(hung: number): Promise<number> {
  const words: string[] = [];
  for (let index = 0; index < hung + GOOD - 1; index++) {
    const latency = index < hung ? `,latency-ns=${NEVER_NS}` : "";
    words.push("-blockdev", `driver=null-co,node-name=many${index},size=67092480,read-zeroes=on${latency}`);
    // Eight functions in a slot: a bus has 32 slots.
    const place = `addr=0x${(8 + (index >> 3)).toString(16)}.${index & 7},multifunction=on`;
    // With the geometry given QEMU doesn't read it from the disk, for which it would wait.
    words.push("-device", `virtio-blk-pci,drive=many${index},id=many${index},${place},cyls=130,heads=16,secs=63`);
  }
  const disks = [{ image: await bootDisk(), attach: "virtio" }] as const;
  const options = { name: `bench-hung-${hung}`, words: "baton.timeout=-1 edd=off", disks, extra: words };
  return withBaton(options, async (machine) => (await menuReady(machine)).seconds);
}

async function bootDisk(): Promise<string> {
  const uuid = "5a6b1c2d-00bd-4000-8000-0000000000bd";
  const system = await payload("bench-many");
  const linux = `/boot/vmlinuz root=UUID=${uuid} ro console=ttyS0 quiet`;
  return diskImage({
    name: "bench-many",
    scheme: "gpt",
    partitions: [
      {
        type: "ext4",
        sizeMiB: 64,
        uuid,
        files: {
          "/boot/grub/grub.cfg": grubConfig(uuid, [{ title: "Bench", id: "bench", linux, initrd: "/boot/initrd.img" }]),
          "/boot/vmlinuz": { host: KERNEL },
          "/boot/initrd.img": { host: system.file },
        },
      },
    ],
  });
}
