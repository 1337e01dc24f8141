import assert from "node:assert/strict";
import { test } from "node:test";
import { BatonError } from "../../src/errors.ts";
import { type Handover, type HandoverSystem, handOver } from "../../src/kexec/handover.ts";
import { LinuxError } from "../../src/linux/error.ts";

const LOADED = { method: "kexec_file_load", seconds: 1 } as const;
/** Stands for the machine being gone: what a jump that works never comes back from. */
class Jumped extends Error {}

function machine(change: { system?: Partial<HandoverSystem>; handover?: Partial<Handover> } = {}) {
  const steps: string[] = [];
  const step = (name: string) => {
    steps.push(name);
  };
  const system: HandoverSystem = {
    sync: async () => {
      step("sync");
      return true;
    },
    unmount: async (target, { lazy }) => step(`${lazy ? "detach" : "unmount"} ${target}`),
    jump: () => {
      step("jump");
      throw new Jumped();
    },
    readState: async () => ({
      mayBoot: true,
      loadDisabled: false,
      lockdown: null,
      secureBoot: null,
      memoryEncrypted: false,
      memoryTotal: null,
      memoryAvailable: null,
    }),
    ...change.system,
  };
  const handover: Handover = {
    load: async () => {
      step("load");
      return LOADED;
    },
    closeFiles: async () => step("close"),
    mountPoints: () => ["/mnt/a", "/mnt/b"],
    onStage: (stage) => step(`(${stage})`),
    restore: () => step("restore"),
    unmountTimeoutMs: 1000,
    system,
    ...change.handover,
  };
  return { steps, step, run: () => handOver(handover) };
}

const ALL = [
  "(load)",
  "load",
  "close",
  "(loaded)",
  "(sync)",
  "sync",
  "(unmount)",
  "unmount /mnt/b",
  "unmount /mnt/a",
  "(jump)",
  "jump",
  "restore",
];

test("the steps come in order: load, close, sync, unmount the last mounted first, jump", async () => {
  const { steps, run } = machine();
  await assert.rejects(run(), Jumped);
  assert.deepEqual(steps, ALL);
});

test("the result of the load is announced with it", async () => {
  const seen: unknown[] = [];
  const { run } = machine({ handover: { onStage: (stage, result) => void seen.push([stage, result]) } });
  await assert.rejects(run(), Jumped);
  assert.deepEqual(seen[1], ["loaded", LOADED]);
});

test("a load that fails ends it: files are closed, nothing is unmounted", async () => {
  const refused = new BatonError("refused", "no kernel");
  const { steps, run } = machine({ handover: { load: () => Promise.reject(refused) } });
  await assert.rejects(run(), refused);
  assert.deepEqual(steps, ["(load)", "close"]);
});

test("files that can't be closed, a menu that can't be told, and a sync that fails don't stop the boot", async () => {
  const fail = () => Promise.reject(new Error("broken"));
  const { steps, run } = machine({ system: { sync: fail }, handover: { closeFiles: fail, onStage: fail } });
  await assert.rejects(run(), Jumped);
  assert.deepEqual(steps, ["load", "unmount /mnt/b", "unmount /mnt/a", "jump", "restore"]);
});

test("files whose closing hangs are left open, after a failed load too", async () => {
  const hang = () => new Promise<void>(() => {});
  const loaded = machine({ handover: { closeFiles: hang, closeTimeoutMs: 5 } });
  await assert.rejects(loaded.run(), Jumped);
  const refused = new BatonError("timeout", "reading vda1:/vmlinuz: no answer");
  const failed = machine({ handover: { load: () => Promise.reject(refused), closeFiles: hang, closeTimeoutMs: 5 } });
  await assert.rejects(failed.run(), refused);
});

test("a sync that hangs is given its deadline and then passed over", async () => {
  let given = 0;
  const { steps, run } = machine({
    system: {
      sync: async ({ timeoutMs }) => {
        given = timeoutMs;
        return false;
      },
    },
    handover: { syncTimeoutMs: 1234 },
  });
  await assert.rejects(run(), Jumped);
  assert.equal(given, 1234);
  assert.ok(steps.includes("jump"));
});

test("a mount that is busy is detached, and the others are unmounted all the same", async () => {
  const m = machine({
    system: {
      unmount: async (target, { lazy }) => {
        m.step(`${lazy ? "detach" : "unmount"} ${target}`);
        if (!lazy && target === "/mnt/b") throw new LinuxError("umount2", target, 16);
      },
    },
  });
  await assert.rejects(m.run(), Jumped);
  assert.deepEqual(m.steps.slice(7, 11), ["unmount /mnt/b", "detach /mnt/b", "unmount /mnt/a", "(jump)"]);
});

test("a mount that can't even be detached doesn't stop the boot", async () => {
  const { steps, run } = machine({
    system: { unmount: () => Promise.reject(new BatonError("timeout", "umount2: no answer")) },
  });
  await assert.rejects(run(), Jumped);
  assert.ok(steps.includes("jump"));
});

test("a mount that isn't there any more is no matter", async () => {
  const m = machine({
    system: {
      unmount: async (target, { lazy }) => {
        m.step(`${lazy ? "detach" : "unmount"} ${target}`);
        throw new LinuxError("umount2", target, 22);
      },
    },
  });
  await assert.rejects(m.run(), Jumped);
  assert.ok(!m.steps.some((step) => step.startsWith("detach")));
});

test("when the time for unmounting is over, what is left is detached at once", async () => {
  const { steps, run } = machine({ handover: { unmountTimeoutMs: 0 } });
  await assert.rejects(run(), Jumped);
  assert.deepEqual(steps.slice(6, 9), ["(unmount)", "detach /mnt/b", "detach /mnt/a"]);
});

test("a jump that is refused is explained, after the mounts are usable again", async () => {
  const { steps, run } = machine({
    system: {
      jump: () => {
        throw new LinuxError("reboot", "LINUX_REBOOT_CMD_KEXEC", 22);
      },
    },
  });
  await assert.rejects(run(), { name: "KexecError", message: "No kernel is loaded to jump into. (reboot: EINVAL)" });
  assert.equal(steps.at(-1), "restore");
});

test("a jump that comes back without an error is a failure too", async () => {
  const { steps, run } = machine({ system: { jump: () => {} } });
  await assert.rejects(run(), { code: "refused", message: /did not happen/ });
  assert.equal(steps.at(-1), "restore");
});

test("a restore that fails doesn't hide why the jump failed", async () => {
  const { run } = machine({ handover: { restore: () => Promise.reject(new Error("restore broke")) } });
  await assert.rejects(run(), Jumped);
});
