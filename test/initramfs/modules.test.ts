import assert from "node:assert/strict";
import { test } from "node:test";
import {
  firmwareNames,
  moduleName,
  parseTables,
  selectModules,
  shippedPath,
  trimTables,
} from "../../initramfs/kernel-modules.ts";

// In the form in which depmod writes them; of the modules there are only as many as make the point.
const TABLES = parseTables({
  dep: `kernel/drivers/virtio/virtio.ko: kernel/drivers/virtio/virtio_ring.ko
kernel/drivers/virtio/virtio_ring.ko:
kernel/drivers/block/virtio_blk.ko.xz: kernel/drivers/virtio/virtio.ko kernel/drivers/virtio/virtio_ring.ko
kernel/fs/ext4/ext4.ko: kernel/fs/jbd2/jbd2.ko
kernel/fs/jbd2/jbd2.ko:
kernel/crypto/crc32c_generic.ko:
kernel/arch/x86/crypto/crc32c-intel.ko:
kernel/drivers/net/tap/crc32c_net.ko:
kernel/fs/fat/vfat.ko: kernel/fs/fat/fat.ko
kernel/fs/fat/fat.ko:
kernel/fs/nls/nls_cp437.ko:
kernel/drivers/usb/host/xhci-pci.ko: kernel/drivers/usb/host/xhci-hcd.ko
kernel/drivers/usb/host/xhci-hcd.ko:
kernel/drivers/usb/host/xhci-pci-renesas.ko:
kernel/drivers/a.ko:
kernel/drivers/b.ko:
`,
  alias: `# Aliases extracted from modules themselves.
alias virtio:d00000002v* virtio_blk
alias crypto-crc32c crc32c_generic
alias crypto-crc32c crc32c_intel
alias crypto-crc32c crc32c_net
alias fs-ext4 ext4
alias pci:v*d*sv*sd*bc0Csc03i30* xhci_pci
`,
  softdep: `# Soft dependencies extracted from modules themselves.
softdep ext4 pre: crypto-crc32c
softdep xhci_pci post: xhci-pci-renesas
softdep xhci_pci_renesas post: a
softdep a pre: b post: built_in
softdep b pre: a
`,
  builtin: `kernel/fs/nls/nls_utf8.ko
kernel/drivers/built-in.ko
`,
});

test("a module's name is its file's, with underscores and without what compressed it", () => {
  assert.equal(moduleName("kernel/drivers/usb/host/xhci-pci.ko"), "xhci_pci");
  assert.equal(moduleName("kernel/drivers/nvme/host/nvme-core.ko.zst"), "nvme_core");
  assert.equal(shippedPath("kernel/fs/ext4/ext4.ko.xz"), "kernel/fs/ext4/ext4.ko");
});

test("modules.dep brings what a module needs, before it", () => {
  const { modules, needs } = selectModules(TABLES, ["virtio_blk"]);
  assert.deepEqual(modules, ["virtio_ring", "virtio", "virtio_blk"]);
  assert.deepEqual(needs.get("virtio_blk"), ["virtio_ring", "virtio"]);
});

test("a softdep on an alias brings the modules for any CPU, not those for one or for a device", () => {
  assert.deepEqual(selectModules(TABLES, ["ext4"]).modules, ["jbd2", "crc32c_generic", "ext4"]);
});

test("what a softdep loads afterwards goes along, and what that has after it", () => {
  assert.deepEqual(selectModules(TABLES, ["xhci-pci"]).modules, ["xhci_hcd", "xhci_pci", "xhci_pci_renesas", "b", "a"]);
});

test("needs that only the profile knows are added, and those that are built in are not missed", () => {
  const extra = { vfat: ["nls_cp437", "nls_utf8"] };
  const { modules, needs, missing } = selectModules(TABLES, ["vfat"], extra);
  assert.deepEqual(modules, ["fat", "nls_cp437", "vfat"]);
  assert.deepEqual(needs.get("vfat"), ["fat", "nls_cp437"]);
  assert.deepEqual(missing, []);
});

test("modules that want each other first are both taken", () => {
  assert.deepEqual(selectModules(TABLES, ["a"]).modules.toSorted(), ["a", "b"]);
});

test("what the kernel has built in or not at all is told", () => {
  const { modules, missing, builtin } = selectModules(TABLES, ["nls-utf8", "no_such", "vfat"], { vfat: ["nls_none"] });
  assert.deepEqual(modules, ["fat", "vfat"]);
  assert.deepEqual(builtin, ["nls_utf8"]);
  assert.deepEqual(missing, ["no_such", "nls_none"]);
});

test("the image's tables name the chosen modules only, uncompressed, with all that they need", () => {
  const selection = selectModules(TABLES, ["virtio_blk", "ext4"]);
  const { dep, alias, softdep } = trimTables(TABLES, selection);
  assert.equal(
    dep,
    `kernel/drivers/virtio/virtio_ring.ko:
kernel/drivers/virtio/virtio.ko: kernel/drivers/virtio/virtio_ring.ko
kernel/drivers/block/virtio_blk.ko: kernel/drivers/virtio/virtio.ko kernel/drivers/virtio/virtio_ring.ko
kernel/fs/jbd2/jbd2.ko:
kernel/crypto/crc32c_generic.ko:
kernel/fs/ext4/ext4.ko: kernel/crypto/crc32c_generic.ko kernel/fs/jbd2/jbd2.ko
`,
  );
  assert.equal(alias, "alias virtio:d00000002v* virtio_blk\nalias crypto-crc32c crc32c_generic\nalias fs-ext4 ext4\n");
  assert.equal(softdep, "softdep ext4 pre: crypto-crc32c\n");
});

test("the firmware files that a module asks for are known by its .modinfo", () => {
  const module = Buffer.from(
    "\u007fELF\0license=GPL\0firmware=bnx2/a-6.2.3.fw\0firmware=rtl_nic/x.fw\0firmware=../../etc/x\0a=b\0",
  );
  assert.deepEqual(firmwareNames(module), ["bnx2/a-6.2.3.fw", "rtl_nic/x.fw"]);
});
