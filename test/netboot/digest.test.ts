/** What a URL says of its file is checked before anything in the file is believed. */

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { download } from "../../src/fetch/download.ts";
import { Fetcher } from "../../src/fetch/fetcher.ts";
import { fragmentOf } from "../../src/fetch/fragment.ts";
import { serve } from "../fetch/httpserver.ts";
import { isoFolder, makeIso, NO_XORRISO } from "../volumes/isoimages.ts";
import { ask, kernel, lines } from "./mirror.ts";

const hash = (bytes: string | Uint8Array, algorithm = "sha256"): string =>
  createHash(algorithm).update(bytes).digest("hex");
const SCRIPT = "#!ipxe\nkernel k quiet\nboot\n";

test("each kind of file is what its digest says, or leads nowhere", { skip: NO_XORRISO }, async (t) => {
  const grub = "menuentry x {\n linux /vmlinuz init=/bin/other\n}\n";
  const image = join(isoFolder(), "x.iso");
  makeIso(image, { "boot/grub/grub.cfg": grub, vmlinuz: kernel() });
  const disc = readFileSync(image);
  const files = { kernel: kernel(), script: SCRIPT, grub, disc, program: "\xeb\xfe\0PXELINUX\0" };
  for (const [name, content] of Object.entries(files)) {
    const tree = { [`http/h/${name}`]: content, "http/h/pxelinux.cfg/default": "LABEL x\n KERNEL other\n" };
    const url = `http://h/${name}`;
    const wrong = await ask(t, tree, { url: `${url}#sha256=${"0".repeat(64)}` });
    assert.match(wrong.failure ?? "", /its SHA-256 is .* and must be 0000.*nothing of it is used/, name);
    assert.deepEqual(lines(wrong), [], name);
    for (const algorithm of ["sha256", "sha384", "sha512"]) {
      const right = await ask(t, tree, { url: `${url}#${algorithm}=${hash(content, algorithm)}` });
      assert.doesNotMatch(right.failure ?? "", /SHA/, `${name} ${algorithm}`);
      if (name !== "disc") continue;
      // What lies within is taken from what was checked, in its own length.
      const handle = await right.fetch("http://h/disc#/vmlinuz");
      assert.equal(hash(await handle.readFile()), hash(kernel()));
      await handle.close();
    }
  }
});

test("what was checked is what is booted, whatever the server sends afterwards", async (t) => {
  let whole = kernel();
  const url = await serve(t, (_, response) => response.end(whole));
  const { Network } = await import("../../src/netboot/network.ts");
  const network = new Network(new Fetcher(), { firmware: "efi", arch: "x86_64" });
  const address = `${url}/k#sha256=${hash(whole)}`;
  assert.equal(await network.ask([{ url: address, lease: null, extras: { initrd: [], options: "" } }]), null);
  const meant = whole;
  whole = Buffer.from("another file");
  const handle = await network.fetch(address, () => {});
  assert.equal(hash(await handle.readFile()), hash(meant));
  await handle.close();
  await assert.rejects(
    network.fetch(`${url}/k#sha256=${"1".repeat(64)}`, () => {}),
    /its SHA-256 is/,
  );
});

test("a script that another chains is what its digest says", async (t) => {
  const chain = (digest: string) => `#!ipxe\nchain inner.ipxe#sha256=${digest}\n`;
  const tree = { "http/h/inner.ipxe": SCRIPT, "http/h/k": kernel() };
  const right = await ask(t, { ...tree, "http/h/m": chain(hash(SCRIPT)) }, { url: "http://h/m" });
  assert.equal(right.list.entries[0]!.options, "quiet");
  const wrong = await ask(t, { ...tree, "http/h/m": chain("0".repeat(64)) }, { url: "http://h/m" });
  assert.deepEqual(
    wrong.list.entries.filter(({ bootable }) => bootable),
    [],
  );
});

test("an unknown word behind # is an error, in a URL that is given and in one that a configuration names", async (t) => {
  for (const word of ["sha25=00", "sha256=abc", "sha256", "md5=00", "x"]) {
    assert.throws(() => fragmentOf(new URL(`http://h/k#${word}`)), { code: "usage" }, word);
    const tree = { "http/h/k": kernel(), "http/h/m": `entries:\n  - title: X\n    linux: http://h/k#${word}\n` };
    assert.notEqual((await ask(t, tree, { url: `http://h/k#${word}` })).failure, null, word);
    const [entry] = (await ask(t, tree, { url: "http://h/m" })).list.entries;
    assert.equal(entry!.bootable, false, word);
  }
  const folder = await ask(t, { "http/h/d/k": "" }, { url: `http://h/d/#sha256=${"0".repeat(64)}` });
  assert.match(folder.failure ?? "", /a folder has no digest/);
});

test("a mirror is asked although the first server announces more than memory holds", async (t) => {
  const liar = await serve(t, (_, response) => {
    response.writeHead(200, { "content-length": "900000000000000" }).write("x");
  });
  const honest = await serve(t, (_, response) => response.end("meant"));
  const { handle } = await download(new Fetcher(), `${liar}/k#sha256=${hash("meant")}&mirror=${honest}/k`);
  assert.equal((await handle.readFile()).toString(), "meant");
  await handle.close();
  await assert.rejects(download(new Fetcher(), `${liar}/k#mirror=${liar}/l`), { code: "too-large" });
});

test("a part of a file of another length is not joined to what had come", async (t) => {
  const [old, fresh] = [Buffer.alloc(300_000, 1), Buffer.alloc(310_000, 2)];
  let requests = 0;
  const url = await serve(t, (request, response) => {
    const start = Number(/bytes=(\d+)-/.exec(request.headers.range ?? "")?.[1] ?? 0);
    const file = requests++ === 0 ? old : fresh;
    const range = `bytes ${start}-${file.length - 1}/${file.length}`;
    // A server that pays no heed to If-Range, and whose validator says nothing.
    const headers = { etag: '"same"', "content-length": file.length - start, "content-range": range };
    response.writeHead(start > 0 ? 206 : 200, headers);
    if (requests === 1) response.write(file.subarray(0, 100_000), () => request.socket.destroySoon());
    else response.end(file.subarray(start));
  });
  const { handle } = await download(new Fetcher(), `${url}/k`, { pauseMs: 1 });
  assert.equal(hash(await handle.readFile()), hash(fresh));
  await handle.close();
});
