/** The machine's network: loaded when it is first asked for, and not before. */

import type { DeviceMonitor } from "../discovery/devicemonitor.ts";
import { thisPlatform } from "../discovery/platform.ts";
import type { MachineNetwork } from "../netboot/machinenetwork.ts";
import type { Configuration } from "./configuration.ts";

export class NetworkOnDemand {
  readonly #discovery: DeviceMonitor["discovery"];
  readonly #configuration: Configuration;
  readonly #onChange: () => void;
  #made: Promise<MachineNetwork> | null = null;

  /** @param onChange what the network gives is another now */
  constructor(discovery: DeviceMonitor["discovery"], configuration: Configuration, onChange: () => void) {
    this.#discovery = discovery;
    this.#configuration = configuration;
    this.#onChange = onChange;
  }

  get(): Promise<MachineNetwork> {
    this.#made ??= this.#make();
    return this.#made;
  }

  /** Asks again for what was asked for; nothing where the network was not. */
  async refresh(): Promise<void> {
    await (await this.#made)?.refresh();
  }

  async down(): Promise<void> {
    await (await this.#made)?.down();
  }

  async #make(): Promise<MachineNetwork> {
    const { MachineNetwork } = await import("../netboot/machinenetwork.ts");
    const made = new MachineNetwork(thisPlatform(), this.#configuration.settings.network, () => {
      this.#discovery.refresh();
      this.#onChange();
    });
    this.#discovery.setNetwork(made.network);
    return made;
  }
}
