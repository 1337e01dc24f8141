/** Baton's network against real servers (dnsmasq) in network namespaces: links, addresses, and what leases lead to. */

import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test as anyTest, type TestContext } from "node:test";
import { oneCable, onSwitch, type Place, type World, whyNoNamespaces } from "./namespaces.ts";

const skip = (await whyNoNamespaces()) ?? false;
const test = (name: string, body: (t: TestContext) => Promise<void>): void => void anyTest(name, { skip }, body);

const MENU = "DEFAULT linux\nLABEL linux\n  KERNEL vmlinuz\n  APPEND quiet\n  SYSAPPEND 3\n";
const MAC = "52:54:00:00:00:01";
/** Words for a server on a server's eth0. */
const ON_SWITCH = ["--port=0", "--interface=eth0", "--bind-interfaces"];
const ON_CABLE = ["--port=0", "--interface=s0", "--bind-interfaces"];
const RANGE = "--dhcp-range=10.77.0.50,10.77.0.99,1h";

/** A TFTP tree. */
function tree(world: World, files: Readonly<Record<string, string>>): string {
  const directory = join(world.directory, "tftp");
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(directory, path)), { recursive: true });
    writeFileSync(join(directory, path), text);
  }
  return directory;
}

test("DHCP with every option, and the PXELINUX tree that it names", async (t) => {
  const { world, server, machine } = await oneCable(t);
  const root = tree(world, { "boot/pxelinux.cfg/01-52-54-00-00-00-01": MENU });
  await server.dnsmasq(
    ...[...ON_CABLE, RANGE],
    ...["--dhcp-boot=boot/pxelinux.0", "--enable-tftp", `--tftp-root=${root}`],
    ...["--dhcp-option=3,10.77.0.254", "--dhcp-option=6,10.77.0.53", "--domain=example.org", "--dhcp-option=26,1400"],
    ...["--dhcp-option=28,10.77.0.200", "--dhcp-option=42,10.77.0.123", "--dhcp-option=119,a.example,b.example"],
    ...["--dhcp-option=121,10.88.0.0/16,10.77.0.2,0.0.0.0/0,10.77.0.254"],
    `--dhcp-host=${MAC},10.77.0.60,node1`,
  );
  const client = await machine.baton({ network: ["eth0,dhcp"] });
  const { failure, leases, entries, resolvConf } = await client.result();
  assert.equal(failure, null);
  const { ip, netmask, gateway, hostname, domain, search, mtu, broadcast, ntp, file, dhcpServer } = leases[0]!;
  assert.deepEqual(
    { ip, netmask, gateway, hostname, domain, search, mtu, broadcast, ntp, file, dhcpServer },
    {
      ...{ ip: "10.77.0.60", netmask: "255.255.255.0", gateway: "10.77.0.254", hostname: "node1" },
      ...{ domain: "example.org", search: ["a.example", "b.example"], mtu: 1400, broadcast: "10.77.0.200" },
      ...{ ntp: ["10.77.0.123"], file: "boot/pxelinux.0", dhcpServer: "10.77.0.1" },
    },
  );
  assert.match(resolvConf, /^nameserver 10\.77\.0\.53\nsearch a\.example b\.example\n/);
  assert.match(await machine.run("ip", "addr", "show", "eth0"), /mtu 1400[\s\S]*10\.77\.0\.60\/24 brd 10\.77\.0\.200/);
  const routes = await machine.run("ip", "route");
  assert.match(routes, /^default via 10\.77\.0\.254 dev eth0/m);
  assert.match(routes, /^10\.88\.0\.0\/16 via 10\.77\.0\.2 dev eth0/m);
  const [entry] = entries;
  assert.equal(entry?.linux, "tftp://10.77.0.1/boot/vmlinuz");
  assert.equal(
    entry?.options,
    "BOOT_IMAGE=vmlinuz quiet ip=10.77.0.60:10.77.0.1:10.77.0.254:255.255.255.0 BOOTIF=01-52-54-00-00-00-01",
  );
});

