import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { HOST_SCHEMES, parseFetchUrl, schemeList, TRANSPORTS } from "../../src/fetch/transports.ts";

test("a row of the table of transports is all that addresses and messages need to know of one", () => {
  for (const { scheme, port } of TRANSPORTS) {
    if (port === null) continue;
    // The same file is the same URL, however it was written.
    assert.equal(parseFetchUrl(`${scheme.toUpperCase()}://Host:${port}/F`).href, `${scheme}://host/F`);
    assert.equal(parseFetchUrl(`${scheme}://host:${port + 1}/F`).port, String(port + 1));
    assert.ok(HOST_SCHEMES.split("|").includes(scheme));
  }
  for (const { scheme } of TRANSPORTS) {
    for (const text of ["gopher://host/", "no-url"]) {
      assert.throws(() => parseFetchUrl(text), { message: new RegExp(`\\b${scheme}\\b`) });
    }
  }
  const more = [...TRANSPORTS, { ...TRANSPORTS[0]!, scheme: "coap" }];
  assert.equal(schemeList("or", more), "http, https, tftp, file or coap");
});

test("every scheme of the table has a transport, and no other file of the room lists schemes", async () => {
  for (const { load } of TRANSPORTS) assert.equal(typeof (await load({})).open, "function");
  const others = readdirSync("src/fetch").filter((name) => name !== "transports.ts");
  for (const name of others) {
    const lists = readFileSync(`src/fetch/${name}`, "utf8").match(/\[[^\]]*"(http|https|tftp|file)"[^\]]*\]/g);
    assert.equal(lists, null, `src/fetch/${name}`);
  }
});

test("what Baton doesn't fetch is refused with what to use instead", () => {
  assert.throws(() => parseFetchUrl("nfs://host/x"), { code: "unsupported", message: /serve the same folder by HTTP/ });
  assert.throws(() => parseFetchUrl("tftp:///x"), { code: "usage", message: /it names no host/ });
});
