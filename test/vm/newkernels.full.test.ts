/** Kernels newer than Baton's own as what is booted from a disk. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { debianKernel } from "../../initramfs/kernel.ts";
import { readProfile } from "../../initramfs/profile.ts";
import { menuReady, until, withBaton } from "./baton.ts";
import { diskImage } from "./disks.ts";
import { grubConfig } from "./grub.ts";
import type { Machine } from "./machine.ts";
import { expectBooted, payload } from "./payload.ts";

const UUID = "5a6b1c2d-0022-4000-8000-000000000022";
const WORDS = "root=/dev/none ro console=ttyS0 quiet";

/** The last kernel with a checksum among Debian's, and one without. */
for (const suite of ["trixie", "trixie-backports"]) {
  test(`the kernel of ${suite} boots, packed and unpacked ahead, and nothing is said to be wrong with it`, async () => {
    const profile = { ...(await readProfile("configs/pc.yaml")), suite };
    const { image: kernel, release } = await debianKernel(profile);
    const system = await payload("newkernels");
    const entry = { title: release, id: "new", linux: `/vmlinuz ${WORDS}`, initrd: "/initrd.img" };
    const image = await diskImage({
      name: `newkernels-${suite}`,
      scheme: "gpt",
      partitions: [
        {
          type: "ext4",
          sizeMiB: 64,
          uuid: UUID,
          files: {
            "/boot/grub/grub.cfg": grubConfig(UUID, [entry]),
            "/vmlinuz": { host: kernel },
            "/initrd.img": { host: system.file },
          },
        },
      ],
    });
    const disks = [{ image, attach: "virtio" }] as const;
    const boot = async (name: string, words: string, ready: (machine: Machine) => Promise<unknown>): Promise<void> => {
      const options = { name, words: `baton.timeout=-1 baton.debug ${words}`, shell: true, disks };
      await withBaton(options, async (machine) => {
        await menuReady(machine);
        await ready(machine);
        machine.serial.write("\r");
        await expectBooted(machine, { cmdline: `BOOT_IMAGE=/vmlinuz ${WORDS}`, initrds: [system] });
        assert.doesNotMatch(machine.serial.text, /checksum is wrong/);
      });
    };
    await boot(`newkernels-${suite}-packed`, "baton.stage=no", async () => {});
    await boot(`newkernels-${suite}-unpacked`, "", (machine) => until(machine, "dmesg", /unpacked ahead in/));
  });
}
