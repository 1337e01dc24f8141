import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { parsedEntry } from "../../src/entry.ts";
import { BatonError } from "../../src/errors.ts";
import {
  checkDigests,
  closeFiles,
  type FileSource,
  type OpenFile,
  openFiles,
  openPath,
} from "../../src/loader/openfiles.ts";
import { filesOf, kernelAlone, listFiles, mapFiles } from "../../src/loader/refs.ts";

test("where one file can't be fetched the others are not waited for, and it is the one that is named", async () => {
  const fetch = (url: string, _: unknown, signal: AbortSignal): Promise<never> =>
    new Promise((_resolve, reject) => {
      // It would come some day; the kernel, which stands first, ends only because the other has failed.
      signal.addEventListener("abort", () => reject(new BatonError("cancelled", `${url}: cancelled`)));
      if (url.endsWith("initrd")) setImmediate(() => reject(new BatonError("not-found", `${url}: 404`)));
    });
  const source: FileSource = { fetch, volume: () => assert.fail("nothing lies on a device") };
  const initrds = [{ file: { url: "http://h/initrd" }, path: null }];
  await assert.rejects(openFiles(source, { ...kernelAlone({ url: "http://h/kernel" }), initrds }), /initrd: 404/);
});

test("a file that a dead disk keeps from being closed is left behind", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const handle = { close: () => new Promise(() => {}) } as unknown as OpenFile["handle"];
  const closed = closeFiles([{ name: "vda1:/vmlinuz", handle, size: 1, offset: 0 }]);
  t.mock.timers.tick(3000);
  await closed;
});

test("a file's name in messages has neither the password, the query nor the form that its URL has", async () => {
  const shown: string[] = [];
  const fetch = async (_: string, onProgress: (done: number, total: number | null) => void): Promise<never> => {
    onProgress(1, 2);
    throw new BatonError("not-found", "404");
  };
  const source: FileSource = { fetch, volume: () => assert.fail("nothing lies on a device") };
  const url = "https://me:hush@h/a@b?c#sha256=00&POST=user%3Dme%26password%3Dhush&header=X: hush";
  await assert.rejects(openFiles(source, kernelAlone({ url }), (name) => shown.push(name)));
  assert.deepEqual(shown, ["https://h/a@b?…#sha256=00&POST=…&header=…"]);
});

const file = (path: string) => ({ device: "vda1", path });
const entry = (fields: Partial<Parameters<typeof parsedEntry>[0]>) => ({
  ...parsedEntry({ title: "x", type: "grub", source: "vda1:/grub.cfg", ...fields }),
  ...{ id: "x", isDefault: false, bootable: true },
});

test("each file of an entry has its own place, whatever others there are", () => {
  const all = entry({
    linux: file("/k"),
    initrd: [file("/a"), file("/b")],
    initrdNames: [null, "etc/b"],
    addons: [file("/x.addon.efi")],
    devicetree: file("/board.dtb"),
    devicetreeOverlays: [file("/o1.dtbo"), file("/o2.dtbo")],
  });
  assert.deepEqual(filesOf(all, "aarch64"), {
    kernel: file("/k"),
    initrds: [
      { file: file("/a"), path: null, mode: null },
      { file: file("/b"), path: "etc/b", mode: null },
    ],
    addons: [file("/x.addon.efi")],
    devicetree: file("/board.dtb"),
    overlays: [file("/o1.dtbo"), file("/o2.dtbo")],
    modules: [],
  });
  const onPc = filesOf(all, "x86_64");
  assert.deepEqual([onPc.devicetree, onPc.overlays], [null, []], "x86 kernels take no devicetree");
  const edited = filesOf({ ...all, initrd: [file("/b")] }, "x86_64");
  assert.deepEqual(
    edited.initrds,
    [{ file: file("/b"), path: null, mode: null }],
    "whose names they were is not known any more",
  );
});

test("a multiboot kernel is the first of its modules; only GRUB 2 leaves their names out of command lines", () => {
  const modules = [
    { file: file("/xen.gz"), args: "placeholder" },
    { file: file("/vmlinuz"), args: "quiet" },
    { file: { url: "http://h/initrd" }, args: "" },
  ];
  const grub = filesOf(entry({ kind: "multiboot2", modules }), "x86_64");
  assert.deepEqual(grub, {
    ...kernelAlone(file("/xen.gz")),
    modules: [
      { file: file("/vmlinuz"), cmdline: "quiet" },
      { file: { url: "http://h/initrd" }, cmdline: "" },
    ],
  });
  const other = filesOf(entry({ type: "syslinux", kind: "multiboot", modules }), "x86_64");
  assert.deepEqual(
    other.modules.map(({ cmdline }) => cmdline),
    ["/vmlinuz quiet", "http://h/initrd"],
  );
});

test("an entry without a kernel is refused with its own reason", () => {
  assert.throws(() => filesOf(entry({ kind: "efi", reason: "only the firmware starts it" }), "x86_64"), {
    code: "unsupported",
    message: "only the firmware starts it",
  });
});

test("files keep their places when they are made into others, and are listed with the kernel first", async () => {
  const names = {
    ...{ kernel: "k", initrds: [{ file: "i", path: "p" }], addons: ["a"], devicetree: "d", overlays: ["o"] },
    modules: [{ file: "m", cmdline: "c" }],
  };
  const upper = await mapFiles(names, async (name) => name.toUpperCase());
  assert.deepEqual(upper, {
    ...{ kernel: "K", initrds: [{ file: "I", path: "p" }], addons: ["A"], devicetree: "D", overlays: ["O"] },
    modules: [{ file: "M", cmdline: "c" }],
  });
  assert.deepEqual(listFiles(upper), ["K", "I", "A", "D", "O", "M"]);
});

test("a file that is another one than its configuration says is refused, and every file is closed then", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "baton-digest-"));
  t.after(() => rm(folder, { recursive: true }));
  const content = Buffer.alloc(3_000_000, "kernel");
  await writeFile(join(folder, "k"), content);
  const hex = createHash("blake2b512").update(content).digest("hex");
  const digest = { file: file("/k"), algorithm: "blake2b512", hex } as const;
  const whole = await openPath(join(folder, "k"), "vda1:/k");
  await checkDigests([whole], [digest, { ...digest, file: file("/not-loaded"), hex: "00" }]);
  await assert.rejects(checkDigests([whole], [{ ...digest, hex: "00" }]), /vda1:\/k: its blake2b512 digest is not/);
  await assert.rejects(whole.handle.stat(), "it is closed");
});
