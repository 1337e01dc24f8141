import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { readAtOfBytes } from "../../src/binary/readat.ts";
import { contentOf } from "../../src/netboot/contenttype.ts";
import { isoFolder, makeIso, NO_XORRISO } from "../volumes/isoimages.ts";
import { ask, kernel, lines, source, type Tree } from "./mirror.ts";

const DIGEST = "00".repeat(32);
const KERNEL_DIGEST = createHash("sha256").update(kernel()).digest("hex");

test("a kernel's URL is an entry, with the initrd and command line given beside it", async (t) => {
  const answer = await ask(
    t,
    { "http/h/a/vmlinuz": kernel(), "http/h/a/initrd": "i" },
    {
      url: `http://h/a/vmlinuz#sha256=${KERNEL_DIGEST}`,
      initrd: ["initrd", "http://other/more"],
      options: "console=ttyS0",
    },
  );
  assert.deepEqual(lines(answer), [
    `vmlinuz | http://h/a/vmlinuz#sha256=${KERNEL_DIGEST} | http://h/a/initrd http://other/more | console=ttyS0`,
  ]);
  assert.equal(answer.list.entries[0]!.type, "url");
});

test("what a URL leads to is told by its content, not by its name", async (t) => {
  const kinds: readonly (readonly [string, string | Uint8Array, string])[] = [
    ["kernel", kernel(), "url"],
    ["ipxe", "#!ipxe\nkernel k\nboot\n", "ipxe"],
    ["syslinux", "DEFAULT x\nLABEL x\n KERNEL k\n APPEND a\n", "pxelinux"],
    ["grub", "set timeout=5\nmenuentry 'x' {\n linux /k\n}\n", "grub"],
    ["bls", "title X\nlinux /k\ninitrd /i\noptions root=x\n", "bls"],
    ["yaml", "entries:\n  - title: X\n    linux: /k\n", "baton"],
  ];
  for (const [name, content, type] of kinds) {
    const answer = await ask(t, { [`http/h/files/${name}`]: content }, { url: `http://h/files/${name}` });
    assert.equal(answer.list.entries[0]?.type, type, `${name}: ${answer.failure}`);
  }
});

test("what is nothing to boot is refused with what it is instead", async (t) => {
  const tree: Tree = {
    "http/h/page": "<!DOCTYPE html><html><body>404</body></html>",
    "http/h/empty": "",
    "http/h/text": "Once upon a time\nthere was a file.\n",
    "http/h/zip": Buffer.from("504b030414000000080000002100", "hex"),
  };
  const failure = async (name: string) => (await ask(t, tree, { url: `http://h/${name}` })).failure!;
  assert.match(await failure("page"), /http:\/\/h\/page: it is a web page/);
  assert.match(await failure("empty"), /an empty file/);
  assert.match(await failure("text"), /a text in no known language/);
  assert.match(await failure("zip"), /http:\/\/h\/zip: it is /);
  assert.match(await failure("gone"), /http:\/\/h\/gone: 404/);
});

test("schemes that are not fetched are named with what to use instead", async (t) => {
  for (const url of ["nfs://h/x", "ftp://h/x", "gopher://h/x", "nonsense"]) {
    const { failure } = await ask(t, {}, { url });
    assert.match(failure!, /not supported|not a URL/, url);
  }
});

test("a URL that can't be fetched is named once, wherever that is said", async (t) => {
  const url = "nfs://h/x";
  const why = "nfs is not supported: Baton has no NFS client; serve the same folder by HTTP or TFTP";
  const named = await ask(t, {}, { url });
  assert.equal(named.failure, `${url}: ${why}`);
  assert.deepEqual(
    named.rows.map(({ name, reason }) => [name, reason]),
    [[url, why]],
  );
  assert.deepEqual(
    named.list.diagnostics.map(({ source, message }) => [source, message]),
    [[url, why]],
  );
  const menu = { "tftp/h/pxelinux.cfg/default": `LABEL a\n KERNEL ${url}\n` };
  const [entry] = (await ask(t, menu, { url: "tftp://h/pxelinux.cfg/default" })).list.entries;
  assert.equal(entry!.reason, `${url}: ${why}`);
  const leased = await ask(t, {}, { lease: { server: "h", conf: url } });
  assert.equal(leased.failure, `configuration file (option 209): ${url}: ${why}`);
});

