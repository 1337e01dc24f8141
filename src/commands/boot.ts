/** `baton boot`: loads an entry and jumps, or says what it would do. */

import { existsSync } from "node:fs";
import type { Discovery } from "../discovery/discovery.ts";
import { type BootEntry, formatFileRef, type StateWrite } from "../entry.ts";
import { BatonError, describeError } from "../errors.ts";
import { unload } from "../kexec/load.ts";
import { bootEntry } from "../loader/boot.ts";
import { loadEntry } from "../loader/load.ts";
import { type BootPlan, planBoot } from "../loader/plan.ts";
import { findEntry } from "../policy/find.ts";
import { bootedBy, restrictedBehind } from "../policy/links.ts";
import type { BootList } from "../policy/list.ts";
import { isPasswordOf, passwordProblem } from "../policy/locks.ts";
import { formatSize, printable } from "../text.ts";
import type { TrustPolicy } from "../trust/policy.ts";
import { entryJson } from "./shared/json.ts";
import { BOOT_OPTIONS } from "./shared/manual.ts";
import { diskOptions, readArgs } from "./shared/options.ts";
import { complain, printJson } from "./shared/output.ts";
import { policyHere } from "./shared/ownpolicy.ts";
import { discover } from "./shared/source.ts";

/** There where systemd is PID 1 (sd_booted(3)). */
const SYSTEMD = "/run/systemd/system";

/** @returns the exit code; a boot that works doesn't come back, or with --systemd before the system has gone down */
export async function boot(args: string[]): Promise<number> {
  const { values, positionals } = readArgs({ args, allowPositionals: true, options: BOOT_OPTIONS });
  if (positionals.length > 1) {
    throw new BatonError("usage", `one ENTRY is booted, not ${positionals.length}; quote a title that has spaces`);
  }
  if (values.json && !values["dry-run"])
    throw new BatonError("usage", "--json says what --dry-run would do; give both");
  if (values.systemd && !values["dry-run"] && !existsSync(SYSTEMD)) {
    throw new BatonError("refused", "--systemd: this system isn't run by systemd; without it Baton jumps by itself");
  }
  const options = diskOptions(values);
  const found = await discover(options).catch((error: unknown) => fail(error, values.json));
  if (typeof found === "number") return found;
  const { settings } = found;
  const ownWrites = async (entry: BootEntry): Promise<StateWrite[]> => {
    if (settings.tries === 0) return [];
    const { BootState } = await import("../session/bootstate.ts");
    const isOwn = options.disks.length === 0 && existsSync("/sys/firmware/efi");
    const state = new BootState(found.discovery, () => Promise.reject(new Error("nothing is written here")), isOwn);
    await state.load();
    return state.writesFor({ ...entry, writes: [] }, settings);
  };
  const policy = await policyHere(settings);
  const asked = {
    policy,
    json: values.json === true,
    dryRun: values["dry-run"] === true,
    lister: "baton list",
    ownWrites,
  };
  const bySystemd = values.systemd === true;
  return bootChosen(found.discovery, positionals[0], options.platform?.arch ?? null, { ...asked, bySystemd }, () =>
    found.close(),
  );
}

/**
 * Boots one of the entries, or says what that would do.
 * @param name of the entry; none: the default
 * @param arch of the machine that would boot it, as `uname -m`; null for this one, with what it demands of signatures
 * @param close lets go of every filesystem
 * @returns the exit code; a boot that works doesn't come back
 */
export async function bootChosen(
  discovery: Discovery,
  name: string | undefined,
  arch: string | null,
  asked: {
    /** The owner's, of what may boot. */
    readonly policy: TrustPolicy;
    readonly json: boolean;
    readonly dryRun: boolean;
    /** The command that lists these entries. */
    readonly lister: string;
    /** Why there are none, where that is known. */
    readonly failure?: string | null;
    /** Whether systemd shuts the system down before the jump. */
    readonly bySystemd?: boolean;
    /** What Baton itself would remember of this boot. */
    readonly ownWrites?: (entry: BootEntry) => Promise<readonly StateWrite[]>;
  },
  close: () => Promise<void>,
): Promise<number> {
  try {
    const chosen = chooseEntry(discovery.list, name, asked);
    const entry = bootedBy(discovery.list.entries, chosen);
    if (!asked.dryRun) {
      await askUser(discovery.list, chosen);
      const onLoaded = (method: string, seconds: number): void => {
        process.stderr.write(`${printable(`loaded ${entry.id} by ${method} in ${seconds.toFixed(2)} s`)}\n`);
      };
      if (asked.bySystemd) {
        const { method, seconds } = await loadEntry(discovery, asked.policy, entry, entry.options, () => {});
        onLoaded(method, seconds);
        await close();
        await kexecBySystemd();
        return 0;
      }
      return await bootEntry(discovery, asked.policy, entry, entry.options, {
        onProgress: () => {},
        onLoaded,
        beforeJump: async () => {},
        unmount: close,
      });
    }
    if (!entry.bootable) throw new BatonError("refused", `${entry.title}: ${entry.reason}`);
    const planned = await planBoot(discovery, asked.policy, entry, arch);
    const plan = { ...planned, writes: [...planned.writes, ...((await asked.ownWrites?.(entry)) ?? [])] };
    if (asked.json) {
      printJson({ ...plan, entry: entryJson(plan.entry), writes: plan.writes.map(writeJson) });
    } else {
      process.stdout.write(planText(plan));
    }
    return 0;
  } catch (error) {
    return fail(error, asked.json);
  } finally {
    await close();
  }
}

