/** Baton's own configuration on a machine: which default it chooses, where it may lie, the menu of plain lines. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { withBaton } from "./baton.ts";
import { diskImage } from "./disks.ts";
import { expectBooted, KERNEL, payload } from "./payload.ts";

const OPTIONS = "root=/dev/none ro console=ttyS0 quiet";

/** A vfat disk with two systems; the first is its named default. */
async function extlinuxDisk(name: string, uuid: string, more: Readonly<Record<string, string>> = {}): Promise<string> {
  const system = await payload(`policy-${name}`);
  const label = (id: string, title: string): string[] => [
    ...[`LABEL ${id}`, `  MENU LABEL ${title}`, "  LINUX /vmlinuz", "  INITRD /initrd.img"],
    `  APPEND ${OPTIONS} which=${name}-${id}`,
  ];
  const text = ["DEFAULT one", ...label("one", `${name} one`), ...label("two", `${name} two`), ""].join("\n");
  return diskImage({
    name: `policy-${name}`,
    scheme: "dos",
    partitions: [
      {
        type: "vfat",
        sizeMiB: 64,
        partitionType: "0c",
        uuid,
        files: {
          "/extlinux/extlinux.conf": text,
          "/vmlinuz": { host: KERNEL },
          "/initrd.img": { host: system.file },
          ...more,
        },
      },
    ],
  });
}

const booted = async (name: string, id: string) => ({
  cmdline: `BOOT_IMAGE=/vmlinuz ${OPTIONS} which=${name}-${id} initrd=/initrd.img`,
  initrds: [await payload(`policy-${name}`)],
});

test("the image's own configuration names the stick as a source: it boots before the fixed disk", async () => {
  const disks = [
    { image: await extlinuxDisk("fixed", "5EED-1001"), attach: "virtio" },
    { image: await extlinuxDisk("stick", "5EED-1002"), attach: "usb" },
  ] as const;
  const config = "timeout: 0\norder: [usb, any]\n";
  await withBaton({ name: "policy-order", config, disks }, async (machine) => {
    await expectBooted(machine, await booted("stick", "one"));
  });
});

test("a file on a disk that baton.config= names chooses by a pattern, and what fails falls back as it says", async () => {
  const config = 'timeout: 0\ndefault: "fixed *o"\nfallback: ["Nothing of that name", "fixed one"]\n';
  const image = await extlinuxDisk("fixed", "5EED-1001", { "/baton/policy.yaml": config });
  const words = "baton.config=UUID=5EED-1001:/baton/policy.yaml";
  await withBaton({ name: "policy-file", words, disks: [{ image, attach: "virtio" }] }, async (machine) => {
    await expectBooted(machine, await booted("fixed", "two"));
  });
});

test("a stick alone boots nothing by itself, and the plain menu boots it by its number", async () => {
  const image = await extlinuxDisk("stick", "5EED-1002");
  const disks = [{ image, attach: "usb" }] as const;
  const words = "baton.ui=plain baton.timeout=1";
  await withBaton({ name: "policy-plain", words, disks }, async (machine) => {
    await machine.serial.waitFor(/2 stick two/);
    await machine.serial.waitFor(/Number, or \? for help/);
    await machine.serial.type("i<enter>");
    await machine.serial.waitFor(/removable devices/);
    await machine.serial.type("2<enter>");
    await expectBooted(machine, await booted("stick", "two"));
  });
});

test("mistakes in a configuration are told, the machine boots all the same, and in the end it does what final says", async () => {
  const disks = [{ image: await extlinuxDisk("fixed", "5EED-1001"), attach: "virtio" }] as const;
  const config = "timeout: 0\ndefault: fixed two\nretries: lots\nfinal: poweroff\n";
  await withBaton({ name: "policy-mistake", config, words: "baton.debug", disks }, async (machine) => {
    await expectBooted(machine, await booted("fixed", "two"));
  });
  const noise = await diskImage({
    name: "policy-noise",
    scheme: "dos",
    partitions: [
      {
        type: "vfat",
        sizeMiB: 64,
        partitionType: "0c",
        files: {
          "/extlinux/extlinux.conf": "DEFAULT bad\nLABEL bad\n  LINUX /bad\n",
          "/bad": "no kernel\n".repeat(2000),
        },
      },
    ],
  });
  const end = { name: "policy-final", config, disks: [{ image: noise, attach: "virtio" }] } as const;
  await withBaton(end, async (machine) => {
    await machine.serial.waitFor(/baton: failed \S+bad: .*kernel/);
    await machine.serial.waitForScreen(/powers off in \d+ seconds?\. Any key/);
    await machine.ended;
    assert.match(machine.serial.text, /Power down/);
  });
});