test("a URL that ends in a slash is a tree, read as network bootloaders do", async (t) => {
  const tree = { "http/h/tree/pxelinux.cfg/default": "LABEL x\nKERNEL k\n" };
  assert.equal(source(await ask(t, tree, { url: "http://h/tree/" })), "http://h/tree/pxelinux.cfg/default");
});

test("a script's query reaches the server and its names are relative to its folder", async (t) => {
  const tree: Tree = { "http/h/cgi/boot": "#!ipxe\nkernel ../k\nboot\n", "http/h/k": "k" };
  const answer = await ask(t, tree, { url: "http://h/cgi/boot?mac=1" });
  assert.deepEqual(lines(answer), ["boot | http://h/k |  | "]);
  assert.equal(source(answer), "http://h/cgi/boot?mac=1");
});

test("iPXE menus become entries and submenus, through the scripts that they chain to", async (t) => {
  const tree: Tree = {
    "http/h/boot.ipxe":
      "#!ipxe\nmenu Pick\nitem --key d deb Debian\nitem more More\nchoose --default deb --timeout 5000 t && goto ${t}\n" +
      ":deb\nkernel deb/linux mac=${net0/mac:hexhyp} ip=${ip} srv=${next-server}\ninitrd deb/initrd\nboot\n:more\nchain more.ipxe\n",
    "http/h/more.ipxe":
      "#!ipxe\nmenu More\nitem a Alpine\nitem back Back\nchoose t && goto ${t}\n:a\nkernel a\nboot\n:back\nchain boot.ipxe\n",
    "http/h/deb/linux": "l",
    "http/h/deb/initrd": "i",
    "http/h/a": "a",
  };
  const lease = { mac: "52:54:00:00:00:09", ip: "10.0.2.9", server: "10.0.2.2" };
  const answer = await ask(t, tree, { url: "http://h/boot.ipxe", lease });
  assert.deepEqual(lines(answer), [
    "Debian | http://h/deb/linux | http://h/deb/initrd | mac=52-54-00-00-00-09 ip=10.0.2.9 srv=10.0.2.2",
    "More > Alpine | http://h/a |  | ",
  ]);
  assert.equal(answer.list.timeout, 5);
  assert.equal(answer.list.entries[0]!.isDefault, true);
});

test("iPXE goes on as its script says where a file is missing, and keeps the entry where that boots nothing", async (t) => {
  const there: Tree = { "http/h/b": "b" };
  const fallback = { ...there, "http/h/x.ipxe": "#!ipxe\nkernel a || kernel b\nboot\n" };
  assert.deepEqual(lines(await ask(t, fallback, { url: "http://h/x.ipxe" })), ["x.ipxe | http://h/b |  | "]);
  const stuck = { ...there, "http/h/x.ipxe": "#!ipxe\nkernel a z=1 || goto bad\ninitrd b\nboot\n:bad\nshell\n" };
  const answer = await ask(t, stuck, { url: "http://h/x.ipxe" });
  assert.deepEqual(lines(answer), ["x.ipxe | http://h/a | http://h/b | z=1"]);
  assert.equal(answer.list.entries[0]!.reason, "http://h/a: the file is missing (404)");
});