test("a proxy's boot file beside another server's address: named in its offer, or asked for on port 4011", async (t) => {
  for (const firmware of ["pc", "efi"] as const) {
    const { world, machine, servers } = await onSwitch(t, "10.77.0.1/24", "10.77.0.2/24");
    const root = tree(world, { "pxelinux.cfg/default": MENU });
    await servers[0]!.dnsmasq(...ON_SWITCH, RANGE);
    const proxy = await servers[1]!.dnsmasq(
      ...[...ON_SWITCH, "--dhcp-range=10.77.0.0,proxy", "--enable-tftp", `--tftp-root=${root}`],
      ...["--pxe-service=x86PC,Legacy,pxelinux", "--pxe-service=x86-64_EFI,Modern,bootx64.efi"],
    );
    const client = await machine.baton({ firmware, network: ["eth0,dhcp"] });
    const { failure, leases, entries } = await client.result();
    assert.equal(failure, null, `${client.text}\n${proxy.text}`);
    assert.equal(leases[0]!.dhcpServer, "10.77.0.1");
    assert.equal(leases[0]!.server, "10.77.0.2");
    assert.equal(entries[0]?.linux, "tftp://10.77.0.2/vmlinuz");
  }
});

test("a proxy with a menu: its first choice is taken, and said", async (t) => {
  const { world, machine, servers } = await onSwitch(t, "10.77.0.1/24", "10.77.0.2/24");
  const root = tree(world, { "pxelinux.cfg/default": MENU });
  await servers[0]!.dnsmasq(...ON_SWITCH, RANGE);
  await servers[1]!.dnsmasq(
    ...[...ON_SWITCH, "--dhcp-range=10.77.0.0,proxy", "--enable-tftp", `--tftp-root=${root}`],
    ...["--pxe-prompt=Choose,10", "--pxe-service=x86PC,Install,pxelinux", "--pxe-service=x86PC,Local disk"],
  );
  const client = await machine.baton({ firmware: "pc", network: ["eth0,dhcp"] });
  const { failure, entries } = await client.result();
  assert.equal(failure, null, client.text);
  assert.equal(entries[0]?.linux, "tftp://10.77.0.2/vmlinuz");
  assert.match(client.text, /menu begins with 'Install'/);
});

test("a server behind a relay", async (t) => {
  const { world, machine, servers } = await onSwitch(t, "10.77.0.254/24");
  const [router] = servers;
  const server = await world.place();
  await world.cable(server, "eth0", router!, "eth1");
  await server.ip("addr add 10.88.0.1/24 dev eth0", "link set eth0 up", "route add default via 10.88.0.254");
  await router!.ip("addr add 10.88.0.254/24 dev eth1", "link set eth1 up");
  await router!.run("sh", "-c", "echo 1 >/proc/sys/net/ipv4/ip_forward");
  await server.dnsmasq(...ON_SWITCH, RANGE, "--dhcp-option=3,10.77.0.254", "--dhcp-boot=tftp://10.88.0.1/x/");
  await router!.dnsmasq("--port=0", "--dhcp-relay=10.77.0.254,10.88.0.1");
  const lease = await (await machine.baton({ network: ["eth0,dhcp"] })).lease();
  assert.deepEqual([lease.gateway, lease.url], ["10.77.0.254", "tftp://10.88.0.1/x/"]);
  assert.match(lease.ip!, /^10\.77\.0\./);
});

test("of two servers the one that says what to boot is taken", async (t) => {
  const { machine, servers } = await onSwitch(t, "10.77.0.1/24", "10.77.0.2/24");
  const [first, second] = servers;
  await first!.dnsmasq(...ON_SWITCH, RANGE, "--dhcp-option=3,10.77.0.1");
  await second!.dnsmasq(...ON_SWITCH, "--dhcp-range=10.77.0.150,10.77.0.199,1h", "--dhcp-boot=tftp://10.77.0.2/x/");
  const client = await machine.baton({ network: ["eth0,dhcp"] });
  assert.equal((await client.lease()).dhcpServer, "10.77.0.2");
  assert.match(
    client.text,
    /2 DHCP servers answer; 10\.77\.0\.2 is taken, since it offers more; left aside: 10\.77\.0\.1\n/,
  );
});

