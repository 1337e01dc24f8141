/** Which default wins, and why: the rules of docs/manual.md, "What boots by itself". */

import assert from "node:assert/strict";
import { test } from "node:test";
import { parsedEntry } from "../../src/entry.ts";
import type { VolumeIdentity } from "../../src/identity.ts";
import { findEntry } from "../../src/policy/find.ts";
import { bootList } from "../../src/policy/list.ts";
import type { Origin } from "../../src/policy/order.ts";
import type { BootRules, ReadConfig } from "../../src/policy/readconfig.ts";

const NONE: BootRules = { default: null, fallback: [], order: [], removable: false };

/** A configuration on a device, whose first entry is its default. */
function disk(
  device: string,
  titles: readonly string[],
  fields: Omit<Partial<ReadConfig>, "origin"> & { origin?: Partial<Origin>; tags?: Partial<VolumeIdentity> } = {},
): ReadConfig {
  const { origin, tags, ...rest } = fields;
  const identity = { name: device, uuid: null, label: null, partuuid: null, partlabel: null, ...tags };
  const source = `${device}:/boot/grub/grub.cfg`;
  return {
    source,
    entries: titles.map((title) =>
      parsedEntry({
        ...{ title, type: "grub", source, nativeId: title.toLowerCase(), linux: { device, path: "/vmlinuz" } },
        // What comes behind a slash boots the same.
        options: `which=${title.split("/")[0]}`,
      }),
    ),
    diagnostics: [],
    defaultIndex: 0,
    defaultIsExplicit: true,
    fallback: [],
    timeout: null,
    timeoutStyle: null,
    volumeKey: device,
    removable: false,
    origin: { device: identity, transport: "virtio", ...origin },
    ...rest,
  };
}

const list = (configs: readonly ReadConfig[], rules: Partial<BootRules> = {}) =>
  bootList(configs, () => null, { ...NONE, ...rules });

const titleOf = (configs: readonly ReadConfig[], rules: Partial<BootRules> = {}): string | null => {
  const made = list(configs, rules);
  return made.entries.find(({ id }) => id === made.defaultId)?.title ?? null;
};

const order = (configs: readonly ReadConfig[], rules: Partial<BootRules> = {}): string[] => {
  const made = list(configs, rules);
  return made.order.map((id) => made.entries.find((entry) => entry.id === id)!.title);
};

test("of two disks that each name a default the first wins, and the reason names the other", () => {
  const made = list([disk("vda1", ["One"]), disk("vdb1", ["Two"])]);
  assert.equal(made.entries[0]!.isDefault, true);
  assert.match(made.why, /^vda1:\S+ names it as its default; a default is also in vdb1:/);
  assert.equal(made.isDecided, true);
});

test("a removable device boots nothing by itself: neither as the default nor after others have failed", () => {
  const stick = disk("sda1", ["Stick"], { removable: true, origin: { transport: "usb" } });
  assert.equal(titleOf([stick]), null);
  assert.match(list([stick]).why, /removable/);
  assert.deepEqual(order([stick, disk("vda1", ["Disk"])]), ["Disk"]);
});

test("a removable device boots where it is named: by default, by order, or by removable: yes", () => {
  const stick = disk("sda1", ["Stick"], { removable: true, origin: { transport: "usb" }, tags: { label: "RESCUE" } });
  const fixed = disk("vda1", ["Disk"]);
  assert.equal(titleOf([stick, fixed], { default: "LABEL=RESCUE>Stick" }), "Stick");
  assert.equal(titleOf([stick, fixed], { order: ["usb", "any"] }), "Stick");
  assert.equal(titleOf([stick, fixed], { order: ["LABEL=RESCUE", "disk"] }), "Stick");
  assert.equal(titleOf([stick, fixed], { removable: true }), "Disk");
  assert.equal(titleOf([stick], { removable: true }), "Stick");
  assert.equal(titleOf([stick], { order: ["any"] }), null, "any doesn't name it");
});

test("the owner's order comes before which disk names its default, and leaves out what it doesn't name", () => {
  const configs = [
    disk("vda1", ["Virtio"]),
    disk("nvme0n1p2", ["Nvme"], { defaultIsExplicit: false, origin: { transport: "nvme" } }),
    disk("sda1", ["Ata"], { origin: { transport: "ata" }, tags: { uuid: "AB-CD" } }),
  ];
  assert.equal(titleOf(configs, { order: ["nvme", "any"] }), "Nvme");
  assert.equal(titleOf(configs, { order: ["uuid=ab-cd"] }), "Ata");
  assert.deepEqual(order(configs, { order: ["UUID=ab-cd", "nvme"] }), ["Ata"]);
  assert.deepEqual(order(configs, { order: ["UUID=ab-cd", "nvme"], fallback: ["any"] }), ["Ata", "Nvme"]);
  assert.equal(titleOf(configs, { order: ["usb"] }), null);
  assert.equal(titleOf(configs, { order: ["/dev/sda1"] }), "Ata");
});

