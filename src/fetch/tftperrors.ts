/** Failures of TFTP as sentences: what the server said, or what became of a packet. */

import { BatonError } from "../errors.ts";

/** What a server says that can't negotiate options (RFC 2347: error 8; old ones 4 or 0): to be asked again without. */
export class OptionsRefused extends BatonError {}

const NAMES: Readonly<Record<number, string>> = {
  3: "disk full",
  5: "unknown transfer",
  6: "file exists",
  7: "no such user",
};

/** @param isRequested whether this is the answer to the request. @param name of the file, a URL */
export function tftpError(name: string, code: number, message: string, isRequested: boolean): BatonError {
  const said = message.trim() === "" ? "" : ` (${message.trim()})`;
  const line = (text: string): string => `${name}: ${text}${said}`;
  if (code === 1) return new BatonError("not-found", line("the server has no such file: TFTP error 1"));
  if (code === 2) return new BatonError("refused", line("the server does not let it be read: TFTP error 2"));
  if (code === 8) return new OptionsRefused("io", line("the server refuses the transfer's options: TFTP error 8"));
  if (code === 0 && /not found|no such file/i.test(message)) {
    return new BatonError("not-found", line("the server has no such file: TFTP error 0"));
  }
  if (isRequested && code === 4) {
    return new OptionsRefused("io", line("the server does not know what is asked: TFTP error 4"));
  }
  if (isRequested && code === 0) return new OptionsRefused("io", line("the server failed: TFTP error 0"));
  const what = NAMES[code] === undefined ? "" : `, ${NAMES[code]}`;
  return new BatonError("io", line(`the server ended the transfer: TFTP error ${code}${what}`));
}

/** @param isRequested whether the server has not answered yet */
export function socketError(
  name: string,
  address: string,
  error: NodeJS.ErrnoException,
  isRequested: boolean,
): BatonError {
  const explained: Readonly<Record<string, string>> = {
    ENETUNREACH: `there is no route to ${address}: this machine has no address or no gateway for it`,
    EADDRNOTAVAIL: `there is no route to ${address}: this machine has no address for it`,
    EHOSTUNREACH: `there is no way to ${address}: it is off, or the network is another one`,
    ECONNREFUSED: isRequested
      ? `no TFTP server listens at ${address}`
      : `the server at ${address} has ended the transfer without a word`,
  };
  return new BatonError("io", `${name}: ${explained[error.code ?? ""] ?? error.message}`, { cause: error });
}
