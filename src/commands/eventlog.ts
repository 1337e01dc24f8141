/** `baton eventlog`: what was measured at this start, in words, and whether the TPM's registers say the same. */

import { constants, existsSync } from "node:fs";
import { open } from "node:fs/promises";
import { BatonError, describeError } from "../errors.ts";
import { inOwnImage } from "../linux/ownimage.ts";
import { withTpm } from "../linux/tpm.ts";
import { printable } from "../text.ts";
import {
  BANKS,
  type Bank,
  type Difference,
  differences,
  type EventLog,
  type LogEvent,
  MAX_LOG_SIZE,
  parseEventLog,
  type Replayed,
  replay,
  uncovered,
} from "../trust/eventlog.ts";
import { eventText, typeName, wrongDigests } from "../trust/eventwords.ts";
import { activeBanks, readPcrs } from "../trust/tpm2.ts";
import { fileError } from "../volumes/files.ts";
import { EVENTLOG_OPTIONS } from "./shared/manual.ts";
import { readArgs } from "./shared/options.ts";
import { printJson } from "./shared/output.ts";

/** Where the kernel shows what the firmware has logged (drivers/char/tpm/eventlog). */
const FIRMWARE_LOG = "/sys/kernel/security/tpm0/binary_bios_measurements";

/** Name of a bank → register → value in lower-case hex. */
type Registers = ReadonlyMap<string, ReadonlyMap<number, string>>;

/** @returns the exit code: 1 for a log that is damaged, and with --verify where a register or a digest differs */
export async function eventlog(args: string[]): Promise<number> {
  const { values, positionals } = readArgs({ args, allowPositionals: true, options: EVENTLOG_OPTIONS });
  if (positionals.length > 1) throw new BatonError("usage", "one log at a time");
  const given = values.pcr === undefined ? null : givenRegisters(values.pcr);
  const path = positionals[0] ?? FIRMWARE_LOG;
  if (path === FIRMWARE_LOG && inOwnImage() && !existsSync(FIRMWARE_LOG)) await mountSecurity();
  const log = parseLog(path, await readLog(path));
  const replayed = new Map(log.banks.map((bank) => [bank, replay(log, bank)]));
  const check = values.verify || given !== null;
  const verified = check ? compare(replayed, given ?? (await withTpm((tpm) => registersOf(tpm, log.banks)))) : null;
  const wrong = log.events.flatMap((event) => {
    const banks = wrongDigests(event);
    return banks.length === 0 ? [] : [{ event, banks }];
  });
  if (values.json) {
    printJson({
      file: path,
      problem: log.problem,
      events: log.events.map(eventJson),
      registers: Object.fromEntries([...replayed].map(([{ name }, steps]) => [name, lastValues(steps)])),
      wrongDigests: wrong.map(({ event, banks }) => ({ event: event.number, banks })),
      verified,
    });
  } else {
    process.stdout.write(report(log, replayed, verified, wrong));
  }
  // Systems extend registers of the TPM's that no firmware's log has; who gives a value wants it compared.
  const isUnmet = given !== null && (verified?.uncovered.length ?? 0) > 0;
  const failed =
    verified !== null && (verified.differences.length > 0 || verified.compared === 0 || wrong.length > 0 || isUnmet);
  return failed || log.problem !== null ? 1 : 0;
}

/** In Baton's image nobody else has mounted it. */
async function mountSecurity(): Promise<void> {
  const { mount, MS_NODEV, MS_NOEXEC, MS_NOSUID } = await import("../linux/mount.ts");
  const flags = MS_NODEV | MS_NOEXEC | MS_NOSUID;
  // A kernel without it has no log either, which is what people are told.
  await mount({ source: "none", target: "/sys/kernel/security", type: "securityfs", flags }).catch(() => {});
}

/** Files of sysfs say no size, so the log is read to its end, or to the limit. */
async function readLog(path: string): Promise<Uint8Array> {
  try {
    // A FIFO would be waited for until somebody writes to it.
    const handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const status = await handle.stat();
      if (status.isDirectory()) throw new BatonError("not-a-file", `${path} is a directory`);
      if (status.isFIFO() || status.isSocket()) throw new BatonError("not-a-file", `${path} is no file`);
      const parts: Buffer[] = [];
      let size = 0;
      while (size <= MAX_LOG_SIZE) {
        const { bytesRead, buffer } = await handle.read(Buffer.alloc(65536), 0, 65536, null);
        if (bytesRead === 0) break;
        parts.push(buffer.subarray(0, bytesRead));
        size += bytesRead;
      }
      return Buffer.concat(parts);
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (error instanceof BatonError) throw error;
    if (path === FIRMWARE_LOG && (error as NodeJS.ErrnoException).code === "ENOENT") {
      const message = `${path} is not there: no TPM, a firmware that logs nothing, or securityfs is not mounted (mount -t securityfs none /sys/kernel/security)`;
      throw new BatonError("not-found", message);
    }
    throw fileError(path, error);
  }
}

