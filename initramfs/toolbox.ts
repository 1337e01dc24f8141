/** Programs of Debian packages run on this machine without being installed, with the libraries of their own release. */

import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { BatonError, describeError } from "../src/errors.ts";
import type { Architecture, Archive } from "./apt.ts";
import { debianPackages, HOST_ARCHITECTURE } from "./debian.ts";
import { LIBRARY_FOLDER } from "./libraries.ts";
import type { PackageLock } from "./package-lock.ts";

const run = promisify(execFile);

/** Where an architecture's programs name their dynamic linker. */
const LINKER: Readonly<Record<Architecture, string>> = {
  amd64: "/lib64/ld-linux-x86-64.so.2",
  arm64: "/lib/ld-linux-aarch64.so.1",
};

/** The image's suite, so that the host's has no say in what comes out, and the lock file that its packages are in. */
export type ToolSuite = Pick<Archive, "suite" | "mirrors"> & { readonly lock?: PackageLock };

interface RunOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string;
  /** Milliseconds; none unless given. */
  readonly timeout?: number;
}

/** Programs for {@link Toolbox.run}, and the files beside them. */
export interface Toolbox {
  readonly root: string;
  /**
   * @param program the name of one in the packages
   * @returns what it printed
   * @throws BatonError "not-found", "io" with what it said
   */
  run(program: string, args: readonly string[], options?: RunOptions): Promise<Buffer>;
}

/** The packages' programs, for this machine's architecture whatever the image's is. */
export async function toolbox(packages: readonly string[], { suite, mirrors, lock }: ToolSuite): Promise<Toolbox> {
  const options = { suite, mirrors, lock, arch: HOST_ARCHITECTURE };
  const { root } = await debianPackages(["libc6", ...packages], options);
  return {
    root,
    run: async (name, args, runOptions = {}) => {
      const program = ["usr/bin", "usr/sbin"]
        .map((folder) => join(root, folder, name))
        .find((path) => existsSync(path));
      if (program === undefined) throw new BatonError("not-found", `no program ${name} in ${packages.join(", ")}`);
      return runWithin(root, program, args, runOptions);
    },
  };
}

/**
 * Runs a program of this machine's architecture by the dynamic linker and with the libraries below `root`.
 * @throws BatonError "io" with what it said
 */
export async function runWithin(
  root: string,
  program: string,
  args: readonly string[],
  { input, ...options }: RunOptions = {},
): Promise<Buffer> {
  const linker = join(root, LINKER[HOST_ARCHITECTURE]);
  const libraries = join(root, LIBRARY_FOLDER[HOST_ARCHITECTURE]);
  try {
    const words = ["--library-path", libraries, program, ...args];
    const running = run(linker, words, { ...options, encoding: "buffer", maxBuffer: 1 << 28 });
    running.child.stdin?.on("error", () => {}); // told by the exit code
    running.child.stdin?.end(input);
    return (await running).stdout;
  } catch (error) {
    const stderr = (error as { stderr?: Buffer }).stderr?.toString().trim();
    throw new BatonError("io", `${program} ${args.join(" ")} failed: ${stderr || describeError(error)}`, {
      cause: error,
    });
  }
}
