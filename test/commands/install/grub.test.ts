/** `baton install` and `uninstall` on a machine with a BIOS: what is in /boot and in its GRUB's configuration after that. */

import assert from "node:assert/strict";
import * as fs from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { customPart, withoutPart } from "../../../src/commands/install/grub.ts";
import { install, uninstall } from "../../../src/commands/install/install.ts";
import { read } from "../../formats/grub/support.ts";
import { image, installed } from "./installed.ts";

const from = image();
const CONFIG = `if [ "\${next_entry}" ] ; then
   set default="\${next_entry}"
   set boot_once=true
fi
menuentry 'Debian' { linux /vmlinuz }
if [ -f  \${config_directory}/custom.cfg ]; then
  source \${config_directory}/custom.cfg
fi
`;
const BLOCK = "# GRUB Environment Block\nsaved_entry=0\n".padEnd(1024, "#");

function debian(options: Parameters<typeof installed>[1] = {}, folder = "/boot/grub", type = "ext4") {
  const system = installed([`/ ${type} /dev/sda1`], options);
  system.write(`${folder}/grub.cfg`, CONFIG);
  system.write(`${folder}/grubenv`, BLOCK);
  return system;
}

test("kernel and initramfs lie in /boot/baton, and GRUB's default is the entry that starts them", async () => {
  const system = debian();
  assert.equal(await install(["--from", from], system.machine), 0);
  assert.deepEqual(system.calls, [], "no program is needed for that");
  const files = system.files();
  assert.equal(files["/boot/baton/vmlinuz"], "the kernel");
  assert.equal(files["/boot/baton/initramfs.cpio.zst"], "the initramfs");
  assert.equal(files["/boot/grub/grub.cfg"], CONFIG);
  assert.equal(files["/boot/grub/grubenv"], BLOCK);
  const custom = files["/boot/grub/custom.cfg"]!;
  assert.match(custom, /linux "\$baton_boot\/baton\/vmlinuz" console=tty0 console=ttyS0,115200 quiet 'it'\\''s'\n/);
  assert.match(custom, /set default=baton/);
});

test("--once leaves GRUB's default as it is, and asks for the entry by next_entry", async () => {
  const system = debian();
  await install(["--once", "--from", from], system.machine);
  assert.doesNotMatch(system.read("/boot/grub/custom.cfg"), /set default/);
  assert.match(system.read("/boot/grub/grubenv"), /^# GRUB Environment Block\nsaved_entry=0\nnext_entry=baton\n#+$/);
});

for (const folder of ["/boot/grub", "/boot/grub2"]) {
  for (const words of [[], ["--once"]]) {
    test(`uninstall leaves nothing behind of install ${words.join(" ")} (${folder})`, async () => {
      for (const own of [undefined, "menuentry 'Mine' { linux /mine }", "\n# a comment\n"]) {
        const system = debian({}, folder);
        if (own !== undefined) system.write(`${folder}/custom.cfg`, own);
        const before = system.files();
        await install([...words, "--from", from], system.machine);
        await install([...words, "--from", from], system.machine);
        const custom = system.read(`${folder}/custom.cfg`);
        assert.equal(custom.match(/menuentry Baton/g)?.length, 1, "twice is once");
        assert.ok(own === undefined || custom.startsWith(own));
        await uninstall([], system.machine);
        const after = system.files();
        const ended = own?.replace(/(?<=[^\n])$/, "\n");
        assert.deepEqual(after, { ...before, ...(ended === undefined ? {} : { [`${folder}/custom.cfg`]: ended }) });
        assert.ok(!fs.existsSync(join(system.machine.root, "/boot/baton")));
      }
    });
  }
}

test("what can't work is refused before anything is written", async () => {
  const cases: readonly (readonly [ReturnType<typeof debian>, readonly string[], RegExp])[] = [
    [installed(["/ ext4 /dev/sda1"]), [], /none of \/boot\/grub, \/boot\/grub2 has a grub.cfg/],
    [debian({}, "/boot/grub", "btrfs"), ["--once"], /is on btrfs, which GRUB doesn't write to/],
    [debian({ device: { kind: "other", transport: "dm" } }), ["--once"], /made of other devices \(dm\)/],
  ];
  const plain = debian();
  plain.write("/boot/grub/grub.cfg", "menuentry 'Debian' { linux /vmlinuz }\n# source custom.cfg\n");
  const noBlock = debian();
  fs.rmSync(join(noBlock.machine.root, "/boot/grub/grubenv"));
  const locked = debian();
  locked.write("/boot/grub/custom.cfg", 'set superusers="root"\npassword_pbkdf2 root grub.pbkdf2.sha512.1\n');
  const fedora = debian({}, "/boot/grub2");
  fedora.write("/boot/grub2/grub.cfg", `if [ -n "\${GRUB2_PASSWORD}" ]; then\n  set superusers="root"\nfi\n${CONFIG}`);
  fedora.write("/boot/grub2/user.cfg", "GRUB2_PASSWORD=grub.pbkdf2.sha512.1\n");
  const more = [
    [locked, [], /sets superusers/],
    [fedora, ["--once"], /sets superusers/],
    [plain, [], /doesn't read custom.cfg/],
    [noBlock, ["--once"], /grubenv isn't there/],
  ] as const;
  for (const [system, words, reason] of [...cases, ...more]) {
    const before = system.files();
    await assert.rejects(install([...words, "--from", from], system.machine), reason);
    assert.deepEqual(system.files(), before);
  }
  const damaged = image();
  fs.writeFileSync(join(damaged, "vmlinuz"), "the kerne");
  await assert.rejects(install(["--from", damaged], debian().machine), /vmlinuz is not the file that image.json names/);
});

test("Fedora's words for a password that nobody has set are no hindrance", async () => {
  const system = debian({}, "/boot/grub2");
  system.write("/boot/grub2/grub.cfg", `if [ -n "\${GRUB2_PASSWORD}" ]; then\n  set superusers="root"\nfi\n${CONFIG}`);
  assert.equal(await install(["--from", from], system.machine), 0);
});

test("--dry-run changes nothing", async () => {
  const system = debian();
  const before = system.files();
  await install(["--dry-run", "--from", from], system.machine);
  await install(["--dry-run", "--once", "--from", from], system.machine);
  assert.deepEqual(system.files(), before);
});

test("a custom.cfg that is a link is left alone", async () => {
  const system = debian();
  fs.symlinkSync("elsewhere", join(system.machine.root, "/boot/grub/custom.cfg"));
  await assert.rejects(install(["--from", from], system.machine), /is no regular file: left alone/);
});

test("the part is taken out of the midst of a file, and a begin without an end is left alone", () => {
  assert.equal(withoutPart(`one\n${customPart("quiet", true)}two\n`), "one\ntwo\n");
  const cut = customPart("quiet", true).slice(0, 60);
  assert.equal(withoutPart(cut), cut);
});

test("Baton, which reads the same configuration, doesn't find itself there, and the default is GRUB's own", async () => {
  const result = await read(CONFIG, { files: { "/boot/grub/custom.cfg": customPart("quiet", true) } });
  assert.deepEqual(
    result.entries.map(({ title }) => title),
    ["Debian"],
  );
});
