import assert from "node:assert/strict";
import { createConnection } from "node:net";
import { test } from "node:test";
import { logLines } from "../../src/log.ts";
import { OPEN_SETTINGS } from "../../src/menu/model.ts";
import { openApi, ROUTES } from "../../src/remote/routes.ts";
import { eventually } from "../eventually.ts";
import { entry, TOKEN, withServer } from "./bench.ts";

const ONE = entry("one");
const TWO = entry("two");

test("the state is told to who has the token, and nothing to others", async () => {
  await withServer({ entries: [ONE, TWO], defaultId: "one", countdown: 5 }, async ({ ask }) => {
    const { status, json } = await ask("GET", "/v1/state");
    assert.equal(status, 200);
    assert.deepEqual([json.selected, json.default, json.countdown, json.progress], ["one", "one", 5, null]);
    assert.deepEqual(json.log, ["[   0.001] a line"]);
    assert.deepEqual(
      (json.entries as { id: string }[]).map(({ id }) => id),
      ["one", "two"],
    );
    for (const path of ["/v1/state", "/v1/events", "/v1/nowhere"]) {
      const shut = await ask("GET", path, undefined, { Authorization: "" });
      assert.deepEqual([shut.status, shut.headers["www-authenticate"]], [401, "Bearer"]);
    }
  });
});

test("after five wrong tokens none is looked at for a while, not even the right one", async () => {
  await withServer({ entries: [ONE] }, async ({ ask, done }) => {
    for (let left = 5; left > 0; left--)
      assert.equal(
        (await ask("POST", "/v1/reboot", undefined, { Authorization: "Bearer wrong-wrong-wrong" })).status,
        401,
      );
    const { status, headers } = await ask("POST", "/v1/boot", { id: "one" });
    assert.deepEqual([status, headers["retry-after"], done], [429, "60", []]);
  });
});

test("wrong tokens don't fill the log", async () => {
  await withServer({ entries: [ONE] }, async ({ ask }) => {
    const said = () => logLines().filter(({ text }) => text.includes("a wrong token")).length;
    const before = said();
    for (let left = 4; left > 0; left--)
      await ask("GET", "/v1/state", undefined, { Authorization: "Bearer wrong-wrong-wrong" });
    assert.equal(said() - before, 1);
  });
});

test("an entry is booted, with another command line where one is said", async () => {
  await withServer({ entries: [ONE, TWO] }, async ({ ask, done }) => {
    assert.equal((await ask("POST", "/v1/boot", { id: "two" })).status, 202);
    assert.equal((await ask("POST", "/v1/boot", { id: "one", options: "root=one single" })).status, 202);
    assert.deepEqual(done, ["boot two", "boot one with root=one single"]);
  });
});

test("what can't be booted says why, and nothing is tried", async () => {
  const bad = entry("bad", { bootable: false, reason: "its kernel is missing" });
  const link = entry("link", { leadsTo: { id: "one" } as never });
  await withServer({ entries: [ONE, bad, link] }, async ({ ask, done, store }) => {
    assert.equal((await ask("POST", "/v1/boot", { id: "none" })).status, 404);
    assert.match((await ask("POST", "/v1/boot", { id: "bad" })).json.error as string, /its kernel is missing/);
    assert.match((await ask("POST", "/v1/boot", { id: "link" })).json.error as string, /choose that one, one/);
    store.update({ progress: { title: "Loading ONE", detail: "", done: 0, total: null } });
    assert.deepEqual([(await ask("POST", "/v1/boot", { id: "one" })).status, done], [409, []]);
  });
});

test("the editor and restricted entries stay shut without their password, as on a console", async () => {
  const settings = { ...OPEN_SETTINGS, editor: false, hasPassword: true };
  const shut = entry("shut", { restricted: ["root"] });
  await withServer({ entries: [ONE, shut], settings }, async ({ ask, done }) => {
    const edited = { id: "one", options: "init=/bin/sh" };
    for (const body of [edited, { ...edited, password: "wrong" }, { id: "shut" }, { id: "shut", password: "wrong" }])
      assert.equal((await ask("POST", "/v1/boot", body)).status, 403);
    assert.deepEqual(done, []);
    assert.equal((await ask("POST", "/v1/boot", { ...edited, password: "open sesame" })).status, 202);
    assert.equal((await ask("POST", "/v1/boot", { id: "shut" })).status, 403);
    assert.equal((await ask("POST", "/v1/boot", { id: "shut", password: "open sesame" })).status, 202);
    assert.deepEqual(done, ["boot one with init=/bin/sh", "boot shut"]);
  });
});

test("nothing is edited while a disk may still shut the editor", async () => {
  await withServer({ entries: [ONE], areLocksKnown: false }, async ({ ask, done }) => {
    const { status, json } = await ask("POST", "/v1/boot", { id: "one", options: "init=/bin/sh" });
    assert.equal(status, 403);
    assert.match(json.error as string, /^Not yet/);
    assert.deepEqual(done, []);
  });
});

