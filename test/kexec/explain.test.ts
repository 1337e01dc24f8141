import assert from "node:assert/strict";
import { test } from "node:test";
import { explainJump, explainLoad, type KexecAttempt } from "../../src/kexec/explain.ts";
import { type KexecState, readKexecState } from "../../src/kexec/state.ts";
import { errnoNumber } from "../../src/linux/errno.ts";
import { LinuxError } from "../../src/linux/error.ts";

const MiB = 1024 * 1024;
const FREE: KexecState = {
  mayBoot: true,
  loadDisabled: false,
  lockdown: "none",
  secureBoot: false,
  memoryEncrypted: false,
  memoryTotal: 2048 * MiB,
  memoryAvailable: 1500 * MiB,
};
const USUAL: KexecAttempt = { kernelSize: 8 * MiB, initrdSize: 30 * MiB, cmdlineSize: 20, cmdlineLimit: 2017 };

/** By kexec_load. */
const CLASSIC: Partial<KexecAttempt> = { entry: 0x1000n, segments: [], flags: 0 };

function load(errno: string, state: Partial<KexecState> = {}, attempt: Partial<KexecAttempt> = {}): string {
  const error = new LinuxError("kexec_file_load", "3, 4", errnoNumber(errno));
  return explainLoad(error, { ...FREE, ...state }, { ...USUAL, ...attempt }).message;
}

