/** The one way from open files to a loaded kernel, which the menu and kexec(8) share. */

import assert from "node:assert/strict";
import { mkdtempSync, readSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { gzipSync } from "node:zlib";
import { BatonError } from "../../src/errors.ts";
import type { KexecFile } from "../../src/kexec/files.ts";
import type { LoadMethod, LoadRequest } from "../../src/kexec/method.ts";
import { type FoundKernel, loadOpened } from "../../src/loader/load.ts";
import { closeFiles, type OpenFile, openPath } from "../../src/loader/openfiles.ts";
import { type EntryFiles, kernelAlone, listFiles } from "../../src/loader/refs.ts";
import { Passage } from "../../src/trust/gate.ts";
import { TrustPolicy } from "../../src/trust/policy.ts";
import { makePe } from "../binary/pefile.ts";
import { makeBzImage } from "../images/kernels.ts";

const PASSAGE = Passage.through(TrustPolicy.off, "a test", null);
const folder = mkdtempSync(join(tmpdir(), "baton-load-"));
after(() => rmSync(folder, { recursive: true }));
let count = 0;

async function file(content: Uint8Array | string): Promise<OpenFile> {
  const path = join(folder, String(count++));
  writeFileSync(path, content);
  return openPath(path, `vda1:/${count}`);
}

function content({ fd, size, offset = 0 }: KexecFile): Buffer {
  const bytes = Buffer.alloc(size);
  assert.equal(readSync(fd, bytes, 0, size, offset), size);
  return bytes;
}

/** What a method is given, and what it reads of it. */
async function load(files: EntryFiles<OpenFile>, more: Partial<LoadRequest> = {}) {
  const seen: { kernel: Buffer; initrds: string[]; request: LoadRequest; found: FoundKernel }[] = [];
  try {
    await loadOpened(files, PASSAGE, {
      cmdline: "quiet",
      choose: async (found) => {
        const method: LoadMethod = {
          name: "kexec_load",
          load: async (request) => {
            const initrds = request.initrds.map((initrd) => content(initrd).toString());
            seen.push({ kernel: content(request.kernel), initrds, request, found });
          },
        };
        return { ...more, methods: [method] };
      },
    });
  } finally {
    await closeFiles(listFiles(files));
  }
  assert.equal(seen.length, 1);
  return seen[0]!;
}

const KERNEL = makeBzImage();
const initrd = async (text: string) => ({ file: await file(text), path: null });

test("a plain kernel is loaded as the file that it is, with its initrds in order", async () => {
  const kernel = await file(KERNEL);
  const { fd } = kernel.handle;
  const seen = await load({ ...kernelAlone(kernel), initrds: [await initrd("one"), await initrd("two")] });
  assert.equal(seen.request.kernel.fd, fd);
  assert.deepEqual([seen.initrds, seen.request.cmdline, seen.found.image.format], [["one", "two"], "quiet", "bzImage"]);
});

test("a packed kernel is unpacked into memory", async () => {
  const kernel = await file(gzipSync(KERNEL));
  const seen = await load(kernelAlone(kernel));
  assert.deepEqual(seen.kernel, Buffer.from(KERNEL));
  assert.equal(seen.found.image.format, "bzImage");
});

test("of a unified kernel image its kernel is loaded; microcode comes first, then its initrd, others, its addons'", async () => {
  const uki = await file(
    makePe([
      [".initrd", "own initrd"],
      [".ucode", "own microcode"],
      [".linux", KERNEL],
    ]),
  );
  const addon = await file(
    makePe([
      [".ucode", "addon microcode"],
      [".initrd", "addon initrd"],
    ]),
  );
  const seen = await load({ ...kernelAlone(uki), initrds: [await initrd("other")], addons: [addon] });
  assert.deepEqual(seen.kernel, Buffer.from(KERNEL));
  assert.deepEqual(seen.initrds, ["addon microcode", "own microcode", "own initrd", "other", "addon initrd"]);
});

test("what is chosen for the kernel wins over what was asked for", async () => {
  const seen = await load(kernelAlone(await file(KERNEL)), { cmdline: "vmlinuz quiet", crash: true });
  assert.deepEqual([seen.request.cmdline, seen.request.crash], ["vmlinuz quiet", true]);
});

test("a file that is refused is not unpacked, and nothing is chosen for it", async () => {
  const kernel = await file(gzipSync("text"));
  const loading = loadOpened(kernelAlone(kernel), PASSAGE, {
    cmdline: "",
    refuse: ({ format }) => `It is ${format}.`,
    choose: () => assert.fail("not asked"),
  });
  await assert.rejects(loading, (error: unknown) => {
    assert.ok(error instanceof BatonError);
    assert.deepEqual([error.code, error.message], ["bad-format", `${kernel.name}: It is gzip.`]);
    return true;
  });
  await kernel.handle.close();
});
