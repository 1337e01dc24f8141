import assert from "node:assert/strict";
import { test } from "node:test";
import { initrdsOf, kernelOf, memoryVolume, only, problems, read } from "./support.ts";

const DISK = { disk: "vda", scheme: "gpt" } as const;
const other = memoryVolume(
  { "/marker": "", "/k": "" },
  { name: "vdb1", uuid: "AAAA-BBBB", label: "DATA", disk: "vdb", partition: 1, partuuid: "p-1", partlabel: "root" },
);
const near = memoryVolume({ "/k": "" }, { name: "vda2", uuid: "1234", label: "NEAR", partition: 2, ...DISK });
const volume = { uuid: "own", partition: 1, ...DISK };

async function kernel(search: string): Promise<string | null> {
  const config = `menuentry x { ${search}\nlinux /k }`;
  return kernelOf(only(await read(config, { volume, others: [other, near] })));
}

for (const [search, found] of [
  ["search --no-floppy --fs-uuid --set=root aaaa-bbbb", "vdb1"],
  ["search --no-floppy --fs-uuid --set=root --hint-bios=hd0,gpt9 --hint-efi=hd0,gpt9 --hint='hd0,gpt9' 1234", "vda2"],
  ["search -n -u -s root 1234", "vda2"],
  ["search --fs-uuid --set 1234", "vda2"],
  ["search --set=root --label DATA", "vdb1"],
  ["search -l DATA -s", "vdb1"],
  ["search --set root --file /marker", "vdb1"],
  ["search -f /marker --set=root", "vdb1"],
  ["search --file --set=root /k", "vda2"],
  ["search.fs_uuid AAAA-BBBB root hd0,gpt1", "vdb1"],
  ["search.fs_label NEAR root", "vda2"],
  ["search.file /marker root", "vdb1"],
  ["search --part-uuid --set=root P-1", "vdb1"],
  ["search --part-label --set=root root", "vdb1"],
  ["search --hint-unknown=hd7 --fs-uuid --set=root 1234", "vda2"],
] as const) {
  test(`${search} finds ${found}`, async () => {
    assert.equal(await kernel(search), `${found}:/k`);
  });
}

for (const [search, selector] of [
  ["search --fs-uuid --set=root dead-beef", "UUID=dead-beef"],
  ["search --label --set=root GONE", "LABEL=GONE"],
  ["search --file --set=root /nowhere", "FILE=/nowhere"],
] as const) {
  test(`${search} finds nothing: the root is what it was, where the kernel is there`, async () => {
    const config = `menuentry x { set root=hd0,gpt2\n${search}\nlinux /k\ninitrd ($root)/i }`;
    const result = await read(config, { volume, others: [other, near] });
    assert.equal(kernelOf(only(result)), "vda2:/k");
    assert.deepEqual(initrdsOf(only(result)), ["vda2:/i"]);
    assert.match(problems(result).join(), new RegExp(`answers to ${selector}.*takes /k of vda2`));
    assert.equal(result.awaitsDevices, true);
  });

  test(`${search} finds nothing: what the root doesn't have stays named`, async () => {
    const config = `menuentry x { set root=hd0,gpt2\n${search}\nlinux /none\ninitrd ($root)/k /i }`;
    const entry = only(await read(config, { volume, others: [other, near] }));
    assert.equal(kernelOf(entry), `unresolved:${selector}:/none`);
    assert.deepEqual(initrdsOf(entry), [`unresolved:${selector}:/k`, `unresolved:${selector}:/i`]);
  });

  test(`${search} finds nothing: all stays named while devices may come`, async () => {
    const config = `menuentry x { set root=hd0,gpt2\n${search}\nlinux /k }`;
    const result = await read(config, { volume, others: [other, near], devicesMayCome: true });
    assert.equal(kernelOf(only(result)), `unresolved:${selector}:/k`);
    assert.deepEqual(problems(result), []);
  });
}

test("a root that is set after a search in vain is the root", async () => {
  const config = "search --label --set=root GONE\nset root=(hd0,gpt2)\nmenuentry x { linux /none }";
  const result = await read(config, { volume, others: [other, near] });
  assert.equal(kernelOf(only(result)), "vda2:/none");
  assert.deepEqual(problems(result), []);
});

