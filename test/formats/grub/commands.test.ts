import assert from "node:assert/strict";
import { test } from "node:test";
import type { Platform } from "../../../src/formats/format.ts";
import { echoes, memoryVolume, only, problems, read } from "./support.ts";

/** Two structures: the machine's (type 1), with three texts and a UUID, and an end. */
function tables(): Uint8Array {
  const system = Buffer.alloc(27);
  system.set([1, 27, 0x00, 0x01, 1, 2, 0, 3]);
  Buffer.from("33221100554477668899aabbccddeeff", "hex").copy(system, 8);
  system.writeUInt16LE(0x1234, 24);
  const texts = Buffer.from("Acme\0Rocket 9000\0SN-42\0\0", "latin1");
  const end = Buffer.from([127, 4, 0xff, 0xff, 0, 0]);
  return Buffer.concat([system, texts, end]);
}

async function titles(script: string, platform: Partial<Platform> = {}): Promise<string[]> {
  const result = await read(`${script}\nmenuentry "$a|$b|$c" { linux /k }`, { platform });
  assert.deepEqual(problems(result), []);
  return only(result).title.split("|");
}

test("smbios reads the machine's tables where it has some", async () => {
  const smbios = tables;
  const script = `smbios --type 1 --get-string 5 --set a
smbios -t 1 -m 1 --get-uuid 8 --set b
smbios --handle 0x100 --get-word 24 --set c`;
  assert.deepEqual(await titles(script, { smbios }), ["Rocket 9000", "00112233-4455-6677-8899-aabbccddeeff", "4660"]);
  const ask = "set a=x\nif smbios --type 2 --get-byte 4 --set a; then set b=yes; else set b=no; fi";
  assert.deepEqual(await titles(ask, { smbios }), ["x", "no", ""]);
  assert.deepEqual(await titles(ask), ["x", "no", ""]);
});

test("tables that are cut short, and offsets beyond a structure, give nothing", async () => {
  for (let length = 0; length < tables().length; length += 3) {
    const smbios = () => tables().subarray(0, length);
    await read("smbios --type 1 --get-string 5 --set a\nsmbios --get-qword 20 --set a", { platform: { smbios } });
  }
  const beyond = await read('smbios -t 1 --get-qword 25 --set a\nmenuentry "$a" { linux /k }', {
    platform: { smbios: tables },
  });
  assert.match(problems(beyond).join(), /nothing at offset 25/);
});

const GUID = "4a67b082-0a4c-41cf-b6c7-440b29bb8c4f";

const GLOBAL = "8be4df61-93ca-11d2-aa0d-00e098032b8c";
const VARIABLES: Readonly<Record<string, Uint8Array>> = {
  [`Slot-${GUID}`]: Buffer.from("usr-a\0rest"),
  [`LoaderEntryDefault-${GUID}`]: Buffer.from("arch.conf\0", "utf16le"),
  [`SecureBoot-${GLOBAL}`]: Buffer.from([1]),
  "GRUB_ENV-91376aff-cba6-42be-949d-06fde81128e8": Buffer.from("# GRUB Environment Block\na=kept\n####"),
};
const efiVariable = (name: string, guid: string) => VARIABLES[`${name}-${guid}`] ?? null;

test("getenv and get_efivar read EFI variables of any vendor, byte by byte as GRUB does", async () => {
  const ask = (script: string) => titles(script, { efiVariable });
  const script = `getenv -e Slot -g ${GUID.toUpperCase()} a
if getenv -e Missing -g ${GUID} b; then true; else b=none; fi
getenv --binary --var-name=LoaderEntryDefault --var-guid=${GUID} c`;
  assert.deepEqual(await ask(script), ["usr-a", "none", Buffer.from("arch.conf\0", "utf16le").toString("hex")]);
  assert.deepEqual(
    await ask(
      `get_efivar -f uint8 -s a SecureBoot\nget_efivar --set b SecureBoot\nget_efivar -f string -s c Slot-${GUID}`,
    ),
    ["1", "01", "usr-a"],
  );
  assert.deepEqual(await ask("a=x\nget_efivar -s b Missing\nc=no"), ["x", "", "no"]);
  assert.match(
    problems(await read(`getenv -e Slot -g ${GUID}0 a\ngetenv -e Slot a`)).join(),
    /is no GUID.*it needs -e/s,
  );
  assert.equal((await ask("efi-load-env"))[0], "kept");
  // Without firmware, and with a name that leads out of the folder of variables.
  assert.equal((await titles(`getenv -e Slot -g ${GUID} a`))[0], "");
  assert.equal((await titles("get_efivar -s a ../x", { efiVariable: () => Buffer.from("x") }))[0], "");
});

