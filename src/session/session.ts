/**
 * One person's (or nobody's) time with Baton: joins what discovery finds, the menu and the boot. Shared by the
 * initramfs (`init`) and by `baton menu` on a terminal.
 */

import { type BootEntry, type Diagnostic, shownAddress } from "../entry.ts";
import { describeError } from "../errors.ts";
import { log, logLines } from "../log.ts";
import { type MenuActions, type MenuLock, type MenuSettings, MenuStore } from "../menu/model.ts";
import { bootedBy, restrictedBehind } from "../policy/links.ts";
import type { BootList } from "../policy/list.ts";
import { type Lock, passwordProblem } from "../policy/locks.ts";
import type { BootRules } from "../policy/readconfig.ts";
import { type Settings, shellIsFree } from "../policy/settings.ts";
import { Attempts } from "./attempts.ts";
import { type Clock, systemClock } from "./clock.ts";
import { Countdown, type CountdownFacts, ROUND_SECONDS } from "./countdown.ts";
import type { SessionHost } from "./host.ts";
import { NetworkReads } from "./networkreads.ts";
import { PasswordLock } from "./passwordlock.ts";
import { Selection } from "./selection.ts";
import { ShownMenu } from "./shownmenu.ts";
import { afterRound, bootUnattended } from "./unattended.ts";

type Remembered = Pick<BootRules, "saved" | "passedOver" | "otherwise">;

export class Session {
  readonly store: MenuStore;
  readonly #host: SessionHost;
  readonly #clock: Clock;
  readonly #menu: ShownMenu;
  readonly #countdown: Countdown;
  readonly #selection: Selection;
  readonly #attempts: Attempts;
  readonly #actions: MenuActions;
  #settings: Settings;
  #remembered: Remembered = {};
  /** Rounds of attempts without a person in which nothing booted. */
  #rounds = 0;
  /** What is wrong in Baton's own configuration. */
  problems: readonly Diagnostic[] = [];

  /** @param machine lines about it, for the menu */
  constructor(host: SessionHost, settings: Settings, machine: readonly string[], clock: Clock = systemClock) {
    this.#host = host;
    this.#clock = clock;
    this.#settings = settings;
    this.store = new MenuStore({ machine, settings: menuSettings(settings) });
    this.#menu = new ShownMenu(clock);
    this.#countdown = new Countdown(clock);
    this.#selection = new Selection(host);
    this.#attempts = new Attempts({
      ...{ host, store: this.store, clock, settings: () => this.#settings },
      ...{ menu: this.#menu, ahead: this.#selection },
    });
    this.#actions = this.#menuActions();
    host.discovery.setRules(settings);
  }