test("a search in vain leaves any other variable as it was, and says nothing", async () => {
  const config = `set there=hd0,gpt2
search --label --set=there GONE
search --file --set=extra /house.cfg
if [ "$extra" ]; then source ($extra)/house.cfg; fi
menuentry x { linux ($there)/k }`;
  for (const devicesMayCome of [true, false]) {
    const result = await read(config, { volume, others: [other, near], devicesMayCome });
    assert.equal(kernelOf(only(result)), "vda2:/k");
    assert.deepEqual(problems(result), []);
    assert.equal(result.awaitsDevices, true);
  }
});

test("empty parentheses are no device, and never the root", async () => {
  const entry = only(await read("menuentry x { search --label --set=there GONE\nlinux ($there)/k }", { volume }));
  assert.equal(kernelOf(entry), "unresolved:():/k");
  assert.match(entry.reason ?? "", /between the parentheses is empty/);
});

test("a configuration that isn't on the root that was left says what was searched for", async () => {
  const stub = "search --fs-uuid --set=root dead-beef\nset prefix=($root)/grub\nconfigfile $prefix/grub.cfg";
  const result = await read(stub, { volume, path: "/EFI/tern/grub.cfg" });
  assert.match(problems(result).join(), /grub\.cfg is not there; nothing that is attached answers to UUID=dead-beef/);
});

for (const hint of [
  "--hint hd9,gpt9",
  "--hint='hd9,gpt9'",
  "-h hd9,gpt9",
  "--hint-bios=hd9,gpt9",
  "--hint-efi=hd9,gpt9",
  "--hint-baremetal=ahci9,gpt9",
  "--hint-ieee1275='ieee1275//disk@0,gpt9'",
  "--hint-arc=scsi0disk9,gpt9",
  "--hint='cryptouuid/7a0b3c1d5e2f4d6a9b8c1f2e3d4c5b6a' --hint=lvmid/a/b",
  "--hint-bios=hd9,gpt9 --hint-bios=hd8,gpt9 --hint-efi=hd9,gpt9 --hint-efi=hd8,gpt9",
  "--efidisk-only --no-floppy",
  "--cryptodisk-only",
  "--root-dev-only",
]) {
  test(`a hint leads nowhere else: ${hint}`, async () => {
    assert.equal(await kernel(`search --fs-uuid --set=root ${hint} 1234`), "vda2:/k");
    assert.equal(await kernel(`search ${hint} --set root --label NEAR`), "vda2:/k");
  });
}

test("a search that is a question leaves the variable as it was", async () => {
  assert.equal(await kernel("set root=hd0,gpt2\nif search --label --set=root GONE; then true; fi"), "vda2:/k");
  assert.equal(await kernel("if ! search --label --set=root GONE; then search --label --set=root DATA; fi"), "vdb1:/k");
});

test("a name that search gave out means the volume that it found, wherever it is written", async () => {
  const config = "search --set=there --label DATA\nmenuentry x { linux ($there)/k\ninitrd (hd1,gpt1)/i }";
  const entry = only(await read(config, { volume, others: [other, near] }));
  assert.equal(kernelOf(entry), "vdb1:/k");
  assert.equal(entry.options, "BOOT_IMAGE=(hd1,gpt1)/k");
});

test("of volumes with the same UUID the one on the configuration's own disk is taken, with a warning", async () => {
  const far = memoryVolume({}, { name: "sda1", uuid: "1234", disk: "sda", partition: 1, scheme: "gpt" });
  const result = await read("menuentry x { search --fs-uuid --set=root 1234\nlinux /k }", {
    volume,
    others: [far, near],
  });
  assert.equal(kernelOf(only(result)), "vda2:/k");
  assert.match(problems(result)[0] ?? "", /2 volumes have UUID 1234 \(vda2, sda1\); vda2 is taken/);
});

