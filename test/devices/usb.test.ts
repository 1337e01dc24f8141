import assert from "node:assert/strict";
import * as fs from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { hasUsb, usbDisksPending } from "../../src/devices/usb.ts";
import { makeWorkshop } from "./images.ts";

const shop = makeWorkshop();
after(() => shop.remove());

test("a USB disk is waited for until its block device is there, a keyboard isn't", () => {
  const sysfs = shop.path("sys");
  assert.equal(hasUsb(sysfs), false);
  assert.equal(usbDisksPending(sysfs), false);
  const add = (name: string, interfaceClass: string): string => {
    const path = join(sysfs, "bus/usb/devices", name);
    fs.mkdirSync(path, { recursive: true });
    fs.writeFileSync(join(path, "bInterfaceClass"), `${interfaceClass}\n`);
    return path;
  };
  add("1-1:1.0", "03");
  assert.equal(hasUsb(sysfs), true);
  assert.equal(usbDisksPending(sysfs), false);
  const stick = add("1-2:1.0", "08");
  assert.equal(usbDisksPending(sysfs), true);
  fs.mkdirSync(join(stick, "host6/target6:0:0/6:0:0:0"), { recursive: true });
  assert.equal(usbDisksPending(sysfs), true);
  fs.mkdirSync(join(stick, "host6/target6:0:0/6:0:0:0/block/sda"), { recursive: true });
  assert.equal(usbDisksPending(sysfs), false);
});
