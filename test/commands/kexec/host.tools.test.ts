/** `kexec -e` on an ordinary host leaves its disks alone; in Baton's own image nothing else unmounts them. */

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { withoutLoops } from "../../volumes/disks.ts";
import { program } from "../program.ts";

/** Without CAP_SYS_BOOT the jump is refused, whatever this machine has loaded; all mounts end with the namespace. */
const RUN = `
set -e
mount -t tmpfs none /run
mkdir -p /run/disk /run/baton
eval "$PREPARE"
truncate -s 4M /run/image
mkfs.ext2 -q -F /run/image
mount -o loop /run/image /run/disk
if [ -e /sys/kernel/kexec_loaded ]; then
  echo 1 >/run/loaded
  mount --bind /run/loaded /sys/kernel/kexec_loaded
fi
setpriv --bounding-set=-sys_boot "$NODE" "$BATON" kexec -e -x -y || echo "exit $?"
! mountpoint -q /run/disk || echo "still mounted"
`;

async function runExec(prepare: string): Promise<{ stdout: string; stderr: string }> {
  const env = { ...process.env, NODE: process.execPath, BATON: await program(), PREPARE: prepare };
  return spawnSync("unshare", ["--mount", "sh", "-c", RUN], { encoding: "utf8", env });
}

test("on a host, disks stay mounted for its own shutdown, even where an earlier Baton left its folder", {
  skip: withoutLoops,
}, async () => {
  const { stdout, stderr } = await runExec("true");
  assert.equal(stdout, "exit 255\nstill mounted\n", stderr);
  assert.match(stderr, /^kexec failed: .*EPERM/m);
});

test("in Baton's own image they are unmounted first", { skip: withoutLoops }, async () => {
  const { stdout, stderr } = await runExec("mkfifo /run/baton/status");
  assert.equal(stdout, "exit 255\n", stderr);
});
