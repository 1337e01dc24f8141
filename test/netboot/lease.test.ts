import assert from "node:assert/strict";
import { test } from "node:test";
import { ask, kernel, lines, source, type Tree } from "./mirror.ts";

const MENU = "DEFAULT linux\nLABEL linux\n  KERNEL linux\n  APPEND initrd=initrd.gz quiet\n  SYSAPPEND 3\n";
const CLIENT = { mac: "52:54:00:ab:cd:ef", ip: "10.0.2.15", uuid: "C0FFEE00-1111-2222-3333-444455556666" };

/** A server that has a menu at each of these places. */
const server = (...paths: readonly string[]): Tree => Object.fromEntries(paths.map((path) => [path, MENU]));

test("PXELINUX looks for its configuration by UUID, hardware address, address in hexadecimal and default", async (t) => {
  const names = [
    "c0ffee00-1111-2222-3333-444455556666",
    "01-52-54-00-ab-cd-ef",
    "0A00020F",
    "0A00020",
    "0A0002",
    "0A000",
    "0A00",
    "0A0",
    "0A",
    "0",
    "default",
  ];
  const base = "tftp/10.0.0.1/boot/pxelinux.cfg";
  const lease = { ...CLIENT, server: "10.0.0.1", file: "boot/pxelinux.0" };
  for (let first = 0; first < names.length; first++) {
    const tree = server(...names.slice(first).map((name) => `${base}/${name}`));
    const answer = await ask(t, tree, { lease });
    assert.equal(source(answer), `tftp://10.0.0.1/boot/pxelinux.cfg/${names[first]}`);
  }
});

test("on a board, U-Boot's default for its architecture comes before the one for all", async (t) => {
  const base = "tftp/10.0.0.1/pxelinux.cfg";
  const question = (arch: string) => ({
    lease: { ...CLIENT, server: "10.0.0.1", file: "pxelinux.0" },
    platform: { firmware: "efi", arch } as const,
  });
  const both = server(`${base}/default-arm`, `${base}/default`);
  assert.equal(source(await ask(t, both, question("aarch64"))), "tftp://10.0.0.1/pxelinux.cfg/default-arm");
  assert.equal(source(await ask(t, both, question("x86_64"))), "tftp://10.0.0.1/pxelinux.cfg/default");
  const one = server(`${base}/default`);
  assert.equal(source(await ask(t, one, question("aarch64"))), "tftp://10.0.0.1/pxelinux.cfg/default");
});

test("names in a configuration start at the boot file's folder, and the lease goes onto the command line", async (t) => {
  const answer = await ask(t, server("tftp/10.0.0.1/boot/pxelinux.cfg/default"), {
    lease: { ...CLIENT, server: "10.0.0.1", file: "/boot/pxelinux.0", gateway: "10.0.2.2", netmask: "255.255.255.0" },
  });
  assert.deepEqual(lines(answer), [
    "linux | tftp://10.0.0.1/boot/linux | tftp://10.0.0.1/boot/initrd.gz | BOOT_IMAGE=linux initrd=initrd.gz quiet " +
      "ip=10.0.2.15:10.0.0.1:10.0.2.2:255.255.255.0 BOOTIF=01-52-54-00-ab-cd-ef",
  ]);
});

test("a URL comes before a configuration file, that before a prefix, and that before the boot file", async (t) => {
  const tree: Tree = {
    "http/h/url": MENU,
    "tftp/s/pre/conf": MENU,
    "tftp/s/pre/pxelinux.cfg/default": MENU,
    "tftp/s/dir/pxelinux.cfg/default": MENU,
  };
  const all = { server: "s", url: "http://h/url", conf: "conf", prefix: "pre/", file: "dir/pxelinux.0" };
  const { url: _, ...noUrl } = all;
  const { conf: __, ...noConf } = noUrl;
  const { prefix: ___, ...onlyFile } = noConf;
  assert.equal(source(await ask(t, tree, { lease: all })), "http://h/url");
  assert.equal(source(await ask(t, tree, { lease: noUrl })), "tftp://s/pre/conf");
  assert.equal(source(await ask(t, tree, { lease: noConf })), "tftp://s/pre/pxelinux.cfg/default");
  assert.equal(source(await ask(t, tree, { lease: onlyFile })), "tftp://s/dir/pxelinux.cfg/default");
});

