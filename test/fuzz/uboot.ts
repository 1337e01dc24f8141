import { Buffer } from "node:buffer";
import fc from "fast-check";
import { crc32 } from "../../src/binary/crc.ts";
import { EntryList } from "../../src/formats/entrylist.ts";
import { COMMANDS } from "../../src/formats/uboot/commands.ts";
import { ScriptEnd, ScriptRun } from "../../src/formats/uboot/run.ts";
import { uboot } from "../../src/formats/uboot/uboot.ts";
import { assertWellFormed } from "../formats/invariants.ts";
import { contextOf, treeVolume } from "../formats/tree.ts";
import { damaged, fuzz } from "./campaign.ts";

const word = fc.constantFrom(
  ...[
    "$a",
    "${a}",
    '"$a"',
    "'$a'",
    "a",
    "1000",
    "mmc",
    "0:1",
    "0:1000000000",
    "k",
    "../k",
    "-e",
    "-t",
    "=",
    "!=",
    "-o",
    "!",
    "\\",
  ],
  ...["in", "a=1", "-", "$?", "${", '"', "0x", "$filesize", "e.txt"],
);
const command = fc.constantFrom(...COMMANDS.keys(), "frob", "a=$a$a");
const simple = fc.tuple(command, fc.array(word, { maxLength: 5 })).map(([name, words]) => [name, ...words].join(" "));
const piece = fc.oneof(
  { weight: 6, arbitrary: simple },
  fc.constantFrom(
    ...[
      "if",
      "then",
      "else",
      "elif",
      "fi",
      "for i in a b; do",
      "while true; do",
      "until false; do",
      "done",
      "&&",
      "||",
      "#",
      ";",
    ],
    ...["load mmc 0 1000 k", "booti 1000 - 2000", "env import -t 1000", "setenv r 'run r'", "run r", "run a"],
    ...["setenv bootmenu_0 'a=run r; booti 1000'", "setenv bootmenu_1 'b=bootmenu'", "bootmenu -1"],
  ),
);
const text = fc.array(piece, { maxLength: 30 }).map((pieces) => pieces.join("\n"));

await fuzz({
  name: "uboot",
  input: fc.record({ script: damaged(text), environment: damaged(text) }),
  async check({ script, environment }) {
    const uenv = Buffer.concat([Buffer.from("uenvcmd="), environment]);
    const volume = treeVolume({ "/boot.scr": script, "/uEnv.txt": uenv, "/e.txt": environment, "/k": "k" });
    const saved = Buffer.concat([
      Buffer.alloc(4),
      Buffer.from(`bootcmd=${Buffer.from(script).toString("latin1")}\0\0`, "latin1"),
    ]);
    saved.writeUInt32LE(crc32(saved.subarray(4)), 0);
    const other = treeVolume({ "/uboot.env": saved, "/k": "k" });
    assertWellFormed(await uboot.parse("/uboot.env", contextOf(other)));
    for (const path of ["/boot.scr", "/uEnv.txt"]) assertWellFormed(await uboot.parse(path, contextOf(volume)));
    const run = new ScriptRun(new EntryList("/boot.scr", contextOf(volume)), COMMANDS);
    await run.script(Buffer.from(script).toString("utf8")).catch((error: unknown) => {
      if (!(error instanceof ScriptEnd)) throw error;
    });
  },
});
