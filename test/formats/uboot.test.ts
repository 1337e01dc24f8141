/**
 * U-Boot's scripts. `boot.scr` and `uboot.env` in the corpus are made by Debian's mkimage and mkenvimage (u-boot-tools
 * 2023.01) of texts of our own; what is expected of the language is what U-Boot's documentation of its commands says.
 */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { crc32 } from "../../src/binary/crc.ts";
import { formatFileRef } from "../../src/entry.ts";
import { uboot } from "../../src/formats/uboot/uboot.ts";
import { assertGolden, fixtures } from "./golden.ts";
import { contextOf, type Files, messages, type ReadOptions, treeVolume } from "./tree.ts";

for (const name of fixtures("uboot-")) {
  test(`${name} gives the entry of its expected.json`, () => assertGolden(name, [uboot]));
}

/** A script as mkimage wraps it, with the compression that it is told. */
function script(text: string, compression = 0): Buffer {
  const head = Buffer.alloc(8);
  head.writeUInt32BE(Buffer.byteLength(text), 0);
  const data = Buffer.concat([head, Buffer.from(text)]);
  const header = Buffer.alloc(64);
  header.writeUInt32BE(0x27051956, 0);
  header.writeUInt32BE(data.length, 12);
  header.writeUInt32BE(crc32(data), 24);
  header.set([5, 22, 6, compression], 28);
  header.write("Ours", 32, "latin1");
  header.writeUInt32BE(crc32(header), 4);
  return Buffer.concat([header, data]);
}

/** As U-Boot saves it in a file, one of two with a count. */
function environment(variables: Readonly<Record<string, string>>, count: number | null = null): Buffer {
  const lines = Object.entries(variables).map(([name, value]) => `${name}=${value}\0`);
  // What is left of its room is zeros.
  const data = Buffer.concat([Buffer.from(lines.join("")), Buffer.alloc(512)]);
  const header = Buffer.alloc(count === null ? 4 : 5);
  header.writeUInt32LE(crc32(data), 0);
  if (count !== null) header.writeUInt8(count, 4);
  return Buffer.concat([header, data]);
}

async function read(files: Files, options: ReadOptions = {}) {
  const volume = treeVolume({ "/Image": "k", "/initrd": "i", ...files }, { name: "sda1", ...options.volume });
  const paths = await uboot.find(volume);
  assert.equal(paths.length, 1);
  const platform = { arch: "aarch64", ...options.platform };
  return uboot.parse(paths[0]!, contextOf(volume, { ...options, platform }));
}

const run = (text: string, files: Files = {}, options: ReadOptions = {}) =>
  read({ "/boot.scr": script(text), ...files }, options);
const BOOT = "\nload mmc 0 $kernel_addr_r Image\nbooti $kernel_addr_r - $fdt_addr_r\n";
const cmdline = async (text: string, files: Files = {}): Promise<string | undefined> =>
  (await run(text + BOOT, files)).entries[0]?.options;

describe("the language", () => {
  test("words, quotes and variables", async () => {
    assert.equal(await cmdline("setenv bootargs a 'b  $x' \"c ${bootargs}\""), "a b  $x c ");
    assert.equal(await cmdline('x="1  2"; setenv bootargs $x "$x" ${x}3'), "1 2 1  2 1 23");
    assert.equal(await cmdline("setenv a one\\\n two # three\nsetenv bootargs $a"), "one two");
    assert.equal(await cmdline('setenv bootargs "a\\"b\\$c"'), 'a"b$c');
  });

  test("what follows && and ||, and which arm of an if is taken", async () => {
    assert.equal(await cmdline("false && setenv a 1; true || setenv b 2; setenv bootargs x${a}${b}"), "x");
    assert.equal(
      await cmdline("if false; then setenv bootargs 1; elif true; then setenv bootargs 2; else reset; fi"),
      "2",
    );
    assert.equal(await cmdline("false; setenv bootargs $?"), "1");
    assert.equal(await cmdline("if test -z $nothing && test ! -n $nothing; then setenv bootargs e; fi"), "e");
  });

  test("loops, and what runs a variable", async () => {
    assert.equal(await cmdline('for i in a "b c"; do setenv l "$l<$i>"; done; setenv bootargs $l'), "<a><b c>");
    assert.equal(
      await cmdline("setenv n 3; while itest $n > 0; do setenv l ${l}$n; setexpr n $n - 1; done; setenv bootargs $l"),
      "321",
    );
    assert.equal(await cmdline("setenv a 'run b; setenv bootargs ${c}d'; setenv b 'setenv c c'; run a"), "cd");
  });

  test("comparisons", async () => {
    const holds = async (expression: string) =>
      (await cmdline(`if test ${expression}; then setenv bootargs yes; fi`)) === "yes";
    for (const yes of [
      "a = a",
      "a != b",
      "2 -lt 10",
      "a = b -o c = c",
      "! a = b",
      "-e mmc 0:1 /Image",
      "-n a -a -z ''",
    ]) {
      assert.ok(await holds(yes), yes);
    }
    for (const no of ["a = b", "-e mmc 0 none", "10 -lt 2", "a = a -a b = c", ""]) assert.ok(!(await holds(no)), no);
  });
});

