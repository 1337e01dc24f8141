import assert from "node:assert/strict";
import { test } from "node:test";
import { echoes, problems, read } from "./support.ts";

// What `echo` prints here was compared with grub-emu 2.06; emulator.full.test.ts does it again.

test("variables are split into words outside of quotes and kept whole inside", async () => {
  const script = `
function f {
  echo "$#"
  for a in "$@"; do echo "<$a>"; done
}
set x=" a  b "
f $x
f "$x"
f -$x-
f "" '' $unset "$unset" end
`;
  const expected = "2|<a>|<b>|1|< a  b >|2|<-a>|<b->|4|<>|<>|<>|<end>";
  assert.equal((await echoes(script)).join("|"), expected);
});

test("$@ and $* hold the arguments, shift and setparams change them", async () => {
  const script = `
function show { 
  for a in "$@"; do echo -n "<$a>"; done
  echo
}
function g {
  show "$@"
  show "$*"
  show x"$@"y
  shift 2
  show $1 $#
  setparams p "q r"
  show "$@"
}
g "a b" c d
`;
  assert.deepEqual(await echoes(script), ["<a b><c><d>", "<a b c d>", "<xa b><c><dy>", "<d><1>", "<p><q r>"]);
});

test("a translated text has its variables filled in", async () => {
  assert.deepEqual(await echoes(`set v=world\necho $"hello $v \${v} \\$v"`), ["hello world world $v"]);
});

test("break and continue leave as many loops as they are told", async () => {
  const script = `
for i in 1 2 3; do
  for j in a b c; do
    if [ $j = b ]; then continue 2; fi
    if [ $i = 3 ]; then break 2; fi
    echo $i$j
  done
done
for i in 1 2 3 4; do
  if [ $i = 2 ]; then continue; fi
  if [ $i = 4 ]; then break; fi
  echo $i
done
`;
  assert.deepEqual(await echoes(script), ["1a", "2a", "1", "3"]);
});

test("while and until run until their condition says so", async () => {
  const script = `
set n=a
while [ $n != aaaa ]; do n=a$n; echo $n; done
until [ $n = x ]; do echo u; n=x; done
`;
  assert.deepEqual(await echoes(script), ["aa", "aaa", "aaaa", "u"]);
});

test("return ends a function from inside loops, with its status", async () => {
  const script = `
function f {
  for i in 1 2 3; do
    if [ $i = 2 ]; then return 7; fi
    echo $i
  done
  echo never
}
f
echo $?
if f; then echo yes; else echo no; fi
`;
  assert.deepEqual(await echoes(script), ["1", "7", "1", "no"]);
});

test("! turns a status around and $? tells the last one", async () => {
  assert.deepEqual(await echoes("! true\necho $?\n! false\necho $?\nfalse; echo $?\ntrue; echo $?"), [
    "1",
    "0",
    "1",
    "0",
  ]);
});

test("eval runs text as a script", async () => {
  assert.deepEqual(await echoes(`eval "set q=7; echo hi"\necho $q\nset e='echo $q'\neval "$e"`), ["hi", "7", "7"]);
});

test("an unknown command is a warning, told once, and true as in GRUB", async () => {
  const script = "if frobnicate --now; then echo yes; else echo no; fi\nfrobnicate\necho after";
  assert.deepEqual(await echoes(script), ["yes", "after"]);
  assert.deepEqual(problems(await read(script)), ["1:4: unknown command 'frobnicate': it does nothing here"]);
});

test("a device loses its parentheses when it becomes $root", async () => {
  assert.deepEqual(await echoes("set root='(hd0,gpt2)'\necho $root\nset other='(hd0,gpt2)'\necho $other"), [
    "hd0,gpt2",
    "(hd0,gpt2)",
  ]);
});

test("patterns stand for the files that there are, else for themselves", async () => {
  const files = { "/boot/vmlinuz-1": "", "/boot/vmlinuz-2": "", "/boot/initrd.img-1": "", "/other/x": "" };
  const script = `
echo /boot/vmlinuz-*
echo /*/x /bo?t/initrd*
echo /nothing/* "/boot/*" '/boot/*' /boot/\\*
set p=/boot/v*
echo $p "$p"
echo *z
`;
  assert.deepEqual(await echoes(script, files), [
    "/boot/vmlinuz-1 /boot/vmlinuz-2",
    "/other/x /boot/initrd.img-1",
    "/nothing/* /boot/* /boot/* /boot/*",
    "/boot/vmlinuz-1 /boot/vmlinuz-2 /boot/v*",
    "*z",
  ]);
});

