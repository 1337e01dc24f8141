/** A redirect moves where names in a file start, and nothing else. */

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { type TestContext, test } from "node:test";
import { formatFileRef } from "../../src/entry.ts";
import { Fetcher } from "../../src/fetch/fetcher.ts";
import type { Lease } from "../../src/net/lease.ts";
import { lease } from "../../src/net/lease.ts";
import { Network } from "../../src/netboot/network.ts";
import { bootList } from "../../src/policy/list.ts";
import { serve } from "../fetch/httpserver.ts";
import { kernel } from "./mirror.ts";

type Page = string | Uint8Array | { readonly location: string };

/** What is listed where a server has these pages, as `title: files` with paths alone. */
async function list(
  t: TestContext,
  pages: Readonly<Record<string, Page>>,
  question: { readonly url?: string; readonly lease?: Partial<Lease> },
): Promise<string[]> {
  const origin = await serve(t, (request, response) => {
    const path = request.url ?? "/";
    const page = pages[path];
    if (page === undefined) return response.writeHead(404).end();
    if (typeof page === "object" && "location" in page) return response.writeHead(302, page).end();
    return response.end(request.method === "HEAD" ? undefined : page);
  });
  const network = new Network(new Fetcher(), { firmware: "efi", arch: "x86_64" });
  const given = question.lease && lease({ origin: "test", ...question.lease, url: `${origin}/boot` });
  const url = question.url === undefined ? null : origin + question.url;
  const failure = await network.ask([{ url, lease: given ?? null, extras: { initrd: [], options: "" } }]);
  if (failure !== null) return [failure.replaceAll(origin, "")];
  return bootList(network.configs, (ref) => network.check(ref)).entries.map(({ title, linux, initrd }) =>
    `${title}: ${[linux, ...initrd].map((file) => file && formatFileRef(file)).join(" ")}`.replaceAll(origin, ""),
  );
}

const SCRIPT = "#!ipxe\nkernel vmlinuz\ninitrd ../initrd\nboot\n";
const to = (location: string): Page => ({ location });

test("names in a script start where it came from in the end, those of scripts that it chains to as well", async (t) => {
  const pages = { "/boot": to("/a"), "/a": to("/v2/menu/x.ipxe"), "/v2/menu/x.ipxe": SCRIPT };
  assert.deepEqual(await list(t, pages, { url: "/boot" }), ["x.ipxe: /v2/menu/vmlinuz /v2/initrd"]);
  assert.deepEqual(await list(t, pages, { lease: {} }), ["x.ipxe: /v2/menu/vmlinuz /v2/initrd"]);
  const chained = { ...pages, "/start.ipxe": "#!ipxe\nchain boot\n" };
  assert.match((await list(t, chained, { url: "/start.ipxe" }))[0]!, /: \/v2\/menu\/vmlinuz \/v2\/initrd$/);
});

test("so do those of every other configuration", async (t) => {
  const menu = {
    "/boot": to("/v2/pxelinux.cfg/default"),
    "/v2/pxelinux.cfg/default": "LABEL a\n KERNEL k\n INITRD i\n",
  };
  assert.deepEqual(await list(t, menu, { url: "/boot" }), ["a: /v2/k /v2/i"]);
  const extlinux = { "/boot": to("/b/extlinux.conf"), "/b/extlinux.conf": "LABEL a\n KERNEL k\n INITRD i\n" };
  assert.deepEqual(await list(t, extlinux, { url: "/boot" }), ["a: /b/k /b/i"]);
});

test("a kernel keeps the name that it was asked for by", async (t) => {
  const pages = { "/boot": to("/v2/vmlinuz"), "/v2/vmlinuz": kernel() };
  assert.deepEqual(await list(t, pages, { url: "/boot" }), ["boot: /boot"]);
});

test("a digest holds for what the redirect leads to", async (t) => {
  const pages = { "/boot": to("/v2/x.ipxe"), "/v2/x.ipxe": SCRIPT };
  const digest = createHash("sha256").update(SCRIPT).digest("hex");
  assert.deepEqual(await list(t, pages, { url: `/boot#sha256=${digest}` }), ["x.ipxe: /v2/vmlinuz /initrd"]);
  assert.match((await list(t, pages, { url: `/boot#sha256=${"0".repeat(64)}` }))[0]!, /its SHA-256 is/);
});
