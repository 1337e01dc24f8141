import assert from "node:assert/strict";
import * as fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { ModuleLoader, matchAlias, parseModuleIndex } from "../../src/devices/modules.ts";

const FILES: Record<string, string> = {
  "modules.dep": `kernel/drivers/usb/storage/usb-storage.ko.xz: kernel/drivers/scsi/scsi_mod.ko.xz kernel/drivers/scsi/scsi_common.ko.xz kernel/drivers/usb/core/usbcore.ko.xz kernel/drivers/usb/common/usb-common.ko.xz
kernel/drivers/scsi/scsi_mod.ko.xz: kernel/drivers/scsi/scsi_common.ko.xz
kernel/drivers/scsi/scsi_common.ko.xz:
kernel/drivers/usb/core/usbcore.ko.xz: kernel/drivers/usb/common/usb-common.ko.xz
kernel/drivers/usb/common/usb-common.ko.xz:
kernel/drivers/block/virtio_blk.ko:
kernel/fs/ext4/ext4.ko: kernel/fs/jbd2/jbd2.ko
kernel/fs/jbd2/jbd2.ko:
kernel/crypto/crc32c_generic.ko:
kernel/a.ko:
kernel/b.ko:
`,
  "modules.alias": `# Aliases extracted from modules themselves.
alias usb:v*p*d*dc*dsc*dp*ic08isc06ip50in* usb_storage
alias usb:v05ACp12[0-9A-F]*d*dc*dsc*dp*ic*isc*ip*in* usb_storage
alias virtio:d00000002v* virtio_blk
alias fs-ext4 ext4
alias crypto-crc32c crc32c_generic
alias platform:gone no_such_module
`,
  "modules.softdep": "softdep ext4 pre: crypto-crc32c\nsoftdep a pre: b\nsoftdep b pre: a post: virtio-blk\n",
};

const root = fs.mkdtempSync(join(tmpdir(), "baton-modules-"));
after(() => fs.rmSync(root, { recursive: true, force: true }));
for (const [name, text] of Object.entries(FILES)) fs.writeFileSync(join(root, name), text);

/** A loader that notes what it loads instead. */
function noting(failing = "", wanted = root) {
  const loaded: string[] = [];
  const loader = new ModuleLoader(wanted, async (path, parameters) => {
    assert.equal(parameters, "async_probe=1");
    const name = path.slice(path.lastIndexOf("/") + 1).replace(/\.ko.*/, "");
    if (name === failing) throw new Error(`no ${name}`);
    loaded.push(name);
  });
  return { loader, loaded };
}

test("a module gets the parameters that the kernel's command line has for it", async () => {
  const cmdline = join(root, "cmdline");
  fs.writeFileSync(cmdline, 'quiet virtio-blk.queue_depth=4 ext4.x=1 virtio_blk.name="a b" virtio.y virtio_blk\n');
  const seen: string[] = [];
  const load = async (path: string, parameters: string) => void seen.push(`${path.slice(root.length)} ${parameters}`);
  const loader = new ModuleLoader(root, load, "modules.alias", cmdline);
  loader.parameters.set("virtio_blk", "z=1");
  await loader.loadForAlias("virtio-blk");
  assert.match(seen.at(-1)!, /virtio_blk\S* async_probe=1 z=1 queue_depth=4 name="a b"$/);
});

test("hardware's alias loads its driver after everything that the driver needs, once", async () => {
  const { loader, loaded } = noting();
  await loader.loadForAlias("usb:v0781p5581d0100dc00dsc00dp00ic08isc06ip50in00");
  assert.deepEqual(loaded, ["usb-common", "usbcore", "scsi_common", "scsi_mod", "usb-storage"]);
  await loader.loadForAlias("usb:v05ACp12FFd0100dc00dsc00dp00ic01isc06ip50in00");
  assert.equal(loaded.length, 5);
});

test("names of filesystems and modules load too, with what they softly depend on", async () => {
  const { loader, loaded } = noting();
  await loader.loadForAlias("fs-ext4");
  await loader.loadForAlias("virtio-blk");
  assert.deepEqual(loaded, ["crc32c_generic", "jbd2", "ext4", "virtio_blk"]);
});

test("modules that softly depend on each other load each once", async () => {
  const { loader, loaded } = noting();
  await loader.loadForAlias("a");
  assert.deepEqual(loaded, ["b", "virtio_blk", "a"]);
});

test("a wish that fails is no failure, a need is; and a failed one is tried again", async () => {
  const { loader, loaded } = noting("crc32c_generic");
  await loader.loadForAlias("fs-ext4");
  assert.deepEqual(loaded, ["jbd2", "ext4"]);
  let broken = true;
  const again = new ModuleLoader(root, async () => {
    if (broken) throw new Error("no device");
  });
  await assert.rejects(again.loadForAlias("fs-ext4"), /no device/);
  broken = false;
  await again.loadForAlias("fs-ext4");
});

test("what no module answers to is built in, or nobody's: nothing happens", async () => {
  const { loader, loaded } = noting();
  await loader.loadForAlias("pci:v00001AF4d00001001sv00001AF4sd00000002bc01sc00i00");
  await loader.loadForAlias("platform:gone");
  await noting("", join(root, "none")).loader.loadForAlias("fs-ext4");
  assert.deepEqual(loaded, []);
});

test("an alias is found among many without trying them all", () => {
  const many = Array.from(
    { length: 30_000 },
    (_, i) => `alias pci:v${i.toString(16).padStart(8, "0").toUpperCase()}d*sv* m${i}`,
  );
  const index = parseModuleIndex((name) => (name === "modules.alias" ? many.join("\n") : ""));
  assert.deepEqual(matchAlias(index, "pci:v00001234d5sv6"), [`m${0x1234}`]);
  assert.deepEqual(index.prefixLengths, [14]);
});