describe("files", () => {
  test("an environment that is imported, all of it or by name", async () => {
    const files = { "/e.txt": "# a=0\na=1\nb=2 3\nno line\n" };
    assert.equal(
      await cmdline("load mmc 0:1 1000 e.txt; env import -t 1000 $filesize; setenv bootargs $a-$b", files),
      "1-2 3",
    );
    assert.equal(
      await cmdline("load mmc 0:1 1000 e.txt; env import -t 0x1000 $filesize b; setenv bootargs x$a-$b", files),
      "x-2 3",
    );
  });

  test("another script is sourced, and one that is damaged fails", async () => {
    const text = "load mmc 0 1000 s.scr; source 1000 || setenv bootargs failed";
    assert.equal(await cmdline(text, { "/s.scr": script("setenv bootargs inner") }), "inner");
    const damaged = script("setenv bootargs inner");
    damaged[70]! ^= 1;
    assert.equal(await cmdline(text, { "/s.scr": damaged }), "failed");
  });

  test("the disk's other partitions by their numbers; one that isn't there fails", async () => {
    const other = treeVolume({ "/k": "k" }, { name: "sda2", disk: "sda", partition: 2, partuuid: "pp-02" });
    const text =
      "if load mmc 1:3 $kernel_addr_r k; then true; else load mmc 1:2 $kernel_addr_r k; fi; part uuid mmc 1:2 u; setenv bootargs root=PARTUUID=$u; booti $kernel_addr_r";
    const options = { volume: { disk: "sda", partition: 1 }, others: [other] };
    const { entries } = await run(text, {}, options);
    assert.deepEqual([formatFileRef(entries[0]!.linux!), entries[0]!.options], ["sda2:/k", "root=PARTUUID=pp-02"]);
  });

  test("what was loaded to which address tells kernel, initrd and devicetree", async () => {
    const text =
      "load mmc 0 100 Image; unzip 100 200; load mmc 0 300 initrd; load mmc 0 400 a.dtb; load mmc 0 500 o.dtbo; fdt addr 400; fdt apply 500; bootm 200 300:1000 400";
    const { entries } = await run(text, { "/a.dtb": "d", "/o.dtbo": "o" });
    const { linux, initrd, devicetree, devicetreeOverlays } = entries[0]!;
    assert.deepEqual([linux!, ...initrd, devicetree!, ...devicetreeOverlays!].map(formatFileRef), [
      "sda1:/Image",
      "sda1:/initrd",
      "sda1:/a.dtb",
      "sda1:/o.dtbo",
    ]);
  });
});

test("of a FIT image the configuration that the command names is booted, and its own ramdisk with it", async () => {
  const text = "load mmc 0 100 board.itb; setenv bootargs ro; bootm 100#conf-2 100 100";
  const { entries } = await run(text, { "/board.itb": "fit" }, { platform: { arch: "x86_64" } });
  const { linux, initrd, devicetree, fitConfiguration, reason } = entries[0]!;
  assert.deepEqual([formatFileRef(linux!), initrd, devicetree], ["sda1:/board.itb", [], null]);
  assert.equal(fitConfiguration, "conf-2");
  assert.equal(reason, null, "U-Boot starts PCs' kernels by bootm, too");
  const own = await run(text.replace("#conf-2", ""), { "/board.itb": "fit" });
  assert.equal(own.entries[0]!.fitConfiguration, undefined);
});

test("the first boot command with a kernel counts; one without goes on to what follows", async () => {
  const { entries } = await run(`booti 100 || setenv bootargs second; ${BOOT}; setenv bootargs third; ${BOOT}`);
  assert.deepEqual(
    entries.map(({ options, title }) => [title, options]),
    [["Ours", "second"]],
  );
});