test("a text is recognised whatever its encoding and comments", async () => {
  const what = async (text: string, name = "x") => {
    const content = await contentOf(readAtOfBytes(Buffer.from(text, "latin1")), text.length, name);
    return content.what === "configuration" ? content.format.name : content.what;
  };
  assert.equal(await what(`${"# a comment\n".repeat(200)}LABEL x\nKERNEL y\nAPPEND z\n`), "syslinux");
  assert.equal(await what("menuentry 'S\xfcden' {\n linux /k\n}\n"), "grub");
  assert.equal(
    await what("default 0\ntimeout 5\ntitle Old\n root (hd0,0)\n kernel /vmlinuz ro\n initrd /i\n"),
    "grub-legacy",
  );
  assert.equal(await what("[Linux]\nimage=/vmlinux\ninitrd=/i\nargs=quiet\n"), "petitboot");
  assert.equal(await what("[a]\ntitle = A\nlinux = /k\noptions = x\n"), "baton");
});

test("a script whose digest is another than the URL says is not run", async (t) => {
  const script = "#!ipxe\nkernel k\nboot\n";
  const right = createHash("sha256").update(script).digest("hex");
  const tree = { "http/h/x.ipxe": script };
  assert.equal((await ask(t, tree, { url: `http://h/x.ipxe#sha256=${right}` })).list.entries.length, 1);
  assert.match((await ask(t, tree, { url: `http://h/x.ipxe#sha256=${DIGEST}` })).failure!, /its SHA-256 is .* must be/);
  assert.match((await ask(t, tree, { url: "http://h/x.ipxe#sha256=12" })).failure!, /no SHA-256/);
});

test("where a URL names mirrors, the first that has the file is taken, with what else the URL says", async (t) => {
  const tree = { "http/second/k": kernel(), "http/third/k": kernel(), "http/second/i": "i" };
  const hash = `sha256=${KERNEL_DIGEST}&initrd=i&options=quiet`;
  const url = `http://first/k#mirror=http://second/k&${hash}&mirror=http%3A%2F%2Fthird%2Fk`;
  assert.deepEqual(lines(await ask(t, tree, { url })), [
    `k | http://second/k#sha256=${KERNEL_DIGEST} | http://second/i | quiet`,
  ]);
  // Its own file is there: the mirrors stay beside it, for when it is fetched.
  const own = { url: url.replace("first", "third") };
  assert.match(
    lines(await ask(t, tree, own))[0]!,
    /\| http:\/\/third\/k#mirror=http:\/\/second\/k&sha256=[0-9a-f]{64}&/,
  );
  assert.match((await ask(t, {}, { url })).failure!, /first\/k: 404.*second\/k: 404.*third\/k: 404/);
  const listed = { "http/h/list.yaml": "entries:\n  - title: X\n    linux: http://gone/k#mirror=http://second/k\n" };
  const { list } = await ask(t, { ...tree, ...listed }, { url: "http://h/list.yaml" });
  assert.equal(list.entries[0]!.bootable, true);
});

test("an ISO image on a server is read in places, and its files fetched from within it", {
  skip: NO_XORRISO,
}, async (t) => {
  const menu = "DEFAULT live\nLABEL live\n KERNEL /casper/vmlinuz\n APPEND boot=casper initrd=/casper/initrd quiet\n";
  const folder = isoFolder();
  makeIso(join(folder, "x.iso"), {
    "isolinux/isolinux.cfg": menu,
    "casper/vmlinuz": kernel(),
    "casper/initrd": "the initrd",
  });
  const answer = await ask(t, { "http/h/x.iso": readFileSync(join(folder, "x.iso")) }, { url: "http://h/x.iso" });
  assert.equal(answer.failure, null);
  const [entry] = answer.list.entries;
  assert.deepEqual([entry!.bootable, entry!.reason], [true, null]);
  assert.deepEqual(entry!.linux, { url: "http://h/x.iso#/casper/vmlinuz" });
  assert.match(entry!.options, / iso-url=http:\/\/h\/x\.iso ip=dhcp$/);
  const handle = await answer.fetch("http://h/x.iso#/casper/initrd");
  assert.equal((await handle.readFile()).toString(), "the initrd");
  await handle.close();
});
