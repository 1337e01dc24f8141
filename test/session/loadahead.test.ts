import assert from "node:assert/strict";
import { test } from "node:test";
import { type BootEntry, parsedEntry } from "../../src/entry.ts";
import { BatonError } from "../../src/errors.ts";
import type { EntryVolume } from "../../src/session/entrysource.ts";
import { Staging, type StagingSystem } from "../../src/session/loadahead.ts";

function entry(id: string, extra: Partial<BootEntry> = {}): BootEntry {
  const parsed = parsedEntry({ title: id, type: "grub", source: "vda1:/grub.cfg" });
  const linux = { device: "vda1", path: `/${id}` };
  return { ...parsed, id, linux, options: "ro", isDefault: false, bootable: true, ...extra };
}

/** A kernel and a disk that do as they are told; every load waits to be let go. */
function place(free = 1 << 30) {
  const calls: string[] = [];
  const waiting: { name: string; finish: (error?: unknown) => void }[] = [];
  let volume: EntryVolume = {
    name: "vda1",
    removable: false,
    reader: { read: async () => new Uint8Array(), stat: async () => ({ size: 1 << 20 }) },
  };
  let byHand = false;
  const discovery = { volume: () => volume };
  const system: StagingSystem = {
    load: (wanted, ahead, isWanted) =>
      new Promise((resolve, reject) => {
        const name = `${ahead} ${wanted.id}`;
        calls.push(name);
        const finish = (error?: unknown): void => {
          if (error !== undefined) reject(error);
          else if (!isWanted()) reject(new BatonError("cancelled", "given up"));
          else resolve({ method: "kexec_load", seconds: 1 });
        };
        waiting.push({ name, finish });
      }),
    unload: async () => void calls.push("unload"),
    free: async () => free,
    idle: async () => {},
    ended: async () => {},
    isTaken: () => byHand,
  };
  /** Nothing here waits for more than promises. */
  const turn = () => new Promise((resolve) => setImmediate(resolve));
  return {
    ...{ calls, turn, staging: new Staging(discovery, system) },
    replug: () => {
      volume = { ...volume };
    },
    loadByHand: () => {
      byHand = true;
    },
    finish: async (name: string, error?: unknown) => {
      const index = waiting.findIndex((load) => load.name === name);
      assert.ok(index >= 0, `${name} is not being loaded`);
      waiting.splice(index, 1)[0]!.finish(error);
      await turn();
    },
  };
}

test("what is wanted is loaded, then unpacked, and given to whoever boots it", async () => {
  const { staging, calls, finish, turn } = place();
  staging.want(entry("a"));
  await turn();
  await finish("packed a");
  assert.deepEqual(calls, ["packed a", "unpacked a"]);
  await finish("unpacked a");
  const taken = await staging.take(entry("a"), "ro");
  assert.equal(taken?.method, "kexec_load");
});

test("booted while it is still being unpacked, it is taken as it was loaded first", async () => {
  const { staging, finish, turn } = place();
  staging.want(entry("a"));
  await turn();
  await finish("packed a");
  assert.equal((await staging.take(entry("a"), "ro"))?.method, "kexec_load");
});

test("asked for the same again it begins nothing anew; for another it gives up the first", async () => {
  const { staging, calls, finish, turn } = place();
  staging.want(entry("a"));
  await turn();
  staging.want(entry("a"));
  await turn();
  staging.want(entry("b"));
  await turn();
  await finish("packed a");
  await finish("packed b");
  assert.deepEqual(calls, ["packed a", "packed b", "unpacked b"]);
  assert.equal(await staging.take(entry("a"), "ro"), null);
});

test("an edited command line, or files that changed places, are not what was loaded", async () => {
  const { staging, finish, turn } = place();
  staging.want(entry("a"));
  await turn();
  await finish("packed a");
  assert.equal(await staging.take(entry("a"), "ro single"), null);
});

test("a disk that went away and came back may hold something else", async () => {
  const { staging, finish, turn, replug } = place();
  staging.want(entry("a"));
  await turn();
  await finish("packed a");
  replug();
  assert.equal(await staging.take(entry("a"), "ro"), null);
});

test("nothing is loaded ahead from a network, of what can't boot, beyond the budget, or over a person's own", async () => {
  const few = place(2 << 20);
  few.staging.want(entry("a"));
  const { staging, calls, turn, loadByHand } = place();
  staging.want(entry("a", { linux: { url: "http://boot.example/vmlinuz" } }));
  staging.want(entry("a", { bootable: false }));
  staging.want(entry("a", { kind: "efi" }));
  loadByHand();
  staging.want(entry("a"));
  await turn();
  assert.deepEqual([...calls, ...few.calls], []);
});

test("what a person loaded in the shell afterwards is not taken for what was loaded ahead", async () => {
  const { staging, finish, turn, loadByHand } = place();
  staging.want(entry("a"));
  await turn();
  await finish("packed a");
  loadByHand();
  assert.equal(await staging.take(entry("a"), "ro"), null);
});

test("when nothing is wanted any more, its memory is given back", async () => {
  const { staging, calls, finish, turn } = place();
  staging.want(entry("a"));
  await turn();
  await finish("packed a");
  staging.want(null);
  await turn();
  assert.ok(calls.includes("unload"));
});

test("a load that fails is no failure: whoever boots it does so in the ordinary way, and the next can be loaded", async () => {
  const { staging, calls, finish, turn } = place();
  staging.want(entry("a"));
  await turn();
  await finish("packed a", new BatonError("io", "the disk fails"));
  assert.equal(await staging.take(entry("a"), "ro"), null);
  staging.want(entry("b"));
  await turn();
  assert.deepEqual(calls, ["packed a"], "not while something is booted");
  staging.resume();
  staging.want(entry("b"));
  await turn();
  assert.deepEqual(calls, ["packed a", "packed b"]);
});

test("a kernel that can't be unpacked ahead stays loaded as it is", async () => {
  const { staging, finish, turn } = place();
  staging.want(entry("a"));
  await turn();
  await finish("packed a");
  await finish("unpacked a", new BatonError("unsupported", "no table of relocations"));
  assert.equal((await staging.take(entry("a"), "ro"))?.method, "kexec_load");
});
