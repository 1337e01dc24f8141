import assert from "node:assert/strict";
import { test } from "node:test";
import { emptyFdt, type Fdt, fdtText, findNode, makeNode, readFdt, writeFdt } from "../../src/binary/fdt.ts";
import { applyOverlay } from "../../src/binary/fdtoverlay.ts";

const cells = (...values: number[]): Uint8Array => {
  const bytes = Buffer.alloc(values.length * 4);
  for (const [index, value] of values.entries()) bytes.writeUInt32BE(value, index * 4);
  return bytes;
};

type Properties = Readonly<Record<string, Uint8Array>>;

function tree(nodes: Readonly<Record<string, Properties>>): Fdt {
  const made = emptyFdt();
  for (const [path, properties] of Object.entries(nodes)) {
    const node = makeNode(made, path);
    for (const [name, value] of Object.entries(properties)) node.properties.set(name, value);
  }
  return readFdt(writeFdt(made));
}

const base = (): Fdt =>
  tree({
    "/": { compatible: fdtText("acme,board") },
    "/aliases": { bus: fdtText("/soc/i2c@1") },
    "/soc/i2c@1": { phandle: cells(7), status: fdtText("disabled") },
    "/soc/gpio": { phandle: cells(3) },
    "/__symbols__": { i2c1: fdtText("/soc/i2c@1"), gpio: fdtText("/soc/gpio") },
  });

const shown = (made: Fdt, path: string, name: string): string | undefined => {
  const value = findNode(made, path)?.properties.get(name);
  return value && Buffer.from(value).toString("hex");
};
const hex = (value: Uint8Array): string => Buffer.from(value).toString("hex");

test("a fragment is merged into the node of its label, references in both directions are right", () => {
  const made = base();
  const overlay = tree({
    "/fragment@0": { target: cells(0xffffffff) },
    "/fragment@0/__overlay__": { status: fdtText("okay") },
    "/fragment@0/__overlay__/clock": { phandle: cells(1) },
    "/fragment@0/__overlay__/rtc@68": { clocks: cells(1), gpios: cells(0xffffffff, 4, 0) },
    "/__symbols__": { rtc: fdtText("/fragment@0/__overlay__/rtc@68") },
    "/__fixups__": {
      i2c1: fdtText("/fragment@0:target:0"),
      gpio: fdtText("/fragment@0/__overlay__/rtc@68:gpios:0"),
    },
    "/__local_fixups__/fragment@0/__overlay__/rtc@68": { clocks: cells(0) },
  });
  applyOverlay(made, overlay);
  assert.equal(shown(made, "/soc/i2c@1", "status"), hex(fdtText("okay")));
  // The highest phandle of the base was 7.
  assert.equal(shown(made, "/soc/i2c@1/clock", "phandle"), hex(cells(8)));
  assert.equal(shown(made, "/soc/i2c@1/rtc@68", "clocks"), hex(cells(8)));
  assert.equal(shown(made, "/soc/i2c@1/rtc@68", "gpios"), hex(cells(3, 4, 0)));
  assert.equal(shown(made, "/__symbols__", "rtc"), hex(fdtText("/soc/i2c@1/rtc@68")));

  // And a second one builds on it.
  applyOverlay(
    made,
    tree({
      "/fragment@0": { target: cells(0xffffffff) },
      "/fragment@0/__overlay__": { wakeup: cells(1) },
      "/__fixups__": { rtc: fdtText("/fragment@0:target:0") },
    }),
  );
  assert.equal(shown(made, "/soc/i2c@1/rtc@68", "wakeup"), hex(cells(1)));
  assert.equal(findNode(made, "/soc/i2c@1")!.children.length, 2);
});

test("a target is named by path too, or by an alias", () => {
  const made = base();
  for (const path of ["/soc/gpio", "bus"]) {
    applyOverlay(
      made,
      tree({ "/fragment@0": { "target-path": fdtText(path) }, "/fragment@0/__overlay__": { seen: cells(1) } }),
    );
  }
  assert.equal(shown(made, "/soc/gpio", "seen"), hex(cells(1)));
  assert.equal(shown(made, "/soc/i2c@1", "seen"), hex(cells(1)));
});

test("what does not fit says why", () => {
  const apply = (nodes: Readonly<Record<string, Properties>>) => () => applyOverlay(base(), tree(nodes));
  const fragment = { "/fragment@0": { target: cells(0xffffffff) }, "/fragment@0/__overlay__": {} };
  assert.throws(apply({ ...fragment, "/__fixups__": { spi: fdtText("/fragment@0:target:0") } }), /no label spi/);
  assert.throws(apply({ ...fragment, "/__fixups__": { i2c1: fdtText("/nowhere:target:0") } }), /not there: \/nowhere/);
  assert.throws(apply({ ...fragment, "/__fixups__": { i2c1: fdtText("/fragment@0:target:9") } }), /outside of/);
  assert.throws(apply(fragment), /names no target/);
  assert.throws(apply({ ...fragment, "/fragment@0": { target: cells(99) } }), /a node that the base has not/);
  const path = { "target-path": fdtText("/nowhere") };
  assert.throws(apply({ ...fragment, "/fragment@0": path }), /\/nowhere, which the base has not/);
  assert.throws(apply({ ...fragment, "/__local_fixups__/none": {} }), /a node none that is not there/);
});

test("an overlay whose fixups multiply with the base's nodes is refused in the time of a few real ones", () => {
  const made = base();
  for (let index = 0; index < 5000; index++) makeNode(made, `/soc/node${index}`);
  const overlay = tree({
    "/fragment@0": { target: cells(0xffffffff) },
    "/fragment@0/__overlay__": { many: cells(...Array(5000).fill(0xffffffff)) },
    "/__fixups__": {
      i2c1: fdtText(Array.from({ length: 5000 }, (_, at) => `/fragment@0/__overlay__:many:${at * 4}`).join("\0")),
    },
  });
  assert.throws(() => applyOverlay(made, overlay), /more work than any real one does/);
  const fragments: Record<string, Properties> = {};
  for (let index = 0; index < 2000; index++) {
    fragments[`/fragment@${index}`] = { "target-path": fdtText(`/soc/node${4999 - index}`) };
    fragments[`/fragment@${index}/__overlay__/new`] = {};
  }
  assert.throws(() => applyOverlay(made, tree(fragments)), /more work than any real one does/);
});
