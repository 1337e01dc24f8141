/**
 * Networks for tests, without machines: each place is a network namespace of this host's kernel, cables are veth pairs,
 * and the servers are the real ones (dnsmasq). Needs neither root nor anything of the host's own network.
 */

import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Lease } from "../../src/net/lease.ts";
import { ROOT, run } from "./host.ts";

/** What a test's context is for here: work to do in the end. */
export interface Cleanup {
  after(work: () => unknown): void;
}

const IS_ROOT = process.getuid?.() === 0;
/** Of what is expected to happen soon; the machine may be busy. */
const WAIT_MS = 60_000;

/** One network namespace, with mounts of its own. */
export class Place {
  readonly pid: number;
  readonly #t: Cleanup;
  readonly #directory: string;

  constructor(t: Cleanup, pid: number, directory: string) {
    this.#t = t;
    this.pid = pid;
    this.#directory = directory;
  }

  /** The words that run a program in here. */
  #inside(program: string, args: readonly string[]): [string, string[]] {
    const user = IS_ROOT ? [] : ["-U", "--preserve-credentials"];
    return ["nsenter", ["-t", String(this.pid), ...user, "-n", "-m", program, ...args]];
  }

  run(program: string, ...args: readonly string[]): Promise<string> {
    return run(...this.#inside(program, args));
  }

  /** `ip`'s words, one command each. */
  async ip(...commands: readonly string[]): Promise<void> {
    const [program, args] = this.#inside("ip", ["-batch", "-"]);
    await run(program, args, { input: `${commands.join("\n")}\n` });
  }

  /** Runs until the test ends. */
  start(program: string, ...args: readonly string[]): ChildProcess {
    const [nsenter, words] = this.#inside(program, args);
    const env = { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin` };
    const child = spawn(nsenter, words, { env, stdio: ["ignore", "pipe", "pipe"] });
    this.#t.after(() => child.kill("SIGKILL"));
    return child;
  }

  /** dnsmasq with these words; ready when it says so. What it says stands in `lines`. */
  async dnsmasq(...words: readonly string[]): Promise<Output> {
    const leases = join(this.#directory, `leases-${words.length}-${Math.random()}`);
    const child = this.start(
      "dnsmasq",
      ...["--no-daemon", "--conf-file=/dev/null", "--pid-file=", "--no-hosts"],
      // It would look for three seconds whether anybody has the address that it offers.
      "--no-ping",
      ...["--log-facility=-", "--log-dhcp", "--no-resolv", `--dhcp-leasefile=${leases}`, "--dhcp-authoritative"],
      ...words,
    );
    const output = new Output(child);
    await output.waitFor(/started, version/);
    return output;
  }

  /** A TypeScript program from test/vm/programs that says `ready`. */
  async program(name: string): Promise<Output> {
    const output = new Output(this.#node(join(ROOT, "test/vm/programs", name)));
    await output.waitFor(/^ready$/m);
    return output;
  }

  #node(...args: readonly string[]): ChildProcess {
    // A process that enters other mounts is in their root: no name may be relative.
    return this.start(process.execPath, "--import", import.meta.resolve("tsx"), ...args);
  }

  /** Baton's network as the initramfs has it; see programs/network.ts. */
  async baton(options: ClientOptions = {}): Promise<Client> {
    const { cmdline = "console=ttyS0", ...rest } = options;
    const file = (name: string, text: string): string => {
      const path = join(this.#directory, `${name}-${this.pid}`);
      writeFileSync(path, text);
      return path;
    };
    await this.run("mount", "--bind", file("cmdline", `${cmdline}\n`), "/proc/cmdline");
    await this.run("mount", "--bind", file("resolv", ""), "/etc/resolv.conf");
    const client = join(ROOT, "test/vm/programs/network.ts");
    return new Client(this.#node(client, JSON.stringify(rest)));
  }
}

/** What programs/network.ts takes. */
export interface ClientOptions {
  /** Of the kernel. */
  readonly cmdline?: string;
  /** `network:` of the configuration. */
  readonly network?: readonly string[];
  readonly url?: string;
  readonly firmware?: "efi" | "pc";
  /** Milliseconds. */
  readonly carrierMs?: number;
  readonly addressMs?: number;
}

/** What a program says, line by line. */
export class Output {
  readonly child: ChildProcess;
  text = "";
  #wake: (() => void)[] = [];

  constructor(child: ChildProcess) {
    this.child = child;
    for (const stream of [child.stdout!, child.stderr!]) {
      stream.setEncoding("utf8").on("data", (text: string) => {
        this.text += text;
        for (const wake of this.#wake.splice(0)) wake();
      });
    }
    child.on("close", () => {
      for (const wake of this.#wake.splice(0)) wake();
    });
  }

  /** @param from where in `text` to look from */
  async waitFor(pattern: RegExp, from = 0, timeoutMs = WAIT_MS): Promise<RegExpExecArray> {
    const end = performance.now() + timeoutMs;
    for (;;) {
      const found = pattern.exec(this.text.slice(from));
      if (found !== null) return found;
      const isOver = this.child.exitCode !== null || this.child.signalCode !== null;
      if (isOver || performance.now() > end) {
        throw new Error(`${isOver ? "it ended" : "the time is over"} without ${pattern}; it said:\n${this.text}`);
      }
      const late = sleep(1000, undefined, { ref: false });
      await Promise.race([new Promise<void>((resolve) => this.#wake.push(resolve)), late]);
    }
  }
}

/** What Baton's network came to. */
export interface ClientResult {
  /** Null where something was found. */
  readonly failure: string | null;
  readonly leases: readonly Lease[];
  readonly entries: readonly { readonly title: string; readonly linux: string | null; readonly options: string }[];
  readonly resolvConf: string;
}

export class Client extends Output {
  /** When everything has been tried, or something found. */
  async result(): Promise<ClientResult> {
    const [, json] = await this.waitFor(/^result (.*)\n/m);
    return JSON.parse(json!) as ClientResult;
  }

  /** The first lease; the test fails where there is none. */
  async lease(): Promise<Lease> {
    const { leases, failure } = await this.result();
    if (leases[0] === undefined) throw new Error(`no lease: ${failure}\n${this.text}`);
    return leases[0];
  }
}

/** Why this host lets nobody make network namespaces (a container without the right), for tests to be left out; else null. */
export async function whyNoNamespaces(): Promise<string | null> {
  const user = IS_ROOT ? [] : ["--map-root-user"];
  const failure = await run("unshare", [...user, "--net", "--mount", "true"]).then(
    () => null,
    (error: Error) => error.message,
  );
  return failure === null ? null : `no network namespaces here: ${failure}`;
}

/** Namespaces of one test; they and all that runs in them end with it. */
export class World {
  readonly #t: Cleanup;
  readonly directory: string;
  #first: Place | null = null;

  constructor(t: Cleanup) {
    this.#t = t;
    this.directory = mkdtempSync(join(tmpdir(), "baton-net-"));
    t.after(() => rmSync(this.directory, { recursive: true, force: true }));
  }

  /** A place without any cable, its loopback up. */
  async place(): Promise<Place> {
    // All share the first one's user namespace, so that cables can be laid between them.
    const user = IS_ROOT ? [] : this.#first === null ? ["--map-root-user"] : [];
    const unshare = ["unshare", ...user, "--net", "--mount", "sleep", "infinity"];
    const enter = this.#first === null || IS_ROOT ? [] : ["nsenter", "-t", String(this.#first.pid), "-U"];
    const [program, ...args] = [...enter, ...(enter.length > 0 ? ["--preserve-credentials"] : []), ...unshare];
    const child = spawn(program!, args, { stdio: "ignore" });
    this.#t.after(() => child.kill("SIGKILL"));
    const place = new Place(this.#t, child.pid!, this.directory);
    // Until it has left this process's own namespace nothing must be done in it.
    const own = await run("readlink", ["/proc/self/ns/net"]);
    for (let tries = 0; ; tries++) {
      const theirs = await run("readlink", [`/proc/${child.pid}/ns/net`]).catch(() => own);
      const program = await run("cat", [`/proc/${child.pid}/comm`]).catch(() => "");
      if (theirs !== own && program.trim() === "sleep") break;
      if (tries > 200) throw new Error("unshare makes no network namespace here");
      await sleep(10);
    }
    await place.run("mount", "-t", "sysfs", "sysfs", "/sys");
    await place.ip("link set lo up");
    this.#first ??= place;
    return place;
  }

  /** A cable between two places, down at both ends. @param mac at the second end */
  async cable(from: Place, name: string, to: Place, otherName: string, mac?: string): Promise<void> {
    const address = mac === undefined ? "" : `address ${mac} `;
    await from.ip(`link add ${name} type veth peer name ${otherName} ${address}netns ${to.pid}`);
  }
}

/** A switch, a machine's eth0 on it, and servers with addresses of their own, each on its eth0. */
export async function onSwitch(
  t: Cleanup,
  ...addresses: readonly string[]
): Promise<{ world: World; machine: Place; servers: Place[] }> {
  const world = new World(t);
  const fabric = await world.place();
  await fabric.ip("link add br0 type bridge", "link set br0 up");
  const attach = async (place: Place, port: string, mac?: string): Promise<void> => {
    await world.cable(fabric, port, place, "eth0", mac);
    await fabric.ip(`link set ${port} master br0 up`);
  };
  const servers: Place[] = [];
  for (const [index, address] of addresses.entries()) {
    const server = await world.place();
    await attach(server, `p${index + 1}`);
    await server.ip(`addr add ${address} dev eth0`, "link set eth0 up");
    servers.push(server);
  }
  const machine = await world.place();
  await attach(machine, "p0", "52:54:00:00:00:01");
  return { world, machine, servers };
}

/** 10.77.0.1 with a cable to a machine's eth0. */
export async function oneCable(t: Cleanup): Promise<{ world: World; server: Place; machine: Place }> {
  const world = new World(t);
  const [server, machine] = [await world.place(), await world.place()];
  await world.cable(server, "s0", machine, "eth0", "52:54:00:00:00:01");
  await server.ip("addr add 10.77.0.1/24 dev s0", "link set s0 up");
  return { world, server, machine };
}