test("what setenv would write belongs to the entry", async () => {
  const result = await read(`menuentry x {
  setenv -e Flag -g ${GUID} on
  setenv -g ${GUID.toUpperCase()} Bytes 0aff
  setenv -t string Text word
  linux /k
}`);
  assert.deepEqual(only(result).writes, [
    { efivar: `Flag-${GUID}`, value: "on\0", isBytes: true },
    { efivar: `Bytes-${GUID}`, value: "\u000a\u00ff", isBytes: true },
    { efivar: `Text-${GLOBAL}`, value: "word\0", isBytes: true },
  ]);
  assert.match(problems(await read("setenv -t octal A 1\nsetenv A")).join(), /setenv: it needs.*setenv: it needs/s);
});

test("cpuid, keystatus and fwsetup answer for the machine that would boot", async () => {
  const ask = (command: string) => `if ${command}; then set a=y; else set a=n; fi`;
  assert.equal((await titles(ask("cpuid -l")))[0], "y");
  assert.equal((await titles(ask("cpuid -l"), { arch: "i686" }))[0], "n");
  assert.equal((await titles(ask("cpuid --pae"), { arch: "i686" }))[0], "y");
  for (const option of ["--shift", "--ctrl", "--alt"]) {
    assert.equal((await titles(ask(`keystatus ${option}`)))[0], "n");
  }
  assert.equal((await titles(ask("fwsetup --is-supported")))[0], "y");
  assert.equal((await titles(ask("fwsetup --is-supported"), { firmware: "pc" }))[0], "n");
});

test("files become values by file_env, read_file and cat, and cmp and file answer about them", async () => {
  const kernel = new Uint8Array(0x210);
  kernel.set([0x55, 0xaa], 0x1fe);
  kernel.set(Buffer.from("HdrS"), 0x202);
  const files = { "/words": "one two\nthree\n", "/same": "one two\nthree\n", "/k": kernel, "/text": "abc" };
  const ask = (command: string) => `if ${command}; then echo y; else echo n; fi`;
  const script = [
    'file_env -f /words a; echo "$a"',
    'read_file /words a; echo "$a"',
    'cat --set a /words; echo "$a"',
    ask("cmp /words /same"),
    ask("cmp /words /k"),
    ask("cmp /words /none"),
    ask("file --is-x86-linux /k"),
    ask("file --is-x86-linux /text"),
    ask("file --is-arm64-linux /k"),
    ask("file --is-x86_64-efi /k"),
    ask("file --is-x86-multiboot2 /none"),
    ask("cat /words"),
    ask("cat /none"),
  ].join("\n");
  assert.deepEqual((await echoes(script, files)).join("/"), "one two/three/one two/one two/three/y/n/n/y/n/n/n/n/y/n");
});

test("read leaves its variable empty: nobody is there to type", async () => {
  assert.deepEqual(await echoes('a=x\nread a\necho "<$a>"\nread'), ["<>"]);
});

test("a loop device is there between loopback and loopback -d", async () => {
  const image = memoryVolume({ "/k": "k" }, { name: "vda1+x.iso", type: "iso9660" });
  const volume = memoryVolume({ "/x.iso": "iso", "/test.cfg": "" });
  const { Interpreter } = await import("../../../src/formats/grub/interpreter.ts");
  const { grubCommands } = await import("../../../src/formats/grub/commands/commands.ts");
  const { Environment } = await import("../../../src/formats/grub/environment.ts");
  const { SourceText } = await import("../../../src/formats/grub/source.ts");
  const script = `function there { if [ -e (loop) ]; then echo y; else echo n; fi; }
set root=hd0
there
loopback loop /x.iso
there
if [ -f (loop)/k ]; then echo k; fi
loopback -d loop
there
loopback again /x.iso
if [ -f (again)/k ]; then echo k; fi`;
  const source = SourceText.file("vda1:/test.cfg", script);
  const platform = { firmware: "efi", arch: "x86_64" } as const;
  const context = { volume, volumes: [volume], platform, openImage: async () => image };
  const run = new Interpreter(context, grubCommands(), Environment.empty(), source);
  let printed = "";
  run.onEcho = (text) => {
    printed += text;
  };
  await run.runText(source);
  assert.equal(printed.replaceAll("\n", ""), "nyknk");
});

test("commands that only GRUB itself needs are accepted without a word", async () => {
  const commands =
    "insmod x;terminal_output gfxterm;loadfont unicode;set gfxmode=auto;background_image /x.png;play 1 2 3;"
      .concat(
        "lsmmap;gettext x;hello;cryptomount -u abc;password root x;acpi /x.aml;serial --unit=0;usb;rmmod x;hexdump /x;",
      )
      .concat(
        "zfskey /x;net_bootp;testload /x;lspci;videoinfo;clear;date;outb 1 2;gptsync hd0 1;parttool hd0 boot+;drivemap",
      );
  const result = await read(`${commands}\nmenuentry x { linux /k }`);
  assert.deepEqual(problems(result), []);
});
