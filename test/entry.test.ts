import assert from "node:assert/strict";
import { test } from "node:test";
import { formatDiagnostic, shownAddress, shownFileRef } from "../src/entry.ts";

for (const [address, shown] of [
  ["http://h/boot/k", "http://h/boot/k"],
  ["http://me:secret@h:8080/k", "http://h:8080/k"],
  ["HTTPS://me@h/k@2", "HTTPS://h/k@2"],
  ["http://h/boot?user=me&password=secret&p", "http://h/boot?user=…&password=…&…"],
  ["http://h/boot?secret", "http://h/boot?…"],
  ["http://h/boot?a=secret=more#sha256=00", "http://h/boot?a=…#sha256=00"],
  ["http://h/boot?", "http://h/boot?"],
  ["http://h/k#post=secret&header=X:secret", "http://h/k#post=…&header=…"],
  // No URL: the password has a slash, or the port is none.
  ["http://me:sec/ret@h/k", "http://h/k"],
  ["http://me:secret@h:port/k?p=secret", "http://h:port/k?p=…"],
  ["vda1:/boot/vmlinuz?x=1", "vda1:/boot/vmlinuz?x=1"],
  ["", ""],
] as const) {
  test(`'${address}' is shown as '${shown}'`, () => assert.equal(shownAddress(address), shown));
}

test("neither a file nor where a fault stands shows a password", () => {
  const url = "http://me:secret@h/menu.ipxe?p=secret";
  assert.equal(shownFileRef({ url }), "http://h/menu.ipxe?p=…");
  const diagnostic = { severity: "error", source: url, line: 3, column: null, message: "it fails" } as const;
  assert.equal(formatDiagnostic(diagnostic), "http://h/menu.ipxe?p=…:3: it fails");
});
