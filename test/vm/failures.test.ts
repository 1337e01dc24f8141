/** What a person sees when something can't boot. */

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { menuReady, withBaton } from "./baton.ts";
import { diskImage } from "./disks.ts";
import { closeBox, selects } from "./menudisk.ts";
import { expectBooted, KERNEL, payload } from "./payload.ts";

test("nothing bootable: every device is shown with the reason", async () => {
  const noise = Buffer.alloc(4096, "neither a filesystem nor anything else. ");
  const luks = Buffer.concat([Buffer.from("LUKS\xba\xbe\x00\x02", "latin1"), Buffer.alloc(4088)]);
  luks.writeBigUInt64BE(4096n, 8);
  const first = await diskImage({
    name: "nothing",
    scheme: "gpt",
    partitions: [
      { type: "ext4", sizeMiB: 16, label: "documents", files: { "/letter.txt": "Dear reader,\n" } },
      { type: "swap", sizeMiB: 16 },
      { type: "raw", sizeMiB: 16, files: { "/": luks } },
      { type: "raw", sizeMiB: 16, files: { "/": noise } },
    ],
  });
  const iso = await diskImage({
    name: "nothing-iso",
    scheme: "none",
    partitions: [{ type: "iso9660", sizeMiB: 1, label: "HOLIDAYS", files: { "/beach.txt": "sand\n" } }],
  });
  const disks = [
    { image: first, attach: "virtio" },
    { image: iso, attach: "cdrom" },
  ] as const;
  // Even with no time to wait there must be something to see in the end.
  const emptyDrive = ["-device", "ide-cd,bus=ide.5"];
  await withBaton({ name: "nothing", words: "baton.timeout=0", disks, extra: emptyDrive }, async (machine) => {
    await machine.serial.waitFor(/baton: (entries|menu) ready, 0 entries/);
    await machine.serial.waitForScreen(/Nothing booted/);
    // The box with what failed lies over the list; any key closes it, and further keys scroll.
    const wanted = [
      ["vda1", /no boot configuration|nothing to boot/i],
      ["vda2", /swap/i],
      ["vda3", /LUKS|encrypted/i],
      ["vda4", /no known|not recogni[sz]ed|unknown|nothing/i],
      ["sr0", /no boot configuration|nothing to boot/i],
      ["sr1", /no disc in the drive/],
    ] as const;
    const screens: string[] = [];
    const isShown = (screen: string, device: string, reason: RegExp): boolean => {
      const lines = screen.split("\n");
      const line = lines.findLastIndex((text) => text.includes(` ${device} `));
      return line >= 0 && reason.test(lines.slice(line, line + 3).join(" "));
    };
    const missing = () => wanted.filter(([device, reason]) => !screens.some((one) => isShown(one, device, reason)));
    // A busy machine may draw late: then once more from the beginning.
    const round = ["<pgdn>", "<pgdn>", "<pgdn>", "<home>"];
    for (const key of ["<esc>", ...round, ...round, ...round]) {
      if (missing().length === 0) break;
      await machine.serial.type(key, 1500);
      screens.push(machine.serial.picture());
    }
    assert.deepEqual(missing(), [], `not shown with the reason:\n${screens.join("\n")}`);
    // The kernel's complaints about a drive without a disc would be drawn over what there is to see.
    assert.doesNotMatch(machine.serial.text, /I\/O error/);
  });
});

test("a kernel file that is none: the menu comes back with the reason, and the next choice boots", async () => {
  const system = await payload("after-failure");
  const image = await diskImage({
    name: "no-kernel",
    scheme: "gpt",
    partitions: [
      {
        type: "ext4",
        sizeMiB: 64,
        files: {
          "/extlinux/extlinux.conf": [
            "DEFAULT bad",
            "LABEL bad",
            "  MENU LABEL A text file",
            "  LINUX /readme.txt",
            "LABEL cut",
            "  MENU LABEL A kernel cut short",
            "  LINUX /cut",
            "LABEL rotten",
            "  MENU LABEL A kernel with a hole",
            "  LINUX /rotten",
            "LABEL good",
            "  MENU LABEL A kernel",
            "  LINUX /vmlinuz",
            "  INITRD /initrd.img",
            "  APPEND console=ttyS0 quiet",
            "",
          ].join("\n"),
          "/readme.txt": "Read me!\n".repeat(1000),
          "/cut": (await readFile(KERNEL)).subarray(0, 300_000),
          // As a power cut leaves it: its size is right, and what was not written yet is zeros.
          "/rotten": (await readFile(KERNEL)).fill(0, 1 << 20, 3 << 20),
          "/vmlinuz": { host: KERNEL },
          "/initrd.img": { host: system.file },
        },
      },
    ],
  });
  const disks = [{ image, attach: "virtio" }] as const;
  await withBaton({ name: "no-kernel", words: "baton.timeout=-1", disks }, async (machine) => {
    const choose = async (downs: string, title: RegExp): Promise<void> => {
      await machine.serial.type(`<home>${downs}`);
      await selects(machine, title);
      await machine.serial.type("<enter>");
    };
    await menuReady(machine);
    await selects(machine, /A text file/);
    await machine.serial.type("<enter>");
    await machine.serial.waitForScreen(/not a (Linux )?kernel|no kernel/i);
    await closeBox(machine);
    await choose("<down>", /A kernel cut short/);
    await machine.serial.waitForScreen(/:\/cut: .*(cut short|truncated|smaller|ends|incomplete)/i);
    await closeBox(machine);
    await choose("<down><down>", /A kernel with a hole/);
    await machine.serial.waitForScreen(/:\/rotten is damaged/);
    await closeBox(machine);
    await choose("<down><down><down>", /A kernel(?! cut| with)/);
    await expectBooted(machine, {
      cmdline: "BOOT_IMAGE=/vmlinuz console=ttyS0 quiet initrd=/initrd.img",
      initrds: [system],
    });
  });
});
