/** One attempt to boot an entry, from the first byte read to the jump, and what people see of it. */

import type { BootEntry } from "../entry.ts";
import { BatonError, describeError } from "../errors.ts";
import type { LoadResult } from "../kexec/loadfiles.ts";
import { log } from "../log.ts";
import type { MenuStore } from "../menu/model.ts";
import type { Settings } from "../policy/settings.ts";
import type { Progress } from "../status.ts";
import { adviceOn } from "./advice.ts";
import type { Clock } from "./clock.ts";
import type { SessionHost } from "./host.ts";
import type { ShownMenu } from "./shownmenu.ts";
import { Throughput } from "./throughput.ts";

/** What attempts share with the rest of their session. */
interface AttemptContext {
  readonly host: SessionHost;
  readonly store: MenuStore;
  readonly menu: ShownMenu;
  readonly clock: Clock;
  /** What holds now. */
  readonly settings: () => Settings;
  /** What was loaded ahead (loadahead.ts). */
  readonly ahead: {
    take(entry: BootEntry, options: string): Promise<LoadResult | null>;
    /** Nothing was booted after all. */
    resume(): void;
  };
}

export class Attempts {
  readonly #context: AttemptContext;
  readonly #throughput = new Throughput();
  #isGoingOn = false;
  #isCancelled = false;

  constructor(context: AttemptContext) {
    this.#context = context;
  }

  get isGoingOn(): boolean {
    return this.#isGoingOn;
  }

  /** A person has ended the last attempt. */
  get isCancelled(): boolean {
    return this.#isCancelled;
  }

  /** Ends the loading that goes on. */
  cancel(): void {
    this.#isCancelled = true;
  }

  /**
   * Boots the entry.
   * @param options the kernel command line, perhaps edited
   * @param isByPerson a person has chosen it, who may boot what nothing boots by itself
   * @returns why it failed; a boot that works doesn't come back.
   */
  async attempt(entry: BootEntry, options: string, isByPerson: boolean): Promise<string> {
    const { host, store, menu, ahead } = this.#context;
    this.#isGoingOn = true;
    this.#isCancelled = false;
    store.update({ countdown: null, message: null });
    try {
      if (!menu.isOpen) host.announce(`Booting ${entry.title} (${entry.source})`);
      await this.#boot(entry, options, isByPerson);
      throw new Error("the jump to the new kernel came back");
    } catch (error) {
      const reason = describeError(error);
      log.error(`${entry.id}: ${reason}`);
      const { id, title, source } = entry;
      store.update({ failure: { id, title, source, reason, advice: adviceOn(reason) } });
      // The log of the serial line has it, menu or not.
      menu.aloud(() => host.milestone(`baton: failed ${entry.id}: ${reason}`));
      if (!menu.isOpen) host.announce(`Failed: ${entry.title}: ${reason}`);
      return reason;
    } finally {
      this.#isGoingOn = false;
      ahead.resume();
      store.update({ progress: null });
    }
  }

  async #boot(entry: BootEntry, options: string, isByPerson: boolean): Promise<void> {
    const { host, menu, ahead, settings } = this.#context;
    if (!entry.bootable) throw new Error(entry.reason ?? "it can't be booted");
    if (entry.type === "firmware" && host.bootNext) {
      await host.bootNext(entry);
      throw new Error("the machine was to restart, and has not");
    }
    if (entry.opens !== undefined) throw new Error("it is a menu, which is read when a person chooses it");
    if (!isByPerson && entry.restricted !== null)
      throw new Error("its bootloader asks for a user's password before it starts: a person must choose it");
    if (!isByPerson && entry.unchecked !== undefined) throw new Error(`a person must choose it: ${entry.unchecked}`);
    // While a menu is drawn the consoles show no line of the kernel log, so this one is kept until it is closed.
    let loaded: string | null = null;
    let closing: Promise<void> | null = null;
    const sayLoaded = (): void => {
      if (loaded !== null) host.milestone(loaded);
      loaded = null;
    };
    try {
      await host.boot(entry, options, {
        unmount: () => host.unmount(),
        staged: () => ahead.take(entry, options),
        call: settings().kexec,
        onProgress: (progress) => this.#showProgress(progress),
        onLoaded: (method, seconds) => {
          loaded = `baton: loaded ${entry.id} by ${method} in ${seconds.toFixed(2)} s`;
          // Only the jump can fail now: consoles are given back while disks are synced and unmounted.
          if (!menu.isOpen) return sayLoaded();
          closing = menu
            .close()
            .catch((error) => log.warn(`closing the menu failed: ${describeError(error)}`))
            .then(sayLoaded);
        },
        beforeJump: async () => {
          await closing;
          await this.#remember(entry);
          const warning = host.jumpWarning();
          if (warning !== null) host.announce(warning);
          await host.beforeJump?.();
          host.milestone("baton: jump");
        },
      });
    } finally {
      sayLoaded();
    }
  }

  async #remember(entry: BootEntry): Promise<void> {
    const { host, settings } = this.#context;
    const { tries, writes } = settings();
    if (entry.writes.length === 0 && tries === 0 && writes !== "boot-loader-interface") return;
    const { rememberBoot } = await import("./lastchosen.ts");
    await rememberBoot(host, entry, settings());
  }

  /** @throws BatonError `cancelled` where a person has ended it: what loads ends with that. */
  #showProgress(progress: Progress): void {
    if (this.#isCancelled) throw new BatonError("cancelled", "it was ended by a key");
    const rate = this.#throughput.rate(progress.detail, progress.done, this.#context.clock.now());
    this.#context.store.update({ progress: { ...progress, rate, canCancel: true } });
  }
}
