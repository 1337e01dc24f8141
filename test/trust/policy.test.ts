/** What the owner's settings make of a policy: whole, or one that lets nothing boot. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { Passage } from "../../src/trust/gate.ts";
import { TrustPolicy, type TrustSettings } from "../../src/trust/policy.ts";

const KEY = "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";
const OTHER = "PUAXw+hDiVqStwqnTRt+vJyYLM8uxJaMwM1V8Sr0Zgw=";
const settings = (more: Partial<TrustSettings> = {}): TrustSettings => ({
  ...{ trust: "require", trustkeys: [`${KEY} owner`], trustthreshold: 1, trustversion: 0 },
  ...more,
});

test("without a policy everything passes, and nothing was looked at", () => {
  const policy = TrustPolicy.from(settings({ trust: "off", trustkeys: ["nonsense"] }));
  assert.equal(policy, TrustPolicy.off);
  assert.equal(Passage.through(policy, "Debian", null).verdict, null);
});

test("a policy that is not whole has no keys, and says what is missing", () => {
  const problems = [
    { trustkeys: [] },
    { trustkeys: [`${KEY} owner`, "AAAA mallory"] },
    { trustkeys: [KEY.slice(0, 43)] },
    { trustthreshold: 2 },
    // The same key under two names is one.
    { trustkeys: [`${KEY} one`, `${KEY} two`], trustthreshold: 2 },
  ].map((more) => TrustPolicy.from(settings(more)));
  assert.deepEqual(
    problems.map(({ problem, keys }) => [problem, keys.length]),
    [
      ["trustkeys names no key", 0],
      ["trustkeys: 'AAAA mallory' is no key as baton sign prints it", 0],
      [`trustkeys: '${KEY.slice(0, 43)}' is no key as baton sign prints it`, 0],
      ["trustthreshold asks for 2 keys, and trustkeys has 1", 0],
      ["trustthreshold asks for 2 keys, and trustkeys has 1", 0],
    ],
  );
  // Not even what somebody says is verified passes by it.
  for (const policy of problems) assert.throws(() => Passage.through(policy, "Debian", null), /lets it not boot/);
});

test("keys have the owner's names, or none", () => {
  const { keys, threshold } = TrustPolicy.from(
    settings({ trustkeys: [`${KEY} Alice at home`, OTHER], trustthreshold: 2 }),
  );
  assert.deepEqual(keys, [
    { text: KEY, name: "Alice at home" },
    { text: OTHER, name: OTHER },
  ]);
  assert.equal(threshold, 2);
});

test("require lets only what is verified pass; warn lets all pass", () => {
  const verified = { state: "verified", by: "owner", reason: null } as const;
  const bad = { state: "bad", by: null, reason: "/vmlinuz was changed" } as const;
  const strict = TrustPolicy.from(settings());
  assert.equal(Passage.through(strict, "Debian", verified).verdict, verified);
  assert.throws(() => Passage.through(strict, "Debian", bad), {
    code: "refused",
    message: "trust: require lets it not boot: /vmlinuz was changed",
  });
  assert.throws(() => Passage.through(strict, "the firmware's own", null), /nobody can have signed it/);
  assert.equal(Passage.through(TrustPolicy.from(settings({ trust: "warn" })), "Debian", bad).verdict, bad);
});
