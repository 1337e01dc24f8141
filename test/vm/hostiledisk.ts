/** A stick that somebody made to take a machine over or to keep it from booting: a clone beside files that are bombs. */

import { diskImage } from "./disks.ts";
import { GOOD_UUID } from "./faultydisks.ts";
import { grubEnvironment } from "./grub.ts";
import { KERNEL, payload } from "./payload.ts";

/** 20,000 entries by five nested loops, each with a command line of 10,000 bytes: 200 MB of them. */
const GRUB_BOMB = `set long="${"x".repeat(10_000)}"
set digits="0 1 2 3 4 5 6 7 8 9"
for a in 0 1; do for b in $digits; do for c in $digits; do for d in $digits; do for e in $digits; do
menuentry "Noise $a$b$c$d$e" { linux /boot/vmlinuz root=UUID=${GOOD_UUID} $long $a$b$c$d$e $chosen }
done; done; done; done; done
`;

/** Names itself ten times at each of nine levels: a thousand million titles. */
const YAML_BOMB = [
  "a0: &a0 [x, x, x, x, x, x, x, x, x, x]",
  ...Array.from({ length: 8 }, (_, level) => `a${level + 1}: &a${level + 1} [${`*a${level}, `.repeat(10)}]`),
  "entries: *a8",
  "",
].join("\n");

/**
 * The first partition has the UUID of `goodDisk()`, an entry with its title and id, which is the default, and a bomb
 * for GRUB's parser; the second has bombs for those of YAML and of the Boot Loader Specification. What it would boot
 * says `hostile` on its command line.
 */
export async function hostileDisk(): Promise<string> {
  const system = await payload("hostile");
  const clone = `set timeout=0
if [ -s $prefix/grubenv ]; then load_env; fi
set default="\${saved_entry}"
menuentry 'Good system' --id good {
  search --no-floppy --fs-uuid --set=root ${GOOD_UUID}
  linux /boot/vmlinuz root=UUID=${GOOD_UUID} ro console=ttyS0 quiet hostile
  initrd /boot/initrd.img
}
`;
  const warned = `linux /vmlinuz\n${"a b\n".repeat(20_000)}`;
  const entries = Array.from({ length: 20 }, (_, index) => [`/loader/entries/bomb${index}.conf`, warned] as const);
  return diskImage({
    name: "hostile",
    scheme: "gpt",
    partitions: [
      {
        type: "ext4",
        sizeMiB: 64,
        uuid: GOOD_UUID,
        files: {
          "/boot/grub/grub.cfg": `${clone}${GRUB_BOMB}`,
          "/boot/grub/grubenv": grubEnvironment({ saved_entry: "good" }),
          "/boot/vmlinuz": { host: KERNEL },
          "/boot/initrd.img": { host: system.file },
        },
      },
      {
        type: "vfat",
        sizeMiB: 32,
        uuid: "5EED-0BAD",
        files: {
          "/baton.yaml": YAML_BOMB,
          "/boot/baton.yaml": "[".repeat(500_000),
          "/loader/loader.conf": "timeout 0\n",
          ...Object.fromEntries(entries),
          "/loader/entries/variables.conf": `title $a\nlinux /vmlinuz\noptions ${"$a".repeat(600)}\n`,
          "/vmlinuz": { host: KERNEL },
        },
      },
    ],
  });
}
