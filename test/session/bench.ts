/** A session without a machine: a list made by policy of what the test says, a clock that the test turns, boots that do as told. */

import { setImmediate as turn } from "node:timers/promises";
import { type BootEntry, type ParsedEntry, parsedEntry } from "../../src/entry.ts";
import type { BootHooks } from "../../src/loader/boot.ts";
import type { MenuActions } from "../../src/menu/model.ts";
import { type BootList, bootList } from "../../src/policy/list.ts";
import type { BootRules, ReadConfig } from "../../src/policy/readconfig.ts";
import { mergeSettings, type Settings } from "../../src/policy/settings.ts";
import type { Clock } from "../../src/session/clock.ts";
import type { EntrySource, EntryVolume } from "../../src/session/entrysource.ts";
import type { SessionHost } from "../../src/session/host.ts";
import { Session } from "../../src/session/session.ts";

export class FakeClock implements Clock {
  #now = 0;
  #timers: { at: number; readonly every: number | null; readonly call: () => void }[] = [];

  now(): number {
    return this.#now;
  }

  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => this.#timers.push({ at: this.#now + ms, every: null, call: resolve }));
  }

  every(ms: number, tick: () => void): () => void {
    const timer = { at: this.#now + ms, every: ms, call: tick };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }

  /** Lets so many seconds pass, and everything happen that falls due. */
  async advance(seconds: number): Promise<void> {
    const end = this.#now + seconds * 1000;
    for (;;) {
      await turn();
      const next = this.#timers.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
      if (next === undefined) break;
      this.#now = Math.max(this.#now, next.at);
      if (next.every === null) this.#timers = this.#timers.filter((other) => other !== next);
      else next.at += next.every;
      next.call();
    }
    this.#now = end;
    await turn();
  }
}

/** Entries of one device, each a kernel of one system on it, the first of them the default. */
export function config(device: string, titles: readonly string[], more: Partial<ReadConfig> = {}): ReadConfig {
  const source = `${device}:/list`;
  return {
    source,
    entries: titles.map((title): ParsedEntry => {
      const linux = { device, path: `/${title}` };
      return { ...parsedEntry({ title, type: "baton", source, options: "root=LABEL=system" }), linux };
    }),
    ...{ diagnostics: [], defaultIsExplicit: true, fallback: [], timeout: null, timeoutStyle: null, removable: false },
    defaultIndex: titles.length > 0 ? 0 : null,
    volumeKey: device,
    ...more,
  };
}

/** What discovery would give. */
export class FakeSource implements EntrySource {
  readonly devices = [];
  readonly volumes: EntryVolume[] = [];
  isoFolders: readonly string[] | null = null;
  #configs: readonly ReadConfig[];
  #rules: BootRules | undefined;

  constructor(configs: readonly ReadConfig[]) {
    this.#configs = configs;
  }

  get list(): BootList {
    return bootList(this.#configs, () => null, this.#rules);
  }

  entry(id: string): BootEntry | null {
    return this.list.entries.find((entry) => entry.id === id) ?? null;
  }

  volume(device: string): EntryVolume {
    return this.volumes.find(({ name }) => name === device) ?? this.#add(device);
  }

  #add(name: string): EntryVolume {
    const nothing = (): never => {
      throw new Error(`${name}: there is no such file`);
    };
    const volume = { name, removable: false, reader: { read: nothing, stat: async () => ({ size: 1 }) } };
    this.volumes.push(volume);
    return volume;
  }

  setRules(rules: BootRules): void {
    this.#rules = rules;
    this.isoFolders = rules.isofolders ?? this.isoFolders;
  }

  /** A disk answers late. */
  arrive(late: ReadConfig): void {
    this.#configs = [...this.#configs, late];
  }
}

export interface Bench {
  readonly session: Session;
  readonly source: FakeSource;
  readonly clock: FakeClock;
  /** What happened, in order: `boot one`, `menu`, `close`, `rescan`, `unmount`, `reboot`, `poweroff`, and milestones. */
  readonly events: string[];
  readonly announced: string[];
  /** The keys of the menu that was opened last. */
  keys(): MenuActions;
  /** Whether every device has answered; so unless it is said here. */
  settle(isSettled: boolean): void;
}

/** Boots of the given entries, by what happens to them; others fail, since their disk was pulled out. */
export type Boots = Readonly<Record<string, (hooks: BootHooks) => Promise<unknown>>>;

/** A boot that works: the machine is another kernel's then. */
export const WORKS = async (hooks: BootHooks): Promise<never> => {
  hooks.onLoaded("kexec_load", 1.5);
  await hooks.unmount();
  await hooks.beforeJump();
  return new Promise(() => {});
};

export function bench(
  configs: readonly ReadConfig[],
  settings: Partial<Settings> = {},
  more: Partial<SessionHost> & { readonly boots?: Boots } = {},
): Bench {
  const { boots = {}, ...host } = more;
  const source = new FakeSource(configs);
  const clock = new FakeClock();
  const events: string[] = [];
  const announced: string[] = [];
  const menus: MenuActions[] = [];
  let settled = true;
  const note = (what: string) => async (): Promise<void> => void events.push(what);
  const session = new Session(
    {
      discovery: source,
      isSettled: () => settled,
      rescan: note("rescan"),
      boot: async (entry, _options, hooks) => {
        events.push(`boot ${entry.title}`);
        await boots[entry.title]?.(hooks);
        throw new Error("the disk was pulled out");
      },
      milestone: (text) => void events.push(text),
      jumpWarning: () => null,
      announce: (text) => void announced.push(text),
      openMenu: async (_store, actions) => {
        events.push("menu");
        menus.push(actions);
        return { aloud: (print) => print(), close: note("close") };
      },
      unmount: note("unmount"),
      reboot: note("reboot"),
      powerOff: note("poweroff"),
      ...host,
    },
    mergeSettings(settings),
    [],
    clock,
  );
  return {
    ...{ session, source, clock, events, announced },
    keys: () => menus.at(-1)!,
    settle: (isSettled) => {
      settled = isSettled;
    },
  };
}

/** The entries that were booted, in order. */
export const booted = (events: readonly string[]): string[] =>
  events.filter((event) => event.startsWith("boot ")).map((event) => event.slice(5));
