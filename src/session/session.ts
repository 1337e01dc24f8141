/**
 * One person's (or nobody's) time with Baton: joins what discovery finds, the menu and the boot. Shared by the
 * initramfs (`init`) and by `baton menu` on a terminal.
 */

import { setTimeout as sleep } from "node:timers/promises";
import { type BootEntry, type Diagnostic, entryFiles } from "../entry.ts";
import { BatonError, describeError } from "../errors.ts";
import { bootEntry } from "../loader/boot.ts";
import { log, logLines } from "../log.ts";
import type { MenuActions, MenuSettings } from "../menu/model.ts";
import { MenuStore } from "../menu/model.ts";
import { chooseTimeout, countdownStep, DEFAULT_TIMEOUT } from "../policy/countdown.ts";
import type { BootRules } from "../policy/list.ts";
import { type Settings, shellIsFree } from "../policy/settings.ts";
import type { Progress } from "../status.ts";
import { adviceOn } from "./advice.ts";
import type { OpenMenu, SessionPlace } from "./host.ts";
import type { Staging } from "./loadahead.ts";
import { PasswordLock } from "./passwordlock.ts";
import { Throughput } from "./throughput.ts";

const KEXEC_KINDS: readonly BootEntry["kind"][] = ["linux", "multiboot", "multiboot2"];

/** So little is left at least when a key takes time from the countdown, in seconds. */
const MIN_LEFT = 3;
const TICK_MS = 200;

/** How often it is looked at whether all devices have answered, after the default has failed. */
const SETTLING_MS = 100;

/** Between one round of tries and what follows it, so that a person can step in. */
const ROUND_S = 10;

export class Session {
  readonly store: MenuStore;
  readonly #place: SessionPlace;
  /** Null while there is no menu, and where the settings forbid it. */
  #staging: Staging | null = null;
  /** What a person has selected; undefined before anybody has moved, null for a submenu. */
  #selected: BootEntry | null | undefined = undefined;
  #settings: Settings;
  #menu: OpenMenu | null = null;
  #menuSince = 0;
  #stopped = false;
  #isHeld = false;
  #booting = false;
  #ticker: NodeJS.Timeout | null = null;
  /** What the countdown leads to. */
  #next: "boot" | "retry" | "reboot" | "poweroff" = "boot";
  #rounds = 0;
  /** Seconds that keys gave to the countdown, or took. */
  #added = 0;
  /** The boot that goes on was ended by a person. */
  #isCancelled = false;
  /** While something is waited for that a person need not wait for. */
  #leave: (() => void) | null = null;
  readonly #pace = new Throughput();
  readonly #lock = new PasswordLock();
  #remembered: Pick<BootRules, "saved" | "passedOver"> = {};

  constructor(place: SessionPlace, settings: Settings, machine: readonly string[]) {
    this.#place = place;
    this.#settings = settings;
    this.store = new MenuStore({ machine, settings: menuSettings(settings) });
    place.discovery.setRules(settings);
    if (settings.isofolders !== null) place.discovery.setIsoFolders(settings.isofolders);
  }

  /** A configuration has been read: other settings hold from now on. */
  settle(settings: Settings, remembered: Pick<BootRules, "saved" | "passedOver"> = this.#remembered): void {
    this.#settings = settings;
    this.#remembered = remembered;
    this.#place.discovery.setRules({ ...settings, ...remembered });
    if (settings.isofolders !== null) this.#place.discovery.setIsoFolders(settings.isofolders);
    this.store.update({ settings: menuSettings(settings) });
    this.update();
  }

  /** What is wrong in Baton's own configuration. */
  problems: readonly Diagnostic[] = [];

  /** What discovery knows now, for every console. */
  update(): void {
    const { list, devices } = this.#place.discovery;
    this.store.update({
      entries: list.entries,
      diagnostics: [...this.problems, ...list.diagnostics],
      devices,
      defaultId: list.defaultId,
      why: list.why,
      scanning: !this.#place.isSettled(),
    });
    this.#stage();
  }