test("$root, $prefix, $cmdpath and the platform are as GRUB sets them", async () => {
  const config = 'menuentry "$root $prefix $cmdpath $grub_platform $grub_cpu" { linux /k }';
  const title = async (options: Parameters<typeof read>[1]) => only(await read(config, options)).title;
  assert.equal(await title({ volume }), "hd0,gpt1 (hd0,gpt1)/boot/grub (hd0,gpt1)/EFI/BOOT efi x86_64");
  assert.equal(
    await title({ volume: { ...volume, type: "vfat" }, path: "/EFI/debian/grub.cfg" }),
    "hd0,gpt1 (hd0,gpt1)/EFI/debian (hd0,gpt1)/EFI/debian efi x86_64",
  );
  assert.equal(
    await title({ volume: { ...volume, scheme: "msdos" }, platform: { firmware: "pc" } }),
    "hd0,msdos1 (hd0,msdos1)/boot/grub (hd0) pc i386",
  );
  assert.equal(
    await title({ volume: { type: "iso9660", disk: "sr0" }, platform: { arch: "aarch64" } }),
    "cd0 (cd0)/boot/grub (cd0)/EFI/BOOT efi arm64",
  );
});

test("logical volumes, arrays and containers are found by every name that GRUB has for them", async () => {
  const lvm = ["lvm/vg0-boot", "lvmid/qOznpi-bJvk-N5ra-A3db-1RKM-qZgf-h6FovM/DPr4Bh-DPgk-vjWY-p7y2-1NIu-1KE1-0vAYaJ"];
  const crypt = ["cryptouuid/7a0b3c1d5e2f4d6a9b8c1f2e3d4c5b6a"];
  const others = [
    memoryVolume({ "/k": "" }, { name: "dm-0", aliases: lvm }),
    memoryVolume({ "/k": "" }, { name: "dm-1", aliases: crypt }),
    memoryVolume({ "/k": "" }, { name: "md127", aliases: ["md/boot", "mduuid/0a1b2c3d:4e5f6071"] }),
    memoryVolume({ "/k": "" }, { name: "md0" }),
  ];
  for (const [name, found] of [
    ["lvm/vg0-boot", "dm-0:/k"],
    ["lvmid/qOznpibJvkN5raA3db1RKMqZgfh6FovM/DPr4BhDPgkvjWYp7y21NIu1KE10vAYaJ", "dm-0:/k"],
    ["cryptouuid/7A0B3C1D-5e2f-4d6a-9b8c-1f2e3d4c5b6a", "dm-1:/k"],
    ["md/boot", "md127:/k"],
    ["md0", "md0:/k"],
    ["md/0", "md0:/k"],
    ["lvm/none", "unresolved:lvm/none:/k"],
    ["memdisk", "unresolved:memdisk:/k"],
    ["proc", "unresolved:proc:/k"],
  ]) {
    const result = await read(`menuentry x { linux (${name})/k }`, { volume, others });
    assert.equal(kernelOf(only(result)), found, name);
  }
});

test("a configuration on a logical volume has that for its root", async () => {
  const config = 'menuentry "$root $prefix" { linux /k\ninitrd ($root)/i }';
  const entry = only(await read(config, { volume: { name: "dm-0", aliases: ["lvm/vg0-boot", "lvmid/a/b"] } }));
  assert.equal(entry.title, "lvm/vg0-boot (lvm/vg0-boot)/boot/grub");
  assert.equal(kernelOf(entry), "dm-0:/k");
});

test("what is not there answers no test, and a disc is (cd0)", async () => {
  const disc = memoryVolume({ "/k": "" }, { name: "sr0", type: "iso9660" });
  const ask = (path: string) => `if [ -e ${path} ]; then set a="\${a}y"; else set a="\${a}n"; fi\n`;
  const config = `${["(memdisk)/x", "(proc)/luks_script", "(cd0)/k", "(cd0)/none", "(hd9)/k", "(lvm/x)/k"].map(ask).join("")}
menuentry $a { linux (cd0)/k }`;
  const entry = only(await read(config, { volume, others: [disc] }));
  assert.equal(entry.title, "nnynnn");
  assert.equal(kernelOf(entry), "sr0:/k");
});
