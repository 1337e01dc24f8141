import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { type FileRef, formatFileRef, type ParsedEntry } from "../../src/entry.ts";
import type { FormatResult } from "../../src/formats/format.ts";
import { ipxe, listIpxe, resolveUri } from "../../src/formats/ipxe/ipxe.ts";
import { parseOptions } from "../../src/formats/ipxe/options.ts";
import { parseScript } from "../../src/formats/ipxe/script.ts";
import { expandSettings, Settings } from "../../src/formats/ipxe/settings.ts";
import { assertWellFormed } from "./invariants.ts";
import { contextOf, type Files, messages, type ReadOptions, readTree, treeVolume } from "./tree.ts";

const lines = (...text: string[]): string => `#!ipxe\n${text.join("\n")}\n`;

/** Runs a script that was fetched from a URL; `web` holds other files, all others are taken to be there. */
async function fetched(
  text: string,
  settings: Record<string, string> = {},
  web: Record<string, string> = {},
): Promise<FormatResult> {
  const url = (ref: FileRef): string => ("url" in ref ? ref.url : "");
  return listIpxe(
    text,
    { url: "http://boot.example/menus/start.ipxe" },
    {
      resolve: resolveUri,
      exists: async (ref) => !url(ref).includes("missing"),
      read: async (ref) => (web[url(ref)] === undefined ? null : { text: web[url(ref)]!, base: ref }),
      setting: (name) => settings[name] ?? null,
    },
  );
}

/** Runs /boot.ipxe of a volume. */
const local = (files: Files, options: ReadOptions = {}): Promise<FormatResult> =>
  ipxe.parse("/boot.ipxe", contextOf(treeVolume(files), options));

const titles = ({ entries }: FormatResult): string[] => entries.map((e) => [...e.submenu, e.title].join(" > "));
const chosen = ({ entries, defaultIndex }: FormatResult): string | null =>
  defaultIndex === null ? null : entries[defaultIndex]!.title;
const files = (entry: ParsedEntry): string[] =>
  [entry.linux, ...entry.initrd].map((f) => (f ? formatFileRef(f) : "none"));

