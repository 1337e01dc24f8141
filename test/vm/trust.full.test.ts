/** trust: require in the image: what was signed boots by itself, and nothing else by any way. */

import assert from "node:assert/strict";
import { createHash, generateKeyPairSync } from "node:crypto";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { manifestText, publicText, type SignedEntry, signatureLine } from "../../src/trust/manifest.ts";
import { inside, menuReady, withBaton } from "./baton.ts";
import { diskImage } from "./disks.ts";
import { grubConfig } from "./grub.ts";
import { choose, closeBox } from "./menudisk.ts";
import { expectBooted, KERNEL, payload } from "./payload.ts";

const UUID = "5a6b1c2d-0e01-4000-8000-000000000e01";
const KEY = generateKeyPairSync("ed25519").privateKey;
const STRICT = `trust: require\ntrustkeys: ["${publicText(KEY)} owner"]\nshell: yes\n`;
const OPTIONS = `root=UUID=${UUID} ro console=ttyS0 quiet`;

/** Two kernels of one system; the newer one's initrd is another than the one that was signed. */
async function disk() {
  const system = await payload("trust");
  const sha256 = (bytes: Buffer): string => createHash("sha256").update(bytes).digest("hex");
  const kernel = sha256(await readFile(KERNEL));
  const initrd = await readFile(system.file);
  const signed = (version: string, bytes: Buffer): SignedEntry => ({
    ...{ title: version, kind: "linux", options: `BOOT_IMAGE=/boot/vmlinuz-${version} ${OPTIONS}` },
    files: [
      { role: "kernel", path: `/boot/vmlinuz-${version}`, sha256: kernel },
      { role: "initrd", path: `/boot/initrd.img-${version}`, sha256: sha256(bytes) },
    ],
  });
  const entries = [signed("6.2", Buffer.from("what its owner has signed")), signed("6.1", initrd)];
  const text = manifestText({ version: 1, entries });
  const config = grubConfig(
    UUID,
    ["6.2", "6.1"].map((version) => ({
      ...{ title: `Linux ${version}`, id: version, initrd: `/boot/initrd.img-${version}` },
      linux: `/boot/vmlinuz-${version} ${OPTIONS}`,
    })),
    { timeout: 1 },
  );
  const image = await diskImage({
    name: "trust",
    scheme: "gpt",
    partitions: [
      {
        type: "ext4",
        sizeMiB: 128,
        uuid: UUID,
        files: {
          "/boot/grub/grub.cfg": config,
          "/boot/vmlinuz-6.2": { host: KERNEL },
          "/boot/vmlinuz-6.1": { host: KERNEL },
          "/boot/initrd.img-6.2": Buffer.concat([initrd, Buffer.alloc(512)]),
          "/boot/initrd.img-6.1": { host: system.file },
          "/baton.manifest": text,
          "/baton.manifest.sig": `${signatureLine(text, KEY)}\n`,
        },
      },
    ],
  });
  return { system, disks: [{ image, attach: "virtio" }] as const };
}

test("an initrd that was swapped is refused with the reason, and the signed older kernel boots by itself", async () => {
  const { system, disks } = await disk();
  await withBaton({ name: "trust-fallback", config: STRICT, disks }, async (machine) => {
    await machine.serial.waitFor(
      /baton: failed \S+:6\.2: .*\/boot\/initrd\.img-6\.2 is not what was signed: it was changed since/,
    );
    await expectBooted(machine, { cmdline: `BOOT_IMAGE=/boot/vmlinuz-6.1 ${OPTIONS}`, initrds: [system] });
  });
});

test("by a person's hand nothing else boots either, and the menu stays: an entry, other words, a kernel in the shell", async () => {
  const { system, disks } = await disk();
  const options = {
    name: "trust-person",
    config: STRICT,
    words: "baton.timeout=-1 baton.trust=off",
    shell: true,
    disks,
  };
  await withBaton(options, async (machine) => {
    await menuReady(machine);
    await choose(machine, "Linux 6.2");
    await machine.serial.waitForScreen(/is not what was signed/);
    assert.match(await inside(machine, "cat /sys/kernel/kexec_loaded"), /^0/);
    await closeBox(machine);
    await inside(machine, "mkdir -p /mnt; mount -o ro,noload /dev/vda1 /mnt");
    for (const command of ["kexec -c -l /mnt/boot/vmlinuz-6.1", "baton boot 6.2", "baton boot 1 --config /dev/null"]) {
      assert.match(await inside(machine, `${command} 2>&1; echo`), /trust: require lets it not boot/, command);
    }
    assert.match(await inside(machine, "cat /sys/kernel/kexec_loaded"), /^0/);
    assert.match(await inside(machine, "baton verify 3"), /^verified .*Linux 6\.1[\s\S]* by owner/m);
    await inside(machine, "umount /mnt");
    await choose(machine, "6.1");
    await expectBooted(machine, { cmdline: `BOOT_IMAGE=/boot/vmlinuz-6.1 ${OPTIONS}`, initrds: [system] });
  });
});
