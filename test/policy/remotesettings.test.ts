import assert from "node:assert/strict";
import { test } from "node:test";
import { readSettings } from "../../src/policy/settingsfile.ts";

const TOKEN = "0123456789abcdef";

const read = async (text: string) => {
  const { settings, diagnostics } = await readSettings(`remote:\n${text.replace(/^/gm, "  ")}\n`, "baton.yaml");
  return { remote: settings.remote, said: diagnostics.map(({ message }) => message).join() };
};

test("listen and token turn it on, in YAML and in INI", async () => {
  const off = { certificate: null, key: null, plain: false, hold: 0, ask: null };
  assert.deepEqual((await read(`listen: 8443\ntoken: ${TOKEN}`)).remote, {
    host: "::",
    port: 8443,
    token: TOKEN,
    ...off,
  });
  const ini = await readSettings(`[remote]\nlisten = 10.0.0.7:80\ntoken = ${TOKEN}\nplain = yes\n`, "baton.ini");
  assert.deepEqual(ini.settings.remote, { ...off, host: "10.0.0.7", port: 80, token: TOKEN, plain: true });
});

test("a controller that is asked has 30 seconds unless hold says how many", async () => {
  const given = `listen: "[::1]:8443"\ntoken: ${TOKEN}\nask: https://boot.example/ask`;
  assert.deepEqual([(await read(given)).remote?.hold, (await read(`${given}\nhold: 5`)).remote?.hold], [30, 5]);
  assert.equal((await read(given)).remote?.host, "::1");
});

test("where anything is not as it must be nothing listens, and no message has the token", async () => {
  for (const text of [
    ...["listen: 8443", `token: ${TOKEN}`, `listen: 0\ntoken: ${TOKEN}`, `listen: 70000\ntoken: ${TOKEN}`],
    ...[
      "listen: 8443\ntoken: short",
      `listen: 8443\ntoken: "${TOKEN} x"`,
      "listen: 8443\ntoken: sha256:12345678901234567890",
    ],
    ...[`listen: 8443\ntoken: ${TOKEN}\ncertificate: /a`, `listen: 8443\ntoken: ${TOKEN}\ncertificate: a\nkey: b`],
    ...[`listen: 8443\ntoken: ${TOKEN}\nask: ftp://x/`, `listen: 8443\ntoken: ${TOKEN}\nplan: yes`],
    ...[`listen: 8443\ntoken: ${TOKEN}\nplain: perhaps`, `listen: boot.example:1\ntoken: ${TOKEN}`],
  ]) {
    const { remote, said } = await read(text);
    assert.equal(remote, undefined, text);
    assert.notEqual(said, "", text);
    assert.doesNotMatch(said, /0123456789/, text);
  }
});
