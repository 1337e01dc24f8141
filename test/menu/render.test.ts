import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Controller } from "../../src/menu/controller.ts";
import { type Frame, rowWidth } from "../../src/menu/frame.ts";
import { type MenuActions, type MenuState, MenuStore, OPEN_SETTINGS } from "../../src/menu/model.ts";
import { renderFrame } from "../../src/menu/render.ts";
import { type Look, makeLook } from "../../src/menu/style.ts";
import { scrollTo } from "../../src/menu/tree.ts";
import { sampleEntry, sampleState } from "./samples.ts";

const noActions: MenuActions = {
  boot: async () => {},
  rescan: async () => {},
  stopCountdown: () => {},
  reboot: async () => {},
  powerOff: async () => {},
  log: () => [],
  unlockDevice: async () => null,
};

const UTF8 = makeLook("xterm", true, true);
const ASCII = makeLook("vt220", false, false);

/** Draws a state on a screen of that size, after keys. */
function draw(
  state: Partial<MenuState>,
  options: { columns?: number; rows?: number; look?: Look; keys?: readonly string[] } = {},
): Frame {
  const { columns = 80, rows = 24, look = UTF8, keys = [] } = options;
  const store = new MenuStore(state);
  const controller = new Controller(store, noActions);
  const view = { columns, listRows: 12, pageRows: rows - 2, pageLength: () => 100 };
  for (const name of keys) controller.key(name, name.length === 1 ? name : "", view, { shell() {}, redraw() {} });
  const scene = { state: store.state, controller, log: () => [], textColumns: columns };
  return renderFrame(scene, { columns, rows }, look, { tops: new Map() });
}

const text = (frame: Frame): string[] =>
  frame.rows.map((row) =>
    row
      .map((part) => part.text)
      .join("")
      .trimEnd(),
  );

test("the list shows titles, submenus, the default's mark and which device each is on", () => {
  const rows = text(draw(sampleState()));
  assert.equal(rows[0], " Baton 0.1.0");
  assert.match(rows[2]!, /^ \* Debian GNU\/Linux +vda2$/);
  assert.match(rows[3]!, /^ {3}Advanced options for Debian GNU\/Linux > +vda2$/);
  assert.match(rows[4]!, /^ {3}Debian GNU\/Linux +sda1$/);
});

test("below the list stand disk, files and command line of what is selected", () => {
  const rows = text(draw(sampleState())).join("\n");
  assert.match(rows, /^ Disk {5}vda2: ext4, "root", 19\.0 GiB, virtio$/m);
  assert.match(rows, /^ Config {3}vda2:\/boot\/grub\/grub\.cfg$/m);
  assert.match(rows, /^ Kernel {3}\/boot\/vmlinuz-6\.1\.0-18-amd64$/m);
  assert.match(rows, /^ Options {2}BOOT_IMAGE=/m);
});

test("an entry that can't be booted is dim, says why in short, and in full when selected", () => {
  const list = draw(sampleState());
  const row = list.rows.find((candidate) => candidate.some((part) => part.text.includes("Memory test")))!;
  assert.ok(row.every((part) => part.style === "soft"));
  assert.match(row.map((part) => part.text).join(""), /an EFI program/);
  const selected = text(draw(sampleState(), { keys: ["down", "down", "down"] })).join("\n");
  assert.match(selected, /^ Problem {2}initrd \/initramfs-6\.8\.5-301\.fc40\.x86_64\.img is missing on nvme0n1p2$/m);
});

test("equal titles on one disk are told apart by their kernels", () => {
  const linux = (path: string) => ({ device: "vda2", path });
  const rows = text(
    draw({
      entries: [
        sampleEntry({ title: "Linux", linux: linux("/boot/vmlinuz-6.1") }),
        sampleEntry({ title: "Linux", linux: linux("/boot/vmlinuz-6.2") }),
        sampleEntry({ title: "Other" }),
      ],
    }),
  );
  assert.match(rows[2]!, /Linux +vmlinuz-6\.1$/);
  assert.match(rows[3]!, /Linux +vmlinuz-6\.2$/);
  assert.match(rows[4]!, /Other$/);
});

test("the countdown names what will boot and when", () => {
  assert.match(text(draw({ ...sampleState(), countdown: 5 }))[22]!, /^ Debian GNU\/Linux boots in 5 seconds\. Any key/);
  assert.match(text(draw({ ...sampleState(), countdown: 1 }))[22]!, / in 1 second\./);
});

