/** The page in a browser: by keyboard, on a desktop and a phone, dark and light. */

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { test } from "node:test";
import { eventually } from "../eventually.ts";
import { entry, TOKEN, withServer } from "./bench.ts";
import { CHROMIUM, withPage } from "./chromium.ts";

const HOSTILE = '<img src=x onerror="document.title=1">';
const ENTRIES = [
  entry("debian", { title: "Debian GNU/Linux", options: "root=UUID=0c1b6ee4 ro quiet" }),
  entry("older", { title: "Debian GNU/Linux, with Linux 6.1", submenu: ["Advanced options"] }),
  entry("gone", { title: "Fedora Linux 40", bootable: false, reason: "sda1:/vmlinuz: the file is missing" }),
  entry("bad", { title: HOSTILE, source: "sdb1:/boot/grub/grub.cfg" }),
];
/** Where the pictures go, for people. */
const PICTURES = ".cache/pages";

test("a person opens the page, looks, edits and boots by keyboard", { timeout: 120_000 }, async (t) => {
  if (!existsSync(CHROMIUM)) return t.skip("chromium is not installed");
  const machine = ["Baton 0.1.0, Linux 6.12", "512 MiB of memory"];
  const state = { entries: ENTRIES, defaultId: "debian", countdown: 25, machine };
  await withServer(state, async ({ port, store, done }) => {
    await withPage(`http://127.0.0.1:${port}/`, async (page) => {
      const text = (id: string) => page.evaluate<string>(`document.getElementById("${id}").textContent`);
      const focus = () => page.evaluate<string>("document.activeElement.id");
      await eventually(async () => assert.equal(await focus(), "token"));
      await page.type("not-the-token-at-all");
      await page.press("Enter");
      await eventually(async () => assert.match(await text("say"), /TOKEN is missing or wrong/));
      await page.type(TOKEN);
      await page.press("Enter");
      await eventually(async () => assert.equal(await focus(), "list"));
      await eventually(async () => assert.match(await text("count"), /Debian GNU\/Linux boots in 25 s/));
      assert.equal(await page.evaluate("document.querySelectorAll('#list [aria-selected=true]').length"), 1);
      await mkdir(PICTURES, { recursive: true });
      for (const [name, width, height] of [
        ["desktop", 1200, 800],
        ["phone", 390, 844],
      ] as const)
        for (const scheme of ["light", "dark"] as const) {
          await writeFile(`${PICTURES}/${name}-${scheme}.png`, await page.look(width, height, scheme));
          // Nothing is to be pushed sideways.
          assert.ok(await page.evaluate("document.documentElement.scrollWidth <= innerWidth"), `${name} is too wide`);
        }
      assert.equal(await page.evaluate("document.querySelectorAll('#list img').length"), 0);
      await page.press("ArrowDown");
      await eventually(() => assert.deepEqual(done, ["stop", "selected older"]));
      await eventually(async () => assert.match(await text("details"), /Advanced options › Debian/));
      await eventually(async () => assert.equal(await text("count"), ""));
      store.update({ selectedId: "gone" });
      await eventually(async () => assert.match(await text("details"), /the file is missing/));
      assert.equal(await page.evaluate("document.getElementById('boot').disabled"), true);
      store.update({ selectedId: "debian" });
      await eventually(async () =>
        assert.equal(await page.evaluate("document.getElementById('boot').disabled"), false),
      );
      await page.evaluate("document.getElementById('options').select()");
      await page.type("root=UUID=0c1b6ee4 single");
      await page.evaluate("document.getElementById('boot').focus()");
      await page.press("Enter");
      await eventually(() => assert.equal(done.at(-1), "boot debian with root=UUID=0c1b6ee4 single"));
      store.update({ progress: { title: "Loading Debian", detail: "/boot/vmlinuz", done: 1, total: 2 } });
      await eventually(async () => assert.equal(await text("work"), "Loading Debian: /boot/vmlinuz"));
      const stored = "[Object.values(sessionStorage), Object.values(localStorage), document.cookie]";
      assert.deepEqual(await page.evaluate(stored), [[TOKEN], [], ""]);
      // The 401 of the wrong token is told by the browser itself.
      assert.deepEqual(
        page.said.filter((line) => !line.includes("401")),
        [],
      );
    });
  });
});
