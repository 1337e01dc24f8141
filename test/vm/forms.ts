/** What starts by itself, from power-on to the second kernel: baton.img and baton.iso, by UEFI and by BIOS. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { diskImage } from "./disks.ts";
import { grubConfig } from "./grub.ts";
import { CACHE, ROOT, run } from "./host.ts";
import { withMachine } from "./machine.ts";
import { expectBooted, KERNEL, payload } from "./payload.ts";

const FOLDER = join(CACHE, "forms");
const FORMS = {
  disk: { file: "baton.img", attach: "ahci" },
  iso: { file: "baton.iso", attach: "cdrom" },
} as const;

/** Makes the two, of the same parts as the image in dist/. */
export async function makeForms(): Promise<void> {
  const options = ["--quiet", "--format", Object.keys(FORMS).join(","), "--output", FOLDER];
  await run("npx", ["tsx", "initramfs/image.ts", ...options], { cwd: ROOT });
}

/** A machine with what was made and a disk with a system: its firmware starts the first, and that boots the second. */
export async function startsByItself(form: keyof typeof FORMS, firmware: "bios" | "uefi"): Promise<void> {
  const uuid = "5a6b1c2d-0015-4000-8000-000000000015";
  const name = `forms-${form}-${firmware}`;
  const system = await payload("forms");
  const root = `root=UUID=${uuid} ro console=ttyS0 quiet`;
  const debian = { title: "Debian", id: "debian", linux: `/boot/vmlinuz ${root}`, initrd: "/boot/initrd.img" };
  const image = await diskImage({
    name: "forms",
    scheme: "gpt",
    partitions: [
      {
        type: "ext4",
        sizeMiB: 64,
        uuid,
        files: {
          "/boot/grub/grub.cfg": grubConfig(uuid, [debian]),
          "/boot/vmlinuz": { host: KERNEL },
          "/boot/initrd.img": { host: system.file },
        },
      },
    ],
  });
  const { file, attach } = FORMS[form];
  const disks = [
    { image: join(FOLDER, file), attach },
    { image, attach: "virtio" },
  ] as const;
  // A BIOS would run the other disk's empty boot sector first.
  const extra = form === "iso" ? ["-boot", "order=d"] : [];
  await withMachine({ name, firmware, vga: true, disks, extra }, async (machine) => {
    await machine.serial.waitFor(/baton: start/, { timeoutMs: 300_000 });
    await machine.serial.waitFor(/baton: menu ready, [1-9]/);
    await machine.serial.waitForScreen(/\* Debian/);
    await expectBooted(machine, { cmdline: `BOOT_IMAGE=/boot/vmlinuz ${root}`, initrds: [system] });
    assert.match(machine.serial.text, firmware === "uefi" ? /payload: firmware efi/ : /payload: firmware pc/);
  });
}