function parseLog(path: string, bytes: Uint8Array): EventLog {
  try {
    return parseEventLog(bytes);
  } catch (error) {
    if (!(error instanceof BatonError)) throw error;
    throw new BatonError(error.code, `${path} is no event log that can be read: ${describeError(error)}`);
  }
}

/** @param texts `sha256:8=HEX` each */
function givenRegisters(texts: readonly string[]): Registers {
  const registers = new Map<string, Map<number, string>>();
  for (const text of texts) {
    const [, name, pcr, value] = /^(\w+):(\d{1,2})=(?:0x)?([0-9a-f]+)$/i.exec(text) ?? [];
    const bank = BANKS.find((known) => known.name === name?.toLowerCase());
    if (!bank || Number(pcr) > 23 || value?.length !== bank.size * 2) {
      const message = `--pcr ${text}: expected BANK:NUMBER=HEX, as in sha256:8=…; banks are ${BANKS.map((known) => known.name).join(", ")}, numbers 0 to 23`;
      throw new BatonError("usage", message);
    }
    const known = registers.get(bank.name) ?? new Map<number, string>();
    registers.set(bank.name, known.set(Number(pcr), value.toLowerCase()));
  }
  return registers;
}

async function registersOf(exchange: Parameters<typeof activeBanks>[0], logged: readonly Bank[]): Promise<Registers> {
  const active = (await activeBanks(exchange)).filter(({ name }) => logged.some((bank) => bank.name === name));
  const registers = new Map<string, Map<number, string>>();
  for (const bank of active) registers.set(bank.name, await readPcrs(exchange, bank));
  return registers;
}

interface Comparison {
  /** Registers of all banks that both the log and the TPM have. */
  readonly compared: number;
  readonly differences: readonly Difference[];
  /** Registers that were extended, and not by an event of the log: `sha256:10`. */
  readonly uncovered: readonly string[];
}

function compare(replayed: ReadonlyMap<Bank, Replayed>, registers: Registers): Comparison {
  let compared = 0;
  const found: Difference[] = [];
  const others: string[] = [];
  for (const [bank, steps] of replayed) {
    const values = registers.get(bank.name);
    if (!values) continue;
    compared += [...steps.keys()].filter((pcr) => values.has(pcr)).length;
    found.push(...differences(steps, bank, values));
    others.push(...uncovered(steps, values).map((pcr) => `${bank.name}:${pcr}`));
  }
  return { compared, differences: found, uncovered: others };
}

const lastValues = (steps: Replayed): Record<number, string> =>
  Object.fromEntries([...steps].map(([pcr, values]) => [pcr, values.at(-1)!.value]));

const eventJson = (event: LogEvent): object => ({
  number: event.number,
  pcr: event.pcr === 0xffffffff ? null : event.pcr,
  type: typeName(event.type),
  digests: Object.fromEntries(event.digests),
  size: event.data.length,
  text: eventText(event),
});

function report(
  log: EventLog,
  replayed: ReadonlyMap<Bank, Replayed>,
  verified: Comparison | null,
  wrong: readonly { readonly event: LogEvent; readonly banks: readonly string[] }[],
): string {
  const lines = log.events.map((event) => {
    const pcr = event.pcr === 0xffffffff ? "-" : String(event.pcr);
    return `${String(event.number).padStart(4)}  PCR ${pcr.padEnd(2)}  ${typeName(event.type)}  ${eventText(event)}`;
  });
  for (const [{ name }, steps] of replayed) {
    for (const [pcr, values] of [...steps].sort(([one], [other]) => one - other)) {
      lines.push(`${name}:${pcr}=${values.at(-1)!.value}`);
    }
  }
  if (log.problem !== null) lines.push(`the log is damaged: ${log.problem}`);
  for (const { event, banks } of wrong) {
    lines.push(
      `event ${event.number} (${typeName(event.type)}): its ${banks.join(" and ")} digest is not that of its data`,
    );
  }
  for (const { bank, pcr, expected, actual, after } of verified?.differences ?? []) {
    const why =
      after === null ? "no event of the log leads there" : `what the log has after event ${after} is missing from it`;
    lines.push(`${bank}:${pcr} is ${actual}, and the log leads to ${expected}: ${why}`);
  }
  if (verified?.compared === 0)
    lines.push("nothing could be compared: the log and the registers have no bank in common");
  else if (verified?.differences.length === 0)
    lines.push(`all ${verified.compared} registers that the log extends are what it leads to`);
  if (verified && verified.uncovered.length > 0)
    lines.push(`extended by something that this log has no event of: ${verified.uncovered.join(", ")}`);
  return lines.map((line) => `${printable(line).trimEnd()}\n`).join("");
}
