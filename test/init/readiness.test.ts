/** In which order whatever comes may come, and what may happen when. */

import assert from "node:assert/strict";
import { test } from "node:test";
import type { BootEntry } from "../../src/entry.ts";
import { type Disks, Readiness } from "../../src/init/readiness.ts";
import { findEntry } from "../../src/policy/find.ts";
import type { BootList } from "../../src/policy/list.ts";
import { mergeSettings, type Settings } from "../../src/policy/settings.ts";

const ENTRY = { id: "vda1:grub:one", title: "one", source: "vda1:/boot/grub/grub.cfg", bootable: true, submenu: [] };

/** What can happen: `entry` is the default's appearance, `decided` that no disk before its own is left. */
const STEPS = ["configuration", "state", "disks", "isofiles", "network", "drivers", "entry", "decided"] as const;
type Step = (typeof STEPS)[number];

/** A machine at its start, of which nothing has answered yet. */
function machine(settings: Partial<Settings> = {}, after: readonly Step[] = []) {
  const list = {
    ...{ entries: [] as BootEntry[], defaultId: null as string | null, isDecided: false },
    get named(): BootList["named"] {
      const { default: name } = holding;
      return name === null ? null : { name, isFound: findEntry(this.entries, name) !== null };
    },
  };
  let isPreceded = true;
  const disks = { discovery: { list }, isSettled: false, isComplete: false, isPrecededByNone: () => !isPreceded };
  let changes = 0;
  let holding = mergeSettings(settings);
  const readiness = new Readiness(
    disks satisfies Disks,
    () => holding,
    () => changes++,
  );
  const happen = (step: Step): void => {
    if (step === "disks") disks.isSettled = true;
    else if (step === "isofiles") disks.isComplete = true;
    else if (step === "decided") isPreceded = false;
    else if (step === "entry") {
      list.entries = [ENTRY as unknown as BootEntry];
      list.defaultId = ENTRY.id;
      list.isDecided = true;
    } else readiness.arrive(step);
    readiness.changed();
  };
  for (const step of after) happen(step);
  return {
    ...{ readiness, happen, list },
    settle: (other: Partial<Settings>) => {
      holding = mergeSettings(other);
    },
    changes: () => changes,
  };
}

const everything = (but: readonly Step[] = []): Step[] => STEPS.filter((step) => !but.includes(step));

function permutations<T>(items: readonly T[]): T[][] {
  if (items.length === 0) return [[]];
  return items.flatMap((item) => permutations(items.filter((other) => other !== item)).map((rest) => [item, ...rest]));
}

/** Every order there is: ISO files are looked into when the disks they lie on have been read. */
const ORDERS = permutations(STEPS).filter((order) => order.indexOf("disks") < order.indexOf("isofiles"));

/** Settings under which each arrival counts, or doesn't. */
const SETTINGS: readonly { readonly name: string; readonly settings: Partial<Settings> }[] = [
  { name: "by the disks alone", settings: {} },
  { name: "with a named default", settings: { default: "one" } },
  { name: "with boots that are counted", settings: { tries: 2 } },
  { name: "with a remembered default", settings: { default: "@saved" } },
  { name: "with what the system asked for", settings: { writes: "boot-loader-interface" } },
  { name: "from the network first", settings: { order: ["network", "any"] } },
  { name: "from a URL", settings: { url: "http://server/boot.ipxe" } },
  { name: "with all of it", settings: { default: "one", tries: 2, order: ["network", "any"] } },
];

for (const { name, settings } of SETTINGS) {
  test(`in every order of arrivals, ${name}: nothing is early, nothing is taken back, and all is ready at the end`, () => {
    const needsState = (settings.tries ?? 0) > 0 || settings.default === "@saved" || settings.writes !== undefined;
    const wantsNetwork = settings.url !== undefined || settings.order !== undefined;
    const isNamed = settings.default === "one";
    for (const order of ORDERS) {
      const { readiness, happen } = machine(settings);
      const done = new Set<Step>();
      const all = (...steps: Step[]): boolean => steps.every((one) => done.has(one));
      /** Asserts by hand, since a text for each of so many would take most of the time. */
      const expect = (what: string, actual: boolean, expected: boolean): void => {
        if (actual !== expected) assert.fail(`${what} is ${actual} after ${[...done].join(", ")}`);
      };
      let before: readonly boolean[] = [];
      for (const step of [null, ...order]) {
        if (step !== null) {
          happen(step);
          done.add(step);
        }
        const { menuMayOpen, isSettled, isDecided, mayBootUnattended } = readiness;
        expect("the menu", menuMayOpen, done.has("entry") || all("isofiles", "network"));

        const stateIsIn = !needsState || done.has("state");
        const namedIsClear = !isNamed || done.has("entry") || all("configuration", "isofiles", "drivers");
        expect("settled", isSettled, all("configuration", "disks", "network") && stateIsIn && namedIsClear);

        const networkIsClear = done.has("network") || (!wantsNetwork && done.has("entry"));
        const decided = all("configuration", "entry", "decided") && stateIsIn && networkIsClear;
        expect("decided", isDecided, decided);

        const disksAreClear = decided || (done.has("disks") && networkIsClear);
        const mayBoot = done.has("configuration") && stateIsIn && namedIsClear && disksAreClear;
        expect("an unattended boot", mayBootUnattended, mayBoot);

        const now = [menuMayOpen, isSettled, isDecided, mayBootUnattended];
        expect(
          "taking something back",
          before.some((was, index) => was && !now[index]),
          false,
        );
        expect("a countdown's end without an unattended boot", isSettled && !mayBootUnattended, false);
        before = now;
      }
      assert.deepEqual(before, [true, true, true, true]);
    }
  });
}

