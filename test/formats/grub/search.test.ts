import assert from "node:assert/strict";
import { test } from "node:test";
import { kernelOf, memoryVolume, only, problems, read } from "./support.ts";

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
  test(`what ${search} doesn't find stays named`, async () => {
    assert.equal(await kernel(`set root=hd0,gpt2\n${search}`), `unresolved:${selector}:/k`);
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
