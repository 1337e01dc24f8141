/**
 * Fetching over a network that loses, doubles, delays and reorders what passes it, HTTP as well as TFTP; from names with
 * a dead address; without DNS. Network namespaces, and the real dnsmasq, atftpd and nginx.
 */

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { debianPackages } from "../../initramfs/debian.ts";
import { ROOT } from "../vm/host.ts";
import { Output, type Place, World } from "../vm/namespaces.ts";
import { startNginxIn } from "./nginx.ts";
import type { Faults } from "./relay.ts";
import { sha256 } from "./tftpclient.ts";

/** Of a machine under test, and of the server. */
const OWN = { v4: "10.77.0.2", v6: "fd77::2" };
const SERVER = { v4: "10.77.0.1", v6: "fd77::1" };
const TSX = import.meta.resolve("tsx");
const PROGRAMS = join(ROOT, "test/fetch/programs");

interface Network {
  readonly world: World;
  readonly server: Place;
  readonly machine: Place;
}

/** Two places with a bad cable between them. */
async function badCable(t: TestContext, faults: Faults): Promise<Network> {
  const world = new World(t);
  const [cable, server, machine] = [await world.place(), await world.place(), await world.place()];
  const words = ["--import", TSX, join(PROGRAMS, "badcable.ts"), JSON.stringify(faults)];
  await new Output(cable.start(process.execPath, ...words)).waitFor(/^ready$/m);
  const ends = [
    ["t0", server, SERVER],
    ["t1", machine, OWN],
  ] as const;
  for (const [device, place, { v4, v6 }] of ends) {
    await cable.ip(`link set ${device} netns ${place.pid} name eth0`);
    await place.ip(`addr add ${v4}/24 dev eth0`, `addr add ${v6}/64 dev eth0 nodad`, "link set eth0 up");
  }
  return { world, server, machine };
}

interface Fetched {
  readonly size?: number;
  readonly sha256?: string;
  readonly code?: string;
  readonly message?: string;
  readonly ms: number;
}

/** What Baton makes of each URL in there. */
async function fetchIn(place: Place, urls: readonly string[]): Promise<Fetched[]> {
  const output = new Output(place.start(process.execPath, "--import", TSX, join(PROGRAMS, "fetch.ts"), ...urls));
  const results: Fetched[] = [];
  for (let from = 0; results.length < urls.length; ) {
    const found = await output.waitFor(/^result (.*)$/m, from);
    results.push(JSON.parse(found[1]!) as Fetched);
    from += found.index + found[0].length;
  }
  return results;
}

/** The place's resolver. */
async function resolver({ world, machine }: Network, address: string): Promise<void> {
  const path = join(world.directory, `resolv-${address}`);
  writeFileSync(path, `nameserver ${address}\noptions timeout:1 attempts:1\n`);
  await machine.run("mount", "--bind", path, "/etc/resolv.conf");
}

const skip = process.getuid?.() === 0 ? false : "needs root";

for (const percent of [0, 5, 20]) {
  test(`files come whole where ${percent} % of all frames are lost, doubled and overtaken`, { skip }, async (t) => {
    const rate = percent / 100;
    const network = await badCable(t, { loss: rate, duplicate: rate, reorder: rate, delay: 3, seed: 5 });
    const { world, server, machine } = network;
    const directory = join(world.directory, "files");
    mkdirSync(directory);
    const bytes = randomBytes(percent === 20 ? 150_000 : 1_000_000);
    // dnsmasq sends a lost block again when it has waited for seconds, and not when it is asked to.
    const few = bytes.subarray(0, percent === 0 ? undefined : 15_000);
    writeFileSync(join(directory, "file"), bytes);
    writeFileSync(join(directory, "few"), few);
    await server.dnsmasq("--port=0", "--enable-tftp", `--tftp-root=${directory}`, "--listen-address=10.77.0.1");
    const { root } = await debianPackages(["atftpd"]);
    server.start(
      join(root, "usr/sbin/atftpd"),
      ...["--daemon", "--no-fork", "--port", "6969", "--user", "root", "--logfile", "-", directory],
    );
    const nginx = await startNginxIn(t, (program, words) => server.start(program, ...words), [
      { host: SERVER.v4, port: 8080 },
    ]);
    writeFileSync(join(nginx.root, "file"), bytes);
    const files: Readonly<Record<string, Buffer>> = {
      [`http://${SERVER.v4}:8080/file`]: bytes,
      // Blocks one by one, and in windows.
      [`tftp://${SERVER.v4}/few`]: few,
      [`tftp://${SERVER.v4}:6969/file`]: bytes,
    };
    const urls = Object.keys(files);
    for (const [index, fetched] of (await fetchIn(machine, urls)).entries()) {
      t.diagnostic(`${urls[index]}: ${fetched.ms} ms`);
      assert.equal(fetched.sha256, sha256(files[urls[index]!]!), `${urls[index]}: ${JSON.stringify(fetched)}`);
    }
  });
}