test("why a boot failed stands in a box above the list", () => {
  const rows = text(draw({ ...sampleState(), message: "vda2:/vmlinuz is not a kernel" }));
  assert.match(rows[1]!, /^ ┌─ Failed ─+┐$/);
  assert.match(rows[2]!, /^ │ vda2:\/vmlinuz is not a kernel +│$/);
  assert.match(rows[5]!, /^ \* Debian/);
});

test("where nothing was found every device is shown with the reason", () => {
  const rows = text(draw({ ...sampleState(), entries: [], defaultId: null })).join("\n");
  assert.match(rows, /Nothing to boot was found/);
  for (const name of ["vda", "vda1", "nvme0n1p3", "sdb1"]) assert.match(rows, new RegExp(`^ {2}${name} `, "m"));
  assert.match(rows, /no configuration was found/);
  assert.match(text(draw({ scanning: true }))[2]!, /Looking for disks…/);
});

test("a device's subvolumes stand below it, the first of very many", () => {
  const [first] = sampleState().devices ?? [];
  assert.ok(first);
  const numbered = Array.from({ length: 40 }, (_, index) => `.snapshots/${index}/snapshot`);
  const shown = (subvolumes: readonly string[]): string =>
    text(draw({ ...sampleState(), devices: [{ ...first, subvolumes }] }, { rows: 60, keys: ["i"] })).join("\n");
  assert.match(shown(["@home", "@rootfs"]), /Subvolumes:\n +@home\n +@rootfs/);
  assert.match(shown(numbered), /\.snapshots\/23\/snapshot\n +and 16 more/);
  assert.doesNotMatch(shown([]), /Subvolumes/);
});

test("the last row names the key for passphrases where a device is encrypted", () => {
  const [first] = sampleState().devices ?? [];
  const last = (isLocked: boolean): string =>
    text(draw({ ...sampleState(), devices: [{ ...first!, isLocked }] })).at(-1) ?? "";
  assert.match(last(true), /u unlock/);
  assert.doesNotMatch(last(false), /unlock/);
});

test("progress is a bar with sizes", () => {
  const progress = { title: "Loading Debian", detail: "vda2:/vmlinuz", done: 2 ** 20, total: 2 ** 22 };
  const rows = text(draw({ ...sampleState(), progress })).join("\n");
  assert.match(rows, /█+░+/);
  assert.match(rows, /1\.0 MiB of 4\.0 MiB/);
});

test("an ASCII terminal gets nothing but ASCII, whatever titles hold", () => {
  const state = sampleState();
  const entries = [...state.entries!, sampleEntry({ title: "Système 日本語 … \x1b[31m" })];
  for (const keys of [[], ["i"], ["h"], ["e"], ["R"]]) {
    for (const row of text(draw({ ...state, entries, message: null }, { look: ASCII, keys }))) {
      assert.match(row, /^[\x20-\x7e]*$/);
    }
  }
});

test("any size shows what fits and nothing beyond it, on every page, with any title", () => {
  const size = fc.record({ columns: fc.integer({ min: 1, max: 140 }), rows: fc.integer({ min: 1, max: 60 }) });
  const keys = fc.array(fc.constantFrom("down", "enter", "i", "h", "l", "e", "R", "escape", "end", "pageup"), {
    maxLength: 4,
  });
  const title = fc.string({ unit: "binary", maxLength: 50 });
  const look = fc.constantFrom(UTF8, ASCII);
  fc.assert(
    fc.property(size, keys, title, look, fc.boolean(), (screen, pressed, name, as, failed) => {
      const state = sampleState();
      const entries = [sampleEntry({ title: name, submenu: [name], reason: name }), ...state.entries!];
      const message = failed ? `${name} failed because ${name}` : null;
      const frame = draw({ ...state, entries, message, countdown: 3 }, { ...screen, look: as, keys: pressed });
      assert.ok(frame.rows.length <= screen.rows);
      for (const row of frame.rows) {
        assert.ok(rowWidth(row) <= screen.columns);
        for (const part of row) assert.doesNotMatch(part.text, /[\p{Cc}\p{Cf}]/u);
      }
      assert.ok(frame.cursor.row < screen.rows && frame.cursor.column < screen.columns);
    }),
    { numRuns: 80 },
  );
});