test("a second server with a boot file of its own is told of", async (t) => {
  const { machine, servers } = await onSwitch(t, "10.77.0.1/24", "10.77.0.2/24");
  const [first, second] = servers;
  await first!.dnsmasq(...ON_SWITCH, RANGE, "--dhcp-boot=tftp://10.77.0.1/x/", "--dhcp-option=3,10.77.0.1");
  await second!.dnsmasq(
    ...[...ON_SWITCH, "--dhcp-range=10.77.0.150,10.77.0.199,1h", "--dhcp-boot=tftp://10.77.0.2/evil/"],
    ...["--dhcp-option=3", "--dhcp-option=6"],
  );
  const client = await machine.baton({ network: ["eth0,dhcp"] });
  assert.equal((await client.lease()).dhcpServer, "10.77.0.1");
  assert.match(client.text, /10\.77\.0\.1 is taken, since it offers more; .*More than one says what to boot/);
});

test("nothing at the other end of the cable; a cable that is plugged in later is used all the same", async (t) => {
  const { world, server, machine } = await oneCable(t);
  await server.ip("link set s0 down");
  const root = tree(world, { "pxelinux.cfg/default": MENU });
  await server.dnsmasq("--port=0", RANGE, "--dhcp-boot=pxelinux.0", "--enable-tftp", `--tftp-root=${root}`);
  const client = await machine.baton({ carrierMs: 1500, addressMs: 10_000 });
  const { failure, leases } = await client.result();
  assert.equal(failure, "eth0: no carrier within 1.5 s: no cable, or nothing at its other end");
  assert.equal(leases.length, 0);
  await server.ip("link set s0 up");
  await client.waitFor(/tftp:\/\/10\.77\.0\.1\/pxelinux\.cfg\/default: 1 entries\n(log.*\n)*changed/);
});

test("nobody answers: each way is named", async (t) => {
  const { server, machine } = await oneCable(t);
  await server.run("sh", "-c", "echo 1 >/proc/sys/net/ipv6/conf/s0/disable_ipv6");
  const { failure } = await (await machine.baton({ addressMs: 2500 })).result();
  assert.equal(
    failure,
    "eth0: no DHCP server gave an address within 3 s (nobody answered); " +
      "eth0: no IPv6 router advertised a network within 3 s, and no DHCPv6 server gave an address",
  );
});

test("a server that refuses every request", async (t) => {
  const { server, machine } = await oneCable(t);
  await server.ip("route add 255.255.255.255 dev s0");
  await server.program("nak.ts");
  const { failure } = await (await machine.baton({ network: ["eth0,dhcp"], addressMs: 15_000 })).result();
  assert.match(
    failure!,
    /^eth0: the DHCP server 10\.77\.0\.1 takes its offer back \(NAK: no room\), 3 times; look at its log$/,
  );
});

test("a lease without a boot file says which options would name one", async (t) => {
  const { server, machine } = await oneCable(t);
  await server.dnsmasq(...ON_CABLE, RANGE);
  const { failure } = await (await machine.baton({ network: ["eth0,dhcp"] })).result();
  assert.match(
    failure!,
    /^DHCP from 10\.77\.0\.1 on eth0: the lease names no boot file: neither next-server with a file name, nor options 67, 209, 210,/,
  );
});

test("a server for HTTP boot alone answers clients that say so", async (t) => {
  const { server, machine } = await oneCable(t);
  await server.dnsmasq(
    ...[...ON_CABLE, RANGE, "--dhcp-vendorclass=set:http,HTTPClient", "--dhcp-pxe-vendor=PXEClient,HTTPClient"],
    ...["--dhcp-option-force=tag:http,60,HTTPClient", "--dhcp-boot=tag:http,http://10.77.0.1/boot.efi"],
  );
  const lease = await (await machine.baton({ network: ["eth0,dhcp"] })).lease();
  assert.equal(lease.url, "http://10.77.0.1/boot.efi");
});

