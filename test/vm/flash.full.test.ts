/** `baton flash` on a machine with real disks: a stick on USB is written, and no other disk is. */

import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { inside, until, withBaton } from "./baton.ts";

const MIB = 1024 * 1024;
const work = mkdtempSync(join(tmpdir(), "baton-flash-vm-"));
after(() => rmSync(work, { recursive: true, force: true }));

function disk(name: string, fill: number): string {
  const path = join(work, name);
  writeFileSync(path, Buffer.alloc(16 * MIB, fill));
  return path;
}

test("a stick that is named is written and read back; a built-in disk is refused, and stays as it is", async () => {
  const kept = join(work, "kept.img");
  const disks = [
    { image: disk("built-in", 0x11), attach: "virtio" },
    { image: disk("stick", 0x22), attach: "usb", writable: { keepAs: kept } },
  ] as const;
  await withBaton({ name: "flash", words: "baton.timeout=-1", shell: true, disks }, async (machine) => {
    await until(machine, "ls /dev/sda", /^\/dev\/sda$/m);
    await inside(machine, "yes baton | head -c 5243392 > /img");
    await inside(machine, "printf '\\125\\252' | dd of=/img bs=1 seek=510 conv=notrunc");
    const flash = (device: string, words: string): Promise<string> =>
      inside(machine, `baton flash ${device} --image /img ${words}; echo "exit $?"`);
    assert.match(await flash("/dev/vda", "--yes vda"), /\/dev\/vda is an internal disk \(virtio\)[\s\S]*exit 1/);
    assert.match(await flash("/dev/sda", "--yes vda"), /nothing was written: 'vda' is not the name[\s\S]*exit 1/);
    const shown = await flash("/dev/sda", "--dry-run");
    assert.match(shown, /\/dev\/sda: QEMU.*16\.0 MiB, usb[\s\S]*takes the place of all of this[\s\S]*exit 0/);
    const written = await flash("/dev/sda", "--yes sda");
    assert.match(written, /100 % written[\s\S]*100 % read back[\s\S]*\/dev\/sda holds Baton[\s\S]*exit 0/);
  });
  const stick = readFileSync(kept);
  const image = Buffer.from("baton\n".repeat(900_000)).subarray(0, 5243392);
  image[510] = 0x55;
  image[511] = 0xaa;
  assert.ok(stick.subarray(0, image.length).equals(image));
  assert.ok(stick.subarray(image.length, 15 * MIB).equals(Buffer.alloc(15 * MIB - image.length, 0x22)));
  assert.ok(stick.subarray(15 * MIB).equals(Buffer.alloc(MIB)));
});
