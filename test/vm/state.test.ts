/** What Baton writes where the owner allows it, on real disks in a machine; withMachine proves all other bytes the same. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { readEnvBlock } from "../../src/state/envblock.ts";
import { withBaton } from "./baton.ts";
import { diskImage, ESP } from "./disks.ts";
import { inFolder, run } from "./host.ts";
import { expectBooted, KERNEL, payload } from "./payload.ts";
import { booted, fileOn, nextEntryDisk, START } from "./statedisk.ts";

const OPTIONS = "root=/dev/none ro console=ttyS0 quiet";

test("GRUB's next_entry boots once: it is taken out of grubenv before the jump, and the filesystem stays clean", () =>
  inFolder(async (folder) => {
    const after = join(folder, "after.img");
    const disks = [{ image: await nextEntryDisk(), attach: "virtio", writable: { keepAs: after } }] as const;
    const words = "baton.writes=bootloader-state";
    await withBaton({ name: "state-next", words, disks }, async (machine) => {
      await expectBooted(machine, await booted("beta"));
    });
    const values = readEnvBlock(Buffer.from(await fileOn(after, "/boot/grub/grubenv")));
    assert.deepEqual([values.get("next_entry") ?? "", values.get("saved_entry")], ["", "alpha"]);
    await run("e2fsck", ["-fn", `${after}?offset=${START}`]);
    // And so the next start boots what was saved.
    const again = { name: "state-saved", words, disks: [{ image: after, attach: "virtio", writable: true }] } as const;
    await withBaton(again, async (machine) => {
      await expectBooted(machine, await booted("alpha"));
    });
  }));

test("without leave nothing is written: what would have been is in the log", async () => {
  const disks = [{ image: await nextEntryDisk(), attach: "virtio" }] as const;
  await withBaton({ name: "state-none", words: "loglevel=7 baton.timeout=2", disks }, async (machine) => {
    await machine.serial.waitFor(/not written, since writes is none: vda1:\/boot\/grub\/grubenv/);
    await expectBooted(machine, await booted("beta"));
  });
});

test("systemd-boot's boot counter is a renamed file on the EFI system partition", () =>
  inFolder(async (folder) => {
    const system = await payload("state-bls");
    const image = await diskImage({
      name: "state-bls",
      scheme: "gpt",
      partitions: [
        {
          type: "vfat",
          sizeMiB: 64,
          partitionType: ESP,
          uuid: "5EED-0602",
          files: {
            "/loader/loader.conf": "timeout 0\n",
            "/loader/entries/new+2-1.conf": `title New\nlinux /vmlinuz\ninitrd /initrd.img\noptions ${OPTIONS}\n`,
            "/vmlinuz": { host: KERNEL },
            "/initrd.img": { host: system.file },
          },
        },
      ],
    });
    const after = join(folder, "after.img");
    const disks = [{ image, attach: "nvme", writable: { keepAs: after } }] as const;
    await withBaton({ name: "state-count", words: "baton.writes=bootloader-state", disks }, async (machine) => {
      await machine.serial.waitFor(/baton: jump/);
      await machine.serial.waitFor(/payload: end/);
    });
    const listing = await run("mdir", ["-b", "-i", `${after}@@${START}`, "::/loader/entries"]);
    assert.equal(listing.trim(), "::/loader/entries/new+1-2.conf");
  }));