test("uEnv.txt is a script where its own boot command is in it", async () => {
  const files = {
    "/uEnv.txt": "args=root=/dev/mmcblk0p2 ro\nuenvcmd=load mmc 0 100 Image; setenv bootargs ${args}; bootz 100\n",
  };
  assert.equal((await read(files)).entries[0]!.options, "root=/dev/mmcblk0p2 ro");
  assert.deepEqual(await uboot.find(treeVolume({ "/uEnv.txt": "args=quiet\n" })), []);
});

test("extEnv.txt, too, and the boot command of an environment that was saved as a file where there is no script", async () => {
  const command = "load mmc 0 100 Image; setenv bootargs ${args}; booti 100";
  assert.equal((await read({ "/boot/extEnv.txt": `args=ext\nuenvcmd=${command}\n` })).entries[0]!.options, "ext");
  const saved = environment({ args: "saved", bootcmd: "run other", other: command });
  assert.equal((await read({ "/uboot.env": saved })).entries[0]!.options, "saved");
  saved[9]! ^= 1;
  assert.deepEqual(await uboot.find(treeVolume({ "/uboot.env": saved })), []);
  assert.deepEqual(await uboot.find(treeVolume({ "/uboot.env": environment({ args: "a" }) })), []);
  const extlinux = { "/uboot.env": environment({ bootcmd: "run other" }), "/extlinux/extlinux.conf": "" };
  assert.deepEqual(await uboot.find(treeVolume(extlinux)), []);
});

describe("a saved environment holds for a script", () => {
  // As RAUC's scripts choose a slot.
  const text =
    'test -n "$BOOT_ORDER" || setenv BOOT_ORDER "A B"\nfor s in $BOOT_ORDER; do test -n "$slot" || setenv slot $s; done\nsetenv bootargs rauc.slot=$slot';
  const slotOf = async (files: Files, options: ReadOptions = {}): Promise<string> =>
    (await run(text + BOOT, files, options)).entries[0]!.options;

  test("beside it, or on another partition of its disk", async () => {
    const saved = environment({ BOOT_ORDER: "B A" });
    assert.equal(await slotOf({}), "rauc.slot=A");
    assert.equal(await slotOf({ "/uboot.env": saved }), "rauc.slot=B");
    const at = (disk: string) => treeVolume({ "/uboot.env": saved }, { name: `${disk}2`, disk });
    const volume = { disk: "sda" };
    assert.equal(await slotOf({}, { volume, others: [at("sda")] }), "rauc.slot=B");
    assert.equal(await slotOf({}, { volume, others: [at("sdb")] }), "rauc.slot=A");
  });

  test("of two copies the one that was written last, by a count that begins again", async () => {
    const [a, b] = [{ BOOT_ORDER: "A B" }, { BOOT_ORDER: "B A" }];
    const pair = (one: number, other: number) =>
      slotOf({ "/uboot.env": environment(a, one), "/uboot-redund.env": environment(b, other) });
    assert.equal(await pair(1, 2), "rauc.slot=B");
    assert.equal(await pair(2, 1), "rauc.slot=A");
    assert.equal(await pair(255, 0), "rauc.slot=B");
    const damaged = environment(b, 2);
    damaged[20]! ^= 1;
    assert.equal(await slotOf({ "/uboot.env": environment(a, 1), "/uboot-redund.env": damaged }), "rauc.slot=A");
  });
});

