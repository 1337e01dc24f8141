/** The parts of init without a machine: what they say and ask for is noted, and disks answer when the test says so. */

import type { BootEntry } from "../../src/entry.ts";
import type { InitParts } from "../../src/init/parts.ts";
import { Readiness } from "../../src/init/readiness.ts";
import { findEntry } from "../../src/policy/find.ts";
import type { BootList } from "../../src/policy/list.ts";
import { mergeSettings, type Settings } from "../../src/policy/settings.ts";

/** Something that happens when the test says so. */
export function gate(): { readonly promise: Promise<void>; resolve(): void } {
  let resolve: () => void = () => {};
  const promise = new Promise<void>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}

export interface InitBench {
  readonly parts: InitParts;
  readonly readiness: Readiness;
  /** What happened, in order. */
  readonly events: string[];
  /** What holds from now on, as after a configuration has been read. */
  hold(settings: Partial<Settings>): void;
  /** The disks have been read, and hold these entries. */
  settle(...titles: string[]): void;
  /** Drivers and ISO files are through as well. */
  complete(): void;
}

/** @param network answers to what this machine boots: null, or why it can't tell */
export function initBench(given: Partial<Settings>, network: () => Promise<string | null>): InitBench {
  const events: string[] = [];
  const list = {
    ...{ entries: [] as BootEntry[], defaultId: null, isDecided: false },
    get named(): BootList["named"] {
      const { default: name } = configuration.settings;
      return name === null ? null : { name, isFound: findEntry(this.entries, name) !== null };
    },
  };
  const disks = { discovery: { list }, isSettled: false, isComplete: false, isPrecededByNone: () => false };
  const settled = gate();
  const complete = gate();
  const configuration = { settings: mergeSettings(given), diagnostics: [] };
  const readiness = new Readiness(disks, () => configuration.settings);
  const note = (what: string) => async (): Promise<void> => void events.push(what);
  const made = {
    start: (url: string | null) => {
      events.push(`ask ${url ?? "by DHCP"}`);
      return network();
    },
  };
  const parts = {
    ...{ configuration, readiness, consoles: [] },
    kernelLog: { milestone: (text: string) => void events.push(text) },
    machine: {
      ...{ settled: settled.promise, complete: complete.promise, waitForDrivers: note("drivers") },
      waitFor: note("devices"),
    },
    network: { get: async () => made },
    session: {
      menuIsOpen: false,
      settle: (_settings: Settings, remembered?: unknown) =>
        void events.push(remembered === undefined ? "settle" : `settle with ${remembered}`),
      store: { update: ({ message }: { message?: string }) => void events.push(`message ${message}`) },
    },
    bootState: async () => ({ rules: () => "what was remembered" }),
  };
  return {
    ...{ parts: parts as unknown as InitParts, readiness, events },
    hold: (settings) => {
      configuration.settings = mergeSettings(settings);
    },
    settle: (...titles) => {
      list.entries = titles.map((title) => ({ id: title, title, submenu: [], bootable: true }) as unknown as BootEntry);
      disks.isSettled = true;
      settled.resolve();
    },
    complete: () => {
      disks.isComplete = true;
      complete.resolve();
    },
  };
}
