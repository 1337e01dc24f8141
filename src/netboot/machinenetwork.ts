/**
 * This machine's network, in the initramfs: drivers, links, addresses, and what they lead to. Nothing of it runs
 * before somebody asks for it: a URL, the configuration, a person, or disks without anything to boot.
 */

import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { ModuleLoader } from "../devices/modules.ts";
import { BatonError, describeError } from "../errors.ts";
import { Fetcher } from "../fetch/fetcher.ts";
import { transportOf } from "../fetch/transports.ts";
import type { Platform } from "../formats/format.ts";
import { endsWithin } from "../linux/deadline.ts";
import { log } from "../log.ts";
import { type Lease, namesBootFile } from "../net/lease.ts";
import { findLink, type Link, listLinks, takeLinksDown } from "../net/links.ts";
import { AUTOMATIC, kernelPlans, type LinkPlan, parsePlans } from "../net/plan.ts";
import { bringUp } from "../net/up.ts";
import { linkWords } from "../policy/network.ts";
import { splitCmdline } from "../policy/words.ts";
import { Network, type NetworkRequest } from "./network.ts";
import { httpCredentials } from "./tlscredentials.ts";

/** Aliases of the network's drivers, which the start of the machine leaves aside (initramfs/kernel-modules.ts). */
const LATE_ALIASES = "modules.alias.late";

/** How long a link may take to report a cable: gigabit links negotiate their speed for two to four seconds. */
const CARRIER_MS = 8000;
/** Switches that look for loops (spanning tree) let nothing through for the first 30 s. */
const ADDRESS_MS = 35_000;
/** How long IPv4 is waited for where IPv6 is there. */
const FOUR_MS = 3000;
/** How long interfaces may take to appear after their drivers; USB ones are last. */
const LINKS_MS = 3000;
/** A configuration of Baton's own. */
const MAX_TEXT_SIZE = 1024 * 1024;
const BUSES = ["pci", "virtio", "usb", "vmbus", "xen", "platform"];

/** Milliseconds; see {@link CARRIER_MS} and {@link ADDRESS_MS}. */
interface NetworkTimes {
  readonly carrierMs: number;
  readonly addressMs: number;
}

export class MachineNetwork {
  readonly network: Network;
  readonly #platform: Platform;
  readonly #onChange: () => void;
  readonly #words: readonly string[] | null;
  readonly #times: NetworkTimes;
  #leases: readonly Lease[] = [];
  /** How many leases there have been, those that are over included. */
  #given = 0;
  #urls: readonly { readonly url: string; readonly isNamed: boolean }[] = [];
  #up: Promise<void> | null = null;
  #asking: Promise<string | null> = Promise.resolve(null);
  #failures: readonly string[] = [];
  #wake: (() => void)[] = [];
  /** Ends everything that keeps links up. */
  #running = new AbortController();
  /** While {@link start} asks by itself whatever comes. */
  #isStarting = false;
  #hasFound = false;
  /** Addresses alone are wanted, and nothing to boot. */
  #isSilent = false;

  /**
   * @param words `network:` of the configuration; null where it says nothing
   * @param onChange the network's entries are others than before
   */
  constructor(
    platform: Platform,
    words: readonly string[] | null,
    onChange: () => void,
    times: Partial<NetworkTimes> = {},
  ) {
    this.#times = { carrierMs: CARRIER_MS, addressMs: ADDRESS_MS, ...times };
    this.#platform = platform;
    this.#words = words;
    this.#onChange = onChange;
    this.network = new Network(new Fetcher({ http: httpCredentials() }), platform, true);
  }

  /**
   * Brings the network up and lists what it gives: by a URL that the machine's owner named, else by DHCP.
   * Resolves when something was found, or everything has been tried; never rejects.
   * @returns why nothing was found, else null
   */
  async start(url: string | null): Promise<string | null> {
    if (url !== null) this.#urls = [...this.#urls, { url, isNamed: true }];
    this.#isStarting = true;
    this.#isSilent = false;
    try {
      const found = await this.#firstFound();
      if (found !== null) log.warn(`network: ${found}`);
      return found;
    } finally {
      this.#isStarting = false;
    }
  }