test("the list scrolls as little as it can and always shows what is selected", () => {
  assert.equal(scrollTo(0, 100, 10, 0), 0);
  assert.equal(scrollTo(9, 100, 10, 0), 0);
  assert.equal(scrollTo(10, 100, 10, 0), 1);
  assert.equal(scrollTo(5, 100, 10, 8), 5);
  assert.equal(scrollTo(99, 100, 10, 0), 90);
  fc.assert(
    fc.property(
      fc.nat(200),
      fc.integer({ min: 1, max: 200 }),
      fc.integer({ min: 1, max: 50 }),
      fc.nat(300),
      (at, total, height, top) => {
        const selected = Math.min(at, total - 1);
        const first = scrollTo(selected, total, height, top);
        assert.ok(first >= 0 && first <= selected && selected < first + height);
        assert.ok(first === 0 || first + height <= total);
      },
    ),
  );
});

test("only visible rows are built: 10,000 entries make no larger a frame than 12", () => {
  const entries = Array.from({ length: 10_000 }, (_, index) => sampleEntry({ title: `Entry ${index}` }));
  const rows = text(draw({ entries }, { keys: ["end"] }));
  assert.equal(rows.length, 24);
  assert.match(rows.join("\n"), /10000 of 10000/);
});

test("the default says why it is the one, and which other disks have one", () => {
  const why =
    "vda2:/boot/grub/grub.cfg names it as its default; a default is also in sda1:/boot/grub/grub.cfg, nvme0n1p2:/loader";
  const state = { ...sampleState(), defaultId: "debian", why };
  const rows = text(draw(state)).join("\n");
  assert.match(rows, /^ Default {2}vda2:\/boot\/grub\/grub\.cfg names it; a default is also in\n +sda1:/m);
  assert.match(rows, /^ Options {2}BOOT_IMAGE=/m);
  assert.doesNotMatch(text(draw(state, { keys: ["down", "down"] })).join("\n"), /^ Default/m);
  const plain = { ...state, why: "vda2:/boot/grub/grub.cfg names it as its default" };
  assert.doesNotMatch(text(draw(plain)).join("\n"), /^ Default/m, "where it costs the command line a row");
  assert.match(text(draw(plain, { rows: 40 })).join("\n"), /^ Default {2}vda2:\/boot\/grub\/grub\.cfg names it$/m);
});

test("the details say what boots by itself after a failed default, and what no check could be made of", () => {
  const follower = sampleEntry({ id: "older", title: "Older", unattended: "fallback" });
  const unchecked = sampleEntry({ id: "signed", title: "Signed", unchecked: "its signature can't be checked here" });
  const state = { ...sampleState(), entries: [follower, unchecked], defaultId: null };
  assert.match(text(draw(state)).join("\n"), /^ Boots {4}by itself, where the default has failed$/m);
  const other = text(draw(state, { keys: ["down"] })).join("\n");
  assert.doesNotMatch(other, /^ Boots/m);
  assert.match(other, /^ Beware {3}it doesn't boot by itself: its signature can't be checked here$/m);
});

test("a kernel on a disk that isn't there is shown with its path first", () => {
  const linux = { selector: "UUID=0c1b6ee4-6e3b-4a4c-9a0d-2f6e6a1b7c55", path: "/boot/vmlinuz-6.1.0-31-amd64" };
  const rows = text(draw({ entries: [sampleEntry({ title: "Away", linux, reason: "no attached device" })] })).join(
    "\n",
  );
  assert.match(rows, /^ Kernel {3}\/boot\/vmlinuz-6\.1\.0-31-amd64 on UUID=0c1b/m);
});

test("help lists the owner's own keys, and 40 columns tell of problems too", () => {
  const settings = { ...OPEN_SETTINGS, keys: { boot: ["f12", "C-t"] } };
  const rows = text(draw({ ...sampleState(), settings }, { rows: 60, keys: ["?"] })).join("\n");
  assert.match(rows, /From the configuration\n\n {2}f12 C-t {11}boot$/m);
  assert.match(text(draw(sampleState(), { columns: 40 })).join("\n"), /1 problem \(i\)$/m);
});

test("a question is shown whole, at any width", () => {
  for (const columns of [80, 40]) {
    const store = new MenuStore(sampleState());
    const controller = new Controller(store, { ...noActions, firmware: async () => {} });
    const view = { columns, listRows: 12, pageRows: 22, pageLength: () => 100 };
    controller.key("f", "f", view, { shell() {}, redraw() {} });
    const scene = { state: store.state, controller, log: () => [], textColumns: columns };
    const rows = text(renderFrame(scene, { columns, rows: 24 }, ASCII, { tops: new Map() })).join("\n");
    assert.match(rows.replace(/[\s|]+/g, " "), /Restart into the firmware's set-up\?/);
  }
});
