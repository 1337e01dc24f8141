import assert from "node:assert/strict";
import { test } from "node:test";
import { type DeviceFacts, Discovery } from "../../src/discovery/discovery.ts";
import { keysAmong } from "../../src/discovery/diskconfigs.ts";
import { formatFileRef, parsedEntry } from "../../src/entry.ts";
import { BatonError } from "../../src/errors.ts";
import { EMPTY_RESULT, type Format } from "../../src/formats/format.ts";
import type { Reader } from "../../src/formats/reader.ts";
import type { Volume } from "../../src/volumes/volume.ts";

const facts = (name: string): DeviceFacts => ({
  name,
  size: 1,
  type: "ext4",
  uuid: null,
  label: null,
  model: null,
  transport: null,
  reason: null,
});

/** A volume with these files; `answer` is awaited before each, as a slow disk would have it. */
function volume(name: string, files: Readonly<Record<string, string>>, answer?: () => Promise<void>): Volume {
  const get = async (path: string): Promise<Buffer> => {
    await answer?.();
    const text = files[path];
    if (text === undefined) throw new BatonError("not-found", `${name}:${path}: there is no such file`);
    return Buffer.from(text);
  };
  const reader: Reader = {
    read: get,
    readAt: async (path, offset, length) => (await get(path)).subarray(offset, offset + length),
    list: async () => [],
    stat: async (path) => ({ type: "file", size: (await get(path)).length, mtime: 0 }),
  };
  const identity = { type: "ext4", uuid: `uuid-${name}`, label: null, partuuid: null, partlabel: null };
  const place = { disk: null, partition: null, scheme: null, removable: false };
  return { name, ...identity, ...place, reader, hostPath: async (path) => path, close: async () => {} };
}

/** Lines of `TITLE UUID PATH OPTIONS`: a kernel on the volume with that UUID. */
const lines: Format = {
  name: "baton",
  find: async (on) => {
    await on.reader.stat("/menu");
    return ["/menu"];
  },
  parse: async (path, { volume: on, volumes }) => {
    const text = Buffer.from(await on.reader.read(path)).toString();
    const entries = text.split("\n").map((line) => {
      const [title = "", uuid = "", file = "", ...options] = line.split(" ");
      const found = volumes.find((other) => other.uuid === uuid);
      const linux = found ? { device: found.name, path: file } : { selector: `UUID=${uuid}`, path: file };
      return parsedEntry({ title, type: "baton", source: `${on.name}:${path}`, linux, options: options.join(" ") });
    });
    return { ...EMPTY_RESULT, entries, defaultIndex: 0 };
  },
};

const discoveryOf = (): Discovery => new Discovery({ firmware: "efi", arch: "x86_64" }, undefined, [lines]);

test("an entry that waits for a disk becomes bootable when the disk arrives, and stops being so when it leaves", async () => {
  const discovery = discoveryOf();
  discovery.attach(volume("a1", { "/menu": "Late uuid-b1 /vmlinuz" }), facts("a1"));
  await discovery.scan();
  assert.match(discovery.list.entries[0]?.reason ?? "", /no attached device answers to UUID=uuid-b1/);

  discovery.attach(volume("b1", { "/vmlinuz": "kernel" }), facts("b1"));
  await discovery.scan(["b1"]);
  assert.equal(discovery.list.entries[0]?.bootable, true);

  discovery.detach("b1");
  await discovery.scan([]);
  assert.equal(discovery.list.entries[0]?.bootable, false);
});

test("a disk that arrives while the configuration is read that names it is found, too", async () => {
  const discovery = discoveryOf();
  let isAsked = (): void => {};
  let release = (): void => {};
  const asked = new Promise<void>((resolve) => {
    isAsked = resolve;
  });
  const slow = new Promise<void>((resolve) => {
    release = resolve;
  });
  const answer = (): Promise<void> => {
    isAsked();
    return slow;
  };
  discovery.attach(volume("a1", { "/menu": "Late uuid-b1 /vmlinuz" }, answer), facts("a1"));
  const reading = discovery.scan(["a1"]);
  await asked;
  discovery.attach(volume("b1", { "/vmlinuz": "kernel" }), facts("b1"));
  await discovery.scan(["b1"]);
  release();
  await reading;
  assert.equal(discovery.list.entries[0]?.bootable, true);
});