  /** Asks with each lease that comes, until something is found or no link gives more. */
  async #firstFound(): Promise<string | null> {
    let found: string | null = null;
    const isOver = this.#bringUp().then(() => true);
    for (;;) {
      if (this.#leases.length > 0) await this.#waitForFour(isOver);
      const seen = this.#given;
      if (this.#leases.length > 0) {
        found = await this.#ask(true);
        if (found === null) return null;
      }
      if (await this.#isLast(isOver, seen)) break;
    }
    return this.#leases.length === 0 ? this.#whyNothing() : found;
  }

  /** IPv6 alone may be quicker by a moment; what scripts are told (`${net0/ip}`) should not hang on that. */
  async #waitForFour(isOver: Promise<unknown>): Promise<void> {
    const end = performance.now() + FOUR_MS;
    let isLast = false;
    const last = isOver.then(() => {
      isLast = true;
    });
    while (!isLast && !this.#leases.some(isFour)) {
      const news = Promise.race([last, this.#nextLease()]);
      if (!(await endsWithin(news, Math.max(0, end - performance.now())))) return;
    }
  }

  /** What the network has told this machine so far. */
  get leases(): readonly Lease[] {
    return this.#leases;
  }

  #nextLease(): Promise<void> {
    return new Promise((resolve) => this.#wake.push(resolve));
  }

  /** Addresses, and nothing asked of anybody beyond them. @returns those that there are then */
  async up(): Promise<string[]> {
    this.#isSilent = this.#leases.length === 0 && this.#up === null;
    await this.#bringUp();
    return this.#leases.flatMap(({ ip }) => ip ?? []);
  }

  /** Lists what stands at a URL. @throws BatonError where nothing comes of it */
  async openUrl(url: string): Promise<void> {
    this.#isSilent = false;
    const at = { url, isNamed: false };
    this.#urls = [...this.#urls, at];
    try {
      await this.#withAddress(async () => {
        await this.#ask();
        const failure = this.network.failureOf(url);
        if (failure !== null) throw failure;
      });
    } catch (error) {
      this.#urls = this.#urls.filter((other) => other !== at);
      if (this.#leases.length > 0) await this.#ask();
      throw error;
    }
  }

  /** Puts what an entry leads to in its place (`BootEntry.opens`). @throws BatonError where it leads nowhere */
  async open(door: string, answers?: ReadonlyMap<string, string>): Promise<void> {
    await this.network.open(door, answers);
    this.#onChange();
  }

  /** A small file, brought up the network for where it isn't. @throws BatonError */
  async fetchText(url: string): Promise<string> {
    const bytes = await this.#withAddress(async () => {
      await this.#checkClock([url]);
      return this.network.fetcher.read(url, { limit: MAX_TEXT_SIZE });
    });
    return new TextDecoder().decode(bytes!);
  }

  /**
   * Takes every link down, so that no card writes into memory that is another kernel's. Where that kernel doesn't start
   * after all, the next question brings them up again.
   */
  down(): void {
    this.#running.abort();
    this.#running = new AbortController();
    this.#up = null;
    this.#leases = [];
    takeLinksDown();
  }

  /** Asks again. */
  async refresh(): Promise<void> {
    if (this.#leases.length > 0) await this.#ask();
    else await this.start(null);
  }

  /**
   * Work that needs the network, tried with each address that comes: IPv6 may be there before IPv4, and one card's network
   * before the one that has the server.
   * @throws BatonError why it fails with all of them, or why there is none
   */
  async #withAddress<T>(work: () => Promise<T>): Promise<T> {
    const isOver = this.#bringUp().then(() => true);
    let failure: unknown = null;
    for (;;) {
      const seen = this.#given;
      if (this.#leases.length > 0) {
        try {
          return await work();
        } catch (error) {
          // Who has answered answers the same the next time.
          if (!(error instanceof BatonError) || !["io", "timeout"].includes(error.code)) throw error;
          failure = error;
        }
      }
      if (await this.#isLast(isOver, seen)) throw failure ?? new BatonError("io", this.#whyNothing());
    }
  }

  /**
   * Waits for another lease than those that had been given.
   * @returns true where there is none, and no link is still being tried
   */
  async #isLast(isOver: Promise<unknown>, seen: number): Promise<boolean> {
    if (this.#given > seen) return false;
    await Promise.race([isOver, this.#nextLease()]);
    return this.#given === seen;
  }

  #whyNothing(): string {
    return this.#failures.length > 0 ? this.#failures.join("; ") : "no network answered";
  }

  /** Once, and again where the last time gave nothing. */
  #bringUp(): Promise<void> {
    this.#up ??= this.#tryUp().then(
      (failures) => {
        this.#failures = failures;
        if (this.#leases.length === 0) this.#up = null;
      },
      (error) => {
        this.#failures = [describeError(error)];
        this.#up = null;
      },
    );
    return this.#up;
  }

  async #tryUp(): Promise<string[]> {
    const cmdline = readFileSync("/proc/cmdline", "utf8");
    const plans = plansOf(this.#words, cmdline);
    if (plans.every(({ method }) => method === "none"))
      return ["the configuration keeps the network off (network: no)"];
    await loadDrivers(plans.some(({ vlan }) => vlan !== null));
    const links = firstOf(await findLinks(), cmdline);
    if (links.length === 0) return ["this machine has no network interface that Baton has a driver for"];
    log.info(`network: ${links.map(({ name, mac, driver }) => `${name} (${mac}, ${driver})`).join(", ")}`);
    this.#running.abort();
    this.#running = new AbortController();
    return bringUp(links, {
      ...{ plans, ...this.#times, signal: this.#running.signal },
      needsBootFile: !this.#urls.some(({ isNamed }) => isNamed),
      ...{ firmware: this.#platform.firmware, arch: this.#platform.arch, uuid: machineUuid() },
      onLease: (lease) => this.#take(lease),
      onLost: (lease) => {
        this.#leases = this.#leases.filter((other) => other !== lease);
      },
    });
  }

  #take(lease: Lease): void {
    this.#leases = [...this.#leases, lease];
    this.#given++;
    for (const wake of this.#wake.splice(0)) wake();
    // A cable that was plugged in late, a server that was slow to start.
    if (!this.#isStarting && !this.#isSilent && (!this.#hasFound || namesBootFile(lease))) void this.#ask(true);
  }

  /** One question at a time. @param onlyNew what has failed with the same lease is not tried again */
  #ask(onlyNew = false): Promise<string | null> {
    this.#asking = this.#asking.then(async () => {
      await this.#checkClock();
      const first = this.#leases.find(isFour) ?? this.#leases[0];
      const requests: NetworkRequest[] = this.#urls.map(({ url, isNamed }) => ({
        ...{ url, isNamed, lease: first ?? null },
        extras: { initrd: [], options: "" },
      }));
      // A URL that the owner named is all that this machine boots from the network.
      if (!this.#urls.some(({ isNamed }) => isNamed)) {
        for (const lease of this.#leases) {
          if (!namesBootFile(lease) && this.#leases.some(namesBootFile)) continue;
          const options = lease.parameters.join(" ");
          requests.push({ url: null, lease, extras: { initrd: [], options } });
        }
      }
      const failure = await this.network.ask(requests, onlyNew);
      this.#hasFound = failure === null && requests.length > 0;
      this.#onChange();
      return failure;
    });
    return this.#asking;
  }

  /** Certificates can't be checked by a clock that has stopped. */
  async #checkClock(more: readonly string[] = []): Promise<void> {
    const addresses = [...more, ...this.#urls.map(({ url }) => url), ...this.#leases.map(({ url }) => url ?? "")];
    const isSecure = (text: string): boolean =>
      URL.canParse(text) && transportOf(new URL(text))?.hasCertificates === true;
    if (!addresses.some(isSecure)) return;
    const { correctClock } = await import("../net/clock.ts");
    const isRight = await correctClock(
      this.#leases.flatMap(({ ntp }) => ntp),
      clockSites(addresses),
    );
    if (!isRight)
      log.warn(`the clock stands at ${new Date().toISOString()}, and nobody tells the right time: https may fail`);
  }
}

