/**
 * A site of menus as large ones are built: scripts that dispatch by a setting of the item's name, one file of settings for
 * all, a menu that is shown again with other items, sums and questions on the way. All texts are ours.
 */

import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import type { BootList } from "../../src/policy/list.ts";
import { ask } from "./mirror.ts";

const script = (...lines: readonly string[]): string => `#!ipxe\n${lines.join("\n")}\n`;

const SITE: Readonly<Record<string, string>> = {
  "site.cfg": script(
    ":values",
    "set esc:hex 1b",
    "set gap:hex 20:20",
    "set gap ${gap:string}",
    "set name Example",
    "set mirror http://mirror.example",
    "isset ${wait} || set wait 60000",
    "set has_rescue 1",
    "iseq ${arch} i386 && goto small ||",
    "goto done",
    ":small",
    "set has_rescue 0",
    "goto done",
    ":done",
    "exit",
  ),
  "menu.ipxe": script(
    ":start",
    "isset ${arch} && goto known ||",
    "cpuid --ext 29 && set arch x86_64 || set arch i386",
    ":known",
    "chain --autofree site.cfg ||",
    "chain --timeout 5000 http://gone.example/version.ipxe ||",
    "ntp 0.pool.example ||",
    "isset ${menu} && goto ${menu} ||",
    "isset ${ip} || dhcp",
    ":main",
    "clear menu",
    "isset ${next-server} && menu ${name} - ${next-server} || menu ${name}",
    "item --gap Default:",
    "item disk ${gap} Own disk",
    "item --gap Systems:",
    "item linux ${gap} ${esc:string}[32mLinux${esc:string}[0m",
    "iseq ${has_rescue} 1 && item rescue ${gap} Rescue ||",
    "item arch ${gap} Architecture: ${arch}",
    "item shell ${gap} Shell",
    "isset ${menu} && set wait 0 || set wait ${wait}",
    "choose --timeout ${wait} --default ${menu} menu || goto disk",
    "goto ${menu} ||",
    "chain ${menu}.ipxe || goto error",
    "goto main",
    ":error",
    "echo Something is wrong, press a key",
    "prompt",
    "goto main",
    ":disk",
    "exit 1",
    ":shell",
    "shell",
    "goto main",
    ":arch",
    "iseq ${arch} x86_64 && set arch i386 && set has_rescue 0 && goto main ||",
    "set arch x86_64",
    "goto main",
  ),
  "linux.ipxe": script(
    "goto ${menu} ||",
    ":linux",
    "menu Linux for ${arch}",
    "item debian ${gap} Debian",
    "item gone ${gap} Gone",
    "item live ${gap} Live",
    "choose menu || goto out",
    "goto ${menu} ||",
    "chain ${menu}.ipxe || goto error",
    "goto linux",
    ":out",
    "clear menu",
    "exit 0",
  ),
  "debian.ipxe": script(
    "goto ${menu}",
    ":debian",
    "set os Debian",
    "set deb ${arch}",
    "iseq ${deb} x86_64 && set deb amd64 ||",
    "menu ${os} for ${deb}",
    "item 13 ${os} 13",
    "item 12 ${os} 12",
    "choose release || goto out",
    ":kind",
    "menu ${os} ${release}",
    "item text Text",
    "item answers With answers",
    "choose --default ${type} type || goto debian",
    "goto deb_${type}",
    ":deb_answers",
    "echo -n Where are the answers? ${} && read answers",
    "set extra auto=true url=${answers}",
    ":deb_text",
    "imgfree",
    "kernel ${mirror}/${release}/${deb}/linux ${extra} initrd=initrd.magic ${cmdline}",
    "initrd ${mirror}/${release}/${deb}/initrd.gz",
    "initrd ${mirror}/hook.sh /sbin/hook mode=755",
    "md5sum linux initrd.gz",
    "iseq ${deb} amd64 && shim ${mirror}/shim.efi ||",
    "boot || goto debian",
    ":out",
    "clear menu",
    "exit 0",
  ),
  "live.ipxe": script(
    "menu Live",
    "item --gap Flavours",
    "goto fill",
    ":fill",
    ...Array.from({ length: 400 }, (_, at) => `item f${at} Flavour ${at}`),
    "goto pick",
    ":pick",
    "choose flavour || exit 0",
    "kernel ${mirror}/live/vmlinuz flavour=${flavour} at=${cwduri}",
    "boot",
  ),
  "rescue.ipxe": script("kernel http://mirror.example/rescue", "boot"),
};

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
