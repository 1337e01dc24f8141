/** arm64: Baton's own image for it, and the hand-over with a devicetree. */

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { debianKernel } from "../../initramfs/kernel.ts";
import { readProfile } from "../../initramfs/profile.ts";
import { diskImage } from "./disks.ts";
import { CACHE, ROOT, run } from "./host.ts";
import { withMachine } from "./machine.ts";
import { expectBooted, payload } from "./payload.ts";

const PROFILE = join(ROOT, "configs/arm64.yaml");

/** Kernel and initramfs of the arm64 profile; the archive isn't packed, which saves minutes. */
async function arm64Image(): Promise<{ kernel: string; initrd: string }> {
  const initrd = join(CACHE, "baton-arm64.cpio");
  const args = ["initramfs/image.ts", "--profile", PROFILE, "--uncompressed", initrd];
  await run(join(ROOT, "node_modules/.bin/tsx"), args, { cwd: ROOT });
  return { kernel: (await debianKernel(await readProfile(PROFILE))).image, initrd };
}

test("on arm64 a compressed Image boots by kexec_load, with its initrd, its command line and a new seed", async () => {
  const { kernel, initrd } = await arm64Image();
  const system = await payload("arm64", { arch: "arm64" });
  const options = "root=/dev/none ro console=ttyAMA0 quiet";
  const config = [
    "DEFAULT linux",
    "LABEL linux",
    "  LINUX /Image.gz",
    "  INITRD /initrd.img",
    `  APPEND ${options}`,
    "",
  ];
  const image = await diskImage({
    name: "arm64",
    scheme: "gpt",
    partitions: [
      {
        type: "ext4",
        sizeMiB: 64,
        files: {
          "/extlinux/extlinux.conf": config.join("\n"),
          "/Image.gz": gzipSync(await readFile(kernel), { level: 1 }),
          "/initrd.img": { host: system.file },
        },
      },
    ],
  });
  const cmdline = "console=ttyAMA0 quiet baton.timeout=0";
  const disks = [{ image, attach: "virtio" }] as const;
  await withMachine({ name: "arm64", arch: "aarch64", kernel, initrd, cmdline, disks }, async (machine) => {
    const { match } = await machine.serial.waitFor(/baton: (?:loaded \S+ by (\S+) in|failed .*\n)/, {
      timeoutMs: 240_000,
    });
    assert.equal(match[1], "kexec_load", match[0]);
    await expectBooted(machine, { cmdline: options, initrds: [system], hidesRamdisk: true, timeoutMs: 240_000 });
  });
});
