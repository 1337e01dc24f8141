import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { closeSync, fstatSync, mkdtempSync, readFileSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { BatonError } from "../../src/errors.ts";
import { withDeadline } from "../../src/linux/deadline.ts";
import { LinuxError } from "../../src/linux/error.ts";
import { kexecFileLoad } from "../../src/linux/kexec.ts";
import { callBlocking } from "../../src/linux/libc.ts";
import { memfd } from "../../src/linux/memfd.ts";
import { finitModule } from "../../src/linux/module.ts";
import { REBOOT_COMMANDS, type RebootCommand, reboot } from "../../src/linux/reboot.ts";
import { sync } from "../../src/linux/sync.ts";
import { linuxFile, runProgram } from "./program.ts";

test("a memory file can be written and read", () => {
  const fd = memfd("test");
  try {
    writeSync(fd, "some bytes");
    assert.equal(fstatSync(fd).size, 10);
    assert.equal(readFileSync(`/proc/self/fd/${fd}`, "utf8"), "some bytes");
  } finally {
    closeSync(fd);
  }
});

test("a text with a NUL is refused before any call", () => {
  assert.throws(() => memfd("a\0b"), { code: "usage" });
});

test("sync finishes and says so", async () => {
  assert.equal(await sync({ timeoutMs: 120_000 }), true);
});

test("calls that are made at the same time each keep their own errno", async () => {
  const names = await Promise.all(
    Array.from({ length: 40 }, (_, i) => {
      const target = i % 2 === 0 ? "/nonexistent/mount/point" : "/proc/version";
      const call = callBlocking(
        "umount2",
        [target, 0],
        { call: "umount2", args: [target] },
        { timeoutMs: null, timeoutReason: "" },
      );
      return call.then(
        () => "none",
        (error: LinuxError) => error.errnoName,
      );
    }),
  );
  const asRoot = ["ENOENT", "EINVAL"];
  for (const [i, name] of names.entries()) {
    assert.ok(name === asRoot[i % 2] || (process.getuid?.() !== 0 && name === "EPERM"), `call ${i}: ${name}`);
  }
});

test("kexec_file_load of no file is refused, with the call in the error", async () => {
  await assert.rejects(kexecFileLoad(-1, null, "quiet"), (error) => {
    assert.ok(error instanceof LinuxError);
    assert.match(error.errnoName, /^(EBADF|EPERM|ENOSYS)$/);
    assert.match(error.message, /^kexec_file_load\(-1, -1, 6, "quiet", KEXEC_FILE_NO_INITRAMFS\): E/);
    return true;
  });
});

test("a module that isn't there, or is no module, is refused", async () => {
  await assert.rejects(finitModule("/nonexistent.ko"), { errnoName: "ENOENT", call: "open" });
  await assert.rejects(finitModule(process.execPath, "a=1"), (error) => {
    assert.ok(error instanceof LinuxError);
    assert.match(error.errnoName, /^(ENOEXEC|EPERM|ENOSYS|EFBIG|EINVAL|ENOKEY|EBADMSG)$/);
    assert.match(error.message, /^finit_module\(".*", "a=1"\): /);
    return true;
  });
});

test("reboot's commands are the kernel's numbers, as a C int", () => {
  for (const { value } of Object.values(REBOOT_COMMANDS)) assert.equal(value, value | 0);
  const words = Object.values(REBOOT_COMMANDS).map(({ value }) => (value >>> 0).toString(16).padStart(8, "0"));
  assert.deepEqual(words, ["01234567", "4321fedc", "cdef0123", "45584543"]);
});

test("an unknown reboot command does nothing", () => {
  assert.throws(() => reboot("jump" as RebootCommand), { code: "usage" });
});

test("what doesn't answer is given up at its deadline, and its late result handed over", async () => {
  let answer: (value: number) => void = () => {};
  const late: number[] = [];
  const work = new Promise<number>((resolve) => {
    answer = resolve;
  });
  await assert.rejects(
    withDeadline(work, 5, 'open("/dev/dead")', (value) => late.push(value)),
    (error) => {
      assert.ok(error instanceof BatonError);
      assert.equal(error.code, "timeout");
      assert.match(error.message, /^open\("\/dev\/dead"\): no answer within 0\.01 s: the device does not answer$/);
      return true;
    },
  );
  answer(7);
  await work;
  assert.deepEqual(late, [7]);
});

test("importing every file of linux/ loads no native code", async () => {
  const files = ["mount", "blkdev", "module", "kexec", "reboot", "sync", "tty", "netlink", "memfd", "exit"];
  const imports = files.map((name) => `import ${linuxFile(`${name}.ts`)};`).join("\n");
  const output = await runProgram(`${imports}
    import { readFileSync } from "node:fs";
    console.log(readFileSync("/proc/self/maps", "utf8").includes("koffi.node"));`);
  assert.equal(output, "false\n");
});

test("exitNow leaves although a thread of the pool is stuck, after the exit listeners ran", async () => {
  const directory = mkdtempSync(join(tmpdir(), "baton-exit-"));
  const fifo = join(directory, "fifo");
  execFileSync("mkfifo", [fifo]);
  try {
    // Opening a FIFO that nobody writes to waits for ever, as a dead disk does.
    const output = await runProgram(`
      import { open } from "node:fs/promises";
      import { exitNow } from ${linuxFile("exit.ts")};
      process.on("exit", (code) => console.log("listener", code));
      open(${JSON.stringify(fifo)}, "r").catch(() => {});
      setTimeout(() => exitNow(0), 50);`);
    assert.equal(output, "listener 0\n");
  } finally {
    rmSync(directory, { recursive: true });
  }
});
