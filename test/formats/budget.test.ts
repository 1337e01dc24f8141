import assert from "node:assert/strict";
import { test } from "node:test";
import { DeviceBudgets, ListBudget, type SharedBudget } from "../../src/formats/budget.ts";
import { grub } from "../../src/formats/grub/grub.ts";
import { syslinux } from "../../src/formats/syslinux/syslinux.ts";
import { bls } from "../../src/formats/systemdboot/bls.ts";
import { contextOf, treeVolume } from "./tree.ts";

const GIB = 1 << 30;

/** How many entries of so many bytes one configuration has room for. */
function room(share: SharedBudget, bytes = 1): number {
  const list = ListBudget.of({ memory: GIB, share });
  let count = 0;
  while (list.take(bytes)) count++;
  return count;
}

test("a thousand configurations on one stick list no more than one does", () => {
  const budgets = new DeviceBudgets(GIB);
  let entries = 0;
  for (let index = 0; index < 1000; index++) entries += room(budgets.begin(`sda${index}`, "sda", true));
  assert.equal(entries, 2000);

  const list = ListBudget.of({ memory: GIB, share: budgets.begin("sda1001", "sda", true) });
  assert.equal(list.take(1), false);
  assert.match(list.sayEnd()!, /^there are more than 2000 entries on this device; those before this one are listed/);
  assert.equal(list.sayEnd(), null);
});

test("sticks together take nothing from the built-in disks, whichever is read first", () => {
  const budgets = new DeviceBudgets(GIB);
  let entries = 0;
  for (let index = 0; index < 50; index++) entries += room(budgets.begin(`sd${index}1`, `sd${index}`, true));
  assert.equal(entries, 4_000);
  assert.equal(room(budgets.begin("nvme0n1p2", "nvme0n1", false)), 50_000);
  // In bytes, too: 32 MiB for one configuration on this machine.
  assert.equal(room(budgets.begin("nvme1n1p2", "nvme1n1", false), 1 << 20), 32);
});

test("what a volume used is given back where it is read anew, and where it has gone", () => {
  const budgets = new DeviceBudgets(GIB);
  const first = budgets.begin("sda1", "sda", true);
  assert.equal(room(first), 2000);
  assert.equal(room(budgets.begin("sda1", "sda", true)), 2000);
  // A reading that was under way meanwhile takes nothing from the new one.
  first.take(1);
  budgets.end("sda1");
  assert.equal(room(budgets.begin("sda2", "sda", true)), 2000);
});

test("scripts of one stick run so many commands together; what they listed before stays", async () => {
  const budgets = new DeviceBudgets(GIB);
  const loop = `menuentry Good { linux /k }\n${"for a in 1 2 3 4 5 6 7 8 9 0; do ".repeat(6)}true; ${"done; ".repeat(6)}\n`;
  const volume = treeVolume({ "/boot/grub/grub.cfg": loop });
  const said: string[] = [];
  for (let index = 0; index < 6; index++) {
    const share = budgets.begin(`sda${index}`, "sda", true);
    const result = await grub.parse("/boot/grub/grub.cfg", { ...contextOf(volume), share });
    said.push(...result.diagnostics.map(({ message }) => message));
    if (index === 0) assert.equal(result.entries.length, 1);
  }
  assert.match(said.join("\n"), /the configurations of this device run more than 2000000 commands together/);
});

test("configurations of one stick are as long as any together, and what is read anew counts once", async () => {
  const budgets = new DeviceBudgets(GIB);
  const text = (share: SharedBudget): number => {
    let reads = 0;
    while (share.read(1 << 20) === null) reads++;
    return reads;
  };
  assert.equal(text(budgets.begin("sda1", "sda", true)), 8);
  const share = budgets.begin("sda2", "sda", true);
  assert.match(share.read(1)!, /^the configurations of this device are longer than 8 MiB together$/);
  const volume = treeVolume({
    "/boot/grub/grub.cfg": "menuentry Good { linux /k }\n",
    "/syslinux/syslinux.cfg": "LABEL a\nKERNEL k\n",
    "/loader/entries/a.conf": "title a\nlinux /k\n",
  });
  for (const [format, path] of [
    [grub, "/boot/grub/grub.cfg"],
    [syslinux, "/syslinux/syslinux.cfg"],
    [bls, "/loader/entries"],
  ] as const) {
    const { entries, diagnostics } = await format.parse(path, { ...contextOf(volume), share });
    assert.equal(entries.length, 0, format.name);
    assert.match(diagnostics.map(({ message }) => message).join(), /longer than 8 MiB together/, format.name);
  }
  assert.equal(text(budgets.begin("sda1", "sda", true)), 8);
  assert.equal(budgets.begin("nvme0n1p1", "nvme0n1", false).read(64 << 20), null);
});
