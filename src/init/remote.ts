/** The menu over the network (src/remote/): loaded where the configuration asks for it, once the menu is open. */

import { readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { listJson } from "../commands/shared/json.ts";
import type { DeviceMonitor } from "../discovery/devicemonitor.ts";
import { describeError } from "../errors.ts";
import { log } from "../log.ts";
import type { MenuActions, MenuStore } from "../menu/model.ts";
import type { Lease } from "../net/lease.ts";
import { isNetworkOff } from "../policy/network.ts";
import type { RemoteSettings } from "../policy/remotesettings.ts";
import type { RemoteServer } from "../remote/server.ts";
import type { Session } from "../session/session.ts";
import type { Configuration } from "./configuration.ts";
import type { KernelLog } from "./kernellog.ts";
import type { NetworkOnDemand } from "./network.ts";

/** What it needs of init. */
interface RemoteParts {
  readonly configuration: Configuration;
  readonly kernelLog: Pick<KernelLog, "milestone">;
  readonly machine: Pick<DeviceMonitor, "discovery">;
  readonly network: Pick<NetworkOnDemand, "get">;
  readonly session: Session;
}

export class RemoteConsole {
  readonly #parts: RemoteParts;
  #server: RemoteServer | null = null;
  #isOpening = false;
  /** Said on the consoles already. */
  #said: string | null = null;
  #hasAsked = false;

  constructor(parts: RemoteParts) {
    this.#parts = parts;
  }

  /** The menu is open. Never rejects: a machine boots without this. */
  async open(settings: RemoteSettings, store: MenuStore, actions: MenuActions): Promise<void> {
    if (this.#server !== null || this.#isOpening) return;
    this.#isOpening = true;
    const { configuration, machine, network } = this.#parts;
    try {
      if (isNetworkOff(configuration.settings)) throw new Error("the configuration says network: never");
      const { RemoteServer } = await import("../remote/server.ts");
      const { fingerprint, makeCertificate } = await import("../remote/certificate.ts");
      const { host, port, token, certificate, key, plain } = settings;
      const isPlain = plain || host === "127.0.0.1" || host === "::1";
      const credentials =
        certificate !== null && key !== null
          ? { cert: await readFile(certificate, "utf8"), key: await readFile(key, "utf8") }
          : isPlain
            ? null
            : makeCertificate();
      const list = () => listJson(machine.discovery.list, machine.discovery.devices);
      const server = new RemoteServer({ store, actions, list, token, credentials, host, port });
      this.#server = server;
      await server.start();
      const print = credentials === null ? "without TLS" : `certificate SHA-256 ${fingerprint(credentials.cert)}`;
      this.#say(`remote: ${credentials === null ? "http" : "https"} on port ${port}, ${print}`);
      // A boot that began meanwhile takes the links down.
      if (this.#server !== server) return;
      const addresses = await (await network.get()).up();
      log.info(`remote: this machine's addresses: ${addresses.join(", ") || "none yet"}`);
      if (settings.ask !== null && !this.#hasAsked) await this.#ask(settings.ask, settings, store, actions);
    } catch (error) {
      this.#server = null;
      this.#say(`remote: the menu is not on the network: ${describeError(error)}`);
    } finally {
      this.#isOpening = false;
    }
  }

  /** Before the jump: nobody is told anything any more. */
  async close(): Promise<void> {
    const server = this.#server;
    this.#server = null;
    await server?.close().catch((error) => log.warn(describeError(error)));
  }

  async #ask(url: string, { hold }: RemoteSettings, store: MenuStore, actions: MenuActions): Promise<void> {
    this.#hasAsked = true;
    const { askController } = await import("../remote/ask.ts");
    const made = await this.#parts.network.get();
    const failure = await askController({
      ...{ url, seconds: hold, store, actions, facts: identity(made.leases) },
      fetchText: (address) => made.fetchText(address),
    });
    if (failure !== null) this.#say(`remote: ${failure.replace(/\.$/, "")}; the machine's own default stands`);
  }

  /** In the kernel log, and so on the serial line, and on the menu's page of devices. */
  #say(text: string): void {
    log.info(text);
    if (text === this.#said) return;
    this.#said = text;
    this.#parts.session.aloud(() => this.#parts.kernelLog.milestone(`baton: ${text}`));
    const { store } = this.#parts.session;
    const others = store.state.machine.filter((line) => !line.startsWith("remote: "));
    store.update({ machine: [...others, text] });
  }
}

/** The machine's identity, for a controller. */
function identity(leases: readonly Lease[]): Record<string, string | null> {
  const lease = leases[0];
  let uuid: string | null = null;
  try {
    uuid = readFileSync("/sys/class/dmi/id/product_uuid", "utf8").trim().toLowerCase();
  } catch {
    // This machine's firmware names none.
  }
  const { mac = null, ip = null, hostname = null } = lease ?? {};
  return { mac, uuid, ip, hostname, arch: process.arch === "arm64" ? "arm64" : "x86_64" };
}
