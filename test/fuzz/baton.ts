import fc from "fast-check";
import { emptyFdt, fdtText, makeNode, readFdt, writeFdt } from "../../src/binary/fdt.ts";
import { applyOverlay } from "../../src/binary/fdtoverlay.ts";
import { BatonError } from "../../src/errors.ts";
import { baton, petitboot } from "../../src/formats/baton/baton.ts";
import { smbiosStructures } from "../../src/formats/smbios.ts";
import { assertWellFormed } from "../formats/invariants.ts";
import { contextOf, treeVolume } from "../formats/tree.ts";
import { damaged, fuzz } from "./campaign.ts";

/** Lists written by hand, devicetrees with overlays, SMBIOS tables: what is read besides the bootloaders' languages. */

const value = fc.oneof(
  fc.constantFrom(
    "/vmlinuz",
    "UUID=1-2:/k",
    "../../x",
    "http://h/k",
    "a b",
    '"q',
    "[a, b]",
    "&a x",
    "*a",
    "|",
    "{a: 1}",
    "never",
  ),
  fc.string({ maxLength: 12 }),
);
const key = fc.constantFrom(
  ...[
    "title",
    "id",
    "linux",
    "initrd",
    "options",
    "devicetree",
    "submenu",
    "hotkey",
    "default",
    "timeout",
    "image",
    "args",
    "",
  ],
);
const yaml = damaged(
  fc
    .array(fc.tuple(fc.constantFrom("", "  - ", "    ", "entries:\n", "&a ", "? "), key, value))
    .map((lines) => lines.map(([indent, name, text]) => `${indent}${name}: ${text}`).join("\n")),
);
const ini = damaged(
  fc
    .array(
      fc.oneof(
        fc.tuple(key, value).map(([name, text]) => `${name} = ${text}`),
        value.map((text) => `[${text}]`),
      ),
    )
    .map((lines) => lines.join("\n")),
);

const path = fc.constantFrom(
  "/",
  "/a",
  "/a/b",
  "/fragment@0",
  "/fragment@0/__overlay__",
  "/__symbols__",
  "/__fixups__",
  "/__local_fixups__/fragment@0",
);
const property = fc.constantFrom("phandle", "target", "target-path", "compatible", "x", "reg");
const content = fc.oneof(
  fc.constantFrom("/a", "/a/b", "/fragment@0:target:0", "/a:x:0").map(fdtText),
  fc.uint8Array({ maxLength: 8 }),
  fc.constantFrom(Uint8Array.of(0, 0, 0, 1), Uint8Array.of(255, 255, 255, 255), Uint8Array.of(0, 0, 0, 0)),
);
const devicetree = fc
  .tuple(
    fc.array(fc.tuple(path, property, content), { maxLength: 12 }),
    fc.array(fc.tuple(fc.nat(600), fc.nat(255)), { maxLength: 3 }),
  )
  .map(([properties, changes]) => {
    const tree = emptyFdt();
    for (const [at, name, bytes] of properties) makeNode(tree, at).properties.set(name, bytes);
    const blob = Uint8Array.from(writeFdt(tree));
    for (const [at, byte] of changes) if (at < blob.length) blob[at] = byte;
    return blob;
  });

await fuzz({
  name: "baton",
  input: fc.record({ yaml, ini, base: devicetree, overlay: devicetree, tables: fc.uint8Array({ maxLength: 60 }) }),
  async check({ yaml, ini, base, overlay, tables }) {
    const read = async (format: typeof baton, name: string, text: string | Uint8Array): Promise<void> => {
      assertWellFormed(await format.parse(name, contextOf(treeVolume({ [name]: text }))));
    };
    await read(baton, "/baton.yaml", yaml);
    await read(baton, "/baton.ini", ini);
    await read(petitboot, "/petitboot.conf", ini);
    smbiosStructures(tables);
    try {
      const tree = readFdt(base);
      applyOverlay(tree, readFdt(overlay));
      readFdt(writeFdt(tree));
    } catch (error) {
      if (!(error instanceof BatonError)) throw error;
    }
  },
});
