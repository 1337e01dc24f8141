/** Baton's network against real servers (dnsmasq) in network namespaces: links, addresses, and what leases lead to. */

import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { oneCable, type World } from "./namespaces.ts";

const MENU = "DEFAULT linux\nLABEL linux\n  KERNEL vmlinuz\n  APPEND quiet\n  SYSAPPEND 3\n";
const NO_DNS = "--port=0";

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
    ...[NO_DNS, "--interface=s0", "--bind-interfaces", "--dhcp-range=10.77.0.50,10.77.0.99,1h"],
    ...["--dhcp-boot=boot/pxelinux.0", "--enable-tftp", `--tftp-root=${root}`],
    ...["--dhcp-option=3,10.77.0.254", "--dhcp-option=6,10.77.0.53", "--domain=example.org", "--dhcp-option=26,1400"],
    ...["--dhcp-option=28,10.77.0.200", "--dhcp-option=42,10.77.0.123", "--dhcp-option=119,a.example,b.example"],
    ...["--dhcp-option=121,10.88.0.0/16,10.77.0.2,0.0.0.0/0,10.77.0.254"],
    "--dhcp-host=52:54:00:00:00:01,10.77.0.60,node1",
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
