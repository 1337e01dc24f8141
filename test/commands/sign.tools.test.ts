/** `baton sign` and `baton verify`, from a key to what may boot. */

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { appendFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { makeBzImage } from "../images/kernels.ts";
import { baton } from "./program.ts";

const folder = mkdtempSync(join(tmpdir(), "baton-sign-"));
after(() => rmSync(folder, { recursive: true }));
const at = (name: string): string => join(folder, name);
const DISK = ["--disk", `vda1=${at("boot")},uuid=1234-ABCD,type=vfat`];

/** A /boot of its own with two entries, and the owner's key. */
function freshBoot(): void {
  rmSync(folder, { recursive: true });
  mkdirSync(at("boot/grub"), { recursive: true });
  writeFileSync(at("boot/vmlinuz"), makeBzImage());
  writeFileSync(at("boot/initrd.img"), "an initrd");
  const entry = (id: string, words: string): string =>
    `menuentry '${id}' --id ${id} {\n search --fs-uuid --set=root 1234-ABCD\n linux /vmlinuz ${words}\n initrd /initrd.img\n}\n`;
  writeFileSync(at("boot/grub/grub.cfg"), entry("debian", "ro quiet") + entry("rescue", "ro single"));
  for (const name of ["owner", "other"]) {
    execFileSync("openssl", ["genpkey", "-algorithm", "ed25519", "-out", at(`${name}.pem`)]);
  }
}

/** The states of both entries, and the exit code. */
async function states(config = "owner.yaml"): Promise<[string[], number]> {
  const { stdout, code } = await baton("verify", "--json", "--config", at(config), ...DISK);
  const { entries } = JSON.parse(stdout) as { entries: { verdict: { state: string } }[] };
  return [entries.map(({ verdict: { state } }) => state), code];
}

async function writeConfig(more = "", name = "owner"): Promise<void> {
  const { stdout } = await baton("sign", "--key", at(`${name}.pem`));
  writeFileSync(at("owner.yaml"), `trust: require\ntrustkeys: ["${stdout.trim()} ${name}"]\n${more}`);
}

test("what was signed is verified, until a file, the words or the manifest change", async () => {
  freshBoot();
  await writeConfig();
  assert.deepEqual(await states(), [["unsigned", "unsigned"], 1]);
  const signed = await baton("sign", `vda1=${at("boot")},uuid=1234-ABCD`, "debian", "--key", at("owner.pem"));
  assert.equal(signed.code, 0, signed.stderr);
  assert.match(signed.stdout, /^debian\n {2}BOOT_IMAGE=\/vmlinuz ro quiet\n/);
  assert.deepEqual(await states(), [["verified", "bad"], 1]);
  appendFileSync(at("boot/initrd.img"), "!");
  assert.deepEqual(await states(), [["bad", "bad"], 1]);
  const { stderr, code } = await baton("boot", "--dry-run", "debian", "--config", at("owner.yaml"), ...DISK);
  assert.deepEqual([code, /initrd\.img is not what was signed/.test(stderr)], [1, true]);
});

test("a new signature has the next version; an older one counts no more where the policy asks for more", async () => {
  freshBoot();
  const sign = () => baton("sign", `vda1=${at("boot")},uuid=1234-ABCD`, "--key", at("owner.pem"));
  await sign();
  const old = ["baton.manifest", "baton.manifest.sig"].map((name) => [name, readFileSync(at(`boot/${name}`))] as const);
  assert.match((await sign()).stdout, /version 2, 2 entries/);
  await writeConfig("trustversion: 2\n");
  assert.deepEqual(await states(), [["verified", "verified"], 0]);
  for (const [name, bytes] of old) writeFileSync(at(`boot/${name}`), bytes);
  assert.deepEqual(await states(), [["bad", "bad"], 1]);
});

test("two of two keys: the second adds its signature", async () => {
  freshBoot();
  const keys = await Promise.all(["owner", "other"].map((name) => baton("sign", "--key", at(`${name}.pem`))));
  const lines = keys.map(({ stdout }) => `  - ${stdout.trim()}\n`).join("");
  writeFileSync(at("owner.yaml"), `trust: require\ntrustthreshold: 2\ntrustkeys:\n${lines}`);
  await baton("sign", `vda1=${at("boot")},uuid=1234-ABCD`, "--key", at("owner.pem"));
  assert.deepEqual((await states())[0], ["bad", "bad"]);
  const added = await baton("sign", at("boot"), "--add", "--key", at("other.pem"));
  assert.match(added.stdout, /^debian\n {2}BOOT_IMAGE=\/vmlinuz ro quiet\n/, "who adds a signature sees to what");
  assert.deepEqual((await states())[0], ["verified", "verified"]);
});

test("list has each entry's verdict once there is a policy, and none without", async () => {
  freshBoot();
  await writeConfig();
  const entries = async (...more: string[]): Promise<{ verdict?: { state: string } }[]> =>
    JSON.parse((await baton("list", "--json", ...DISK, ...more)).stdout).entries;
  assert.deepEqual(
    (await entries()).map(({ verdict }) => verdict),
    [undefined, undefined],
  );
  const states = (await entries("--config", at("owner.yaml"))).map(({ verdict }) => verdict?.state);
  assert.deepEqual(states, ["unsigned", "unsigned"]);
});

test("sign says what is wrong with its key or its folder", async () => {
  freshBoot();
  execFileSync("openssl", ["genpkey", "-algorithm", "ed448", "-out", at("ed448.pem")]);
  const cases = [
    [["sign"], 2, /--key names the file/],
    [["sign", "--key", at("missing.pem")], 1, /missing\.pem/],
    [["sign", "--key", at("boot/grub/grub.cfg")], 1, /it is no private key in PEM/],
    [["sign", "--key", at("ed448.pem")], 1, /no Ed25519 key/],
    [["sign", at("nowhere"), "--key", at("owner.pem")], 1, /there is no such folder/],
    [["sign", at("boot/grub"), "--key", at("owner.pem")], 1, /nothing that could boot was found there/],
    [["sign", at("boot"), "gone", "--key", at("owner.pem")], 1, /no entry has the id, title or number 'gone'/],
    [["sign", at("boot"), "--add", "--key", at("owner.pem")], 1, /baton\.manifest: no such file/],
    [["confirm", "--state", at("nowhere")], 1, /nowhere: no such file/],
  ] as const;
  for (const [args, code, says] of cases) {
    const result = await baton(...args);
    assert.deepEqual([result.code, says.test(result.stderr)], [code, true], `${args.join(" ")}: ${result.stderr}`);
  }
});
