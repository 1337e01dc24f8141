import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { networkInterfaces } from "../../src/linux/ifdown.ts";
import { linuxFile, repository } from "./program.ts";

/** Runs a shell script in a network namespace of its own. */
function inNamespace(script: string) {
  const own = process.getuid?.() === 0 ? ["-n"] : ["-rn"];
  return spawnSync("unshare", [...own, "sh", "-ec", script], { cwd: repository, encoding: "utf8", timeout: 30_000 });
}

const PAIR = "ip link add v0 type veth peer name v1; ip link set v0 up; ip link set v1 up";
const unable = inNamespace(PAIR).status === 0 ? false : "no network namespaces with virtual interfaces here";

test("an interface that is up is taken down, one that is down stays so, and one that isn't there is told", {
  skip: unable,
}, () => {
  const program = `
    import { ifdown } from ${linuxFile("ifdown.ts")};
    ifdown("v0");
    ifdown("v0");
    try { ifdown("v9"); } catch (error) { console.log(error.message); }`;
  const node = `'${process.execPath}' --import tsx --input-type=module --eval "$0"`;
  const script = `${PAIR}; ${node.replace('"$0"', `'${program}'`)}; ip -o link show v0`;
  const { status, stdout, stderr } = inNamespace(script);
  assert.equal(status, 0, stderr);
  assert.match(stdout, /^ioctl\(SIOCGIFFLAGS, "v9"\): ENODEV/m);
  const flags = /v0@v1: <([^>]*)>/.exec(stdout)?.[1]?.split(",") ?? assert.fail(stdout);
  assert.ok(!flags.includes("UP"), stdout);
});

test("the loopback interface is left out", () => {
  const folder = mkdtempSync(join(tmpdir(), "baton-net-"));
  for (const name of ["lo", "eth0", "wlan0"]) mkdirSync(join(folder, name));
  assert.deepEqual(networkInterfaces(folder).sort(), ["eth0", "wlan0"]);
  rmSync(folder, { recursive: true });
});
