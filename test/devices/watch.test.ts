import assert from "node:assert/strict";
import * as fs from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { ModuleLoader } from "../../src/devices/modules.ts";
import { type BlockEvent, blockEvent, watchBlockDevices } from "../../src/devices/watch.ts";
import { isRoot, makeWorkshop, withLoop } from "./images.ts";

test("an event is told by the device's kernel name, and what changes nothing isn't told", () => {
  const path = "/devices/pci0000:00/0000:00:02.0/virtio1/block/vda/vda1";
  assert.deepEqual(blockEvent("add", path), { action: "add", name: "vda1" });
  assert.deepEqual(blockEvent("remove", path), { action: "remove", name: "vda1" });
  assert.equal(blockEvent("bind", path), null);
  assert.equal(blockEvent("add", ""), null);
});

const skip = !isRoot && "needs root for a loop device and for the kernel's events";

test("a medium that is put in is noticed", { skip }, async () => {
  const shop = makeWorkshop();
  const seen: BlockEvent[] = [];
  let told = (): void => {};
  const watch = watchBlockDevices((event) => {
    seen.push(event);
    told();
  });
  try {
    await withLoop(await shop.blank("disk", 1 << 20), async (node) => {
      const name = node.replace("/dev/", "");
      const here = () => seen.some((event) => event.action === "change" && event.name === name);
      await new Promise<void>((resolve) => {
        told = () => here() && resolve();
        told();
      });
    });
  } finally {
    watch.close();
    shop.remove();
  }
});

test("hardware that arrives gets its driver", { skip }, async () => {
  const platform = "/sys/bus/pci/devices";
  const device = fs.existsSync(platform) ? fs.readdirSync(platform)[0] : undefined;
  if (device === undefined) return;
  const alias = fs.readFileSync(join(platform, device, "modalias"), "utf8").trim();
  const shop = makeWorkshop();
  fs.writeFileSync(shop.path("modules.dep"), "kernel/driver.ko:\n");
  fs.writeFileSync(shop.path("modules.alias"), `alias ${alias.slice(0, 20)}* driver\n`);
  // The listener alone doesn't keep a process running.
  const running = setInterval(() => {}, 1000);
  let watch = { close(): void {} };
  const loaded = new Promise<string>((resolve) => {
    const modules = new ModuleLoader(shop.folder, async (path) => resolve(path));
    watch = watchBlockDevices(() => {}, { modules });
  });
  // As the kernel says it of a device that is plugged in.
  fs.writeFileSync(join(platform, device, "uevent"), "add");
  assert.equal(await loaded, join(shop.folder, "kernel/driver.ko"));
  watch.close();
  clearInterval(running);
  shop.remove();
});