test("select, hold, rescan, reboot and power-off do what the keys do", async () => {
  await withServer({ entries: [ONE, TWO], countdown: 9 }, async ({ ask, done, store }) => {
    const shown: string[] = [];
    store.onSelect((id) => shown.push(id));
    assert.equal((await ask("POST", "/v1/hold", { seconds: 30 })).status, 202);
    assert.equal((await ask("POST", "/v1/select", { id: "two" })).status, 202);
    assert.equal((await ask("POST", "/v1/hold", { seconds: 30 })).status, 409);
    for (const path of ["hold", "rescan", "reboot", "power-off"])
      assert.equal((await ask("POST", `/v1/${path}`)).status, 202, path);
    assert.deepEqual(done, ["+30", "stop", "selected two", "rescan", "reboot", "power off"]);
    assert.deepEqual([shown, store.state.selectedId], [["two"], "two"]);
  });
});

test("bodies that are none, or too large, are refused", async () => {
  await withServer({ entries: [ONE] }, async ({ ask, done }) => {
    for (const body of [
      "{",
      "[]",
      "7",
      { id: 7 },
      {},
      { id: "one", more: 1 },
      { id: "one", options: "a\nb" },
      '{"__proto__":{"id":"one"}}',
    ])
      assert.equal((await ask("POST", "/v1/boot", body)).status, 400, JSON.stringify(body));
    assert.equal((await ask("POST", "/v1/hold", { seconds: 1e9 })).status, 400);
    assert.equal((await ask("POST", "/v1/boot", { id: "x".repeat(20_000) })).status, 413);
    assert.equal((await ask("POST", "/v1/boot", "id=one", { "Content-Type": "text/plain" })).status, 415);
    assert.equal((await ask("GET", "/v1/boot")).status, 405);
    assert.deepEqual(done, []);
  });
});

test("a body of a gigabyte is not read", async () => {
  await withServer({ entries: [ONE] }, async ({ port }) => {
    let sent = 0;
    const closed = new Promise<void>((resolve) => {
      const socket = createConnection(port, "127.0.0.1");
      socket.write(
        `POST /v1/boot HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${TOKEN}\r\nTransfer-Encoding: chunked\r\n\r\n`,
      );
      const part = Buffer.from(`10000\r\n${"x".repeat(0x10000)}\r\n`);
      const more = (): void => {
        while (!socket.destroyed && sent < 1 << 30) {
          sent += part.length;
          if (!socket.write(part)) return void socket.once("drain", more);
        }
      };
      socket.on("error", () => {});
      socket.on("close", () => resolve());
      socket.on("data", () => {});
      more();
    });
    await closed;
    assert.ok(sent < 64 << 20, `${sent} bytes were taken`);
  });
});

test("of very many connections few are kept, and afterwards others are served", { timeout: 60_000 }, async () => {
  await withServer({ entries: [ONE] }, async ({ port, ask }) => {
    let open = 0;
    let most = 0;
    const sockets = Array.from({ length: 500 }, () => {
      const socket = createConnection(port, "127.0.0.1");
      socket.on("connect", () => {
        most = Math.max(most, ++open);
      });
      socket.on("close", () => open--);
      socket.on("error", () => {});
      return socket;
    });
    await eventually(() => assert.ok(open <= 24, `${open} are open`));
    for (const socket of sockets) socket.destroy();
    await eventually(async () => assert.equal((await ask("GET", "/v1/state")).status, 200));
  });
});

test("events tell the status, a new list and the log", async () => {
  await withServer({ entries: [ONE], countdown: 9 }, async ({ port, store }) => {
    let got = "";
    const socket = createConnection(port, "127.0.0.1");
    socket.on("data", (bytes: Buffer) => {
      got += bytes.toString();
    });
    socket.write(`GET /v1/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${TOKEN}\r\n\r\n`);
    await eventually(() => assert.match(got, /text\/event-stream[\s\S]*event: status\ndata: .*"countdown":9/));
    store.update({ entries: [ONE, TWO], countdown: 8 });
    await eventually(() => assert.match(got, /"countdown":8[\s\S]*event: list\ndata: \{"entries":2\}/));
    socket.destroy();
  });
});

test("the page is small, and its policy lets nothing run but its own script", async () => {
  await withServer({}, async ({ ask }) => {
    const { status, text, headers } = await ask("GET", "/", undefined, { Authorization: "" });
    assert.equal(status, 200);
    assert.ok(Buffer.byteLength(text) <= 60_000, `${Buffer.byteLength(text)} bytes`);
    assert.match(headers["content-security-policy"] as string, /^default-src 'none'; script-src 'sha256-[^']+';/);
    assert.doesNotMatch(text, /innerHTML|https?:|localStorage/);
  });
});

test("the description has every route, and is told to everybody", async () => {
  const { paths } = openApi("1") as { paths: Record<string, Record<string, { security?: unknown }>> };
  for (const { path, method } of ROUTES)
    assert.ok(paths[path]?.[method.toLowerCase()] !== undefined, `${method} ${path}`);
  await withServer({}, async ({ ask }) => {
    const { json } = await ask("GET", "/v1/openapi.json", undefined, { Authorization: "" });
    const told = json.paths as typeof paths;
    assert.deepEqual(Object.keys(told), Object.keys(paths));
    // What the description calls shut is shut.
    for (const [path, operations] of Object.entries(told))
      for (const [method, { security }] of Object.entries(operations)) {
        const { status } = await ask(method.toUpperCase(), path, undefined, { Authorization: "" });
        assert.equal(status === 401, security !== undefined, `${method} ${path}`);
      }
  });
});
