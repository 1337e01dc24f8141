/** `baton install` and `uninstall` on a machine with UEFI: what is on its partition and in its boot order after that. */

import assert from "node:assert/strict";
import * as fs from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { install, uninstall } from "../../../src/commands/install/install.ts";
import { BATON_GUID, GLOBAL_GUID, LOADER_GUID } from "../../../src/state/guids.ts";
import { OWN_VARIABLES } from "../../../src/state/loaderinterface.ts";
import { image, installed, LOADER, loadOption } from "./installed.ts";

const MOUNTS = ["/ ext4 /dev/sda2", "/boot/efi vfat /dev/sda1"];
const EFIVARS = "/sys/firmware/efi/efivars";
const PROGRAM = "/boot/efi/EFI/baton/baton.efi";
const from = image();
const CREATE = `--disk /dev/sda --part 1 --label Baton --loader ${LOADER}`;

function debian(options: Parameters<typeof installed>[1] = {}, mounts: readonly string[] = MOUNTS) {
  const system = installed(mounts, { uefi: true, ...options });
  system.write("/boot/efi/EFI/debian/shimx64.efi", "shim");
  return system;
}

test("Baton comes first in the firmware's order, and the system's own loader stays second", async () => {
  const system = debian();
  assert.equal(await install(["--from", from], system.machine), 0);
  assert.deepEqual(system.calls, ["efibootmgr --version", `efibootmgr --create ${CREATE}`]);
  assert.ok(fs.readFileSync(join(system.machine.root, PROGRAM)).equals(fs.readFileSync(join(from, "baton.efi"))));
  assert.deepEqual(system.numbers("BootOrder"), ["0007", "0000"]);
});

test("--once leaves the order as it is, and has the firmware start Baton next", async () => {
  const system = debian();
  await install(["--once", "--from", from], system.machine);
  assert.deepEqual(system.calls.slice(1), [`efibootmgr --create-only ${CREATE}`, "efibootmgr --bootnext 0007"]);
  assert.deepEqual([system.numbers("BootOrder"), system.numbers("BootNext")], [["0000"], ["0007"]]);
  // And then for good: the same entry, not a second one.
  await install(["--from", from], system.machine);
  assert.equal(system.calls.at(-1), "efibootmgr --bootorder 0007,0000");
});

for (const words of [[], ["--once"]]) {
  test(`uninstall leaves nothing behind of install ${words.join(" ")}`, async () => {
    const system = debian();
    const before = system.files();
    await install([...words, "--from", from], system.machine);
    system.write(`${EFIVARS}/BatonState-${BATON_GUID}`, Buffer.alloc(8));
    for (const name of OWN_VARIABLES) {
      const value = Buffer.concat([Buffer.from([7, 0, 0, 0]), Buffer.from("Baton 1\0", "utf16le")]);
      system.write(`${EFIVARS}/${name}-${LOADER_GUID}`, value);
    }
    assert.equal(await uninstall([], system.machine), 0);
    assert.deepEqual(system.files(), before);
    assert.ok(!fs.existsSync(join(system.machine.root, "/boot/efi/EFI/baton")));
    assert.deepEqual([system.numbers("BootOrder"), system.numbers("BootNext")], [["0000"], []]);
    assert.ok(!fs.existsSync(join(system.machine.root, `${EFIVARS}/Boot0007-${GLOBAL_GUID}`)));
    const calls = system.calls.length;
    assert.equal(await uninstall([], system.machine), 0);
    assert.equal(system.calls.length, calls, "what isn't there needs no call");
  });
}

test("an entry that somebody switched off, and what an interrupted copy left, go as well; the owner's files stay", async () => {
  const system = debian();
  system.write(`${EFIVARS}/Boot0009-${GLOBAL_GUID}`, loadOption("Baton", LOADER.toLowerCase(), false));
  system.write(`${PROGRAM}.baton-new`, "half of it");
  system.write("/boot/efi/EFI/baton/baton.yaml", "entries: []");
  await uninstall([], system.machine);
  assert.deepEqual(system.calls, ["efibootmgr --bootnum 0009 --delete-bootnum"]);
  assert.deepEqual(Object.keys(system.files()), ["/boot/efi/EFI/baton/baton.yaml", "/boot/efi/EFI/debian/shimx64.efi"]);
});

test("where the partition isn't mounted the boot entry goes all the same", async () => {
  const system = debian();
  await install(["--from", from], system.machine);
  system.write("/proc/self/mountinfo", "20 1 8:2 / / rw - ext4 /dev/sda2 rw\n");
  await uninstall([], system.machine);
  assert.deepEqual(system.numbers("BootOrder"), ["0000"]);
});

test("--dry-run changes nothing", async () => {
  const system = debian();
  const before = system.files();
  for (const words of [["--dry-run"], ["--once", "--dry-run"]])
    await install([...words, "--from", from], system.machine);
  await uninstall(["--dry-run"], system.machine);
  assert.deepEqual(system.files(), before);
  assert.deepEqual(system.calls, ["efibootmgr --version", "efibootmgr --version"]);
});

test("where efibootmgr fails the machine's order is as before, and uninstall cleans up", async () => {
  const system = debian({ failing: "--create" });
  const before = system.files();
  await assert.rejects(
    install(["--from", from], system.machine),
    /it failed; the machine starts as before; baton uninstall/,
  );
  assert.deepEqual(system.numbers("BootOrder"), ["0000"]);
  await uninstall([], system.machine);
  assert.deepEqual(system.files(), before);
});

test("the partition is taken where it is mounted, and only one that is an EFI system partition", async () => {
  const system = debian({}, ["/ ext4 /dev/sda2", "/srv/esp vfat /dev/sda1", "/efi vfat /dev/sda1"]);
  await install(["--from", from], system.machine);
  assert.ok("/efi/EFI/baton/baton.efi" in system.files());
  for (const [mounts, device, reason] of [
    [["/ ext4 /dev/sda2"], {}, /no EFI system partition is mounted/],
    [MOUNTS, { partitionType: "ebd0a0a2-b9e5-4433-87c0-68b6b72699c7" }, /no EFI system partition is mounted/],
    [["/ ext4 /dev/sda2", "/boot/efi vfat /dev/sda1 ro"], {}, /mounted read-only/],
  ] as const) {
    const other = debian({ device }, mounts);
    const before = other.files();
    await assert.rejects(install(["--from", from], other.machine), reason);
    assert.deepEqual(other.files(), before);
  }
});

test("what firmware wouldn't start isn't installed", async () => {
  const system = debian();
  system.write(`${EFIVARS}/SecureBoot-${GLOBAL_GUID}`, Buffer.from([6, 0, 0, 0, 1]));
  await assert.rejects(install(["--from", from], system.machine), /not signed, and Secure Boot is on/);
  const foreign = image();
  fs.writeFileSync(join(foreign, "baton.efi"), "no program");
  await assert.rejects(install(["--from", foreign], debian().machine), /is no EFI program/);
  await assert.rejects(install(["--from", "/nowhere"], debian().machine), /npm run image makes it/);
});
