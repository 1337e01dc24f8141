import assert from "node:assert/strict";
import { constants } from "node:os";
import { test } from "node:test";
import { errnoName, errnoNumber, errnoText } from "../../src/linux/errno.ts";
import { describeArguments, describeFlags, LinuxError } from "../../src/linux/error.ts";

test("names and numbers agree with Node's for every error that Node knows", () => {
  for (const [name, number] of Object.entries(constants.errno)) {
    // Node gives both names of the two numbers that have two.
    const expected = { EWOULDBLOCK: "EAGAIN", ENOTSUP: "EOPNOTSUPP" }[name] ?? name;
    assert.equal(errnoName(number), expected);
    assert.equal(errnoNumber(expected), number);
  }
});

test("names the errors of kexec and modules that Node lacks", () => {
  assert.equal(errnoName(126), "ENOKEY");
  assert.equal(errnoName(129), "EKEYREJECTED");
  assert.equal(errnoText(126), "required key not available");
  assert.equal(errnoName(524), "ENOTSUPP");
});

test("an unknown number is shown as such", () => {
  assert.equal(errnoName(4095), "errno 4095");
  assert.equal(errnoText(4095), "unknown error");
  assert.throws(() => errnoNumber("ENOSUCH"), RangeError);
});

test("an error names the call, its arguments and the errno", () => {
  const error = new LinuxError(
    "mount",
    describeArguments(["/dev/vda1", "/mnt", undefined, null, { word: "MS_RDONLY" }]),
    16,
  );
  assert.equal(error.message, 'mount("/dev/vda1", "/mnt", NULL, MS_RDONLY): EBUSY (device or resource busy)');
  assert.equal(error.code, "syscall");
  assert.equal(error.errnoName, "EBUSY");
});

test("flags are shown by name, unknown bits as a number, none not at all", () => {
  const names = { A: 1, B: 2 };
  assert.deepEqual(describeFlags(3, names), { word: "A|B" });
  assert.deepEqual(describeFlags(0x12, names), { word: "B|0x10" });
  assert.equal(describeFlags(0, names), undefined);
});
