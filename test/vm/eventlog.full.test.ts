/** The firmware's log of measurements and a TPM: swtpm behind OVMF, and no TPM at all. */

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { eventually } from "../eventually.ts";
import { inside, withBaton } from "./baton.ts";
import { inFolder } from "./host.ts";

const WORDS = "baton.timeout=-1";

test("what OVMF has logged leads to the values that the TPM has, and other values are told", () =>
  inFolder(async (folder) => {
    const socket = join(folder, "tpm");
    const control = ["--tpm2", "--tpmstate", `dir=${folder}`, "--ctrl", `type=unixio,path=${socket}`];
    const swtpm = spawn("swtpm", ["socket", ...control], { stdio: "ignore" });
    try {
      await eventually(() => assert.ok(existsSync(socket)));
      const extra = [
        ...["-chardev", `socket,id=swtpm,path=${socket}`, "-tpmdev", "emulator,id=tpm,chardev=swtpm"],
        ...["-device", "tpm-crb,tpmdev=tpm"],
      ];
      const options = { name: "eventlog", firmware: "uefi", words: WORDS, shell: true, disks: [], extra } as const;
      await withBaton(options, async (machine) => {
        const shown = await inside(machine, "baton eventlog --verify 2>&1; echo exit $?");
        assert.match(shown, /EV_EFI_VARIABLE_DRIVER_CONFIG {2}SecureBoot/);
        assert.match(shown, /all \d+ registers that the log extends are what it leads to/);
        assert.match(shown, /exit 0/);
        const other = await inside(machine, `baton eventlog --pcr sha256:7=${"0".repeat(64)} 2>&1 | tail -n 1`);
        assert.match(other, /sha256:7 is 0{64}, and the log leads to [0-9a-f]{64}: no event of the log leads there/);
      });
    } finally {
      swtpm.kill();
    }
  }));

test("a machine without a TPM is told so", async () => {
  const options = { name: "eventlog-none", words: WORDS, shell: true, disks: [] } as const;
  await withBaton(options, async (machine) => {
    const shown = await inside(machine, "baton eventlog --verify 2>&1; echo exit $?");
    assert.match(shown, /binary_bios_measurements is not there: no TPM[\s\S]*exit 1/);
  });
});