/**
 * Has systemd shut this system down and start the kernel that is loaded (systemctl(1), "kexec"): with one loaded it looks for
 * none itself, neither for boot entries nor for an EFI system partition.
 * @throws BatonError where it doesn't; no kernel is loaded then
 */
async function kexecBySystemd(): Promise<void> {
  const { execFile } = await import("node:child_process");
  const failed = await new Promise<Error | null>((resolve) => execFile("systemctl", ["kexec"], resolve));
  if (failed === null) return;
  await unload();
  throw new BatonError("io", `systemctl kexec didn't shut the system down: ${describeError(failed)}`, {
    cause: failed,
  });
}

/**
 * Asks for the name and the password of a user whom the entry's own bootloader would let start it.
 * @throws BatonError `refused` where nobody can be asked, or it is another password
 */
async function askUser({ entries, locks }: BootList, chosen: BootEntry): Promise<void> {
  const { title, source, config, restricted } = chosen;
  const shut = restrictedBehind(entries, chosen);
  if (shut !== null)
    throw new BatonError("refused", `${title} leads to ${shut.id}, which asks for a password: name that`);
  if (restricted === null) return;
  const lock = locks.find((one) => one.source === (config ?? source));
  const who = restricted.length === 0 ? "those who know its password" : restricted.join(", ");
  const refused = (why: string): BatonError =>
    new BatonError("refused", `${title}: its bootloader (${source}) leaves it to ${who}; ${why}`);
  const known = restricted.filter((user) => {
    const password = lock?.passwords.get(user);
    return password !== undefined && passwordProblem(password) === null;
  });
  if (known.length === 0) throw refused("Baton could read no password of theirs, and boots it only from its own menu");
  if (!process.stdin.isTTY) throw refused("run this on a terminal, where it asks for name and password");
  const { typeLines } = await import("./shared/typed.ts");
  const hasNames = lock?.isNameless !== true;
  const answers = await typeLines([
    ...(hasNames ? [{ text: `User for ${printable(title)}: `, isHidden: false }] : []),
    { text: hasNames ? "Password: " : `Password for ${printable(title)}: `, isHidden: true },
  ]);
  const typed = answers.at(-1) ?? "";
  for (const user of hasNames ? known.filter((one) => one === answers[0]) : known) {
    if (await isPasswordOf(lock!.passwords.get(user)!, typed)) return;
  }
  throw refused("that is not the password");
}

/** The entry that was named, else the default. */
function chooseEntry(
  list: BootList,
  name: string | undefined,
  { lister, failure }: { readonly lister: string; readonly failure?: string | null },
): BootEntry {
  const entry = name === undefined ? list.entries.find(({ isDefault }) => isDefault) : findEntry(list.entries, name);
  if (entry) return entry;
  if (list.entries.length === 0) {
    throw new BatonError("not-found", failure ?? `nothing to boot was found; ${lister} says why`);
  }
  throw new BatonError(
    "not-found",
    name === undefined
      ? `no default: ${list.why}; name an entry (${lister} shows them)`
      : `no entry has the id, title or number '${name}'; ${lister} shows them`,
  );
}

/** With --json, the failure is one JSON value too. */
function fail(error: unknown, json: boolean | undefined): number {
  const message = describeError(error);
  if (json) printJson({ entry: null, method: null, files: [], options: "", writes: [], error: message });
  complain(message);
  return 1;
}

function writeJson(write: StateWrite): unknown {
  if ("file" in write) return { file: formatFileRef(write.file), set: write.set, unset: write.unset };
  if ("rename" in write) return { rename: formatFileRef(write.rename), to: write.to };
  return write;
}

function planText(plan: BootPlan): string {
  const lines = [
    `would boot ${plan.entry.id}: ${plan.entry.title}`,
    `  from     ${plan.entry.source}`,
    ...plan.files.map(({ ref, size, sha256 }) => `  read     ${ref} (${formatSize(size)}, sha256 ${sha256})`),
    `  options  ${plan.options}`,
    `  method   ${plan.method}`,
    ...plan.warnings.map((warning) => `  warning  ${warning}`),
    ...plan.writes.map((write) => `  would be written by its own bootloader: ${JSON.stringify(writeJson(write))}`),
  ];
  return lines.map((line) => `${printable(line)}\n`).join("");
}