test("a configuration file is relative to the boot file's folder where there is no prefix", async (t) => {
  const tree = server("tftp/s/dir/my.cfg", "tftp/s/other/my.cfg");
  const relative = await ask(t, tree, { lease: { server: "s", conf: "my.cfg", file: "dir/pxelinux.0" } });
  assert.equal(source(relative), "tftp://s/dir/my.cfg");
  assert.equal(lines(relative)[0]!.split(" | ")[1], "tftp://s/dir/linux");
  const absolute = await ask(t, tree, { lease: { server: "s", conf: "/other/my.cfg", file: "dir/pxelinux.0" } });
  assert.equal(source(absolute), "tftp://s/other/my.cfg");
  assert.equal(lines(absolute)[0]!.split(" | ")[1], "tftp://s/dir/linux");
});

test("a configuration file below pxelinux.cfg that is named by itself: names start above that folder", async (t) => {
  for (const folder of ["", "boot/"]) {
    const tree = server(`tftp/s/${folder}pxelinux.cfg/default`);
    const expected = [
      `linux | tftp://s/${folder}linux | tftp://s/${folder}initrd.gz | BOOT_IMAGE=linux initrd=initrd.gz quiet`,
    ];
    const url = `tftp://s/${folder}pxelinux.cfg/default`;
    assert.deepEqual(lines(await ask(t, tree, { lease: { conf: url } })), expected);
    assert.deepEqual(lines(await ask(t, tree, { lease: { url } })), expected);
    assert.deepEqual(lines(await ask(t, tree, { url })), expected);
    assert.deepEqual(lines(await ask(t, tree, { url: `tftp://s/${folder}pxelinux.cfg/` })), expected);
  }
});

test("a menu on another server is read, and checked where it is named with a digest", async (t) => {
  const tree = (more: string): Tree => ({
    "tftp/s/pxelinux.cfg/default": `INCLUDE http://h/more.cfg${more}\n${MENU}`,
    "http/h/more.cfg": "LABEL more\n  KERNEL ::k/vmlinuz\n",
  });
  const url = "tftp://s/pxelinux.cfg/default";
  const [first] = lines(await ask(t, tree(""), { url }));
  assert.equal(first, "more | tftp://s/k/vmlinuz |  | BOOT_IMAGE=::k/vmlinuz");
  const { list } = await ask(t, tree(`#sha256=${"0".repeat(64)}`), { url });
  assert.deepEqual(
    list.entries.map(({ title }) => title),
    ["linux"],
  );
  assert.match(list.diagnostics[0]!.message, /more\.cfg.*SHA-256|sha256/i);
});

test("a configuration file that is missing leads to the search below the prefix", async (t) => {
  const tree = server("http/h/pre/pxelinux.cfg/default");
  const answer = await ask(t, tree, { lease: { server: "s", conf: "gone", prefix: "http://h/pre/" } });
  assert.equal(source(answer), "http://h/pre/pxelinux.cfg/default");
});

test("a boot file that is a kernel, a script or a configuration is taken as that", async (t) => {
  const tree: Tree = {
    "tftp/s/vmlinuz": kernel(),
    "tftp/s/boot.ipxe": "#!ipxe\nkernel vmlinuz a=b\nboot\n",
    "tftp/s/menu.cfg": MENU,
    "tftp/s/grub.cfg": "menuentry 'G' {\n linux /vmlinuz g\n}\n",
  };
  const first = async (file: string) => lines(await ask(t, tree, { lease: { server: "s", file } }))[0];
  assert.equal(await first("vmlinuz"), "vmlinuz | tftp://s/vmlinuz |  | ");
  assert.equal(await first("boot.ipxe"), "boot.ipxe | tftp://s/vmlinuz |  | a=b");
  assert.match((await first("menu.cfg"))!, /^linux \| tftp:\/\/s\/linux/);
  assert.equal(await first("grub.cfg"), "G | tftp://s/vmlinuz |  | BOOT_IMAGE=/vmlinuz g");
});

test("a boot file that is missing, unknown or another loader means the search in its folder", async (t) => {
  const menu = server("tftp/s/d/pxelinux.cfg/default");
  const files: Record<string, string | Uint8Array> = {
    "d/pxelinux.0": "\0\0PXELINUX\0",
    "d/unknown": "\u0001\u0002\u0003",
    "d/letter.txt": "Dear reader,\nthis is no configuration.\n",
  };
  for (const file of ["d/missing", ...Object.keys(files)]) {
    const tree = { ...menu, ...(files[file] === undefined ? {} : { [`tftp/s/${file}`]: files[file] }) };
    assert.equal(source(await ask(t, tree, { lease: { server: "s", file } })), "tftp://s/d/pxelinux.cfg/default");
  }
});

