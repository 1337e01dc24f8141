/** What a person has selected, and so what Enter would boot: it is loaded ahead where the host can. */

import { type BootEntry, entryFiles } from "../entry.ts";
import type { LoadResult } from "../kexec/loadfiles.ts";
import type { Settings } from "../policy/settings.ts";
import type { SessionHost } from "./host.ts";
import type { Staging } from "./loadahead.ts";

/** What loads entries ahead of Enter. */
export type Ahead = Pick<Staging, "want" | "take" | "resume">;

/** Loaded where it is wanted, and not before. */
async function systemAhead(host: SessionHost, settings: Settings): Promise<Ahead> {
  const { Staging, systemStaging } = await import("./loadahead.ts");
  return new Staging(host.discovery, systemStaging(host.loadAhead!.bind(host), settings.kexec));
}

export class Selection {
  readonly #host: SessionHost;
  readonly #makeAhead: typeof systemAhead;
  /** Null while there is no menu, and where the settings forbid it. */
  #ahead: Ahead | null = null;
  /** Undefined before anybody has moved, null for a submenu. */
  #selected: BootEntry | null | undefined = undefined;

  constructor(host: SessionHost, makeAhead = systemAhead) {
    this.#host = host;
    this.#makeAhead = makeAhead;
  }

  /** The menu is shown: from now on what Enter would boot is loaded ahead. */
  async begin(settings: Settings): Promise<void> {
    if (this.#ahead === null && this.#host.loadAhead !== undefined && settings.stage) {
      const made = await this.#makeAhead(this.#host, settings);
      this.#ahead ??= made;
    }
    this.update();
  }

  select(entry: BootEntry | null): void {
    this.#selected = entry;
    this.update();
  }

  /** The list, or what is selected, may be another; nothing is loaded before the devices are read. */
  update(): void {
    const { discovery } = this.#host;
    if (this.#ahead === null || !this.#host.isSettled()) return;
    const id = this.#selected === undefined ? discovery.list.defaultId : (this.#selected?.id ?? null);
    const entry = id === null ? null : discovery.entry(id);
    // What lies on a server is fetched when it is booted, and not for everybody who looks at a menu.
    const isRemote = entry?.opens !== undefined || (entry !== null && entryFiles(entry).some((file) => "url" in file));
    this.#ahead.want(isRemote ? null : entry);
  }

  /** {@link Staging.take} */
  async take(entry: BootEntry, options: string): Promise<LoadResult | null> {
    return (await this.#ahead?.take(entry, options)) ?? null;
  }

  /** {@link Staging.resume} */
  resume(): void {
    this.#ahead?.resume();
  }
}
