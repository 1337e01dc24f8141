import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { identify } from "../../src/devices/probes/table.ts";
import { blkid, MAKERS, makeWorkshop, openImage, type Tags } from "./images.ts";

const shop = makeWorkshop();
after(() => shop.remove());

/** What blkid says, in our words. */
function expected(tags: Tags) {
  return {
    type: tags.TYPE ?? null,
    usage: tags.USAGE ?? null,
    uuid: tags.UUID ?? null,
    label: tags.LABEL ?? null,
    version: tags.VERSION ?? null,
  };
}

describe("what mkfs makes is named as blkid names it", () => {
  const made = new Map<string, Promise<unknown>>();
  before(() => {
    for (const [name, make] of Object.entries(MAKERS)) made.set(name, make(shop, name));
    // Each test waits for its own; one that fails must not stop the others.
    for (const work of made.values()) work.catch(() => {});
  });

  for (const name of Object.keys(MAKERS)) {
    test(name, async () => {
      await made.get(name);
      const image = await openImage(shop.path(name));
      const found = await identify(image.read, image.size);
      await image.close();
      const tags = await blkid(shop.path(name));
      assert.ok(tags.TYPE, "blkid knows it");
      assert.ok(found, "Baton knows it");
      const { devices = 1, ...ours } = found;
      // Some versions that we know are not printed by blkid.
      if (tags.VERSION === undefined) assert.deepEqual({ ...ours, version: null }, { ...expected(tags), dirty: false });
      else assert.deepEqual(ours, { ...expected(tags), dirty: false });
      assert.equal(devices, 1);
      assert.ok(image.counts.reads <= 6, `${image.counts.reads} reads`);
    });
  }
});
