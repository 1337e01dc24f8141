import assert from "node:assert/strict";
import { machine } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { getopt } from "../../../src/commands/kexec/getopt.ts";
import { loadKernel } from "../../../src/commands/kexec/load.ts";
import { defaultCall, type KexecPlan, readKexecArguments } from "../../../src/commands/kexec/options.ts";

function plan(...args: string[]): KexecPlan {
  const answer = readKexecArguments(args, "auto");
  assert.equal(answer.is, "plan", args.join(" "));
  return (answer as { plan: KexecPlan }).plan;
}

/** The steps that are taken, in their order. */
function steps(...args: string[]): string {
  const found = plan(...args);
  const names = ["unload", "load", "shutdown", "sync", "ifdown", "exec"] as const;
  return [...(found.status ? [`status ${found.status}`] : []), ...names.filter((name) => found[name])].join(" ");
}

test("each option leads to the steps that kexec(8) takes", () => {
  const cases: readonly (readonly [string, string])[] = [
    ["vmlinuz", "load shutdown sync"],
    ["-l vmlinuz", "load sync"],
    ["-f vmlinuz", "load sync ifdown exec"],
    ["-e", "sync ifdown exec"],
    ["-e -x", "sync exec"],
    ["-y -e", "ifdown exec"],
    ["-fxy vmlinuz", "load exec"],
    ["-l vmlinuz -e", "sync ifdown exec"],
    ["-p vmlinuz", "load"],
    ["-u", "unload"],
    ["-p -u", "unload"],
    ["-S", "status crash"],
    ["-S -l", "status kexec"],
    ["-l -p -S", "status crash"],
    ["-S -e", "status crash"],
  ];
  for (const [line, expected] of cases) assert.equal(steps(...line.split(" ")), expected, line);
  assert.equal(plan("-p", "-u").crash, true);
});

test("the call that loads is the last one named, else -a, and -c where the environment says so", () => {
  assert.equal(plan("-l", "k").call, "auto");
  assert.equal(plan("-s", "-l", "k").call, "file");
  assert.equal(plan("-s", "-c", "-l", "k").call, "classic");
  assert.equal(plan("-c", "--kexec-syscall-auto", "-l", "k").call, "auto");
  assert.equal(defaultCall("c"), "classic");
  assert.equal(defaultCall("s"), "file");
  assert.equal(defaultCall(undefined), "auto");
});

test("what the new kernel gets", () => {
  const args = ["-l", "k", "--append=a b", "--initrd", "i", "--module=m 1", "--module=n", "--dtb=d", "-t", "bzImage64"];
  const found = plan(...args, "--mem-min=0x100000", "--mem-max=010", "--entry=12");
  assert.equal(found.kernel, "k");
  assert.equal(found.append, "a b");
  assert.equal(found.initrd, "i");
  assert.deepEqual(found.modules, ["m 1", "n"]);
  assert.equal(found.devicetree, "d");
  assert.equal(found.type, "bzImage64");
  assert.deepEqual([found.memoryMinimum, found.memoryMaximum, found.entry], [0x100000n, 8n, 12n]);
  assert.equal(plan("-l", "k", "--command-line=x", "--append=y").append, "y");
  assert.equal(plan("-l", "--ramdisk=r", "k").initrd, "r");
});

test("what kexec(8) refuses is refused with its words and exit codes", () => {
  const answer = (...args: string[]) => readKexecArguments(args, "auto");
  assert.deepEqual(answer("--mem-min=5x"), { is: "help", complaint: "Bad option value in --mem-min=5x", code: 1 });
  assert.deepEqual(answer("--nonsense"), { is: "help", complaint: "kexec: unrecognized option '--nonsense'", code: 1 });
  assert.deepEqual(answer("-e", "--append=x"), { is: "help", complaint: null, code: 1 });
  assert.deepEqual(answer("-h", "--nonsense"), { is: "help", complaint: null, code: 0 });
  assert.equal(answer("-v").is, "version");
  assert.equal(answer("--load-preserve-context", "k").is, "refused");
  assert.equal(answer("--load-preserve-context", "--mem-max=0x1000000", "-s", "k").is, "refused");
  assert.equal(plan("--load-preserve-context", "--mem-max=0x1000000", "k").call, "classic");
  assert.equal(answer("-l", "--real-mode", "k").is, "refused");
});

const KNOWN = [
  { name: "all", id: "all", short: "a" },
  { name: "append", id: "append", takesValue: true },
  { name: "application", id: "application" },
  { name: "type", id: "type", takesValue: true, short: "t" },
];

test("getopt takes bundled letters, beginnings of names, values in both forms, and options behind operands", () => {
  const { options, operands, complaint } = getopt(["x", "-at5", "--appe", "v", "--type=7", "y", "--", "-a"], KNOWN);
  assert.deepEqual(
    options.map(({ id, value }) => `${id}=${value}`),
    ["all=", "type=5", "append=v", "type=7"],
  );
  assert.deepEqual(operands, ["x", "y", "-a"]);
  assert.equal(complaint, null);
});

test("getopt complains as getopt_long(3) does", () => {
  const cases: readonly (readonly [string, string])[] = [
    ["--zzz", "unrecognized option '--zzz'"],
    ["-z", "invalid option -- 'z'"],
    ["--append", "option '--append' requires an argument"],
    ["-t", "option requires an argument -- 't'"],
    ["--all=1", "option '--all' doesn't allow an argument"],
    ["--app", "option '--app' is ambiguous; possibilities: '--append' '--application'"],
  ];
  for (const [word, expected] of cases) assert.equal(getopt([word], KNOWN).complaint, expected);
});

test("what boot loaders wrap is taken out before it is looked at, and --type may name it or what is inside", {
  skip: machine() === "aarch64" && "it would load",
}, async () => {
  const said = async (file: string, ...options: string[]): Promise<string> => {
    const told: string[] = [];
    const path = join(import.meta.dirname, "../../images/uboot", file);
    await loadKernel(plan("-c", "-l", ...options, path), "", (text) => told.push(text));
    return told.join("\n");
  };
  for (const options of [[], ["-t", "uImage"], ["-t", "Image"]]) {
    assert.match(await said("uImage", ...options), /^Cannot load .*: it is Linux \(arm64 Image\)$/);
  }
  assert.match(await said("uImage", "-t", "bzImage"), /^Wrong file type bzImage, file matches type Image/);
  assert.match(await said("board.itb"), /'conf-1' is for aarch64/);
  assert.match(await said("../android/boot-v0.img"), /it is Linux \(arm64 Image\)$/);
  assert.match(await said("uInitrd"), /a U-Boot image of a ramdisk, and a kernel is wanted/);
});