test("a disk that doesn't answer keeps nobody else's entries from the list", async () => {
  const discovery = discoveryOf();
  let release = (): void => {};
  const silence = new Promise<void>((resolve) => {
    release = resolve;
  });
  discovery.attach(
    volume("dead", { "/menu": "Never uuid-dead /x" }, () => silence),
    facts("dead"),
  );
  discovery.attach(volume("good", { "/menu": "Good uuid-good /vmlinuz", "/vmlinuz": "k" }), facts("good"));
  let listed: () => void = () => {};
  const first = new Promise<void>((resolve) => {
    listed = resolve;
  });
  const scanning = discovery.scan(undefined, () => listed());
  await first;
  assert.deepEqual(
    discovery.list.entries.map(({ title, bootable }) => [title, bootable]),
    [["Good", true]],
  );
  release();
  await scanning;
  assert.equal(discovery.list.entries.length, 2);
});

test("a device that gave nothing says why", async () => {
  const discovery = discoveryOf();
  discovery.noteDevice({ ...facts("swap"), reason: "swap space, nothing to boot" });
  discovery.attach(volume("empty", {}), facts("empty"));
  await discovery.scan();
  assert.deepEqual(
    discovery.devices.map(({ name, reason }) => [name, reason]),
    [
      ["swap", "swap space, nothing to boot"],
      ["empty", "empty:/menu: there is no such file"],
    ],
  );
});

test("a configuration that a format can't read is one diagnostic, and the others are listed", async () => {
  const broken: Format = {
    name: "grub",
    find: async () => ["/broken"],
    parse: async () => {
      throw new BatonError("io", "the sector can't be read");
    },
  };
  const discovery = new Discovery({ firmware: "efi", arch: "x86_64" }, undefined, [broken, lines]);
  discovery.attach(volume("a1", { "/menu": "Good uuid-a1 /menu" }), facts("a1"));
  await discovery.scan();
  assert.equal(discovery.list.entries[0]?.bootable, true);
  assert.match(discovery.list.diagnostics[0]?.message ?? "", /sector/);
});

test("two disks with the same UUID have ids of their own", async () => {
  const discovery = discoveryOf();
  for (const name of ["a1", "b1"]) {
    const clone = { ...volume(name, { "/menu": "Same uuid-x /menu" }), uuid: "uuid-x" };
    discovery.attach(clone, facts(name));
  }
  await discovery.scan();
  assert.deepEqual(
    discovery.list.entries.map(({ id }) => id),
    ["a1:baton:Same", "b1:baton:Same"],
  );
});

test("a removable copy changes no id of a built-in disk, and is named by its device, as two removable copies are", () => {
  const disk = { name: "sda1", uuid: "1", removable: false };
  const stick = { name: "sdb1", uuid: "1", removable: true };
  const other = { name: "sdc1", uuid: "2", removable: true };
  const copy = { name: "sdd1", uuid: "2", removable: true };
  const keys = (...volumes: (typeof disk)[]): string[] => volumes.map(keysAmong(volumes));
  assert.deepEqual(keys(disk, stick), ["1", "sdb1"]);
  assert.deepEqual(keys(stick, disk), ["sdb1", "1"]);
  assert.deepEqual(keys(other), ["2"]);
  assert.deepEqual(keys(other, copy), ["sdc1", "sdd1"]);
  assert.deepEqual(keys(disk, { ...disk, name: "sde1" }, stick), ["sda1", "sde1", "sdb1"]);
});

