import assert from "node:assert/strict";
import { test } from "node:test";
import { expandSettings, Settings } from "../../../src/formats/ipxe/settings.ts";

/** What the network and the machine say. */
const OUTER: Readonly<Record<string, string>> = {
  mac: "52:54:00:ab:00:01",
  "net0/mac": "52:54:00:ab:00:01",
  ip: "10.0.0.9",
};
const outer = (name: string): string | null => OUTER[name] ?? null;

const expand = (settings: Settings, text: string): string =>
  expandSettings(text, (expression) => settings.get(expression, outer));

test("a value is bytes that each type writes in its own way", () => {
  const settings = new Settings();
  const set = (expression: string, value: string) => assert.equal(settings.set(expression, value), null, expression);
  set("word:hex", "61:62:2c");
  set("n:uint16", "0x1f");
  set("minus:int8", "-2");
  set("b:base64", "YWI=");
  set("addr:ipv4", "10.1.2.3");
  set("six:ipv6", "2001:DB8::1");
  set("raw:hexraw", "0A0b");
  set("dash:hexhyp", "0a-0b");
  assert.equal(expand(settings, "${word:string} ${word:hexhyp} ${word}"), "ab, 61-62-2c 61:62:2c");
  assert.equal(expand(settings, "${n} ${n:int32} ${n:hex} ${n:hexraw}"), "0x1f 31 00:1f 001f");
  assert.equal(
    expand(settings, "${minus} ${minus:uint8} ${b:string} ${raw:hex} ${dash:hexraw}"),
    "-2 0xfe ab 0a:0b 0a0b",
  );
  assert.equal(
    expand(settings, "${addr:hexraw} ${addr:uint32} ${six} ${six:hexraw}"),
    "0a010203 0xa010203 2001:db8::1 20010db8000000000000000000000001",
  );
  assert.equal(
    expand(settings, "${ip:hexraw} ${mac:hexhyp} ${none:hex} ${n:nonsense}"),
    "0a000009 52-54-00-ab-00-01  ",
  );
});

test("what is no value of its type isn't set", () => {
  const settings = new Settings();
  for (const [expression, value] of [
    ["x:hex", "1b5"],
    ["x:uint8", "many"],
    ["net0/ip", "10.0.0"],
    ["x:base64", "???"],
    ["x:nonsense", "1"],
    ["x:uuid", "c0ffee00-1111-2222-3333-444455556666"],
  ] as const)
    assert.notEqual(settings.set(expression, value), null, expression);
  assert.equal(expand(settings, "${x}${net0/ip}"), "");
});

test("blocks: the root sees into all, netX is the card that was opened last, clearing shows what lies below", () => {
  const settings = new Settings();
  settings.set("net1/gateway", "10.1.0.1");
  settings.set("net0/ip", "10.0.3.3");
  assert.equal(expand(settings, "${gateway} ${ip} ${netX/ip} ${net0/gateway}"), "10.1.0.1 10.0.3.3 10.0.3.3 ");
  settings.opened = "net1";
  assert.equal(expand(settings, "${netX/gateway} ${netX/ip}"), "10.1.0.1 ");
  settings.set("ip", "10.9.9.9");
  assert.equal(expand(settings, "${ip} ${net0/ip}"), "10.9.9.9 10.0.3.3");
  settings.set("ip", "");
  settings.set("net0/ip", "");
  assert.equal(expand(settings, "${ip} ${proxydhcp/ip}"), "10.0.0.9 ");
});

test("DHCP's numbers and iPXE's names are the same settings", () => {
  const settings = new Settings();
  settings.set("12:string", "box");
  settings.set("filename", "boot.ipxe");
  settings.set("209:string", "cfg");
  assert.equal(expand(settings, "${hostname} ${67} ${209} ${net0/209}"), "box boot.ipxe cfg ");
});

test("numbers are counted up in their own type, what isn't set from zero, and texts not at all", () => {
  const settings = new Settings();
  settings.set("n:uint8", "0xfe");
  for (const name of ["n", "n", "n", "new"]) assert.equal(settings.add(name, 1, outer), null);
  assert.equal(expand(settings, "${n} ${new}"), "0x1 1");
  settings.set("word", "5");
  assert.match(settings.add("word", 1, outer)!, /it is a string/);
});
