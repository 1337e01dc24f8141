/** Kernels that are no bzImage, from the menu's entries to their userland. */

import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { withBaton } from "./baton.ts";
import { bootXen, disk, loadedBy, unpackedKernel } from "./images.ts";
import { expectBooted, KERNEL, payload } from "./payload.ts";

test("Xen by multiboot2, with Linux and its initrd as modules, comes up to dom0's userland", () => bootXen("bios"));

test("vmlinux, in a gzip file, boots with its initrd and its command line", async () => {
  const system = await payload("vmlinux");
  const options = "root=/dev/none ro console=ttyS0 quiet";
  const disks = await disk("vmlinux", [`linux /boot/vmlinux.gz ${options}`, "initrd /boot/initrd.img"], {
    "/boot/vmlinux.gz": gzipSync(await unpackedKernel(await readFile(KERNEL)), { level: 1 }),
    "/boot/initrd.img": { host: system.file },
  });
  await withBaton({ name: "images-vmlinux", words: "baton.timeout=0", disks }, async (machine) => {
    await loadedBy(machine, "kexec_load");
    await expectBooted(machine, { cmdline: `BOOT_IMAGE=/boot/vmlinux.gz ${options}`, initrds: [system] });
  });
});
