import fc from "fast-check";
import { bls } from "../../src/formats/systemdboot/bls.ts";
import { makePe } from "../binary/pefile.ts";
import { assertWellFormed } from "../formats/invariants.ts";
import { contextOf, treeVolume } from "../formats/tree.ts";
import { damaged, fuzz } from "./campaign.ts";

const value = fc.oneof(
  fc.constantFrom(
    "/vmlinuz",
    "vmlinuz",
    "\\EFI\\x.efi",
    "/EFI/Linux/os.efi",
    "../../x",
    "$kernelopts $x",
    '"q"',
    "x64",
    "aa64",
  ),
  fc.constantFrom("0", "1", "999", "1~rc", "@saved", "menu-force", "*", "[a-", "os.efi@*"),
  fc.string({ maxLength: 12 }),
);
const key = fc.constantFrom(
  ...["title", "version", "machine-id", "sort-key", "linux", "initrd", "options", "efi", "uki", "uki-url", "profile"],
  ...["architecture", "devicetree", "devicetree-overlay", "grub_users", "grub_hotkey", "#", "bogus", ""],
);
const entry = damaged(
  fc
    .array(
      fc.tuple(key, value).map((pair) => pair.join(" ")),
      { maxLength: 12 },
    )
    .map((l) => l.join("\n")),
);
const loaderKey = fc.constantFrom("timeout", "default", "preferred", "editor", "auto-entries", "bogus");
const loaderConf = damaged(
  fc
    .array(
      fc.tuple(loaderKey, value).map((p) => p.join(" ")),
      { maxLength: 6 },
    )
    .map((l) => l.join("\n")),
);
const name = fc.stringMatching(/^[a-cA-C+\-0-9.~_ ]{1,10}$/).map((text) => `/loader/entries/${text}.conf`);
const section = fc.tuple(
  fc.constantFrom(".linux", ".osrel", ".cmdline", ".profile", ".uname"),
  fc.oneof(value, fc.constant("ID=a\nNAME=b")),
);
const image = fc
  .tuple(
    fc.array(section, { maxLength: 8 }),
    fc.array(fc.tuple(fc.nat(4000), fc.nat(255)), { maxLength: 6 }),
    fc.nat(4000),
  )
  .map(([sections, changes, length]) => {
    const bytes = Uint8Array.from(makePe(sections));
    for (const [at, byte] of changes) if (at < bytes.length) bytes[at] = byte;
    return length % 3 === 0 ? bytes.subarray(0, length) : bytes;
  });

await fuzz({
  name: "bls",
  input: fc.record({
    entries: fc.dictionary(name, entry, { minKeys: 1, maxKeys: 8 }),
    loaderConf,
    image,
    arch: fc.constantFrom("x86_64", "aarch64"),
  }),
  async check({ entries, loaderConf, image, arch }) {
    const grubenv = "# GRUB Environment Block\nkernelopts=a\\\nb\n####";
    const files = {
      ...entries,
      "/loader/loader.conf": loaderConf,
      "/EFI/Linux/os+3.efi": image,
      "/grub2/grubenv": grubenv,
    };
    const volume = treeVolume(files, { type: "vfat" });
    assertWellFormed(await bls.parse("/loader/entries", contextOf(volume, { platform: { arch } })));
  },
});