test("GRUB's tree is read as GRUB reads it where the boot file is GRUB", async (t) => {
  const config = 'menuentry "on $net_default_server" {\n linux (tftp)/k $net_default_mac $net_default_ip\n}\n';
  const lease = { ...CLIENT, server: "10.0.0.1", file: "efi/grubx64.efi" };
  const places = [
    "efi/grub.cfg-01-52-54-00-ab-cd-ef",
    "efi/grub.cfg-0A00020F",
    "efi/grub.cfg-0A",
    "efi/grub.cfg",
    "efi/grub/grub.cfg",
    "grub/x86_64-efi/grub.cfg",
    "grub/grub.cfg",
  ];
  for (let first = 0; first < places.length; first++) {
    const tree = Object.fromEntries(places.slice(first).map((place) => [`tftp/10.0.0.1/${place}`, config]));
    const answer = await ask(t, { ...tree, ...server("tftp/10.0.0.1/efi/pxelinux.cfg/default") }, { lease });
    assert.equal(source(answer), `tftp://10.0.0.1/${places[first]}`);
    assert.deepEqual(lines(answer), [
      "on 10.0.0.1 | tftp://10.0.0.1/k |  | BOOT_IMAGE=(tftp)/k 52:54:00:ab:cd:ef 10.0.2.15",
    ]);
  }
});

test("without GRUB's configuration its boot file means PXELINUX's search too", async (t) => {
  const answer = await ask(t, server("tftp/s/d/pxelinux.cfg/default"), {
    lease: { server: "s", file: "d/bootx64.efi" },
  });
  assert.equal(source(answer), "tftp://s/d/pxelinux.cfg/default");
});

test("iPXE's own script is what a boot file that is iPXE leads to", async (t) => {
  const tree = { ...server("tftp/s/pxelinux.cfg/default"), "tftp/s/autoexec.ipxe": "#!ipxe\nkernel k\nboot\n" };
  assert.equal(source(await ask(t, tree, { lease: { server: "s", file: "ipxe.efi" } })), "tftp://s/autoexec.ipxe");
});

test("GRUB reads files of other servers, and keeps to its own where it names none", async (t) => {
  const tree: Tree = {
    "tftp/s/grub/grub.cfg": "source (http,h:8080)/more.cfg\nconfigfile $prefix/menu.cfg\n",
    "tftp/s/grub/menu.cfg":
      "menuentry A { linux $root_path/a }\nif [ -e (http,h:8080)/b ]; then menuentry B { linux (http,h:8080)/b; initrd /i; }; fi\n",
    "http/h:8080/more.cfg": "set root_path=/sub\nexport root_path\n",
    "http/h:8080/b": "b",
  };
  const answer = await ask(t, tree, { lease: { server: "s", file: "grubx64.efi" } });
  assert.deepEqual(lines(answer), [
    "A | tftp://s/sub/a |  | BOOT_IMAGE=/sub/a",
    "B | http://h:8080/b | tftp://s/i | BOOT_IMAGE=(http,h:8080)/b",
  ]);
});

test("on a server GRUB's names need no slash in front, may go up, and are kept with what a web server takes for a query", async (t) => {
  const config = (file: string) => `menuentry A { linux ${file}\ninitrd boot/../i }\n`;
  for (const [scheme, file, url] of [
    ["tftp", "boot/k", "tftp://s/boot/k"],
    ["tftp", "/boot/../k", "tftp://s/k"],
    ["tftp", "../k", "tftp://s/k"],
    ["tftp", "/k?a=b", "tftp://s/k%3Fa=b"],
    ["http", "'k?host=a&slot=../1%20x'", "http://s/k?host=a&slot=../1%20x"],
    ["http", "'/a b#c'", "http://s/a%20b%23c"],
  ]) {
    const tree = { [`${scheme}/s/grub/grub.cfg`]: config(file!) };
    const answer = await ask(t, tree, { lease: { url: `${scheme}://s/grub/grub.cfg` } });
    assert.equal(lines(answer)[0]?.split(" | ")[1], url, file);
    assert.equal(lines(answer)[0]?.split(" | ")[2], `${scheme}://s/i`);
  }
});