test("a configuration that found a stick's copy is read again when the built-in disk of that name arrives", async () => {
  const named = (name: string, removable: boolean): Volume => ({
    ...volume(name, { "/k": "kernel" }),
    uuid: "same",
    removable,
  });
  const discovery = discoveryOf();
  discovery.attach(volume("a1", { "/menu": "System same /k" }), facts("a1"));
  discovery.attach(named("b1", true), facts("b1"));
  await discovery.scan();
  assert.deepEqual(discovery.list.entries[0]?.linux, { device: "b1", path: "/k" });
  discovery.attach(named("c1", false), facts("c1"));
  await discovery.scan(["c1"]);
  assert.deepEqual(discovery.list.entries[0]?.linux, { device: "c1", path: "/k" });
});

test("one disk on USB is the machine's own where nothing else can boot; beside a built-in disk, or a second one, it waits", async () => {
  const onUsb = (name: string): Volume => ({
    ...volume(name, { "/menu": `Of-${name} uuid-${name} /k`, "/k": "kernel" }),
    ...{ removable: true, isPluggable: true, disk: name.slice(0, 3) },
  });
  const discovery = discoveryOf();
  discovery.attach(onUsb("sda1"), facts("sda1"));
  discovery.attach(onUsb("sda2"), facts("sda2"));
  await discovery.scan();
  assert.match(discovery.list.defaultId ?? "", /Of-sda1/);
  assert.equal(discovery.list.loneDisk, "sda");
  discovery.attach(onUsb("sdb1"), facts("sdb1"));
  await discovery.scan(["sdb1"]);
  assert.deepEqual([discovery.list.defaultId, discovery.list.loneDisk], [null, null]);
  discovery.attach(volume("vda1", { "/menu": "Own uuid-vda1 /k", "/k": "kernel" }), facts("vda1"));
  await discovery.scan(["vda1"]);
  assert.match(discovery.list.defaultId ?? "", /Own/);
  assert.equal(discovery.list.loneDisk, null);
});

test("a disk that arrives leaves the entries of those that were there bootable", async () => {
  const discovery = discoveryOf();
  discovery.attach(volume("vda1", { "/menu": "Here uuid-vda1 /kernel", "/kernel": "k" }), facts("vda1"));
  await discovery.scan();
  discovery.attach(volume("sda1", { "/menu": "Stick uuid-sda1 /kernel", "/kernel": "k" }), facts("sda1"));
  await discovery.scan(["sda1"]);
  const reasons = discovery.list.entries.map((entry) => entry.reason);
  assert.deepEqual(reasons, [null, null]);
});

test("two disks with the same UUID are told apart: each says which other has it", async () => {
  const discovery = new Discovery({ firmware: "efi", arch: "x86_64" }, undefined, [lines]);
  const first = volume("vda1", { "/menu": "A uuid-vda1 /k", "/k": "" });
  const copy = { ...volume("vdb1", { "/menu": "A uuid-vda1 /k", "/k": "" }), uuid: "uuid-vda1" };
  for (const one of [first, copy]) discovery.attach(one, facts(one.name));
  await discovery.scan();
  assert.deepEqual(
    discovery.devices.map(({ note }) => note?.split(":")[0]),
    ["vdb1 has the same UUID", "vda1 has the same UUID"],
  );
  assert.equal(new Set(discovery.list.entries.map(({ id }) => id)).size, 2);
});

test("equal labels matter where a command line names the root by its label", async () => {
  const notes = async (options: string): Promise<(string | null | undefined)[]> => {
    const discovery = discoveryOf();
    for (const name of ["vda1", "vdb1"]) {
      const files = { "/menu": `A uuid-${name} /k ${options}`, "/k": "" };
      discovery.attach({ ...volume(name, files), label: "root" }, facts(name));
    }
    await discovery.scan();
    return discovery.devices.map(({ note }) => note);
  };
  assert.deepEqual(await notes("root=UUID=uuid-vda1 ro"), [null, null]);
  assert.deepEqual(await notes("ro root=LABEL=root"), [
    "vdb1 has the same LABEL: root=LABEL=root may mean either",
    "vda1 has the same LABEL: root=LABEL=root may mean either",
  ]);
});