// biome-ignore format: a table
const TRUE_TESTS = [
  "a = a", "a == a", "a != b", 'a "<" b', 'b ">" a', 'b ">=" b', 'a "<=" b',
  "10 -eq 0xa", "010 -eq 8", "08 -eq 8", "-5 -lt 3", "5 -gt -3", "5 -ge 5", "5 -le 5", "5 -ne 4", "x -eq 0", "5x -eq 5",
  "vmlinuz-2 -plt vmlinuz-11", "vmlinuz-2.6.11 -pgt vmlinuz-2.6.2", "a -plt a5",
  '-z ""', "-n x", "x", "a -a b", '"" -o b', '! ""', "! a = b", '"(" a -a "" ")" -o b', '"(" a ")" -a "(" b ")"',
  "= =", "-a", "-o", "-f /f", "-e /f", "-e /d", "-d /d", "-s /f", "-e /", "-d /", "! -e /no", "-n = -n", "",
  "/f -nt /no", "/no -ot /f", "/f -nt5 /f", "/f -ot-5 /f", "a = a -a b = b -o c = d",
];
// biome-ignore format: a table
const FALSE_TESTS = [
  "a = b", "a != a", 'b "<" a', "1 -gt 1", "vmlinuz-2 -pgt vmlinuz-11", "-z x", '-n ""', '""', 'a -a ""', "! a",
  "-f /d", "-f /no", "-d /f", "-s /empty", "-e /no", "/f -nt /f", "/no -nt /f", "/f -ot /f",
];

for (const [expressions, expected] of [
  [TRUE_TESTS, "yes"],
  [FALSE_TESTS, "no"],
] as const) {
  test(`test and [ ] say ${expected}: ${expressions.length} expressions`, async () => {
    const files = { "/f": "content", "/empty": "", "/d/x": "" };
    const script = expressions.map((text) => `if [ ${text} ]; then echo yes; else echo no; fi\n`).join("");
    const found = await echoes(script, files);
    assert.deepEqual(
      expressions.filter((_, i) => found[i] !== expected),
      [],
    );
    assert.equal(found.length, expressions.length);
  });
}

test("regexp sets variables from its groups", async () => {
  const script = `
regexp --set 1:a --set=2:b "(.*)-([0-9]+)" "vmlinuz-amd64-12"
echo $a $b $?
regexp --set c "([0-9.]+)" "linux-6.1.0"
echo $c
regexp "^x" "abc"
echo $?
if regexp '\\.iso$' "debian.iso"; then echo iso; fi
`;
  assert.deepEqual(await echoes(script), ["vmlinuz-amd64 12 0", "6.1.0", "1", "iso"]);
});

test("probe tells what the volume is", async () => {
  const script = `
probe --set=u --fs-uuid $root
probe -s l -l ($root)
probe --fs --set t $root
probe --partmap --set m $root
probe --part-uuid --set p $root
echo $u $l $t $m $p
`;
  const fields = {
    uuid: "abcd",
    label: "DISK",
    type: "vfat",
    partuuid: "11-22",
    partition: 2,
    scheme: "gpt",
    disk: "vda",
  };
  assert.deepEqual(await echoes(script, {}, { ...fields, scheme: "gpt" }), ["abcd DISK fat gpt 11-22"]);
});

test("source reads on in the same variables, and a file that is missing is told", async () => {
  const files = { "/a.cfg": "set x=from-a\nfunction fa {\n echo in fa\n}\n" };
  assert.deepEqual(
    await echoes("source /a.cfg\necho $x\nfa\n. /a.cfg\nif [ -f /b.cfg ]; then source /b.cfg; fi", files),
    ["from-a", "in fa"],
  );
  const result = await read("source /b.cfg");
  assert.deepEqual(problems(result), ["1:1: source /b.cfg: vda1:/b.cfg is not there"]);
});

test("load_env sets the variables that it is told to", async () => {
  const block = "# GRUB Environment Block\nsaved_entry=two\nnext_entry=\nodd=a\\\\b\\\nc\n".padEnd(1024, "#");
  const script = `
load_env -f /env saved_entry
echo "[$saved_entry] [$odd]"
load_env --file /env
echo "[$odd]"
if load_env -f /missing; then echo yes; else echo no; fi
if load_env -f /bad; then echo yes; else echo no; fi
`;
  assert.deepEqual(await echoes(script, { "/env": block, "/bad": "hello" }), ["[two] []", "[a\\b", "c]", "no", "no"]);
});
