/** arm64: Baton's own image for it, a /boot as Debian's u-boot-menu leaves it, and the hand-over with a devicetree. */

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
import { ubootMenu, uInitrd } from "./uboot.ts";

const PROFILE = join(ROOT, "configs/arm64.yaml");

/** Kernel and initramfs of the arm64 profile; the archive isn't packed, which saves minutes. */
async function arm64Image(): Promise<{ kernel: string; initrd: string }> {
  const initrd = join(CACHE, "baton-arm64.cpio");
  const args = ["initramfs/image.ts", "--profile", PROFILE, "--uncompressed", initrd];
  await run(join(ROOT, "node_modules/.bin/tsx"), args, { cwd: ROOT });
  return { kernel: (await debianKernel(await readProfile(PROFILE))).image, initrd };
}

test("on arm64 u-boot-menu's default boots by kexec_load: a compressed Image, a uInitrd, its command line and a new seed", async () => {
  const { kernel, initrd } = await arm64Image();
  const system = await payload("arm64", { arch: "arm64" });
  const options = "root=/dev/none ro console=ttyAMA0 quiet";
  const config = await ubootMenu(["vmlinuz-6.1.0-18-arm64", "vmlinuz-6.1.0-9-arm64", "uInitrd-6.1.0-18-arm64"], {
    U_BOOT_ROOT: "root=/dev/none",
    U_BOOT_PARAMETERS: "ro console=ttyAMA0 quiet",
    U_BOOT_INITRD: "uInitrd",
  });
  const image = await diskImage({
    name: "arm64",
    scheme: "gpt",
    partitions: [
      {
        type: "ext4",
        sizeMiB: 64,
        files: {
          "/extlinux/extlinux.conf": config,
          "/vmlinuz-6.1.0-18-arm64": gzipSync(await readFile(kernel), { level: 1 }),
          "/uInitrd-6.1.0-18-arm64": await uInitrd(system.file, "arm64"),
          "/vmlinuz-6.1.0-9-arm64": "an older one",
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
