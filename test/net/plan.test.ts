import assert from "node:assert/strict";
import { test } from "node:test";
import { ipBytes } from "../../src/linux/rtnetlink.ts";
import { decodeMessage, encodeMessage } from "../../src/net/dhcp6packet.ts";
import { ip6Text, parseIfInet6 } from "../../src/net/ip6.ts";
import { bootif, expandIpv6, hexAddress } from "../../src/net/lease.ts";
import { findLink, type Link } from "../../src/net/links.ts";
import { parseKernelIp, parsePlans } from "../../src/net/plan.ts";
import { parseNetrc } from "../../src/netboot/tlscredentials.ts";

test("the kernel's ip= is read in each of its forms", () => {
  const read = (value: string) => {
    const plan = parseKernelIp(value);
    return plan && [plan.method, plan.link, plan.ip, plan.bits, plan.gateway, plan.server, plan.dns.join()];
  };
  assert.deepEqual(read("dhcp"), ["dhcp", null, null, null, null, null, ""]);
  assert.deepEqual(read("off"), ["none", null, null, null, null, null, ""]);
  assert.deepEqual(read("eth1:dhcp"), ["dhcp", "eth1", null, null, null, null, ""]);
  assert.deepEqual(read("::::h:eth0:dhcp"), ["dhcp", "eth0", null, null, null, null, ""]);
  assert.deepEqual(read("10.0.0.5:10.0.0.1:10.0.0.254:255.255.255.0:h:eth0:off:10.0.0.53"), [
    ...["static", "eth0", "10.0.0.5", 24, "10.0.0.254", "10.0.0.1", "10.0.0.53"],
  ]);
  assert.deepEqual(read("10.0.0.5"), ["static", null, "10.0.0.5", 8, null, null, ""]);
  assert.deepEqual(read("[2001:db8::5]::[2001:db8::1]:64::eth0:none"), [
    ...["static", "eth0", "2001:db8::5", 64, "2001:db8::1", null, ""],
  ]);
  assert.equal(read("nonsense here"), null);
});

test("the configuration's network words are read, and wrong ones named", () => {
  const { plans, problems } = parsePlans([
    "52:54:00:00:00:01,dhcp",
    "eth1.7,static,10.0.0.5/24,10.0.0.1",
    "dns,10.0.0.53",
    "eth2,static,10.0.0.5",
    "what",
  ]);
  assert.deepEqual(
    plans.map(({ link, vlan, method, ip, bits, gateway, dns }) => [link, vlan, method, ip, bits, gateway, dns.join()]),
    [
      ["52:54:00:00:00:01", null, "dhcp", null, null, null, "10.0.0.53"],
      ["eth1", 7, "static", "10.0.0.5", 24, "10.0.0.1", "10.0.0.53"],
    ],
  );
  assert.equal(problems.length, 2);
  assert.equal(parsePlans(["no"]).plans[0]!.method, "none");
  assert.equal(parsePlans([]).plans[0]!.method, "auto");
});

test("links are found by name and by hardware address in every usual form", () => {
  const link: Link = { name: "eth0", index: 2, mac: "52:54:00:12:34:56", hardwareType: 1, driver: null };
  for (const wanted of ["eth0", "52:54:00:12:34:56", "52-54-00-12-34-56", "01-52-54-00-12-34-56", "525400123456"]) {
    assert.equal(findLink([link], wanted), link, wanted);
  }
  assert.equal(findLink([link], "eth1"), null);
});

test("addresses are written as bootloaders and the kernel write them", () => {
  assert.equal(hexAddress("192.0.2.91"), "C000025B");
  assert.equal(hexAddress("2001:db8::5"), "20010DB8000000000000000000000005");
  assert.equal(hexAddress("300.1.1.1"), null);
  assert.equal(bootif({ mac: "52:54:00:AB:CD:EF", hardwareType: 1 }), "01-52-54-00-ab-cd-ef");
  assert.equal(expandIpv6("::1"), "0000:0000:0000:0000:0000:0000:0000:0001");
  for (const text of ["2001:db8::5", "::1", "fe80::5054:ff:fe12:3456", "1:2:3:4:5:6:7:8", "::"]) {
    assert.equal(ip6Text(ipBytes(text)), text);
  }
});

test("the kernel's list of IPv6 addresses is read", () => {
  const text =
    "fe80000000000000505400fffe123456 02 40 20 80 eth0\n20010db8000000000000000000000005 02 40 00 00 eth0\n" +
    "20010db8000000000000000000000006 02 40 00 40 eth0\n00000000000000000000000000000001 01 80 10 80 lo\n";
  assert.deepEqual(
    parseIfInet6(text, "eth0").map(({ ip, isLinkLocal, isTentative }) => [ip, isLinkLocal, isTentative]),
    [
      ["fe80::5054:ff:fe12:3456", true, false],
      ["2001:db8::5", false, false],
      ["2001:db8::6", false, true],
    ],
  );
});

test("DHCPv6 messages come back as they were written", () => {
  const message = { type: 7, id: 0x123456, options: [[59, Buffer.from("http://[2001:db8::1]/x")] as const] };
  const read = decodeMessage(encodeMessage(message))!;
  assert.equal(read.id, 0x123456);
  assert.equal(Buffer.from(read.options[0]![1]).toString(), "http://[2001:db8::1]/x");
});

test("a netrc's names and passwords are each for one scheme, host and port", () => {
  const text =
    "machine Boot.example login me password secret\n# a comment\nmachine b:8443\n login x password y#z\n" +
    "machine http://c:80 login p password q";
  assert.deepEqual(parseNetrc(text), [
    { origin: "https://boot.example", isBare: true, user: "me", password: "secret" },
    { origin: "https://b:8443", isBare: true, user: "x", password: "y#z" },
    { origin: "http://c", isBare: false, user: "p", password: "q" },
  ]);
  assert.deepEqual(parseNetrc("machine : login me password secret"), [], "what names no host is nobody's");
});