const isFour = ({ ip }: Lease): boolean => ip?.includes(".") === true;

/** The configuration's plans; else the kernel command line's; else everything automatic. */
function plansOf(words: readonly string[] | null, cmdline: string): readonly LinkPlan[] {
  const said = linkWords(words);
  const { plans, problems } = said !== null ? parsePlans(said) : kernelPlans(splitCmdline(cmdline));
  for (const problem of problems) log.warn(problem);
  return plans.length > 0 ? plans : AUTOMATIC;
}

/** Who may know the time: servers of plain HTTP that are asked anyhow, then the others' port 80. */
function clockSites(addresses: readonly string[]): string[] {
  const urls = addresses.flatMap((text) => (URL.canParse(text) ? new URL(text) : []));
  const plain = urls.filter(({ protocol }) => protocol === "http:").map(({ host }) => `http://${host}`);
  const others = urls.filter(({ protocol }) => protocol === "https:").map(({ hostname }) => `http://${hostname}`);
  return [...new Set([...plain, ...others])];
}

/** Drivers for the network hardware that is there. */
async function loadDrivers(withVlan: boolean): Promise<void> {
  const modules = new ModuleLoader(undefined, undefined, LATE_ALIASES);
  const aliases = new Set<string>();
  for (const bus of BUSES) {
    const root = `/sys/bus/${bus}/devices`;
    for (const device of namesIn(root)) {
      try {
        aliases.add(readFileSync(`${root}/${device}/modalias`, "utf8").trim());
      } catch {
        // It has none.
      }
    }
  }
  const wanted = [...aliases, ...(withVlan ? ["8021q"] : [])];
  await Promise.all(
    wanted.map((alias) => modules.loadForAlias(alias).catch((error) => log.warn(describeError(error)))),
  );
}

function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}

/** Waits for the first interface, and a moment for the others. */
async function findLinks(): Promise<Link[]> {
  const end = performance.now() + LINKS_MS;
  let links = listLinks();
  while (links.length === 0 && performance.now() < end) {
    await sleep(50);
    links = listLinks();
  }
  if (links.length > 0) await sleep(200);
  return listLinks();
}

/** The card that Baton itself came by (PXELINUX's BOOTIF=) is the first. */
function firstOf(links: readonly Link[], cmdline: string): readonly Link[] {
  const word = splitCmdline(cmdline).find((one) => one.startsWith("BOOTIF="));
  const first = word === undefined ? null : findLink(links, word.slice(7));
  return first === null ? links : [first, ...links.filter((link) => link !== first)];
}

function machineUuid(): string | null {
  try {
    const text = readFileSync("/sys/class/dmi/id/product_uuid", "utf8").trim().toLowerCase();
    return /^[0-9a-f-]{36}$/.test(text) && !/^[0f-]*$/.test(text) ? text : null;
  } catch {
    return null;
  }
}