test("a name with a dead IPv6 address is reached by IPv4, over HTTP and TFTP, and the other way round", {
  skip,
}, async (t) => {
  const network = await badCable(t, {});
  const { world, server, machine } = network;
  const directory = join(world.directory, "files");
  mkdirSync(directory);
  writeFileSync(join(directory, "file"), "here");
  await server.dnsmasq(
    ...["--enable-tftp", `--tftp-root=${directory}`],
    // Nobody has fd77::9 and 10.77.0.9.
    ...["--host-record=six.test,10.77.0.1,fd77::9", "--host-record=four.test,10.77.0.9,fd77::1"],
  );
  const nginx = await startNginxIn(t, (program, words) => server.start(program, ...words), [
    { host: SERVER.v4, port: 8080 },
    { host: SERVER.v6, port: 8080 },
  ]);
  writeFileSync(join(nginx.root, "file"), "here");
  await resolver(network, SERVER.v4);
  const urls = [
    "http://six.test:8080/file",
    "http://four.test:8080/file",
    "tftp://six.test/file",
    "tftp://four.test/file",
  ];
  for (const [index, fetched] of (await fetchIn(machine, urls)).entries()) {
    assert.equal(fetched.sha256, sha256(Buffer.from("here")), `${urls[index]}: ${JSON.stringify(fetched)}`);
  }
});

test("DNS that is down, a name that is unknown and an address without a way are each said to be that", {
  skip,
}, async (t) => {
  const network = await badCable(t, {});
  const { server, machine } = network;
  await resolver(network, "10.77.0.9");
  const down = await fetchIn(machine, ["http://boot.test/file", "tftp://boot.test/file"]);
  for (const { code, message, ms } of down) {
    t.diagnostic(`${message}: ${ms} ms`);
    assert.equal(code, "io");
    assert.match(message!, /no DNS server (has answered|answers) for boot\.test/);
  }
  await server.dnsmasq("--no-resolv", "--local=/test/");
  await machine.run("umount", "/etc/resolv.conf");
  await resolver(network, SERVER.v4);
  const unknown = await fetchIn(machine, ["http://boot.test/file", "tftp://boot.test/file"]);
  for (const { message } of unknown) assert.match(message!, /boot\.test is not known to the DNS server/);
  const away = await fetchIn(machine, ["http://192.0.2.1/file", "tftp://192.0.2.1/file", `tftp://${SERVER.v4}/file`]);
  assert.match(away[0]!.message!, /there is no route to 192\.0\.2\.1/);
  assert.match(away[1]!.message!, /there is no route to 192\.0\.2\.1/);
  assert.match(away[2]!.message!, /no TFTP server listens at 10\.77\.0\.1/);
});

test("a server that takes everything and says nothing is given up in time", { skip }, async (t) => {
  const { machine } = await badCable(t, { loss: 1 });
  // Else the kernel would say after three seconds that nobody is there.
  await machine.ip(`neigh add ${SERVER.v4} lladdr 52:54:00:00:00:99 dev eth0`);
  const work = ["http", "tftp"].map((scheme) => fetchIn(machine, [`${scheme}://${SERVER.v4}/file`]));
  const [http, tftp] = (await Promise.all(work)).flat();
  assert.equal(http!.code, "timeout");
  assert.match(http!.message!, /no connection within 15 s/);
  assert.equal(tftp!.code, "timeout");
  assert.match(tftp!.message!, /no TFTP server at 10\.77\.0\.1 answers within 20 s/);
});