describe("what a script boots", () => {
  test("kernel, initrds and arguments; the entry is named by the script", async () => {
    const found = await fetched(
      lines(
        "dhcp",
        "kernel vmlinuz root=/dev/sda1  ro",
        "initrd --name first.img ../a.img",
        "initrd http://other/b.img",
        "boot",
      ),
    );
    const [entry] = found.entries;
    assert.equal(found.entries.length, 1);
    assert.equal(entry!.title, "start.ipxe");
    assert.equal(entry!.type, "ipxe");
    assert.equal(entry!.options, "root=/dev/sda1 ro");
    assert.deepEqual(files(entry!), [
      "http://boot.example/menus/vmlinuz",
      "http://boot.example/a.img",
      "http://other/b.img",
    ]);
    assert.deepEqual([found.defaultIndex, found.defaultIsExplicit, found.timeout], [0, true, 0]);
    assert.deepEqual(found.diagnostics, []);
  });

  test("a script that replaces the first one sees its settings", async () => {
    const next = lines("kernel k ${x}", "boot");
    const found = await fetched(
      lines("set x 1", "chain --replace next.ipxe"),
      {},
      {
        "http://boot.example/menus/next.ipxe": next,
      },
    );
    assert.deepEqual(
      found.entries.map((e) => e.options),
      ["1"],
    );
  });

  test("imgargs replaces arguments, imgselect picks among images, imgfree forgets them, boot has the last word", async () => {
    const base = ["imgfetch a/vmlinuz old", "imgfetch --name two b/vmlinuz", "imgargs vmlinuz new words", "initrd i"];
    assert.equal((await fetched(lines(...base, "boot vmlinuz"))).entries[0]!.options, "new words");
    const two = await fetched(lines(...base, "imgselect two x", "boot"));
    assert.deepEqual(
      [two.entries[0]!.options, files(two.entries[0]!)[0]],
      ["x", "http://boot.example/menus/b/vmlinuz"],
    );
    const last = await fetched(lines(...base, "boot vmlinuz own"));
    assert.equal(last.entries[0]!.options, "own");
    const freed = await fetched(lines(...base, "imgfree", "kernel k", "boot"));
    assert.deepEqual(files(freed.entries[0]!), ["http://boot.example/menus/k"]);
    const both = await fetched(lines(...base, "boot"));
    assert.match(both.entries[0]!.reason!, /fails in line 6/, "two images and none selected");
  });

  test("chain starts a kernel with arguments, or goes on with another script on the same settings", async () => {
    const kernel = await fetched(lines("chain vmlinuz-6 quiet initrd=x"));
    assert.deepEqual(
      [kernel.entries[0]!.options, files(kernel.entries[0]!)[0]],
      ["quiet initrd=x", "http://boot.example/menus/vmlinuz-6"],
    );
    const web = { "http://boot.example/menus/sub/next.ipxe": lines("kernel k ${word} ${net0/mac:hexhyp}", "boot ||") };
    const script = await fetched(
      lines("set word hello", "chain sub/next.ipxe || shell"),
      { "net0/mac": "52:54:00:AB:00:01" },
      web,
    );
    assert.equal(script.entries[0]!.options, "hello 52-54-00-ab-00-01");
    assert.deepEqual(files(script.entries[0]!), ["http://boot.example/menus/sub/k"]);
    assert.equal(script.entries[0]!.source, "http://boot.example/menus/sub/next.ipxe");
  });

  test("a script that returns hands back its result, one that fails its failure", async () => {
    const web = {
      "http://boot.example/menus/good.ipxe": lines("set x 1"),
      "http://boot.example/menus/bad.ipxe": lines("isset ${nothing}", "set x 2"),
    };
    const found = await fetched(
      lines("chain good.ipxe && kernel a ${x} ||", "chain bad.ipxe || imgargs a failed ${x}", "boot"),
      {},
      web,
    );
    assert.equal(found.entries[0]!.options, "failed 1");
    const exits = { "http://boot.example/menus/x.ipxe": lines("exit 1", "shell") };
    const left = await fetched(lines("chain x.ipxe || kernel k after", "boot"), {}, exits);
    assert.equal(left.entries[0]!.options, "after", "exit leaves the script that it stands in");
  });

  test("what only iPXE or the firmware can do is listed with the reason", async () => {
    for (const [command, pattern] of [
      ["sanboot iscsi:10.0.0.1::::x", /network disk/],
      ["exit 0", /firmware would go on/],
      ["shell", /own shell/],
      ["chain undionly.kpxe", /firmware or iPXE/],
      ["chain tools/memtest64.efi", /EFI program/],
      ["chain menu.php?mac=1", /can't be read here/],
      ["kernel memdisk iso raw\ninitrd x.iso\nboot", /memdisk/],
      ["echo nothing", /without booting/],
      ["frobnicate", /fails in line 2/],
    ] as const) {
      const { entries } = await fetched(lines(command));
      assert.equal(entries.length, 1, command);
      assert.match(entries[0]!.reason ?? "", pattern, command);
    }
  });
});

describe("control flow", () => {
  test("&& and || run by the last command's result, comments and continuations as in iPXE", async () => {
    const text = lines(
      "isset ${x} && set a 1 || set a 2   # not set",
      "set x y ;  iseq ${x} y && set b 1 ||",
      "cpuid --ext 29 && set arch x86_64 || set arch i386",
      "set long one \\",
      "  two",
      "inc n ; inc n 4",
      "kernel k ${a} ${b} ${arch} ${long} ${n}",
      "boot",
    );
    assert.equal((await fetched(text, { buildarch: "x86_64" })).entries[0]!.options, "2 1 x86_64 one two 5");
  });

  test("a file that is known to be missing fails, and the script goes its other way", async () => {
    const found = await fetched(lines("kernel missing/k || goto other", "boot", ":other", "kernel k2", "boot"));
    assert.deepEqual(files(found.entries[0]!), ["http://boot.example/menus/k2"]);
  });

  test("goto finds the first label of a name, with a command behind it; a missing one is said", async () => {
    const found = await fetched(lines("goto there && kernel no", ":there kernel yes", "boot", ":there kernel never"));
    assert.deepEqual(files(found.entries[0]!), ["http://boot.example/menus/yes"]);
    const missing = await fetched(lines("goto nowhere"));
    assert.deepEqual(messages(missing.diagnostics), ["2:- goto nowhere: there is no such label"]);
  });

  test("limits count for each item of a menu: long ones end, and the others are listed", async () => {
    const items = Array.from({ length: 300 }, (_, at) => `item i${at} I`);
    const found = await fetched(
      lines(
        ...["menu", "item loop Loop", "item grow Grow", "item wait Wait", ...items, "choose x", "goto ${x} ||"],
        ...["kernel k ${x}", "boot", ":loop", "goto loop", ":grow", "set a ${a:hexhyp}b${a}", "goto grow"],
        ...[":wait", "chain missing.ipxe || goto wait"],
      ),
    );
    assert.equal(found.entries.length, 303);
    assert.deepEqual(found.entries.map(({ reason }, at) => reason !== null && at < 3).filter(Boolean).length, 3);
    assert.match(found.entries[2]!.reason!, /ran too long; what failed last, in line \d+: 'chain missing\.ipxe'/);
    assert.ok(found.entries.slice(3).every(({ reason }) => reason === null));
  });

  test("a loop without end is stopped", async () => {
    const found = await fetched(lines(":top", "inc n", "goto top"));
    assert.match(found.entries[0]!.reason!, /ran too long/);
    assert.equal(found.diagnostics.length, 1);
  });

  test("a script that fetches, or fills a menu or a setting, without end is stopped (found by fuzzing)", async () => {
    for (const command of ["kernel http://h/k q", "item x", "set x ${x}${x}y"]) {
      const found = await fetched(lines("menu", ":c", command, "goto c"));
      assert.equal(found.entries.length, 1, command);
      assert.ok(found.entries[0]!.reason, command);
    }
  });

  test("scripts that chain one another are stopped", async () => {
    const self = "http://boot.example/menus/start.ipxe";
    const found = await fetched(lines("chain start.ipxe || shell"), {}, { [self]: lines("chain start.ipxe || shell") });
    assert.match(found.entries[0]!.reason!, /own shell/);
  });
});

describe("menus", () => {
  const menu = [
    ":start",
    "menu Choose what to boot",
    "item --gap -- Systems",
    "item --key d debian Debian ${release}",
    "item tools Tools ...",
    "item --default local",
    "item --key x exit Leave",
    "choose --timeout 5000 target && goto ${target}",
    ":debian",
    "kernel debian/linux quiet",
    "boot || goto start",
    ":tools",
    "menu Tools",
    "item memtest Memory test",
    "item back Back",
    "choose what && goto ${what} || goto start",
    ":memtest",
    "kernel mt",
    "boot",
    ":back",
    "goto start",
    ":local",
    "sanboot --drive 0x80",
  ];

  test("each item is an entry, a menu behind an item a submenu, and the way back nothing", async () => {
    const found = await fetched(lines("set release 12", ...menu, ":exit", "exit"));
    assert.deepEqual(titles(found), ["Debian 12", "Tools ... > Memory test", "local", "Leave"]);
    assert.deepEqual(
      found.entries.map((e) => e.reason === null),
      [true, true, false, false],
    );
    assert.deepEqual(found.entries.map((e) => [e.nativeId, e.hotkey])[0], ["debian", "d"]);
    assert.deepEqual(
      [chosen(found), found.defaultIsExplicit, found.timeout, found.timeoutStyle],
      ["local", true, 5, "menu"],
    );
  });

  test("--default of choose goes before that of an item; without either it is the first; without a time it waits", async () => {
    const items = ["menu", "item a", "item --default b", "item c"];
    const ends = [":a", "kernel a", "boot", ":b", "kernel b", "boot", ":c", "kernel c", "boot"];
    const with_ = await fetched(lines("set d c", ...items, "choose --default ${d} x && goto ${x}", ...ends));
    assert.deepEqual([chosen(with_), with_.timeout], ["c", Number.POSITIVE_INFINITY]);
    const plain = await fetched(lines("menu", "item a", "item b", "choose --timeout 0 x && goto ${x}", ...ends));
    assert.deepEqual([chosen(plain), plain.defaultIsExplicit, plain.timeout], ["a", false, Number.POSITIVE_INFINITY]);
  });

  test("the settings that an item leaves are that item's own", async () => {
    const found = await fetched(
      lines("set n:int32 0", "menu", "item a A", "item b B", "choose x", "inc n", "kernel k ${x} ${n}", "boot"),
    );
    assert.deepEqual(
      found.entries.map((e) => e.options),
      ["a 1", "b 1"],
    );
  });

  test("a question for a key leads aside: below it stands what the key would start", async () => {
    const found = await fetched(
      lines(
        "prompt --key m --timeout 3000 Press m for rescue && goto rescue ||",
        "kernel k",
        "boot",
        ":rescue",
        "kernel r",
        "boot",
      ),
    );
    assert.deepEqual(titles(found), ["start.ipxe", "Press m for rescue"]);
    assert.deepEqual([found.defaultIndex, found.timeout], [0, 3]);
  });

  test("a question for a text goes on with what is set, and what follows doesn't boot by itself", async () => {
    const found = await fetched(lines("set host box", "read host", "kernel k ${host}", "boot"));
    assert.equal(found.entries[0]!.options, "box");
    assert.match(found.entries[0]!.unchecked ?? "", /asks for 'host'/);
    assert.deepEqual(found.diagnostics, []);
  });
});

describe("settings and options", () => {
  test("settings are filled in from the inside out, in the form that is asked for", () => {
    const values: Record<string, string> = {
      ...{
        a: "b",
        b: "inner",
        "net0/mac": "52:54:00:12:34:56",
        uuid: "C0FFEE00-1111-2222-3333-444455556666",
        t: "a b&c",
      },
    };
    const expand = (text: string): string =>
      expandSettings(text, (expression) => new Settings().get(expression, (name) => values[name] ?? null));
    assert.equal(expand("${${a}} ${none} $x ${"), "inner  $x ${");
    assert.equal(
      expand("${net0/mac} ${net0/mac:hexhyp} ${net0/mac:hexraw}"),
      "52:54:00:12:34:56 52-54-00-12-34-56 525400123456",
    );
    assert.equal(expand("${uuid:hexraw}"), "c0ffee00111122223333444455556666");
    assert.equal(expand("${t:uristring} ${t:base64}"), "a b&c YSBiJmM=");
    assert.equal(expand("${none:hexhyp}"), "");
  });

  test("a setting with blanks stays one word of a command", async () => {
    const found = await fetched(lines("set two a b", "iseq ${two} ${two} && kernel k ${two} c", "boot"));
    assert.equal(found.entries[0]!.options, "a b c");
  });

  test("options are split from arguments as getopt does", () => {
    const parse = (...words: string[]) =>
      parseOptions(words, { name: "n:", gap: "g", timeout: "t#", key: "k!" }, [0, 2]);
    const found = parse("--name", "x", "-g", "a", "--gap");
    assert.ok(typeof found !== "string");
    assert.deepEqual([found.text("name"), found.has("gap"), found.args], ["x", true, ["a", "--gap"]]);
    assert.equal(parse("--bogus"), "it has no option --bogus");
    assert.equal(parse("-gz"), "it has no option -z");
    assert.equal(parse("--name"), "--name has no value");
    assert.equal(parse("--timeout", "soon"), "--timeout soon: that is no number");
    assert.equal(parse("--key", "ctrl"), "--key ctrl: that is no number");
    assert.equal(parse("a", "b", "c"), "it takes 2 arguments, not 3");
    const inline = parse("--name=y", "--", "-g");
    assert.ok(typeof inline !== "string" && inline.args[0] === "-g" && inline.text("name") === "y");
    const joined = parse("-gt0x10", "-k", "0x02", "-nz");
    assert.ok(typeof joined !== "string" && joined.has("gap"));
    assert.deepEqual([joined.number("timeout"), joined.text("key"), joined.text("name")], [16, "0x02", "z"]);
    const empty = parse("--timeout", "", "--name", "");
    assert.ok(typeof empty !== "string" && empty.number("timeout") === 0 && empty.text("name") === null);
  });

  test("a script of more lines and words than any is read as far as there is room, which is said", async () => {
    const long = `#!ipxe\nkernel k\nboot\n${"isset a b c d e f g h\n".repeat(10_000)}`;
    const script = await parseScript(long, "s");
    assert.equal(script.lines.length, script.endsAt! - 1);
    assert.ok(script.endsAt! < 10_000);
    const volume = treeVolume({ "/autoexec.ipxe": long });
    const { entries, diagnostics } = await ipxe.parse("/autoexec.ipxe", contextOf(volume));
    assert.equal(entries.length, 1);
    assert.match(diagnostics[0]!.message, /more lines and words than any; it is not read from here on/);
    // However its words are written: one line, one command that goes on and on.
    for (const text of ["isset a || ".repeat(50_000), "\\\n".repeat(60_000), "\n".repeat(60_000)]) {
      assert.notEqual((await parseScript(`#!ipxe\n${text}`, "s")).endsAt, null);
    }
  });

  test("lines keep their numbers through continuations", async () => {
    const script = await parseScript("#!ipxe\nset a \\\nb\n:l echo x\n", "s");
    assert.deepEqual(
      script.lines.filter((line) => line.segments.length > 0).map((line) => line.number),
      [2, 4],
    );
    assert.equal(script.lines[script.labels.get("l")!]!.number, 4);
  });
});

describe("scripts on a volume", () => {
  test("the script beside iPXE is found, and its names are files of the volume", async () => {
    const volume = treeVolume({ "/EFI/BOOT/autoexec.ipxe": "", "/boot.ipxe": "" });
    assert.deepEqual(await ipxe.find(volume), ["/boot.ipxe"]);
    assert.deepEqual(await ipxe.find(treeVolume({ "/EFI/Boot/AUTOEXEC.IPXE": "" }, { type: "vfat" })), [
      "/EFI/Boot/AUTOEXEC.IPXE",
    ]);
    const found = await local({
      "/boot.ipxe": lines(
        "iseq ${platform} efi && kernel images/k ${buildarch} || goto pc",
        "initrd file:/i.img",
        "boot",
        ":pc",
      ),
      ...{ "/images/k": "k", "/i.img": "i" },
    });
    assert.deepEqual(
      [found.entries[0]!.options, ...files(found.entries[0]!)],
      ["x86_64", "vda1:/images/k", "vda1:/i.img"],
    );
    assert.equal(found.entries[0]!.title, "boot.ipxe");
  });

  test("a file without #!ipxe is no script", async () => {
    const found = await local({ "/boot.ipxe": "kernel k\nboot\n" });
    assert.deepEqual(found.entries, []);
    assert.equal(found.diagnostics.length, 1);
  });

  test("whatever a script says, running it ends", async () => {
    const word = fc.constantFrom(
      ...[
        "kernel",
        "initrd",
        "boot",
        "chain",
        "goto",
        "menu",
        "item",
        "choose",
        "set",
        "inc",
        "isset",
        "iseq",
        "prompt",
      ],
      ...[
        "imgargs",
        "imgfree",
        "exit",
        "shell",
        "read",
        "&&",
        "||",
        ";",
        "#",
        ":a",
        ":b",
        "a",
        "b",
        "k",
        "x",
        "${x}",
        "${${x}}",
      ],
      ...["--default", "--timeout", "1", "--key", "--gap", "--", "\\", "boot.ipxe", "http://h/k", "-", "${", "$"],
    );
    const text = fc.array(
      fc.array(word, { maxLength: 6 }).map((w) => w.join(" ")),
      { maxLength: 25 },
    );
    await fc.assert(
      fc.asyncProperty(text, async (script) => {
        assertWellFormed(await local({ "/boot.ipxe": lines(...script), "/k": "k" }));
      }),
      { numRuns: 200 },
    );
  });
});

test("a failure is said with its line, but where the script itself says what follows", async () => {
  const script = (line: string) => readTree(ipxe, { "/autoexec.ipxe": `#!ipxe\n${line}\nshell\n` });
  for (const guarded of [
    "chain /none.ipxe ||",
    "goto nowhere || shell",
    "frobnicate && shell || shell",
    "nslookup a b ; shell",
  ]) {
    const { entries, diagnostics } = await script(guarded);
    assert.match(entries[0]!.reason!, /own shell/, guarded);
    assert.deepEqual(messages(diagnostics), [], guarded);
  }
  const { entries, diagnostics } = await script("chain /none.ipxe");
  const why = "'chain /none.ipxe' fails: there is no such file, or it can't be read here";
  assert.equal(entries[0]!.reason, `the script fails in line 2: ${why}`);
  assert.deepEqual(messages(diagnostics), [`2:- ${why}`]);
});

test("a signature that can't be checked counts as wrong, and what follows doesn't boot by itself", async () => {
  const checked = await fetched(lines("kernel linux", "imgverify linux linux.sig && boot || kernel other", "boot"));
  assert.equal(files(checked.entries[0]!)[0], "http://boot.example/menus/other");
  assert.match(checked.entries[0]!.unchecked ?? "", /imgverify/);
  assert.match(checked.diagnostics[0]!.message, /imgverify counts as failed/);
  const trusted = await fetched(lines("imgtrust --permanent", "kernel linux", "boot"));
  assert.match(trusted.entries[0]!.unchecked ?? "", /imgtrust/);
  const allowed = await fetched(lines("imgtrust", "imgtrust --allow", "kernel linux", "boot"));
  assert.equal(allowed.entries[0]!.unchecked, undefined);
  const both = await fetched(lines("kernel linux", "imgverify linux linux.sig ||", "imgtrust --allow", "boot"));
  assert.match(both.entries[0]!.unchecked ?? "", /imgverify/);
});

test("what a script does is what was read for it, whatever the same address said before", async () => {
  const base = { url: "http://boot.example/menus/good.ipxe" };
  const web: Record<string, string> = {
    "http://boot.example/menus/other.ipxe": lines("kernel stranger"),
    [`${base.url}#sha256=00`]: lines("kernel own", "boot"),
  };
  const found = await listIpxe(
    lines("chain other.ipxe ||", "chain good.ipxe#sha256=00"),
    { url: "http://boot.example/menus/start.ipxe" },
    {
      resolve: resolveUri,
      exists: async () => true,
      read: async (ref) => (web[formatFileRef(ref)] === undefined ? null : { text: web[formatFileRef(ref)]!, base }),
      setting: () => null,
    },
  );
  assert.equal(files(found.entries[0]!)[0], "http://boot.example/menus/own");
});

test("a script on a server that doesn't answer is one that isn't there: what stands behind || goes on", async () => {
  const start = { url: "http://boot.example/menus/start.ipxe" };
  const network = {
    resolve: resolveUri,
    exists: async () => true,
    read: async () => null,
    tree: async () => null,
    setting: () => null,
  };
  const on = await listIpxe(lines("chain http://gone.example/a.ipxe ||", "kernel own", "boot"), start, network);
  assert.deepEqual([files(on.entries[0]!)[0], on.entries[0]!.reason], ["http://boot.example/menus/own", null]);
  const alone = await listIpxe(lines("chain http://gone.example/a.ipxe"), start, network);
  assert.match(alone.entries[0]!.reason!, /gone\.example\/a\.ipxe/);
});

test("a script that selects a kernel and never says boot gives an entry that is no default", async () => {
  const { entries, defaultIndex } = await fetched(lines("kernel vmlinuz quiet", "initrd initrd.img"));
  assert.deepEqual(
    [entries[0]!.options, entries[0]!.initrd.length, entries[0]!.reason, defaultIndex],
    ["quiet", 1, null, null],
  );
  assert.match(entries[0]!.unchecked ?? "", /without saying boot/);
});

test("sanboot of a drive is the machine's own disk, of a URI a network disk", async () => {
  const kinds = async (command: string): Promise<string> => (await fetched(lines(command))).entries[0]!.kind;
  assert.equal(await kinds("sanboot --no-describe --drive 0x80"), "local");
  assert.equal(await kinds("sanboot"), "local");
  assert.equal(await kinds("sanboot iscsi:10.0.0.1::::x"), "other");
  assert.equal(await kinds("shell"), "other");
});

test("kernels and initrds may have one name; imgfree takes each that it names; what is extracted has its own name", async () => {
  const same = await fetched(lines("kernel k/image a", "initrd i/image", "boot"));
  assert.deepEqual(files(same.entries[0]!), ["http://boot.example/menus/k/image", "http://boot.example/menus/i/image"]);
  assert.equal(same.entries[0]!.options, "a");
  const freed = await fetched(lines("initrd a", "initrd b", "imgfree a b", "kernel k", "initrd c", "boot"));
  assert.deepEqual(files(freed.entries[0]!).slice(1), ["http://boot.example/menus/c"]);
  assert.match((await fetched(lines("imgfree a"))).entries[0]!.reason!, /no such image/);
  const packed = await fetched(lines("imgextract k.gz", "imgextract -n i --keep i.zst", "imgfree i.zst", "boot k x"));
  assert.deepEqual(files(packed.entries[0]!), ["http://boot.example/menus/k.gz", "http://boot.example/menus/i.zst"]);
});

test("a form is sent once, by its name, and not for an item that nobody has chosen", async () => {
  const web = { "http://boot.example/menus/ask#post=a%3D1%26b%3Dx%2520y": lines("kernel k asked", "boot") };
  const form = ["params --name f", "param --params f a 1", "param -p f b x y"];
  const sent = await fetched(lines(...form, "chain ask##params=f"), {}, web);
  assert.equal(sent.entries[0]!.options, "asked");
  const twice = await fetched(lines(...form, "md5sum ask##params=f", "md5sum ask##params=f || kernel again", "boot"));
  assert.equal(files(twice.entries[0]!)[0], "http://boot.example/menus/again");
  assert.match((await fetched(lines("param a 1"))).entries[0]!.reason!, /there is no form/);
  const menu = await fetched(
    lines(
      ...form,
      "menu",
      "item a A",
      "item --default b B",
      "choose x",
      "iseq ${x} b && chain k ||",
      "chain ask##params=f",
    ),
    {},
    web,
  );
  assert.match(menu.entries[0]!.reason!, /sends a form to ask/);
});