test("the network has a place in the order", () => {
  const net = disk("eth0", ["Net"], { origin: { device: null, transport: null, mac: "52:54:00:AA:bb:cc" } });
  const configs = [disk("vda1", ["Disk"]), net];
  assert.equal(titleOf(configs, { order: ["network", "any"] }), "Net");
  assert.equal(titleOf(configs, { order: ["mac=525400aabbcc", "any"] }), "Net");
  assert.equal(titleOf(configs, { order: ["disk", "network"] }), "Disk");
});

test("a default that nothing answers to leaves the choice to the disks, and says so", () => {
  const made = list([disk("vda1", ["A"])], { default: "Windows" });
  assert.equal(made.entries[0]!.isDefault, true);
  assert.match(made.why, /nothing is named Windows/);
  assert.equal(made.isDecided, false, "what is named may yet appear");
});

test("@saved is what was saved, and without that as if nothing were named", () => {
  const configs = [disk("vda1", ["A", "B"])];
  const saved = list(configs).entries[1]!.id;
  assert.equal(titleOf(configs, { default: "@saved", saved }), "B");
  assert.equal(titleOf(configs, { default: "@saved" }), "A");
});

test("an entry that is passed over gives way to its configuration's fallback, wherever it stands", () => {
  const configs = [disk("vda1", ["A", "B"], { fallback: [1] }), disk("vdb1", ["C"])];
  const { entries } = list(configs);
  const passedOver = new Map([[entries[0]!.id, "A was booted 3 times without being confirmed"]]);
  assert.equal(titleOf(configs, { passedOver }), "B");
  assert.deepEqual(order(configs, { passedOver }), ["B", "A"], "and is the last to be tried");
  assert.equal(titleOf(configs, { passedOver, default: "A" }), "B");
  assert.match(list(configs, { passedOver, default: "A" }).why, /3 times without/);
});

test("with an entry that is passed over goes what boots the very same, as GRUB's menu has it in its submenu", () => {
  const configs = [disk("vda1", ["A", "A/again", "B"], { fallback: [1, 2] }), disk("vdb1", ["A"])];
  const passedOver = new Map([[list(configs).entries[0]!.id, "A was booted 3 times without being confirmed"]]);
  assert.equal(titleOf(configs, { passedOver }), "B");
  assert.deepEqual(order(configs, { passedOver }), ["B", "A"]);
});

test("where every entry was passed over the default is the default again", () => {
  const configs = [disk("vda1", ["A"])];
  const passedOver = new Map([[list(configs).entries[0]!.id, "A was booted 3 times without being confirmed"]]);
  assert.equal(titleOf(configs, { passedOver }), "A");
  assert.match(list(configs, { passedOver }).why, /nothing else is left/);
});

test("patterns find entries as file names are found, and of several one that can be booted", () => {
  const { entries } = list([disk("vda1", ["Debian 6.1", "Debian 6.5", "[x]"])]);
  const found = (name: string) => findEntry(entries, name)?.title ?? null;
  assert.equal(found("Debian*"), "Debian 6.1");
  assert.equal(found("Debian 6.[5-9]"), "Debian 6.5");
  assert.equal(found("*6.?"), "Debian 6.1");
  assert.equal(found("debian 6.5"), "Debian 6.5", "the native id");
  assert.equal(found("Debian 6x1*"), null, "a dot is a dot");
  assert.equal(found("[x]"), "[x]", "a title as it stands comes first");
  assert.equal(found("[!D]x[!D]"), "[x]");
  assert.equal(found("[z-a]*"), null);
});

test("what was asked for one start is the default where it leads to an entry, by the rules for every name", () => {
  const configs = [disk("vda1", ["One", "Two"]), disk("sdb1", ["Stranger"], { removable: true })];
  assert.equal(titleOf(configs, { default: "Two", otherwise: null }), "Two");
  assert.match(list(configs, { default: "Two", otherwise: null }).why ?? "", /asked for, for this start: Two/);
  // One that isn't there, or that only a stick has, leaves the owner's own; it may still come.
  for (const name of ["Three", "Stranger"]) {
    assert.equal(titleOf(configs, { default: name, otherwise: null }), "One");
    assert.equal(titleOf(configs, { default: name, otherwise: "Two" }), "Two");
    assert.equal(list(configs, { default: name, otherwise: "Two" }).isDecided, false);
    assert.deepEqual(list(configs, { default: name, otherwise: "Two" }).named, { name, isFound: false });
  }
});