  /** A configuration, or what was remembered, has been read: other settings hold from now on. */
  settle(settings: Settings, remembered: Remembered = {}): void {
    const { discovery } = this.#host;
    this.#settings = settings;
    this.#remembered = { ...this.#remembered, ...remembered };
    discovery.setRules({ ...settings, ...this.#remembered });
    this.store.update({ settings: menuSettings(settings) });
    this.update();
  }

  /** What discovery knows now, for every console. */
  update(): void {
    const { list, devices } = this.#host.discovery;
    this.store.update({
      entries: list.entries,
      diagnostics: [...this.problems, ...list.diagnostics],
      devices,
      defaultId: list.defaultId,
      why: list.why,
      scanning: !this.#host.isSettled(),
      locks: list.locks.map(menuLock),
      areLocksKnown: this.#areLocksKnown(list),
    });
    this.#selection.update();
  }

  /** A machine's own configuration that shuts something was read, or no disk can bring one any more. */
  #areLocksKnown({ locks }: BootList): boolean {
    const { areDisksRead, isDecided } = this.#host;
    return locks.some(({ isMachines }) => isMachines) || (areDisksRead?.() ?? true) || (isDecided?.() ?? false);
  }

  /** Seconds until the default boots; 0 boots without a menu. */
  get timeout(): number {
    return this.#countdown.timeout(this.#facts());
  }

  /** Somebody pressed a key before there was a menu: it is shown, for the usual time at least. */
  holdForPerson(): void {
    this.#countdown.hold();
  }

  /** A controller has so many seconds to say what boots, in the menu, before the default does. */
  holdForController(seconds: number): void {
    this.#countdown.hold(seconds);
  }

  get menuIsOpen(): boolean {
    return this.#menu.isOpen;
  }

  /** Shows the menu, counting down to the default unless `message` says that something failed. */
  async openMenu(message: string | null = null): Promise<void> {
    this.update();
    if (message !== null) this.#countdown.stop();
    this.store.update({ message, progress: null });
    if (this.#menu.isOpen) return;
    this.#countdown.begin();
    this.#tick();
    await this.#menu.open(
      () => this.#host.openMenu(this.store, this.#actions),
      () => this.#tick(),
    );
    await this.#selection.begin(this.#settings);
  }

  /** Does `print`, which writes to the kernel log, so that consoles show it: menu or not. */
  aloud(print: () => void): void {
    this.#menu.aloud(print);
  }

  closeMenu(): Promise<void> {
    return this.#menu.close();
  }

  /** Boots the default, else what follows it; when all has failed, does what the settings say: the menu, or another round. */
  async bootDefault(): Promise<void> {
    const failure = await bootUnattended(this.#host, this.#attempts, this.#clock);
    const next = afterRound(++this.#rounds, this.#settings);
    const isOver = this.#attempts.isCancelled || next === null;
    await this.openMenu(`Nothing booted: ${failure}`);
    // The menu is the end that the owner wants. A person who ended the boot may leave.
    if (isOver && !this.#attempts.isCancelled) this.#countdown.end();
    if (isOver) return;
    this.#countdown.beginRound(next);
    const what = next === "retry" ? `trying again (${this.#rounds} of ${this.#settings.retries})` : next;
    log.warn(`nothing booted; ${what} in ${ROUND_SECONDS} s unless a key is pressed`);
    this.#tick();
  }

  #facts(): CountdownFacts {
    const { discovery } = this.#host;
    return {
      owner: this.#settings.timeout?.seconds ?? null,
      config: discovery.list.timeout,
      isSettled: this.#host.isSettled() || (this.#host.isDecided?.() ?? false),
      hasDefault: discovery.list.defaultId !== null,
      idle: this.#settings.idle,
      isInUse: this.#menu.isInUse || this.store.state.progress !== null,
    };
  }

  #tick(): void {
    if (this.#attempts.isGoingOn) {
      this.#countdown.attend();
      return;
    }
    const { left: countdown, boot } = this.#countdown.step(this.#facts());
    const { next } = this.#countdown;
    const { state } = this.store;
    const resumes = this.#countdown.resumes(this.#facts());
    if (countdown !== state.countdown || next !== state.next || resumes !== state.resumes)
      this.store.update({ countdown, next, resumes });
    if (!boot) return;
    this.#countdown.stop();
    if (next === "reboot") void this.#host.reboot();
    else if (next === "poweroff") void this.#host.powerOff();
    else if (next === "retry") void this.#host.rescan().then(() => this.bootDefault());
    else void this.bootDefault();
  }

  /** What the menu's keys make happen. */
  #menuActions(): MenuActions {
    const host = this.#host;
    const { firmware, openDoor, openUrl, unlockDevice } = host;
    const attempts = this.#attempts;
    const reads = new NetworkReads(this.store, () => this.update());
    const passwordLock = new PasswordLock(this.#clock);
    const read = (entry: BootEntry, answers?: ReadonlyMap<string, string>): Promise<void> =>
      reads.wait(`Reading ${entry.title}`, entry.source, openDoor!(entry.opens!, answers));
    return {
      boot: async (entry, options, files) => {
        if (attempts.isGoingOn) return;
        this.#countdown.stop();
        const { entries } = host.discovery.list;
        const chosen = host.discovery.entry(entry.id) ?? entry;
        const shut = restrictedBehind(entries, chosen);
        if (shut !== null) {
          this.store.update({
            message: `${entry.title} leads to ${shut.title} (${shut.source}), whose own bootloader asks for a password: choose that entry itself`,
          });
          return;
        }
        const known = bootedBy(entries, chosen);
        if (known.opens !== undefined && openDoor) return read(known);
        // Whether such files are there shows when they are opened.
        const current =
          files == null || known.isForbidden ? known : { ...known, ...files, bootable: true, reason: null };
        const failure = await attempts.attempt(current, options ?? current.options, true);
        await this.openMenu(`${entry.title}: ${failure}`);
      },
      ...(openDoor && {
        open: async (entry: BootEntry, answers: ReadonlyMap<string, string>) => {
          if (attempts.isGoingOn) return;
          this.#countdown.stop();
          await read(host.discovery.entry(entry.id) ?? entry, answers);
        },
      }),
      selected: (entry) => {
        this.#selection.select(entry);
        const selectedId = entry?.id ?? null;
        if (selectedId !== this.store.state.selectedId) this.store.update({ selectedId });
      },
      cancel: () => {
        attempts.cancel();
        reads.leave();
      },
      addTime: (seconds) => {
        this.#countdown.addTime(seconds, this.#facts());
        this.#tick();
      },
      makeDefault: (entry) =>
        this.#makeDefault(entry).catch((error) => this.store.update({ message: describeError(error) })),
      login: (source, users, password, orOwner) => {
        const lock = host.discovery.list.locks.find((one) => one.source === source);
        return passwordLock.tryLogin(lock, users, password, orOwner ? this.#settings.password : null);
      },
      unlock: (password) => passwordLock.tryPassword(password, this.#settings.password ?? ""),
      ...(firmware && { firmware }),
      ...(unlockDevice && {
        unlockDevice: async (name: string, passphrase: string) => {
          try {
            return (await unlockDevice(name, passphrase)) ? null : { reason: "Wrong passphrase.", again: true };
          } catch (error) {
            return { reason: describeError(error), again: false };
          } finally {
            this.update();
          }
        },
      }),
      ...(openUrl && { openUrl: (url: string) => reads.wait(`Fetching ${shownAddress(url)}`, "", openUrl(url)) }),
      rescan: async () => {
        await host.rescan();
        this.update();
      },
      attended: () => this.#countdown.attend(),
      noise: () => {
        this.#countdown.noise();
        this.#tick();
      },
      stopCountdown: () => {
        this.#countdown.stop();
        this.store.update({ countdown: null });
      },
      reboot: () => host.reboot(),
      powerOff: () => host.powerOff(),
      log: () => logLines(),
    };
  }

  async #makeDefault(entry: BootEntry): Promise<void> {
    this.settle({ ...this.#settings, default: entry.id });
    const { saveDefault } = await import("./lastchosen.ts");
    const message = await saveDefault(this.#host, entry, this.#settings);
    this.store.update({ message, note: message });
  }
}

function menuLock({ source, superusers, passwords, isNameless, isMachines }: Lock): MenuLock {
  const users: string[] = [];
  const problems: string[] = [];
  for (const [user, password] of passwords) {
    const problem = passwordProblem(password);
    if (problem === null) users.push(user);
    else problems.push(`the password of ${user} can't be checked: ${problem}`);
  }
  return {
    source,
    superusers,
    isNameless,
    isMachines,
    users,
    problem: problems.length === 0 ? null : problems.join("; "),
  };
}

const menuSettings = (settings: Settings): MenuSettings => ({
  editor: settings.editor,
  shell: shellIsFree(settings),
  hasPassword: settings.password !== null,
  idle: settings.idle,
  title: settings.title,
  message: settings.message,
  keys: settings.keys,
  theme: settings.theme,
});
