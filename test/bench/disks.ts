/** What dead disks cost: 64 disks of which 8 never answer, against the 56 good ones alone (guest clock). */

import { menuReady, withBaton } from "../vm/baton.ts";
import { diskImage } from "../vm/disks.ts";
import { grubConfig } from "../vm/grub.ts";
import { KERNEL, payload } from "../vm/payload.ts";
import { type Figure, type Group, median } from "./figures.ts";

const GOOD = 56;
const HUNG = 8;
const ROUNDS = 2;
/** Eleven days: such a disk doesn't answer while anybody looks. */
const NEVER_NS = 1_000_000 * 1e9;

async function measure(wanted: (name: string) => boolean, say: (text: string) => void): Promise<Figure[]> {
  if (!wanted("discovery.hungDisksRatio")) return [];
  const good: number[] = [];
  const all: number[] = [];
  for (let round = 1; round <= ROUNDS; round++) {
    say(`round ${round} of ${ROUNDS}: ${GOOD} disks, then ${HUNG} more that never answer`);
    good.push(await menuSeconds(0));
    all.push(await menuSeconds(HUNG));
  }
  return [
    {
      name: "discovery.hungDisksRatio",
      value: median(all) / median(good),
      meaning: `menu ready with ${GOOD} disks and ${HUNG} that never answer ${median(all).toFixed(2)} s, with the good ones alone ${median(good).toFixed(2)} s`,
      target: 1.2,
    },
  ];
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
