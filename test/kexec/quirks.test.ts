/** What is done before the jump about hardware that fails after it, over a tree like sysfs. */

import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { affectedDevices, describeQuirk, leaveDevices, QUIRKS } from "../../src/kexec/quirks.ts";

const root = mkdtempSync(join(tmpdir(), "baton-pci-"));
after(() => rmSync(root, { recursive: true, force: true }));
let count = 0;

/** A bus with these devices: address → vendor, device, driver. */
function bus(devices: Readonly<Record<string, readonly [string, string, string?]>>): string {
  const base = join(root, String(count++));
  const folder = join(base, "devices");
  mkdirSync(folder, { recursive: true });
  for (const [address, [vendor, device, driver]] of Object.entries(devices)) {
    mkdirSync(join(folder, address));
    writeFileSync(join(folder, address, "vendor"), `0x${vendor}\n`);
    writeFileSync(join(folder, address, "device"), `0x${device}\n`);
    if (driver === undefined) continue;
    const home = join(base, "drivers", driver);
    mkdirSync(home, { recursive: true });
    for (const name of ["bind", "unbind"]) writeFileSync(join(home, name), "");
    symlinkSync(`../../drivers/${driver}`, join(folder, address, "driver"));
  }
  return folder;
}

test("a device is meant by vendor, device and the driver that has it here", () => {
  const folder = bus({
    "0000:00:02.0": ["8086", "7d55", "i915"],
    "0000:00:03.0": ["8086", "4680", "i915"],
    "0000:00:19.0": ["8086", "15bd", "e1000e"],
    "0000:00:1a.0": ["8086", "15bd", "vfio-pci"],
    "0000:00:1b.0": ["8086", "15bd"],
    "0000:00:1f.2": ["8086", "2922", "ahci"],
    "0001:01:00.0": ["1106", "3483", "xhci_hcd"],
  });
  mkdirSync(join(folder, "not-readable"));
  assert.deepEqual(
    affectedDevices(folder).map(({ address, quirk }) => `${address} ${quirk.does}`),
    ["0000:00:02.0 warn", "0000:00:19.0 unbind", "0001:01:00.0 warn"],
  );
  assert.deepEqual(affectedDevices(join(root, "none")), [], "a machine without PCI");
});

test("drivers let go of what is to be unbound and of nothing else, and take it again where nothing was jumped into", async () => {
  const folder = bus({
    "0000:00:19.0": ["8086", "15bd", "e1000e"],
    "0000:00:02.0": ["8086", "7d55", "i915"],
  });
  const drivers = join(folder, "../drivers");
  const said: string[] = [];
  const takeBack = await leaveDevices((text) => said.push(text), { folder });
  assert.equal(readFileSync(join(drivers, "e1000e/unbind"), "latin1"), "0000:00:19.0");
  assert.equal(readFileSync(join(drivers, "i915/unbind"), "latin1"), "");
  assert.deepEqual(said, ["baton: e1000e has let go of 0000:00:19.0 (8086:15bd)"]);
  await takeBack();
  assert.equal(readFileSync(join(drivers, "e1000e/bind"), "latin1"), "0000:00:19.0");
});

test("a driver that doesn't let go is told, and the others are asked all the same", async () => {
  const folder = bus({
    "0000:00:19.0": ["8086", "15bd", "e1000e"],
    "0000:00:1a.0": ["8086", "15be", "e1000e"],
  });
  const said: string[] = [];
  const asked: string[] = [];
  const unbind = async (address: string) => {
    asked.push(address);
    if (address.endsWith("19.0")) throw new Error("no answer within 3 s");
  };
  const bound: string[] = [];
  const bind = async (address: string) => void bound.push(address);
  const takeBack = await leaveDevices((text) => said.push(text), { folder, unbind, bind });
  assert.deepEqual(asked, ["0000:00:19.0", "0000:00:1a.0"]);
  assert.match(said[0]!, /e1000e keeps 0000:00:19\.0 \(8086:15bd\): no answer/);
  await takeBack();
  await takeBack();
  assert.deepEqual(bound, ["0000:00:1a.0"], "once, and only what was let go of");
});

test("every row names hexadecimal ids and a public report, and says what fails", () => {
  for (const row of QUIRKS) {
    for (const id of [row.vendor, ...(row.devices ?? [])]) assert.match(id, /^[0-9a-f]{4}$/);
    assert.match(row.report, /^https:\/\/\S+$/);
    const text = describeQuirk({ address: "0000:00:00.0", id: "1:2", driver: row.driver, quirk: row });
    assert.ok(text.includes(row.why) && text.includes(row.report));
  }
});