test("at the start everything is awaited, but for what was remembered where nothing is", () => {
  const { readiness } = machine();
  const all = ["configuration", "disks", "isofiles", "network", "drivers"] as const;
  assert.deepEqual(
    all.filter((what) => readiness.awaits(what)),
    all,
  );
  assert.equal(readiness.awaits("state"), false);
  assert.equal(readiness.awaits("entry"), false);
  const named = machine({ default: "@saved" });
  assert.equal(named.readiness.awaits("state"), true);
});

test("the menu opens with the first entry that can boot, whatever else is awaited", () => {
  const { readiness, happen, list } = machine();
  list.entries = [{ ...ENTRY, bootable: false } as unknown as BootEntry];
  assert.equal(readiness.menuMayOpen, false, "one that can't boot is none");
  happen("entry");
  assert.equal(readiness.menuMayOpen, true);
});

test("without an entry the menu opens when the ISO files have been looked into and the network has answered", () => {
  const { readiness, happen } = machine({}, ["configuration", "disks", "isofiles"]);
  assert.equal(readiness.menuMayOpen, false);
  happen("network");
  assert.equal(readiness.menuMayOpen, true);
});

test("a disk that doesn't answer keeps no default waiting that comes before it", () => {
  const { readiness, happen } = machine({}, ["configuration", "entry"]);
  assert.equal(readiness.mayBootUnattended, false, "a disk before it may still have a default");
  happen("decided");
  assert.deepEqual([readiness.mayBootUnattended, readiness.isSettled], [true, false]);
});

test("a default that cannot boot is not decided: what takes its place is chosen among all there is", () => {
  const { readiness, list } = machine({}, ["configuration", "entry", "decided"]);
  list.entries = [{ ...ENTRY, bootable: false } as unknown as BootEntry];
  assert.equal(readiness.mayBootUnattended, false);
});

test("the network is waited for where it comes first, and where the disks gave nothing that boots", () => {
  assert.equal(machine({}, everything(["network"])).readiness.mayBootUnattended, true);
  assert.equal(machine({ url: "http://server" }, everything(["network"])).readiness.mayBootUnattended, false);
  assert.equal(machine({}, everything(["network", "entry"])).readiness.mayBootUnattended, false);
});

test("a named entry may come from an ISO file or a slow driver; when both are through, another takes its place", () => {
  const { readiness, happen, list } = machine({ default: "two" }, ["configuration", "disks", "network", "entry"]);
  list.isDecided = false;
  assert.equal(readiness.mayBootUnattended, false);
  happen("isofiles");
  assert.equal(readiness.mayBootUnattended, false);
  happen("drivers");
  assert.deepEqual([readiness.isNamedListed, readiness.mayBootUnattended], [false, true]);
});

test("the configuration may name another default, or want what was remembered: that is then awaited, too", () => {
  const { readiness, happen, settle } = machine({}, everything(["configuration", "state", "drivers"]));
  settle({ default: "two" });
  happen("configuration");
  assert.deepEqual([readiness.awaits("entry"), readiness.mayBootUnattended], [true, false]);
  settle({ tries: 1 });
  assert.deepEqual([readiness.awaits("entry"), readiness.awaits("state")], [false, true]);
  assert.equal(readiness.mayBootUnattended, false);
  happen("state");
  assert.equal(readiness.mayBootUnattended, true);
});

test("who waits looks again after each change, when the session has been told of it", async () => {
  const { readiness, happen, changes } = machine();
  const seen: number[] = [];
  const opened = readiness.until(() => {
    seen.push(changes());
    return readiness.menuMayOpen;
  });
  happen("disks");
  await Promise.resolve();
  happen("entry");
  await opened;
  assert.deepEqual(seen, [0, 1, 2]);
  await readiness.until(() => true);
});