const CASES: readonly (readonly [
  title: string,
  errno: string,
  state: Partial<KexecState>,
  attempt: Partial<KexecAttempt>,
  says: RegExp,
])[] = [
  ["not root", "EPERM", { mayBoot: false, lockdown: "integrity" }, {}, /Only root .* CAP_SYS_BOOT/],
  ["switched off by sysctl", "EPERM", { loadDisabled: true, lockdown: "integrity" }, {}, /kexec_load_disabled=1/],
  [
    "locked down by Secure Boot",
    "EPERM",
    { lockdown: "integrity", secureBoot: true },
    {},
    /locked down \(integrity\) because Secure Boot is on.*switch Secure Boot off/,
  ],
  [
    "locked down without Secure Boot",
    "EPERM",
    { lockdown: "confidentiality", secureBoot: null },
    {},
    /locked down \(confidentiality\) by its command line/,
  ],
  ["no permission for no known reason", "EPERM", { lockdown: null }, {}, /security policy/],
  ["lockdown of the classic call", "EACCES", { lockdown: "integrity" }, {}, /forbids this way/],
  ["IMA", "EACCES", {}, {}, /IMA/],
  [
    "kexec_load under Secure Boot",
    "EACCES",
    { lockdown: "integrity", secureBoot: true },
    CLASSIC,
    /because Secure Boot/,
  ],
  ["kexec_load under lockdown", "EPERM", { lockdown: "integrity" }, CLASSIC, /forbids kexec_load.*kexec_file_load/],
  ["kexec_load under IMA's policy", "EACCES", { lockdown: null }, CLASSIC, /forbids kexec_load.*kexec_file_load/],
  ["coming back", "EINVAL", {}, { ...CLASSIC, flags: 2 }, /CONFIG_KEXEC_JUMP/],
  ["unknown flags of kexec_load", "EINVAL", {}, { ...CLASSIC, flags: 0x42 }, /no such flags \(0x40\)/],
  ["unknown flags of kexec_file_load", "EINVAL", {}, { flags: 0x84 }, /no such flags \(0x80\)/],
  ["another architecture", "EINVAL", {}, { ...CLASSIC, flags: 22 << 16 }, /another architecture's \(KEXEC_ARCH_S390\)/],
  ["segments over half of memory", "EINVAL", {}, { ...CLASSIC, kernelSize: 1100 * MiB }, /take 1100 MiB.*half/],
  ["segments refused without a reason", "EINVAL", {}, CLASSIC, /segments or flags/],
  ["a crash kernel without its memory", "EADDRNOTAVAIL", {}, { ...CLASSIC, isCrash: true }, /crashkernel=/],
  ["a crash kernel that is too large", "EADDRNOTAVAIL", {}, { isCrash: true }, /crashkernel=256M/],
  ["a segment that is no whole pages", "EADDRNOTAVAIL", {}, CLASSIC, /begin or end at a page/],
  ["no kexec_load", "ENOSYS", {}, CLASSIC, /without kexec_load/],
  ["a segment that can't be read", "EFAULT", {}, CLASSIC, /could not read a segment/],
  ["no memory for segments", "ENOMEM", {}, CLASSIC, /segments take 8.0 MiB, and 1500 MiB are free/],
  ["no kernel", "ENOEXEC", {}, {}, /bzImage .* arm64/],
  [
    "foreign key under Secure Boot",
    "ENOKEY",
    { secureBoot: true },
    {},
    /key that this kernel doesn't trust, and Secure Boot is on/,
  ],
  ["foreign key", "ENOKEY", {}, {}, /this kernel loads only signed ones/],
  ["tampered", "EKEYREJECTED", {}, {}, /changed after it was signed/],
  [
    "unsigned under Secure Boot",
    "ENODATA",
    { secureBoot: true },
    {},
    /no signature, and Secure Boot is on.*switch Secure Boot off/,
  ],
  ["unsigned", "ENODATA", {}, {}, /no signature.*signature enforcement/],
  ["malformed signature", "EBADMSG", {}, {}, /malformed/],
  ["unknown hash", "ENOPKG", {}, {}, /built without/],
  ["command line too long", "EINVAL", {}, { cmdlineSize: 3001 }, /3000 bytes, and this kernel takes 2016/],
  [
    "over half of memory",
    "EINVAL",
    {},
    { initrdSize: 1100 * MiB },
    /more than half of the memory.* 8\.0 MiB .* 1100 MiB.* 2048 MiB/,
  ],
  ["empty kernel", "EINVAL", {}, { kernelSize: 0 }, /empty/],
  ["refused without a reason", "EINVAL", {}, {}, /dmesg/],
  ["out of memory", "ENOMEM", {}, {}, /not enough free memory.* 30 MiB/],
  ["no place", "EADDRNOTAVAIL", {}, {}, /no range of free memory/],
  ["busy", "EBUSY", {}, {}, /Try again/],
  ["closed file", "EBADF", {}, {}, /closed/],
  ["no such call", "ENOSYS", {}, {}, /CONFIG_KEXEC_FILE/],
  ["not supported", "EOPNOTSUPP", {}, {}, /architecture/],
  ["not supported, by the kernel's own number", "ENOTSUPP", {}, {}, /architecture/],
  ["bad address", "EFAULT", {}, {}, /memory/],
  ["too big", "E2BIG", {}, {}, /too large/],
  ["over 2 GiB", "EFBIG", {}, {}, /2 GiB/],
  ["dying disk", "EIO", {}, {}, /failing/],
  ["being written", "ETXTBSY", {}, {}, /being written/],
  ["something never heard of", "EXFULL", {}, {}, /refused to load it/],
];

for (const [title, errno, state, attempt, says] of CASES) {
  test(`a refused load is explained: ${title}`, () => {
    const message = load(errno, state, attempt);
    assert.match(message, says);
    assert.ok(message.endsWith(` (kexec_file_load: ${errno})`), message);
    assert.doesNotMatch(message, /undefined|null|NaN/);
  });
}

test("every explanation is a sentence without a newline that fits on a few lines", () => {
  for (const [, errno, state, attempt] of CASES) {
    assert.match(load(errno, state, attempt), /^[A-Z][^\n]{20,330}\. \(/);
  }
});

test("a refused jump is explained", () => {
  const jump = (errno: string, state: Partial<KexecState> = {}) =>
    explainJump(new LinuxError("reboot", "", errnoNumber(errno)), { ...FREE, ...state }).message;
  assert.match(jump("EINVAL"), /^No kernel is loaded to jump into\. \(reboot: EINVAL\)$/);
  assert.match(jump("EPERM", { mayBoot: false }), /Only root/);
  assert.match(jump("EPERM"), /container/);
  assert.match(jump("EIO"), /did not jump/);
});

function reader(files: Readonly<Record<string, string | Uint8Array>>) {
  return async (path: string) => {
    const content = files[path];
    return content === undefined ? null : Buffer.from(content as string);
  };
}

const SECURE_BOOT = "/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c";

test("the state is read from the kernel's files", async () => {
  const state = await readKexecState(
    reader({
      "/proc/self/status": "Name:\tnode\nCapInh:\t0000000000000000\nCapEff:\t000001ffffbfffff\n",
      "/proc/sys/kernel/kexec_load_disabled": "1\n",
      "/sys/kernel/security/lockdown": "none [integrity] confidentiality\n",
      "/proc/cpuinfo": "processor\t: 0\nflags\t\t: fpu lm hypervisor sme sev sev_es\n",
      "/proc/meminfo": "MemTotal:        2048 kB\nMemFree:  100 kB\nMemAvailable:    1024 kB\n",
      [SECURE_BOOT]: Uint8Array.of(6, 0, 0, 0, 1),
    }),
  );
  assert.deepEqual(state, {
    mayBoot: false,
    loadDisabled: true,
    lockdown: "integrity",
    secureBoot: true,
    memoryEncrypted: true,
    memoryTotal: 2 * MiB,
    memoryAvailable: MiB,
  });
});

test("what a machine doesn't have is unknown, not off", async () => {
  assert.deepEqual(await readKexecState(reader({})), {
    mayBoot: null,
    loadDisabled: false,
    lockdown: null,
    secureBoot: null,
    memoryEncrypted: false,
    memoryTotal: null,
    memoryAvailable: null,
  });
  const off = await readKexecState(
    reader({ [SECURE_BOOT]: Uint8Array.of(6, 0, 0, 0, 0), "/proc/self/status": "CapEff:\t0000000000400000\n" }),
  );
  assert.equal(off.secureBoot, false);
  assert.equal(off.mayBoot, true);
});

test("a host that has SEV for its guests isn't one of them", async () => {
  const state = await readKexecState(reader({ "/proc/cpuinfo": "flags\t\t: fpu lm sme sev sev_es\n" }));
  assert.equal(state.memoryEncrypted, false);
});

test("this machine's own state can be read", async () => {
  const state = await readKexecState();
  assert.ok(state.memoryTotal! > state.memoryAvailable!);
  assert.equal(state.mayBoot, process.getuid?.() === 0 ? state.mayBoot : false);
});
