/** Files of this machine and what comes over the network. */

import assert from "node:assert/strict";
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { Fetcher } from "../../src/fetch/fetcher.ts";
import { localRefusal } from "../../src/fetch/localfiles.ts";
import { ask, kernel } from "./mirror.ts";

const refusal = (text: string, from: string | null) => localRefusal(new URL(text), from);

test("who named a file of this machine decides whether it may be read, and some may never be", () => {
  assert.equal(refusal("file:///srv/menu.ipxe", null), null);
  assert.equal(refusal("file:///srv/k", "file:///srv/menu.ipxe"), null);
  assert.equal(refusal("http://h/k", "http://h/menu"), null);
  for (const from of ["http://h/menu", "https://h/menu", "tftp://h/menu", "a lease"]) {
    assert.match(refusal("file:///srv/k", from) ?? "", /nothing that comes over the network may name one/, from);
    assert.notEqual(refusal("\x01 FILE:///srv/k", from), null, from);
  }
  for (const path of ["/etc/baton/netrc", "/etc/./baton", "//proc/1/environ", "/srv/../sys/x", "/%64ev/sda"]) {
    assert.match(refusal(`file://${path}`, null) ?? "", /may be read by a URL/, path);
  }
  assert.equal(refusal("file:///etc/batons/x", null), null);
});

test("a link is no way around that", async (t) => {
  const directory = mkdtempSync(join(tmpdir(), "baton-local-"));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  symlinkSync("/proc/self/environ", join(directory, "link"));
  writeFileSync(join(directory, "file"), "text");
  const fetcher = new Fetcher();
  await assert.rejects(fetcher.read(`file://${directory}/link`), { code: "refused" });
  assert.equal(Buffer.from((await fetcher.read(`file://${directory}/file`))!).toString(), "text");
});

test("no lease and no configuration of a server leads to a file of this machine", async (t) => {
  const tree = {
    "file/srv/menu": "#!ipxe\nkernel http://h/k own\nboot\n",
    "file/srv/pxelinux.cfg/default": "LABEL own\n KERNEL http://h/k\n",
    "http/h/k": kernel(),
    "http/h/script": "#!ipxe\nkernel k\ninitrd \x01file:///srv/secret\nboot\n",
    "http/h/chain": "#!ipxe\nchain \x01file:///srv/menu\n",
    "http/h/menu": "LABEL a\n KERNEL k\n INITRD file:///srv/secret\n",
    "http/h/yaml": "entries:\n  - title: a\n    linux: /k\n    initrd: file:///srv/secret\n",
    "http/h/petitboot": "[a]\nimage=/k\ninitrd=file:///srv/secret\nargs=x\n",
  };
  const leases = [
    { url: "file:///srv/menu" },
    { server: "h", file: "file:///srv/menu" },
    { conf: "file:///srv/pxelinux.cfg/default" },
    { prefix: "file:///srv/" },
  ];
  for (const lease of leases) {
    const { list, failure } = await ask(t, tree, { lease });
    assert.match(failure ?? "", /it is a file of this machine/, JSON.stringify(lease));
    assert.equal(list.entries.length, 0);
  }
  for (const name of ["script", "chain", "menu", "yaml", "petitboot"]) {
    const { list } = await ask(t, tree, { url: `http://h/${name}` });
    assert.deepEqual(
      list.entries.filter(({ bootable }) => bootable),
      [],
      name,
    );
  }
  // The machine's owner may name one.
  assert.equal((await ask(t, tree, { url: "file:///srv/menu" })).list.entries[0]?.options, "own");
});