test("DHCP's options reach GRUB's variables, by their names and by net_get_dhcp_option", async (t) => {
  const config = `for way in string hex; do
  if net_get_dhcp_option text $net_default_interface 43 $way; then set all="$all $text"; fi
done
if net_get_dhcp_option n efinet0 132 number; then set all="$all $n"; fi
if net_get_dhcp_option n efinet0 133 number; then set all="$all never"; fi
net_get_dhcp_option host efinet0:dhcp 12 string
menuentry "$host $net_efinet0_extensionspath" { linux /k $all }
`;
  const options = new Map([
    [18, Buffer.from("room-5\0")],
    [43, Buffer.from("ab")],
    [132, Buffer.from([1, 2])],
  ]);
  const lease = { ...CLIENT, server: "s", file: "grubx64.efi", hostname: "node", options };
  assert.deepEqual(lines(await ask(t, { "tftp/s/grub.cfg": config }, { lease })), [
    "node room-5 | tftp://s/k |  | BOOT_IMAGE=/k ab 61:62 258",
  ]);
});

test("UEFI HTTP boot: GRUB's (http) without a server is the one that the lease's URL names, its port included", async (t) => {
  const tree = {
    "http/h:8080/os/EFI/BOOT/grub.cfg":
      'menuentry "$net_default_server" { linux (http)/os/vmlinuz quiet\n initrd /os/initrd }\n',
    "http/h:8080/os/vmlinuz": kernel(),
    "http/h:8080/os/initrd": "i",
  };
  const lease = { server: "10.0.0.1", url: "http://h:8080/os/EFI/BOOT/BOOTX64.EFI" };
  assert.deepEqual(lines(await ask(t, tree, { lease })), [
    "h:8080 | http://h:8080/os/vmlinuz | http://h:8080/os/initrd | BOOT_IMAGE=(http)/os/vmlinuz quiet",
  ]);
});

test("a lease that leads nowhere says everything that was tried", async (t) => {
  const nothing = await ask(t, {}, { lease: { ip: "10.0.2.15" } });
  assert.match(nothing.failure!, /names no boot file/);
  const noServer = await ask(t, {}, { lease: { file: "pxelinux.0" } });
  assert.match(noServer.failure!, /names no server/);
  const empty = await ask(t, {}, { lease: { server: "s", file: "x/pxelinux.0", mac: "52:54:00:00:00:01" } });
  assert.match(empty.failure!, /no configuration \(looked for \/x\/pxelinux\.cfg\/01-52-54-00-00-00-01, /);
  assert.equal(empty.list.entries.length, 0);
  assert.equal(empty.list.diagnostics[0]!.severity, "error");
});

test("a file that is missing leaves its entry in the list, with the default where it is", async (t) => {
  const tree: Tree = {
    "tftp/s/pxelinux.cfg/default": "DEFAULT a\nLABEL a\nKERNEL gone\nLABEL b\nKERNEL here\n",
    "tftp/s/here": "x",
  };
  const { list } = await ask(t, tree, { lease: { server: "s", file: "pxelinux.0" } });
  assert.deepEqual(
    list.entries.map(({ title, bootable, isDefault, reason }) => ({ title, bootable, isDefault, reason })),
    [
      { title: "a", bootable: false, isDefault: true, reason: "tftp://s/gone: the file is missing (404)" },
      { title: "b", bootable: true, isDefault: false, reason: null },
    ],
  );
});

test("addresses in a lease need no server beside, and a URL's loader is read as the tree it stands in", async (t) => {
  const tree = server("http/h/a/pxelinux.cfg/mine", "http/h/b/pxelinux.cfg/default", "tftp/other/c/x.cfg");
  const conf = await ask(t, tree, { lease: { conf: "http://h/a/pxelinux.cfg/mine" } });
  assert.equal(lines(conf)[0]!.split(" | ")[1], "http://h/a/linux");
  assert.equal(source(await ask(t, tree, { lease: { prefix: "http://h/b" } })), "http://h/b/pxelinux.cfg/default");
  const loader = await ask(t, tree, { lease: { url: "http://h/b/pxelinux.0", server: "other" } });
  assert.equal(source(loader), "http://h/b/pxelinux.cfg/default");
  const elsewhere = await ask(t, tree, { lease: { server: "s", file: "x/pxelinux.0", conf: "other::c/x.cfg" } });
  assert.equal(source(elsewhere), "tftp://other/c/x.cfg");
  const backslashes = await ask(t, server("tftp/s/boot/x64/pxelinux.cfg/default"), {
    lease: { server: "s", file: "\\boot\\x64\\pxelinux.0" },
  });
  assert.equal(source(backslashes), "tftp://s/boot/x64/pxelinux.cfg/default");
});