test("an address is renewed while Baton runs; when the server is gone another one gives the next", async (t) => {
  const { machine, servers } = await onSwitch(t, "10.77.0.1/24", "10.77.0.2/24");
  const [first, second] = servers;
  const server = await first!.dnsmasq(
    ...[...ON_SWITCH, "--dhcp-range=10.77.0.50,10.77.0.99,2m", "--dhcp-boot=tftp://10.77.0.1/x/"],
    ...["--dhcp-option-force=option:T1,3", "--dhcp-option-force=option:T2,6"],
  );
  const client = await machine.baton({ network: ["eth0,dhcp"] });
  const { ip } = await client.lease();
  await client.waitFor(/is renewed by 10\.77\.0\.1/);
  // A server that knows nothing of the lease, in its place: it refuses, and gives a new one.
  server.child.kill("SIGKILL");
  await second!.dnsmasq(
    ...[...ON_SWITCH, "--dhcp-range=10.77.0.150,10.77.0.199,1h", "--dhcp-boot=tftp://10.77.0.2/y/"],
  );
  await client.waitFor(/the DHCP server 10\.77\.0\.2 takes \S+ back \(NAK\)/);
  await client.waitFor(/DHCP from 10\.77\.0\.2 on eth0: 10\.77\.0\.1\d\d/);
  assert.doesNotMatch(await machine.run("ip", "addr", "show", "eth0"), new RegExp(`${ip!}/`));
});

test("several cards at once: each has its address, and the one that Baton came by (BOOTIF=) is used first", async (t) => {
  const { world, server, machine } = await oneCable(t);
  await world.cable(server, "s1", machine, "eth1", "52:54:00:00:00:02");
  await server.ip("addr add 10.78.0.1/24 dev s1", "link set s1 up");
  await server.dnsmasq(
    ...["--port=0", "--interface=s0", "--interface=s1", RANGE, "--dhcp-range=10.78.0.50,10.78.0.99,1h"],
    "--dhcp-boot=tftp://10.78.0.1/x/",
  );
  const client = await machine.baton({ cmdline: "BOOTIF=01-52-54-00-00-00-02 ip=dhcp" });
  const { leases } = await client.result();
  assert.deepEqual(leases.map((lease) => lease.interface).sort(), ["eth0", "eth1"]);
  const routes = await machine.run("ip", "route");
  assert.match(routes, /^default via 10\.78\.0\.1 dev eth1 .*metric 100/m);
  assert.match(routes, /^default via 10\.77\.0\.1 dev eth0 .*metric 101/m);
});

test("static addresses, IPv4 and IPv6, by configuration and by ip=", async (t) => {
  const { world, server, machine } = await oneCable(t);
  await server.ip("addr add 2001:db8::1/64 dev s0 nodad");
  const root = tree(world, { "menu.ipxe": "#!ipxe\nkernel vmlinuz\nboot\n" });
  await server.dnsmasq(...["--port=0", "--enable-tftp", `--tftp-root=${root}`, "--tftp-no-blocksize"]);
  const four = await machine.baton({
    network: ["eth0,static,10.77.0.60/24,10.77.0.1", "dns,10.77.0.53"],
    url: "tftp://10.77.0.1/menu.ipxe",
  });
  const { failure, leases, entries, resolvConf } = await four.result();
  assert.equal(failure, null);
  assert.deepEqual(
    [leases[0]!.ip, leases[0]!.netmask, leases[0]!.gateway],
    ["10.77.0.60", "255.255.255.0", "10.77.0.1"],
  );
  assert.match(resolvConf, /^nameserver 10\.77\.0\.53\n/);
  assert.equal(entries[0]!.linux, "tftp://10.77.0.1/vmlinuz");
  four.child.kill("SIGKILL");

  await machine.ip("addr flush dev eth0");
  const six = await machine.baton({
    cmdline: "ip=[2001:db8::60]::[2001:db8::1]:64::eth0:off",
    url: "tftp://[2001:db8::1]/menu.ipxe",
  });
  const answer = await six.result();
  assert.equal(answer.failure, null);
  assert.equal(answer.leases[0]!.prefixLength, 64);
  assert.equal(answer.entries[0]!.linux, "tftp://[2001:db8::1]/vmlinuz");
});

/** A place that is IPv6's alone: 2001:db8::1. */
async function sixAlone(t: TestContext): Promise<{ world: World; server: Place; machine: Place }> {
  const places = await oneCable(t);
  await places.server.ip("addr flush dev s0", "addr add 2001:db8::1/64 dev s0 nodad");
  return places;
}

