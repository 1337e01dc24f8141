/** `baton rauc` behind Debian's rauc: what RAUC's service asks and says, on a session bus. */

import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { chmodSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { debianPackages } from "../../initramfs/debian.ts";
import { rewriteEnvBlock } from "../../src/state/envblock.ts";
import { OwnState } from "../../src/state/own.ts";
import { program } from "./program.ts";

const folder = mkdtempSync(join(tmpdir(), "baton-rauc-"));
after(() => rmSync(folder, { recursive: true, force: true }));
const STATE = join(folder, "batonenv");

const hasBus = spawnSync("dbus-run-session", ["--version"]).error === undefined;

/** Baton boots an entry, and counts it. */
function boots(id: string): void {
  const bytes = readFileSync(STATE);
  const write = OwnState.fromFile({ device: "here", path: STATE }, bytes).boot(id);
  assert.ok("file" in write);
  writeFileSync(STATE, rewriteEnvBlock(bytes, write.set, write.unset));
}

/** Runs rauc's service as the system that was booted from a slot, and rauc's client for each call. */
async function rauc(slot: string, ...calls: string[]): Promise<string> {
  const { root } = await debianPackages(["rauc"]);
  const libraries = ["lib", "usr/lib"].map((name) => join(root, name, "x86_64-linux-gnu")).join(":");
  const command = `${join(root, "lib64/ld-linux-x86-64.so.2")} --library-path ${libraries} ${join(root, "usr/bin/rauc")}`;
  const script = [
    // dbus-run-session takes it out of what it is given.
    "export DBUS_STARTER_BUS_TYPE=session",
    `${command} --conf=${join(folder, "system.conf")} --override-boot-slot=${slot} service >${folder}/service.log 2>&1 &`,
    "service=$!",
    // Nothing waits for the name on the bus but asking for it.
    `until ${command} status >/dev/null 2>&1; do kill -0 $service || exit 1; done`,
    ...calls.map((call) => `${command} ${call}`),
    "status=$?; kill $service; exit $status",
  ].join("\n");
  return execFileSync("dbus-run-session", ["--", "sh", "-c", script], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
  });
}

const SHOW = "status --output-format=json";

test("RAUC switches slots, and sees which one Baton has gone back to", {
  skip: !hasBus && "dbus-run-session (package dbus-daemon) is not there",
}, async () => {
  writeFileSync(STATE, "# GRUB Environment Block\n".padEnd(1024, "#"));
  const backend = join(folder, "backend");
  writeFileSync(backend, `#!/bin/sh\nexec ${process.execPath} ${await program()} rauc --state ${STATE} "$@"\n`);
  chmodSync(backend, 0o755);
  for (const name of ["a", "b", "ca.pem"]) {
    writeFileSync(join(folder, name), "");
    if (name !== "ca.pem") truncateSync(join(folder, name), 4096);
  }
  execFileSync(
    "openssl",
    [
      ...["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=test"],
      ...["-keyout", join(folder, "key.pem"), "-out", join(folder, "ca.pem")],
    ],
    { stdio: "ignore" },
  );
  const slots = ["a", "b"].map(
    (name, index) => `[slot.rootfs.${index}]\ndevice=${folder}/${name}\ntype=raw\nbootname=${name.toUpperCase()}\n`,
  );
  writeFileSync(
    join(folder, "system.conf"),
    `[system]\ncompatible=test\nbootloader=custom\nstatusfile=${folder}/status\nmountprefix=${folder}/mnt\n` +
      `[keyring]\npath=${folder}/ca.pem\n[handlers]\nbootloader-custom-backend=${backend}\n${slots.join("")}`,
  );
  const told = async (slot: string, ...calls: string[]) => {
    const text = await rauc(slot, ...calls, SHOW);
    const said = JSON.parse(text.slice(text.indexOf("{"))) as {
      boot_primary: string | null;
      slots: Record<string, { boot_status: string }>[];
    };
    const states = Object.assign({}, ...said.slots) as Record<string, { boot_status: string }>;
    return [said.boot_primary, states["rootfs.0"]!.boot_status, states["rootfs.1"]!.boot_status];
  };
  assert.deepEqual(await told("A", "status mark-good", "status mark-active other"), ["rootfs.1", "good", "good"]);
  // B doesn't come up, and Baton goes back to A.
  boots("5a6b:baton:B");
  boots("5a6b:baton:A");
  assert.deepEqual(await told("A"), ["rootfs.0", "good", "bad"]);
  // Mended, it is the one again, and confirmed when it has come up.
  assert.deepEqual(await told("A", "status mark-good", "status mark-active other"), ["rootfs.1", "good", "good"]);
  boots("5a6b:baton:B");
  assert.deepEqual(await told("B", "status mark-good"), ["rootfs.1", "good", "good"]);
  const state = OwnState.fromFile({ device: "here", path: STATE }, readFileSync(STATE));
  assert.deepEqual([state.saved, state.triesOf("5a6b:baton:B"), state.last], ["B", 0, null]);
});
