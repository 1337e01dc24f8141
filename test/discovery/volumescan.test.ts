import assert from "node:assert/strict";
import { test } from "node:test";
import { scanVolume, UNREAD, type VolumeScan } from "../../src/discovery/volumescan.ts";
import { DeviceBudgets } from "../../src/formats/budget.ts";
import type { Format } from "../../src/formats/format.ts";
import { grub } from "../../src/formats/grub/grub.ts";
import { contextOf, treeVolume } from "../formats/tree.ts";

const PATHS = Array.from({ length: 150 }, (_, n) => `/EFI/system${n}/grub.cfg`);
const FILES = Object.fromEntries(PATHS.map((path) => [path, "menuentry A { linux /k }\n"]));

test("so many configurations are read of one stick, and one message says so", async () => {
  const budgets = new DeviceBudgets(1 << 30);
  const many: Format = { ...grub, find: async () => PATHS };
  const scan = (name: string, removable: boolean): Promise<VolumeScan> => {
    const share = budgets.begin(name, name, removable);
    return scanVolume([many], { ...contextOf(treeVolume(FILES, { removable })), share }, UNREAD);
  };
  const { scans } = await scan("sda1", true);
  assert.equal(scans.flatMap(({ result }) => result.entries).length, 100);
  assert.deepEqual(
    scans.flatMap(({ result }) => result.diagnostics.map(({ message }) => message)),
    ["there are more than 100 configurations on this device; this one and those after it are not read"],
  );
  // Read anew it has as much room; and a built-in disk has more.
  assert.equal((await scan("sda1", true)).scans.length, 101);
  assert.equal((await scan("vda1", false)).scans.length, 150);
});

test("a stick's configurations are read one after the other, a built-in disk's at the same time", async () => {
  const mostAtOnce = async (removable: boolean): Promise<number> => {
    let running = 0;
    let most = 0;
    const counting: Format = {
      ...grub,
      find: async () => PATHS.slice(0, 5),
      async parse(path, context) {
        most = Math.max(most, ++running);
        const result = await grub.parse(path, context);
        running--;
        return result;
      },
    };
    await scanVolume([counting], contextOf(treeVolume(FILES, { removable })), UNREAD);
    return most;
  };
  assert.equal(await mostAtOnce(true), 1);
  assert.equal(await mostAtOnce(false), 5);
});
