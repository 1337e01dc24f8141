/** The machine's TPM 2.0, through the kernel's resource manager: commands and answers are bytes (drivers/char/tpm). */

import { type FileHandle, open } from "node:fs/promises";
import { BatonError } from "../errors.ts";
import { noAnswer, withDeadline } from "./deadline.ts";

const DEVICE = "/dev/tpmrm0";
/** TPM_BUFSIZE: the kernel gives no longer answer. Bytes. */
const MAX_ANSWER = 4096;
/** The kernel itself waits so long for a slow command (TPM2_DURATION_LONG is 2 s). Milliseconds. */
const TIMEOUT_MS = 10_000;

/**
 * Opens the TPM, has `use` speak to it, and closes it.
 * @param device for tests
 * @throws BatonError `not-found` without a TPM, `io`, `timeout` for one that is silent, and as `use` does
 */
export async function withTpm<T>(
  use: (exchange: (command: Uint8Array) => Promise<Uint8Array>) => Promise<T>,
  device = DEVICE,
): Promise<T> {
  let handle: FileHandle;
  try {
    handle = await withDeadline(open(device, "r+"), TIMEOUT_MS, `open("${device}")`, (late) => void late.close());
  } catch (error) {
    if (error instanceof BatonError) throw error;
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENODEV") {
      throw new BatonError("not-found", `${device} is not there: this machine has no TPM 2.0, or no driver for it`);
    }
    const advice = code === "EACCES" ? ": root may, and who is in the group tss" : "";
    throw new BatonError("io", `${device} can't be opened (${code})${advice}`, { cause: error });
  }
  let silent = false;
  const exchange = async (command: Uint8Array): Promise<Uint8Array> => {
    const answer = Buffer.alloc(MAX_ANSWER);
    const work = async (): Promise<number> => {
      await handle.write(command, 0, command.length, null);
      return (await handle.read(answer, 0, answer.length, null)).bytesRead;
    };
    const late = (): BatonError => {
      silent = true;
      return noAnswer(device, TIMEOUT_MS, "the TPM is silent");
    };
    try {
      return answer.subarray(0, await withDeadline(work(), TIMEOUT_MS, late));
    } catch (error) {
      if (error instanceof BatonError) throw error;
      const { code } = error as NodeJS.ErrnoException;
      throw new BatonError("io", `${device}: a command could not be given (${code})`, { cause: error });
    }
  };
  try {
    return await use(exchange);
  } finally {
    // Closing waits for a command that is under way.
    if (silent) handle.close().catch(() => {});
    else await handle.close();
  }
}
