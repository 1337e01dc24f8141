/**
 * Debian's own programs for RAID, LVM2 and LUKS, where the image carries them: run without a shell, with nothing secret
 * on their command lines, and given up when they don't end.
 */

import { type ChildProcess, execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { BatonError, describeError } from "../errors.ts";
import { withDeadline } from "../linux/deadline.ts";
import { log } from "../log.ts";

export type Tool = "mdadm" | "lvm" | "cryptsetup";

interface ToolResult {
  /** 0 where it did what was asked. */
  readonly code: number;
  readonly stdout: string;
  /** What it complained of, in one line. */
  readonly complaint: string;
}

const FOLDERS = ["/usr/sbin", "/sbin", "/usr/bin", "/bin"];
/** Bytes of output: what lvm says of thousands of logical volumes. It is taken apart without a pause. */
const MAX_OUTPUT = 512 * 1024;
/** Between the signal and the end of a process that isn't stuck in a device. */
const GRACE_MS = 2000;

/**
 * Nodes are devtmpfs' own, since there is no udev; nothing is looked for in files of a system that isn't there; messages
 * are in one language.
 */
const ENVIRONMENT: Readonly<Record<string, string>> = {
  PATH: FOLDERS.join(":"),
  LC_ALL: "C",
  DM_DISABLE_UDEV: "1",
  MDADM_NO_UDEV: "1",
  LVM_SUPPRESS_FD_WARNINGS: "1",
};

/** Where the program lies; null where this image has it not. */
export function toolPath(tool: Tool): string | null {
  return FOLDERS.map((folder) => `${folder}/${tool}`).find((path) => existsSync(path)) ?? null;
}

/**
 * Runs it to its end.
 * @param input goes to its standard input, as it is
 * @throws BatonError `unsupported` where it isn't there; `timeout` where it doesn't end; `io` where it can't be started
 */
export function runTool(
  tool: Tool,
  args: readonly string[],
  { input, timeoutMs = 30_000 }: { readonly input?: Uint8Array; readonly timeoutMs?: number } = {},
): Promise<ToolResult> {
  const path = toolPath(tool);
  if (path === null) return Promise.reject(new BatonError("unsupported", missingTool(tool)));
  let child: ChildProcess | undefined;
  const ended = new Promise<ToolResult>((resolve, reject) => {
    const options = { env: ENVIRONMENT, timeout: timeoutMs, killSignal: "SIGKILL", maxBuffer: MAX_OUTPUT } as const;
    child = execFile(path, [...args], options, (error, stdout, stderr) => {
      const complaint = stderr.trim().replace(/\s*\n\s*/g, "; ");
      log.debug(`${tool} ${args.join(" ")}: ${error === null ? "done" : describeError(error)}`);
      if (error === null) resolve({ code: 0, stdout, complaint });
      else if (typeof error.code === "number") resolve({ code: error.code, stdout, complaint });
      else if (error.killed) reject(new BatonError("timeout", `${tool} has not ended within ${timeoutMs / 1000} s`));
      else reject(new BatonError("io", `${tool} could not be run: ${describeError(error)}`));
    });
    child.stdin?.on("error", () => {}); // It ended without reading: its exit code says why.
    child.stdin?.end(input ?? "");
  });
  // One that waits for a dead disk can't even be killed: nobody waits for it any longer than this.
  return withDeadline(ended, timeoutMs + GRACE_MS, () => {
    child?.unref();
    return new BatonError("timeout", `${tool} has not ended within ${timeoutMs / 1000} s: a device does not answer`);
  });
}

/** What there is to do where a program is missing. */
export function missingTool(tool: Tool): string {
  return `this image has no ${tool}; the profile configs/pc-volumes.yaml adds it`;
}