const SIX_ON_CABLE = ["--port=0", "--interface=s0", "--enable-ra", "--ra-param=s0,4,60"];

test("IPv6 by DHCPv6: an address, name servers, and the boot file's URL with its parameters", async (t) => {
  const { world, server, machine } = await sixAlone(t);
  const root = tree(world, { "boot.ipxe": "#!ipxe\nkernel vmlinuz ip6=${net0/ip}\nboot\n" });
  await server.dnsmasq(
    ...[...SIX_ON_CABLE, "--dhcp-range=2001:db8::50,2001:db8::99,64,1h", "--enable-tftp", `--tftp-root=${root}`],
    ...["--dhcp-option=option6:59,tftp://[2001:db8::1]/boot.ipxe", "--dhcp-option=option6:dns-server,[2001:db8::53]"],
    ...["--dhcp-option=option6:domain-search,six.example", "--dhcp-option=option6:sntp-server,[2001:db8::123]"],
  );
  const client = await machine.baton({ addressMs: 20_000 });
  const { failure, leases, entries } = await client.result();
  assert.equal(failure, null, client.text);
  const { ip, url, dns, search, ntp } = leases[0]!;
  assert.match(ip!, /^2001:db8::[5-9][0-9a-f]$/);
  assert.deepEqual(
    { url, dns, search, ntp },
    {
      ...{
        url: "tftp://[2001:db8::1]/boot.ipxe",
        dns: ["2001:db8::53"],
        search: ["six.example"],
        ntp: ["2001:db8::123"],
      },
    },
  );
  assert.deepEqual(
    entries.map(({ linux, options }) => [linux, options]),
    [["tftp://[2001:db8::1]/vmlinuz", `ip6=${ip}`]],
  );
});

test("IPv6 by advertisement alone: address, name servers and search list are the router's", async (t) => {
  const { world, server, machine } = await sixAlone(t);
  const root = tree(world, { "boot.ipxe": "#!ipxe\nkernel vmlinuz\nboot\n" });
  await server.dnsmasq(
    ...[...SIX_ON_CABLE, "--dhcp-range=2001:db8::,ra-only", "--enable-tftp", `--tftp-root=${root}`],
    ...["--dhcp-option=option6:dns-server,[2001:db8::53]", "--dhcp-option=option6:domain-search,six.example"],
  );
  const client = await machine.baton({ url: "tftp://[2001:db8::1]/boot.ipxe", addressMs: 20_000 });
  const { failure, leases, resolvConf } = await client.result();
  assert.equal(failure, null, client.text);
  assert.match(leases[0]!.ip!, /^2001:db8::5054:ff:fe00:1$/);
  assert.match(resolvConf, /^nameserver 2001:db8::53\nsearch six\.example\n/);
});

test("DHCPv6 without any router", async (t) => {
  const { server, machine } = await sixAlone(t);
  await server.dnsmasq(
    ...["--port=0", "--interface=s0", "--dhcp-range=2001:db8::50,2001:db8::99,64,1h"],
    "--dhcp-option=option6:59,tftp://[2001:db8::1]/x/",
  );
  const client = await machine.baton({ addressMs: 8_000 });
  const lease = await client.lease();
  assert.equal(lease.prefixLength, 64);
  assert.match(client.text, /no router says how large the network of \S+ is; taken as \/64/);
});

test("a name server that is dead or knows no such name is named with the name that was asked for", async (t) => {
  const { server, machine } = await oneCable(t);
  const url = "http://boot.example/menu.ipxe";
  await server.dnsmasq("--interface=s0", "--bind-interfaces", "--local=/example/");
  const network = ["eth0,static,10.77.0.60/24,10.77.0.1", "dns,10.77.0.1"];
  const unknown = await machine.baton({ network, url });
  assert.match((await unknown.result()).failure!, /the name boot\.example is not known to the DNS server/);
  unknown.child.kill("SIGKILL");
  const dead = await machine.baton({ network: [network[0]!, "dns,10.77.0.99"], url });
  assert.match((await dead.result()).failure!, /no DNS server answers for boot\.example/);
});
