import assert from "node:assert/strict";
import { closeSync, fstatSync, mkdtempSync, openSync, readFileSync, readSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { BatonError } from "../../src/errors.ts";
import { type FileLoadSystem, fileLoadMethod } from "../../src/kexec/fileload.ts";
import type { KexecFile } from "../../src/kexec/files.ts";
import { type LoadProgress, loadFile } from "../../src/kexec/loadfiles.ts";
import type { LoadMethod } from "../../src/kexec/method.ts";
import { LinuxError } from "../../src/linux/error.ts";
import { memfd } from "../../src/linux/memfd.ts";
import { logLines } from "../../src/log.ts";

let folder = "";
const fds: number[] = [];
before(() => {
  folder = mkdtempSync(join(tmpdir(), "baton-kexec-"));
});
after(() => {
  for (const fd of fds) closeSync(fd);
  rmSync(folder, { recursive: true });
});

function file(name: string, content: string | Uint8Array): KexecFile {
  const path = join(folder, name);
  writeFileSync(path, content);
  const fd = openSync(path, "r");
  fds.push(fd);
  return { fd, size: Buffer.from(content as string).length, name: `vda1:/${name}` };
}

interface Call {
  readonly kernelFd: number;
  readonly kernel: string;
  readonly initrd: string | null;
  readonly cmdline: string;
}

/** Stands in for the kernel: remembers what it was given, read as the kernel reads it. */
function kernel(answer?: () => void, available: number | null = null) {
  const calls: Call[] = [];
  const memory: number[] = [];
  const whole = (fd: number): string => {
    const bytes = Buffer.alloc(fstatSync(fd).size);
    readSync(fd, bytes, 0, bytes.length, 0);
    return bytes.toString("latin1");
  };
  const system: FileLoadSystem = {
    async kexecFileLoad(kernelFd, initrdFd, cmdline) {
      answer?.();
      calls.push({ kernelFd, kernel: whole(kernelFd), initrd: initrdFd === null ? null : whole(initrdFd), cmdline });
    },
    memfd(name) {
      const fd = memfd(name);
      memory.push(fd);
      return fd;
    },
    readRevoked: async () => null,
    readState: async () => ({
      mayBoot: true,
      loadDisabled: false,
      lockdown: "none",
      secureBoot: null,
      memoryEncrypted: false,
      memoryTotal: null,
      memoryAvailable: available,
    }),
  };
  return { methods: [fileLoadMethod(system)], calls, memory };
}

test("kernel and initrd are handed over as the files that they are, with the exact command line", async () => {
  const { methods, calls, memory } = kernel();
  const vmlinuz = file("vmlinuz", "the kernel");
  const result = await loadFile({
    kernel: vmlinuz,
    initrds: [file("initrd", "the initrd")],
    cmdline: "root=/dev/vda1  ro quiet ",
    methods,
  });
  assert.deepEqual(calls, [
    { kernelFd: vmlinuz.fd, kernel: "the kernel", initrd: "the initrd", cmdline: "root=/dev/vda1  ro quiet " },
  ]);
  assert.deepEqual(memory, [], "no copy is made");
  assert.equal(result.method, "kexec_file_load");
});

test("the time that a load took counts from its beginning, with the method that failed before", async (t) => {
  let now = 1000;
  t.mock.method(performance, "now", () => now);
  const takes = (ms: number, error: BatonError | null): LoadMethod => ({
    name: error === null ? "kexec_file_load" : "kexec_load",
    load: async () => {
      now += ms;
      if (error !== null) throw error;
    },
  });
  const refused = new BatonError("refused", "no room");
  const methods = [takes(500, refused), takes(2000, null)];
  const result = await loadFile({ kernel: file("k", "k"), initrds: [], cmdline: "", methods });
  assert.deepEqual(result, { method: "kexec_file_load", seconds: 2.5 });
});

test("no initrd is no initrd", async () => {
  const { methods, calls } = kernel();
  await loadFile({ kernel: file("k", "k"), initrds: [], cmdline: "", methods });
  assert.equal(calls[0]?.initrd, null);
});

test("several initrds are joined in order, aligned, and the copy is closed again", async () => {
  const { methods, calls, memory } = kernel();
  await loadFile({
    kernel: file("k", "k"),
    initrds: [file("a", "aaaaa"), file("b", "bbb"), file("c", "c")],
    cmdline: "x",
    methods,
  });
  assert.equal(calls[0]?.initrd, "aaaaa\0\0\0bbb\0c");
  assert.equal(memory.length, 1);
  assert.throws(() => fstatSync(memory[0]!), { code: "EBADF" });
});

test("parts of a file, as a unified kernel image has them, are taken out of it", async () => {
  const { methods, calls } = kernel();
  const uki = file("uki.efi", "head KERNEL mid INITRD tail");
  await loadFile({
    kernel: { ...uki, offset: 5, size: 6 },
    initrds: [{ ...uki, offset: 16, size: 6 }],
    cmdline: "",
    methods,
  });
  assert.equal(calls[0]?.kernel, "KERNEL");
  assert.equal(calls[0]?.initrd, "INITRD");
});

test("initrds of several mebibytes are joined to the byte", async () => {
  const { methods, calls } = kernel();
  const big = Buffer.alloc(2.5 * 1024 * 1024, "0123456789abc");
  await loadFile({ kernel: file("k", "k"), initrds: [file("big", big), file("s", "small")], cmdline: "", methods });
  assert.ok(calls[0]?.initrd === `${big.toString("latin1")}small`);
});

test("empty initrds are left out, which the log says", async () => {
  const { methods, calls } = kernel();
  await loadFile({ kernel: file("k", "k"), initrds: [file("none", ""), file("one", "one")], cmdline: "", methods });
  assert.equal(calls[0]?.initrd, "one");
  assert.ok(logLines().some((line) => line.text === "vda1:/none is empty: booting without it"));
});

test("progress counts the bytes of all files up to the kernel's own work", async () => {
  const { methods } = kernel();
  const seen: LoadProgress[] = [];
  await loadFile({
    kernel: file("k", Buffer.alloc(1536 * 1024)),
    initrds: [file("i", Buffer.alloc(1024))],
    cmdline: "",
    methods,
    onProgress: (progress) => seen.push(progress),
  });
  const total = 1537 * 1024;
  assert.deepEqual(seen, [
    { detail: "vda1:/k", done: 1024 * 1024, total },
    { detail: "vda1:/k", done: 1536 * 1024, total },
    { detail: null, done: total, total },
  ]);
});

test("a command line of 2016 bytes is loaded, one of 2017 refused before the kernel is asked", async () => {
  const { methods, calls } = kernel();
  const vmlinuz = file("k", "k");
  await loadFile({ kernel: vmlinuz, initrds: [], cmdline: `${"ä".repeat(1007)}xx`, methods });
  await assert.rejects(loadFile({ kernel: vmlinuz, initrds: [], cmdline: `${"ä".repeat(1008)}x`, methods }), {
    code: "refused",
    message: "The kernel command line has 2017 bytes, and kexec_file_load takes 2016 for this kernel. Shorten it.",
  });
  await assert.rejects(
    loadFile({ kernel: vmlinuz, initrds: [], cmdline: "x".repeat(300), cmdlineLimit: 255, methods }),
    {
      code: "refused",
      message: /takes 224/,
    },
  );
  assert.equal(calls.length, 1);
});

test("an empty kernel file is refused by name", async () => {
  const { methods } = kernel();
  await assert.rejects(loadFile({ kernel: file("empty", ""), initrds: [], cmdline: "", methods }), {
    message: "vda1:/empty is empty: there is no kernel in it.",
  });
});

test("what would not fit into memory is refused with the numbers", async () => {
  const { methods, calls } = kernel(undefined, 3 * 1024 * 1024);
  const big = file("big", Buffer.alloc(2 * 1024 * 1024));
  await assert.rejects(loadFile({ kernel: big, initrds: [], cmdline: "", methods }), {
    code: "refused",
    message: /have 2\.0 MiB, which the kernel needs twice .* and 3\.0 MiB are free/,
  });
  assert.equal(calls.length, 0);
});

test("a file that is shorter than it said is refused by name", async () => {
  const { methods } = kernel();
  const short = { ...file("short", "12345"), size: 10 };
  await assert.rejects(loadFile({ kernel: short, initrds: [], cmdline: "", methods }), {
    code: "io",
    message: "vda1:/short ends after 5 of 10 bytes: it is cut short.",
  });
});

test("the kernel's refusal becomes a sentence, and copies are closed all the same", async () => {
  const { methods, memory } = kernel(() => {
    throw new LinuxError("kexec_file_load", "5, 6", 8);
  });
  const a = file("a", "a");
  await assert.rejects(loadFile({ kernel: a, initrds: [a, a], cmdline: "", methods }), {
    name: "KexecError",
    code: "refused",
    errnoName: "ENOEXEC",
    message: /doesn't know this kind of file as a kernel/,
  });
  assert.throws(() => fstatSync(memory[0]!), { code: "EBADF" });
});

test("a file that can't be read is an error of that file, not a crash", async () => {
  const { methods } = kernel();
  await assert.rejects(loadFile({ kernel: { fd: -1, size: 3, name: "gone" }, initrds: [], cmdline: "", methods }));
  const directory = openSync(folder, "r");
  fds.push(directory);
  await assert.rejects(
    loadFile({ kernel: { fd: directory, size: 3, name: "dir" }, initrds: [], cmdline: "", methods }),
    {
      code: "io",
      message: /^reading dir failed: EISDIR/,
    },
  );
});

test("the real call is made with the real files, and its refusal explained", async () => {
  // A text is never a kernel, so that nothing is loaded, whatever this machine allows.
  const text = file("text", readFileSync(import.meta.filename));
  await assert.rejects(loadFile({ kernel: text, initrds: [text, text], cmdline: "quiet" }), (error: Error) => {
    assert.equal(error.name, "KexecError");
    assert.match(error.message, /\(kexec_file_load: (ENOEXEC|EPERM|ENOSYS|EINVAL|ENODATA)\)$/);
    return true;
  });
});
