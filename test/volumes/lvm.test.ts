/** What is made of lvm's reports, which a hostile physical volume may fill. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { groupsOf, parseReport } from "../../src/volumes/lvm.ts";

const group = { vg_name: "debian", vg_uuid: "u1", vg_missing_pv_count: "1" };
const segment = (name: string, segtype = "linear", uuid = "u1") => ({
  vg_uuid: uuid,
  lv_name: name,
  lv_attr: "-wi",
  segtype,
});

test("a group has its own volumes, each once, and those that can't be read say why", async () => {
  const segments = [
    segment("root"),
    segment("home", "raid1"),
    segment("root", "striped"),
    segment("other", "linear", "u2"),
  ];
  const [found, ...others] = await groupsOf([group], segments);
  assert.deepEqual(others, []);
  assert.equal(found!.missing, 1);
  assert.deepEqual(
    found!.volumes.map(({ name, reason }) => [name, reason]),
    [
      ["root", null],
      ["home", "it is of the kind raid1, which writes to its disks while it is active"],
    ],
  );
});

test("names that lvm doesn't allow are passed over", async () => {
  assert.deepEqual(await groupsOf([{ ...group, vg_name: "a/b" }], [segment("root")]), []);
  assert.deepEqual((await groupsOf([group], [segment("--config"), segment("a b")]))[0]!.volumes, []);
});

test("of more volumes and groups than any machine has, the first are used", async () => {
  const [found] = await groupsOf(
    [group],
    Array.from({ length: 3000 }, (_, n) => segment(`v${n}`)),
  );
  assert.equal(found!.volumes.filter(({ reason }) => reason === null).length, 500);
  assert.equal(found!.volumes.at(-1)!.reason, "its group has more than 500 logical volumes");
  const groups = Array.from({ length: 3000 }, (_, n) => ({ vg_name: `g${n}`, vg_uuid: `u${n}` }));
  assert.equal((await groupsOf(groups, [])).length, 100);
});

test("what is no report has no rows", async () => {
  assert.deepEqual(parseReport("", "vg"), []);
  assert.deepEqual(parseReport('{"report":[{"lv":[{"lv_name":"a"}]}]}', "vg"), []);
});