  /** Has loaded ahead what Enter would boot, once the devices are read and nothing else is to be done. */
  #stage(): void {
    if (this.#staging === null || !this.#place.isSettled()) return;
    const { list } = this.#place.discovery;
    const id = this.#selected === undefined ? list.defaultId : (this.#selected?.id ?? null);
    const entry = id === null ? null : this.#place.discovery.entry(id);
    // What lies on a server is fetched when it is booted, and not for everybody who looks at a menu.
    const isRemote = entry?.opens !== undefined || (entry !== null && entryFiles(entry).some((file) => "url" in file));
    this.#staging.want(isRemote ? null : entry);
  }

  /** Seconds until the default boots; 0 boots without a menu. */
  get timeout(): number {
    if (this.#next !== "boot") return ROUND_S;
    const timeout = chooseTimeout(this.#settings.timeout?.seconds ?? null, this.#place.discovery.list.timeout);
    return (this.#isHeld ? Math.max(timeout, DEFAULT_TIMEOUT) : timeout) + this.#added;
  }

  /** Somebody pressed a key before there was a menu: it is shown, for the usual time at least. */
  holdForPerson(): void {
    this.#isHeld = true;
  }

  get menuIsOpen(): boolean {
    return this.#menu !== null;
  }

  /** Shows the menu, counting down to the default unless `message` says that something failed. */
  async openMenu(message: string | null = null): Promise<void> {
    this.update();
    if (message !== null) this.#stopped = true;
    this.store.update({ message, progress: null });
    if (this.#menu !== null) return;
    this.#menuSince = performance.now();
    this.#tick();
    this.#menu = await this.#place.openMenu(this.store, this.#actions());
    this.#ticker = setInterval(() => this.#tick(), TICK_MS);
    if (this.#staging === null && this.#place.stages && this.#settings.stage) {
      const { Staging } = await import("./loadahead.ts");
      this.#staging ??= new Staging(this.#place.discovery, this.#settings.kexec);
    }
    this.#stage();
  }

  async closeMenu(): Promise<void> {
    if (this.#ticker !== null) clearInterval(this.#ticker);
    this.#ticker = null;
    const menu = this.#menu;
    this.#menu = null;
    await menu?.close();
  }

  /**
   * Boots the default; where that fails, what follows it in the order that policy gives, each failure logged.
   * @returns why nothing booted, one sentence an entry
   */
  async bootUnattended(): Promise<string> {
    const failures: string[] = [];
    const tried = new Set<string>();
    for (;;) {
      const { list } = this.#place.discovery;
      const id = list.order.find((one) => !tried.has(one));
      if (id === undefined) break;
      tried.add(id);
      const entry = this.#place.discovery.entry(id);
      if (entry === null) continue;
      // What no kexec can start (a firmware menu, Windows) is passed over quietly unless it is the default.
      if (!KEXEC_KINDS.includes(entry.kind) && id !== list.defaultId) continue;
      const failure = await this.#attempt(entry, entry.options);
      if (this.#isCancelled) return `${entry.title}: ${failure}`;
      failures.push(`${entry.title}: ${failure}`);
      // The default may boot before all devices have answered; what takes its place is chosen among all there is.
      while (!this.#place.isSettled()) await sleep(SETTLING_MS);
    }
    if (failures.length === 0) return "nothing that could be booted was found";
    return failures.length === 1 ? failures[0]! : `${failures.length} entries failed. ${failures.join(". ")}`;
  }

  /** {@link bootUnattended}, and when all has failed what the settings say: the menu, or another round after a while. */
  async bootDefault(): Promise<void> {
    const failure = await this.bootUnattended();
    const { final, retries } = this.#settings;
    this.#rounds++;
    const isOver = this.#isCancelled || final === "menu" || (final === "retry" && this.#rounds > retries);
    await this.openMenu(`Nothing booted: ${failure}`);
    if (isOver) return;
    this.#next = final;
    this.#stopped = false;
    this.#menuSince = performance.now();
    const what = final === "retry" ? `trying again (${this.#rounds} of ${retries})` : final;
    log.warn(`nothing booted; ${what} in ${ROUND_S} s unless a key is pressed`);
    this.#tick();
  }

  #tick(): void {
    if (this.#booting) return;
    const { list } = this.#place.discovery;
    const step = countdownStep({
      elapsed: (performance.now() - this.#menuSince) / 1000,
      timeout: this.timeout,
      settled: this.#place.isSettled() || (this.#place.isDecided?.() ?? false),
      stopped: this.#stopped,
      hasDefault: this.#next !== "boot" || list.defaultId !== null,
    });
    const { state } = this.store;
    if (step.left !== state.countdown || this.#next !== state.next) {
      this.store.update({ countdown: step.left, next: this.#next });
    }
    if (!step.boot) return;
    this.#stopped = true;
    if (this.#next === "reboot") void this.#place.reboot();
    else if (this.#next === "poweroff") void this.#place.powerOff();
    else if (this.#next === "retry") void this.#place.rescan().then(() => this.bootDefault());
    else void this.bootDefault();
  }

  /** @returns why it failed; a boot that works doesn't come back. */
  async #attempt(entry: BootEntry, options: string, isByPerson = false): Promise<string> {
    this.#booting = true;
    this.#isCancelled = false;
    this.store.update({ countdown: null, message: null });
    // While a menu is drawn the consoles show no line of the kernel log, so this one is kept until it is closed.
    let loaded: string | null = null;
    let closing: Promise<void> | null = null;
    const sayLoaded = (): void => {
      if (loaded !== null) this.#place.milestone(loaded);
      loaded = null;
    };
    try {
      if (this.#menu === null) this.#place.announce(`Booting ${entry.title} (${entry.source})`);
      if (!entry.bootable) throw new Error(entry.reason ?? "it can't be booted");
      if (entry.type === "firmware" && this.#place.bootNext) {
        await this.#place.bootNext(entry);
        throw new Error("the machine was to restart, and has not");
      }
      if (entry.opens !== undefined) throw new Error("it is a menu, which is read when a person chooses it");
      if (!isByPerson && entry.restricted !== null)
        throw new Error("its bootloader restricts it: a person must choose it");
      await bootEntry(this.#place.discovery, entry, options, {
        unmount: () => this.#place.unmount(),
        staged: async () => (await this.#staging?.take(entry, options)) ?? null,
        call: this.#settings.kexec,
        onProgress: (progress: Progress) => this.#showProgress(progress),
        onLoaded: (method, seconds) => {
          loaded = `baton: loaded ${entry.id} by ${method} in ${seconds.toFixed(2)} s`;
          // Only the jump can fail now: consoles are given back while disks are synced and unmounted.
          if (this.#menu === null) sayLoaded();
          else {
            closing = this.closeMenu()
              .catch((error) => log.warn(`closing the menu failed: ${describeError(error)}`))
              .then(sayLoaded);
          }
        },
        beforeJump: async () => {
          await closing;
          await this.#remember(entry);
          const warning = this.#place.jumpWarning();
          if (warning !== null) this.#place.announce(warning);
          await this.#place.beforeJump?.();
          this.#place.milestone("baton: jump");
        },
      });
      throw new Error("the jump to the new kernel came back");
    } catch (error) {
      sayLoaded();
      const reason = describeError(error);
      log.error(`${entry.id}: ${reason}`);
      const { id, title, source } = entry;
      this.store.update({ failure: { id, title, source, reason, advice: adviceOn(reason) } });
      const sayFailed = (): void => this.#place.milestone(`baton: failed ${entry.id}: ${reason}`);
      // Whoever keeps the serial line's log finds it there, menu or not.
      if (this.#menu === null) {
        sayFailed();
        this.#place.announce(`Failed: ${entry.title}: ${reason}`);
      } else this.#menu.aloud(sayFailed);
      return reason;
    } finally {
      this.#booting = false;
      this.#staging?.resume();
      this.store.update({ progress: null });
    }
  }

  async #remember(entry: BootEntry): Promise<void> {
    if (entry.writes.length === 0 && this.#settings.tries === 0) return;
    const { rememberBoot } = await import("./lastchosen.ts");
    await rememberBoot(this.#place, entry, this.#settings);
  }

  async #makeDefault(entry: BootEntry): Promise<void> {
    this.settle({ ...this.#settings, default: entry.id });
    const { saveDefault } = await import("./lastchosen.ts");
    const message = await saveDefault(this.#place, entry, this.#settings);
    this.store.update({ message, note: message });
  }

  /** Shows that something is read over the network, until it has been, or a person doesn't wait for it. Never rejects. */
  async #read(title: string, detail: string, work: Promise<void>): Promise<void> {
    const left = new Promise<"left">((resolve) => {
      this.#leave = () => resolve("left");
    });
    this.store.update({ message: null, progress: { title, detail, done: 0, total: null, canCancel: true } });
    const read = work.then(() => null).catch(describeError);
    const problem = await Promise.race([read, left]);
    this.#leave = null;
    this.store.update({ progress: null });
    if (problem === "left") {
      const message = `${title}: not waited for any more. What it gives is listed when it has come.`;
      this.store.update({ message, note: message });
      void read.then((late) => (late === null ? this.update() : log.warn(`${title}: ${late}`)));
    } else if (problem === null) this.update();
    else this.store.update({ message: problem });
  }

  /** @throws BatonError `cancelled` where a person has ended it: what loads ends with that. */
  #showProgress(progress: Progress): void {
    if (this.#isCancelled) throw new BatonError("cancelled", "it was ended by a key");
    const rate = this.#pace.rate(progress.detail, progress.done, performance.now());
    this.store.update({ progress: { ...progress, rate, canCancel: true } });
  }

  #actions(): MenuActions {
    const { firmware, openDoor, openUrl, unlockDevice } = this.#place;
    return {
      boot: async (entry, options, files) => {
        if (this.#booting) return;
        this.#stopped = true;
        const known = this.#place.discovery.entry(entry.id) ?? entry;
        if (known.opens !== undefined && openDoor) {
          return this.#read(`Reading ${known.title}`, known.source, openDoor(known.opens));
        }
        // Whether such files are there shows when they are opened.
        const current = files == null ? known : { ...known, ...files, bootable: true, reason: null };
        const failure = await this.#attempt(current, options ?? current.options, true);
        await this.openMenu(`${entry.title}: ${failure}`);
      },
      selected: (entry) => {
        this.#selected = entry;
        this.#stage();
      },
      cancel: () => {
        this.#isCancelled = true;
        this.#leave?.();
      },
      addTime: (seconds) => {
        const left = this.timeout - (performance.now() - this.#menuSince) / 1000;
        // Nobody boots anything by a key that is held down: it only brings the end nearer, not here.
        this.#added += seconds > 0 ? seconds : Math.min(0, Math.max(seconds, MIN_LEFT - left));
        this.#tick();
      },
      makeDefault: (entry) =>
        this.#makeDefault(entry).catch((error) => this.store.update({ message: describeError(error) })),
      unlock: (password) => this.#lock.tryPassword(password, this.#settings.password ?? ""),
      ...(firmware ? { firmware } : {}),
      ...(unlockDevice
        ? {
            unlockDevice: async (name: string, passphrase: string) => {
              try {
                return (await unlockDevice(name, passphrase)) ? null : { reason: "Wrong passphrase.", again: true };
              } catch (error) {
                return { reason: describeError(error), again: false };
              } finally {
                this.update();
              }
            },
          }
        : {}),
      ...(openUrl ? { openUrl: (url: string) => this.#read(`Fetching ${url}`, "", openUrl(url)) } : {}),
      rescan: async () => {
        await this.#place.rescan();
        this.update();
      },
      stopCountdown: () => {
        this.#stopped = true;
        this.store.update({ countdown: null });
      },
      reboot: () => this.#place.reboot(),
      powerOff: () => this.#place.powerOff(),
      log: () => logLines(),
    };
  }
}

const menuSettings = (settings: Settings): MenuSettings => ({
  editor: settings.editor,
  shell: shellIsFree(settings),
  hasPassword: settings.password !== null,
  title: settings.title,
  message: settings.message,
  keys: settings.keys,
  theme: settings.theme,
});