describe("bootmenu", () => {
  const item = (title: string, words: string) => `setenv bootmenu_${title}=setenv bootargs ${words}; run go'\n`;
  const menu = `setenv go '${BOOT.trim().replaceAll("\n", "; ")}'\n${item("0 'First one", "a=1")}${item("1 'Second", "two")}setenv bootmenu_2 'Flash it=mmc write 1 2 3; reset'\n`;

  test("its items are entries in their order, and what can't be followed says so", async () => {
    const { entries, defaultIndex, timeout } = await run(`${menu}bootmenu 5`);
    assert.deepEqual(
      entries.map(({ title, options, reason }) => [title, options, reason === null]),
      [
        ["First one", "a=1", true],
        ["Second", "two", true],
        ["Flash it", "", false],
      ],
    );
    assert.deepEqual([defaultIndex, timeout], [0, 5]);
  });

  test("the default and the delay are variables, too; a delay below 0 waits", async () => {
    const chosen = await run(`${menu}setenv bootmenu_default 1; setenv bootmenu_delay -1; bootmenu`);
    assert.deepEqual([chosen.defaultIndex, chosen.timeout], [1, Number.POSITIVE_INFINITY]);
    assert.equal((await run(`${menu}setenv bootmenu_default 2; bootmenu 3`)).defaultIndex, null);
    assert.equal((await run(`${menu}setenv bootmenu_default 7; bootmenu`)).timeout, null);
    // Without items it fails, and the script goes on.
    assert.equal((await run(`bootmenu 5 || setenv bootargs on${BOOT}`)).entries[0]!.options, "on");
  });

  test("items cost what one script may cost, all together", async () => {
    const loop = "while true; do true; done";
    const many = Array.from({ length: 99 }, (_, index) => `setenv bootmenu_${index} 'x=${loop}'`).join("\n");
    const { entries } = await run(`${many}\nbootmenu`);
    assert.equal(entries.length, 99);
    const full = Object.fromEntries(Array.from({ length: 50_000 }, (_, index) => [`v${index}`, "x"]));
    const copied = await run(`${many}\nbootmenu`, { "/uboot.env": environment(full) });
    assert.match(messages(copied.diagnostics).join("\n"), /more text than any board's script/);
    const nested = await run("setenv bootmenu_0 'x=bootmenu'; setenv bootmenu_1 'y=bootmenu'; bootmenu");
    assert.deepEqual(
      nested.entries.map(({ reason }) => reason === null),
      [false, false],
    );
  });
});

test("on another machine it is listed with the reason, and extlinux.conf comes before it", async () => {
  const x86 = await run(BOOT, {}, { platform: { arch: "x86_64" } });
  assert.match(x86.entries[0]!.reason!, /for a board with U-Boot, and this machine is x86_64/);
  assert.equal(x86.defaultIndex, null);
  assert.equal((await run(BOOT)).defaultIndex, 0);
  assert.equal((await run(BOOT, { "/extlinux/extlinux.conf": "" })).defaultIndex, null);
});

describe("what goes wrong is said, and costs nothing else", () => {
  const said = async (text: string) => messages((await run(text)).diagnostics).join("\n");

  test("scripts without end", async () => {
    assert.match(await said("while true; do true; done"), /more than 20000 steps/);
    assert.match(await said("setenv a 'run a'; run a"), /call each other without end/);
    assert.match(await said('setenv a xxxxxxxx; while true; do setenv a "$a$a"; done'), /more memory than any board/);
  });

  test("scripts that go over the same text without end", async () => {
    const loop = (text: string, command: string) => said(`setenv a '${text}'\nwhile true; do ${command}; done`);
    const tooMuch = /works on more text than any board's script/;
    assert.match(await loop("a ".repeat(25_000), `echo ${"$a".repeat(50_000)}`), /more words than a board could take/);
    assert.match(await loop("a ".repeat(25_000), `echo "${"$a".repeat(50_000)}"`), tooMuch);
    assert.match(await loop("! ".repeat(9000), "test $a"), tooMuch);
    assert.match(await loop(`false; #${"x".repeat(60_000)}`, "run a"), tooMuch);
    const again = (file: string | Buffer, command: string) =>
      run(`while true; do load mmc 0 100 /b; ${command} 100; done`, { "/b": file });
    for (const answer of [
      await again(script(`false\n#${"x".repeat(200_000)}`), "source"),
      await again("#".repeat(500_000), "env import -t"),
    ]) {
      assert.match(messages(answer.diagnostics).join("\n"), tooMuch);
    }
  });

  test("what isn't the language, an unknown command, and nothing to start", async () => {
    assert.match(await said("if true; then true"), /'fi' is missing: U-Boot doesn't run this/);
    assert.match(await said("fi"), /'fi' has no beginning/);
    assert.match(await said('echo "a'), /a quote \("\) is never closed/);
    assert.match(await said("frobnicate"), /unknown command 'frobnicate'[\s\S]*starts nothing that Baton could follow/);
    assert.match(await said("sysboot mmc 0 any"), /goes on with extlinux.conf/);
  });

  test("a header that says gzip, as mkimage's does without -C, is no reason: nothing is packed", async () => {
    assert.equal((await read({ "/boot.scr": script(`setenv bootargs ro${BOOT}`, 1) })).entries[0]!.options, "ro");
  });

  test("a file without U-Boot's header, or with a wrong checksum", async () => {
    const real = readFileSync(join(import.meta.dirname, "../corpus/uboot-board/mmcblk0p1/boot/boot.scr"));
    real[100]! ^= 1;
    assert.match(messages((await read({ "/boot.scr": real })).diagnostics)[0]!, /its checksum is wrong/);
    assert.match(messages((await read({ "/boot.scr": "x".repeat(100) })).diagnostics)[0]!, /no header of U-Boot's/);
    assert.match(messages((await read({ "/boot.scr": "" })).diagnostics)[0]!, /too short/);
  });
});
