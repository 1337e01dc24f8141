/** A large site of iPXE menus is listed as iPXE would show it. */

import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import type { BootList } from "../../src/policy/list.ts";
import { ask } from "./mirror.ts";
import { SITE } from "./site.ts";

/** The site behind a mirror, as `baton netboot --list` reads it. */
async function listed(t: TestContext): Promise<BootList> {
  const files: Record<string, string> = {};
  for (const [name, text] of Object.entries(SITE)) files[`http/boot.example/${name}`] = text;
  for (const folder of ["13/amd64", "12/amd64", "13/i386", "12/i386"]) {
    files[`http/mirror.example/${folder}/linux`] = "a kernel";
    files[`http/mirror.example/${folder}/initrd.gz`] = "an initrd";
  }
  for (const name of ["hook.sh", "live/vmlinuz", "rescue"]) files[`http/mirror.example/${name}`] = "a file";
  const address = { mac: "52:54:00:12:34:56", ip: "10.0.0.9", server: "10.0.0.1" };
  const { list, failure } = await ask(t, files, { url: "http://boot.example/menu.ipxe", lease: address });
  assert.equal(failure, null);
  return list;
}

test("a site's whole tree is listed as iPXE would show it", async (t) => {
  const { entries, defaultId } = await listed(t);
  const titles = entries.map(({ submenu, title }) => [...submenu, title].join(" > "));
  const live = (before: string): string[] =>
    Array.from({ length: 400 }, (_, at) => `${before}Linux > Live > Flavour ${at}`);
  const debian = (before: string): string[] =>
    ["13", "12"].flatMap((release) =>
      ["Text", "With answers"].map((kind) => `${before}Linux > Debian > Debian ${release} > ${kind}`),
    );
  const system = (before: string): string[] => [...debian(before), `${before}Linux > Gone`, ...live(before)];
  const small = "Architecture: x86_64 > ";
  assert.deepEqual(titles, [
    ...["Own disk", ...system(""), "Rescue"],
    ...[`${small}Own disk`, ...system(small), `${small}Shell`, "Shell"],
  ]);
  // What can't be booted says why; all else can.
  const useless = entries.filter(({ bootable }) => !bootable).map(({ title }) => title);
  assert.deepEqual([...new Set(useless)].sort(), ["Gone", "Own disk", "Shell"]);
  assert.match(entries.find(({ title }) => title === "Gone")!.reason!, /gone\.ipxe/);
  assert.equal(defaultId, null, "its default is this machine's own disk");
});

test("its entries have the words, files and checks that the scripts give them", async (t) => {
  const { entries } = await listed(t);
  const find = (...path: readonly string[]) =>
    entries.find(({ submenu, title }) => [...submenu, title].join("/") === path.join("/"))!;
  const text = find("Linux", "Debian", "Debian 12", "Text");
  assert.equal(text.options, " initrd=initrd.magic ");
  assert.deepEqual(text.linux, { url: "http://mirror.example/12/amd64/linux" });
  assert.deepEqual(
    [text.initrdNames, text.initrdModes],
    [
      [null, "/sbin/hook"],
      [null, 0o755],
    ],
  );
  assert.equal(text.unchecked, undefined);
  assert.match(find("Linux", "Debian", "Debian 12", "With answers").unchecked!, /asks for 'answers'/);
  const small = find("Architecture: x86_64", "Linux", "Debian", "Debian 13", "Text");
  assert.deepEqual(small.linux, { url: "http://mirror.example/13/i386/linux" });
  assert.equal(find("Linux", "Live", "Flavour 399").options, "flavour=f399 at=http://boot.example/");
});
