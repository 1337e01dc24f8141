import fc from "fast-check";
import { ipxe } from "../../src/formats/ipxe/ipxe.ts";
import { assertWellFormed } from "../formats/invariants.ts";
import { contextOf, treeVolume } from "../formats/tree.ts";
import { damaged, fuzz } from "./campaign.ts";

const word = fc.constantFrom(
  "a",
  "b",
  "k",
  "x",
  "${x}",
  "${${x}:hexhyp}",
  "&&",
  "||",
  ";",
  "#",
  "--default",
  "--key",
  "1",
  "\\",
);
const target = fc.constantFrom("a", "b", "c", "${x}", "boot.ipxe", "next.ipxe", "k", "http://h/k", "k.0", "");
const command = fc.oneof(
  target.map((t) => `goto ${t}`),
  target.map((t) => `:${t}`),
  target.map((t) => `kernel ${t} q`),
  target.map((t) => `initrd --name ${t} ${t}`),
  target.map((t) => `chain ${t} || goto a`),
  target.map((t) => `item --key k ${t} Text ${t}`),
  fc.constantFrom(
    "menu M",
    "choose --timeout 9 x && goto ${x}",
    "choose x",
    "boot",
    "boot ||",
    "imgfree",
    "imgfree a b",
    "imgextract --name a k",
    "md5sum a b",
    "form F",
    "present",
    "login",
    "params --name a",
    "param --params a k ${x}",
    "chain http://h/k##params=a",
    "choose --keep --retimeout 9 net0/x:hex && goto ${netX/x:string}",
    "exit",
    "shell",
  ),
  fc.constantFrom(
    "prompt --key m --timeout 5 Q && goto a ||",
    "read x",
    "inc x",
    "set x a",
    "set x:hex 61:62",
    "set net0/x:uint8 0x99",
    "set x ${x:base64}${x:int32}${cwduri}",
    "inc x:int8 0x7f",
    "clear x",
    "isset ${x} || goto b",
  ),
  fc.array(word, { maxLength: 5 }).map((words) => words.join(" ")),
);
const script = fc.array(command, { maxLength: 30 }).map((commands) => `#!ipxe\n${commands.join("\n")}\n`);

await fuzz({
  name: "ipxe",
  input: fc.record({ first: damaged(script), next: damaged(script) }),
  async check({ first, next }) {
    const volume = treeVolume({ "/boot.ipxe": first, "/next.ipxe": next, "/k": "k" });
    assertWellFormed(await ipxe.parse("/boot.ipxe", contextOf(volume)));
  },
});
