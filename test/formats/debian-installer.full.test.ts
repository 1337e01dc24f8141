import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { debianPackages } from "../../initramfs/debian.ts";
import { formatFileRef } from "../../src/entry.ts";
import type { FormatResult } from "../../src/formats/format.ts";
import { grub } from "../../src/formats/grub/grub.ts";
import { pxelinux } from "../../src/formats/syslinux/pxelinux.ts";
import { openDirectory } from "../../src/volumes/directory.ts";
import { testPlatform, testVolume } from "./golden.ts";

// The tree that Debian's package installs for a TFTP server: the same installer by GRUB (EFI) and by pxelinux (BIOS).

const KERNEL = "tftp:/debian-installer/amd64/linux";
const INITRD = "tftp:/debian-installer/amd64/initrd.gz";

const SHORT = [
  "Install",
  "Advanced options > Expert install",
  "Advanced options > Rescue mode",
  "Advanced options > Automated install",
];

async function read(format: typeof grub): Promise<FormatResult> {
  const { root } = await debianPackages(["debian-installer-12-netboot-amd64"], { suite: "bookworm" });
  const directory = join(root, "usr/lib/debian-installer/images/12/amd64/text");
  const volume = testVolume(openDirectory(directory), { name: "tftp" });
  const [path] = await format.find(volume);
  assert.ok(path !== undefined);
  return format.parse(path, { volume, volumes: [volume], platform: testPlatform() });
}

const paths = (result: FormatResult): string[] =>
  result.entries.map(({ submenu, title }) =>
    [...submenu, title].map((text) => text.replace(/^\.\.\. | \.\.\.$/g, "")).join(" > "),
  );

test("Debian's netboot tree: GRUB's menu of installers", async () => {
  const result = await read(grub);
  assert.deepEqual(result.diagnostics, []);
  const found = paths(result);
  assert.deepEqual(found.slice(0, 4), SHORT);
  assert.ok(found.includes("Advanced options > Desktop environment menu > LXDE desktop boot menu > Install"));
  assert.ok(found.includes("Accessible dark contrast installer menu > Advanced options > Rescue mode"));
  assert.equal(result.defaultIndex, 0);
  assert.equal(result.timeout, null);
  for (const entry of result.entries) {
    assert.equal(entry.reason, null);
    assert.deepEqual([entry.linux!, ...entry.initrd].map(formatFileRef), [KERNEL, INITRD]);
    assert.match(entry.options, /^BOOT_IMAGE=\/debian-installer\/amd64\/linux .*---/);
  }
  assert.equal(result.entries[0]!.options, "BOOT_IMAGE=/debian-installer/amd64/linux vga=788 --- quiet");
});

test("Debian's netboot tree: pxelinux's menu of the same", async () => {
  const result = await read(pxelinux);
  const found = paths(result);
  assert.deepEqual(found.slice(0, 4), SHORT);
  assert.ok(found.includes("Accessible dark contrast installer menu > Advanced options > Rescue mode"));
  // It includes files that only the graphical installer's tree has.
  for (const { severity, message } of result.diagnostics) {
    assert.equal(severity, "warning");
    assert.match(message, /is not there, and so not read$/);
  }
  for (const entry of result.entries) {
    assert.deepEqual([entry.linux!, ...entry.initrd].map(formatFileRef), [KERNEL, INITRD]);
  }
});