test("what the firmware would start is listed only where no configuration lies, and is no default", async () => {
  const last: Format = {
    name: "loader",
    isLastResort: true,
    find: async () => ["/loader.efi"],
    parse: async (path, { volume: on }) => ({
      ...EMPTY_RESULT,
      entries: [parsedEntry({ title: "Other", type: "loader", source: `${on.name}:${path}`, reason: "it can't" })],
    }),
  };
  const quiet: Format = { ...lines, find: async (on) => lines.find(on).catch(() => []) };
  const discovery = new Discovery({ firmware: "efi", arch: "x86_64" }, undefined, [quiet, last]);
  discovery.attach(volume("a1", {}), facts("a1"));
  discovery.attach(volume("b1", { "/menu": "Own uuid-b1 /vmlinuz", "/vmlinuz": "kernel" }), facts("b1"));
  await discovery.scan();
  const rows = discovery.list.entries.map(({ title, isDefault, reason }) => [title, isDefault, reason]);
  assert.deepEqual(rows, [
    ["Other", false, "it can't"],
    ["Own", true, null],
  ]);
  assert.deepEqual(
    discovery.devices.map(({ sources }) => sources),
    [["/loader.efi"], ["/menu"]],
  );
});

/** Boots from the volume with the UUID that it names, else, where no device may come any more, from its own. */
const searching: Format = {
  ...lines,
  parse: async (path, { volume: on, volumes, devicesMayCome }) => {
    const uuid = Buffer.from(await on.reader.read(path)).toString();
    const found = volumes.find((other) => other.uuid === uuid) ?? (devicesMayCome ? undefined : on);
    const linux = found ? { device: found.name, path: "/k" } : { selector: `UUID=${uuid}`, path: "/k" };
    const entries = [parsedEntry({ title: "A", type: "baton", source: `${on.name}:${path}`, linux })];
    const isFound = found !== undefined && found !== on;
    return { ...EMPTY_RESULT, entries, defaultIndex: 0, defaultIsExplicit: true, awaitsDevices: !isFound };
  },
};

test("what a configuration looks for in vain is awaited until all devices have answered, and taken when it comes later", async () => {
  const discovery = new Discovery({ firmware: "efi", arch: "x86_64" }, undefined, [searching]);
  const first = (): [string, boolean] => {
    const { linux, bootable } = discovery.list.entries[0]!;
    return [linux === null ? "" : formatFileRef(linux), bootable];
  };
  discovery.expectDevices();
  discovery.attach(volume("vda1", { "/menu": "uuid-vdb1", "/k": "" }), facts("vda1"));
  await discovery.scan();
  assert.deepEqual(first(), ["unresolved:UUID=uuid-vdb1:/k", false]);
  assert.equal(discovery.list.isDecided, false);
  await discovery.settle();
  assert.deepEqual(first(), ["vda1:/k", true]);
  assert.equal(discovery.list.isDecided, true);
  discovery.attach(volume("vdb1", { "/menu": "uuid-vdb1", "/k": "" }), facts("vdb1"));
  await discovery.scan(["vdb1"]);
  assert.deepEqual(first(), ["vdb1:/k", true]);
});

test("a volume counts as read when it is, whatever another one keeps waiting for", async () => {
  const discovery = new Discovery({ firmware: "efi", arch: "x86_64" });
  let answer = (): void => {};
  const silent = new Promise<void>((resolve) => {
    answer = resolve;
  });
  const config = { "/boot/grub/grub.cfg": "menuentry Good { linux /k }\n" };
  for (const one of [volume("sda1", config, () => silent), volume("sdb1", config)]) {
    discovery.attach(one, facts(one.name));
  }
  const read: (string | null)[] = [];
  const scanned = discovery.scan(undefined, (name) => {
    read.push(name);
    if (name === "sdb1") answer();
  });
  await scanned;
  assert.deepEqual(read, ["sdb1", "sda1", null]);
});
