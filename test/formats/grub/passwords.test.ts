import assert from "node:assert/strict";
import { test } from "node:test";
import type { UserPassword } from "../../../src/entry.ts";
import { isPasswordOf } from "../../../src/policy/locks.ts";
import { problems, read } from "./support.ts";

/** Of `sesame`, as grub-mkpasswd-pbkdf2 prints it. */
const HASH =
  "grub.pbkdf2.sha512.1000.274B6A56A89392810121E1E23D5453E235440D7EBC979C1FB49A199EAB5312F4D36B61D612FDC9D110E776E49D2AB8AE3138DD46E41DBD1100BB1AABCE009FF7.8718CD158F97F0A0A9EBFC2889ED13E7FFC1550C9EBC21986247D1501D5734608E51F75408A4304F2FC18DF40803CFA0038AFF16E96ADA2BB0CB2314039C69C9";
const ENTRY = "menuentry a { linux /k }\n";
const GUARDED = `set superusers="root"\n`;

async function passwordsOf(text: string): Promise<ReadonlyMap<string, UserPassword>> {
  return (await read(`${GUARDED}${text}\n${ENTRY}`)).passwords!;
}

test("a password and a hash that GRUB's own tool has made open, and nothing else does", async () => {
  const passwords = await passwordsOf(`password_pbkdf2 root ${HASH}\npassword mate "open it"`);
  const opens = (user: string, typed: string): Promise<boolean> => isPasswordOf(passwords.get(user)!, typed);
  assert.equal(await opens("root", "sesame"), true);
  assert.equal(await opens("mate", "open it"), true);
  for (const typed of ["", "Sesame", "sesame ", HASH, "open it"])
    assert.equal(await opens("root", typed), false, typed);
  for (const typed of ["", "open", "open it ", "sesame"]) assert.equal(await opens("mate", typed), false, typed);
});

test("letters in the hash may be small, as GRUB reads either", async () => {
  const passwords = await passwordsOf(`password_pbkdf2 root ${HASH.toLowerCase()}`);
  assert.equal(await isPasswordOf(passwords.get("root")!, "sesame"), true);
});

const [, , , , salt = "", hash = ""] = HASH.split(".");
for (const [what, text, why] of [
  ["another digest", `grub.pbkdf2.sha256.1000.${salt}.${hash}`, /form grub\.pbkdf2\.sha512/],
  ["half a byte", HASH.slice(0, -1), /form/],
  ["no hexadecimal number", `${HASH}zz`, /form/],
  ["no iterations", `grub.pbkdf2.sha512.0.${salt}.${hash}`, /form/],
  ["iterations that take minutes", `grub.pbkdf2.sha512.900000000.${salt}.${hash}`, /900000000 iterations/],
  ["a long hash with as many", `grub.pbkdf2.sha512.1000000.${salt}.${hash.repeat(4)}`, /1000000 iterations/],
  ["a hash that is soon guessed", `grub.pbkdf2.sha512.1000.${salt}.00`, /1 bytes/],
  ["an empty one", '""', /form/],
] as const) {
  test(`a hash with ${what} opens nothing, which is told without the hash`, async () => {
    const result = await read(`${GUARDED}password_pbkdf2 root ${text}\n${ENTRY}`);
    const known = result.passwords!.get("root")!;
    assert.ok("problem" in known);
    assert.match(known.problem, why);
    assert.equal(await isPasswordOf(known, "sesame"), false);
    const said = problems(result).join("\n");
    assert.match(said, /nobody gets in as root/);
    assert.ok(text === '""' || !said.includes(text.slice(-12)));
  });
}

test("the last password of a user counts, and one that can't be read leaves it as it was", async () => {
  const passwords = await passwordsOf(`password root first\npassword root last\npassword_pbkdf2 root nonsense`);
  assert.equal(await isPasswordOf(passwords.get("root")!, "last"), true);
  assert.equal(await isPasswordOf(passwords.get("root")!, "first"), false);
});

test("what an entry's body sets doesn't open the menu that the entry stands in", async () => {
  const result = await read(`${GUARDED}menuentry a --unrestricted { password root mine\nlinux /k }`);
  assert.equal(result.passwords!.size, 0);
});

test("more users than anybody has don't fill the memory", async () => {
  const many = Array.from({ length: 500 }, (_, index) => `password user${index} word`).join("\n");
  const result = await read(`${GUARDED}${many}\n${ENTRY}`);
  assert.equal(result.passwords!.size, 64);
  assert.match(problems(result).join("\n"), /more than 64 users/);
});

test("Fedora's password stands in a file of its own", async () => {
  const config = `if [ -f \${prefix}/user.cfg ]; then
  source \${prefix}/user.cfg
  if [ -n "\${GRUB2_PASSWORD}" ]; then
    set superusers="root"
    export superusers
    password_pbkdf2 root \${GRUB2_PASSWORD}
  fi
fi
${ENTRY}`;
  const result = await read(config, { files: { "/boot/grub/user.cfg": `GRUB2_PASSWORD=${HASH}\n` } });
  assert.deepEqual(result.superusers, ["root"]);
  assert.equal(await isPasswordOf(result.passwords!.get("root")!, "sesame"), true);
});
