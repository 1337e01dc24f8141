/** Certificates for tests, made by openssl. */

import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface Pair {
  readonly cert: string;
  readonly key: string;
}

const run = (words: readonly string[], cwd: string): void => {
  execFileSync("openssl", [...words], { cwd, stdio: "pipe" });
};

/** Removed again before this returns; what is given stays. */
function inFolder<T>(work: (directory: string) => T): T {
  const directory = mkdtempSync(join(tmpdir(), "baton-cert-"));
  try {
    return work(directory);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

const KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];

/** A certificate authority of one's own. */
export function makeAuthority(): Pair {
  return inFolder((directory) => {
    run(
      ["req", "-x509", ...KEY, "-keyout", "key", "-out", "cert", "-days", "2", "-subj", "/CN=Test authority"],
      directory,
    );
    return { cert: readFileSync(join(directory, "cert"), "utf8"), key: readFileSync(join(directory, "key"), "utf8") };
  });
}

/** @param names as `DNS:localhost,IP:127.0.0.1`. @param days of validity from yesterday; below 1 it has expired */
export function makeCertificate(authority: Pair | null, names: string, days = 2): Pair {
  return inFolder((directory) => {
    const read = (name: string): string => readFileSync(join(directory, name), "utf8");
    if (authority === null) {
      const words = ["-x509", "-days", "2", "-subj", "/CN=alone", "-addext", `subjectAltName=${names}`];
      run(["req", ...KEY, "-keyout", "key", "-out", "cert", ...words], directory);
      return { cert: read("cert"), key: read("key") };
    }
    writeFileSync(join(directory, "ca.cert"), authority.cert);
    writeFileSync(join(directory, "ca.key"), authority.key);
    writeFileSync(join(directory, "index"), "");
    writeFileSync(join(directory, "serial"), "01\n");
    const config = [
      ...["[ca]", "default_ca=d", "[d]", "database=index", "serial=serial", "new_certs_dir=.", "default_md=sha256"],
      ...["policy=p", "x509_extensions=e", "[p]", "commonName=supplied", "[e]", `subjectAltName=${names}`],
    ];
    writeFileSync(join(directory, "conf"), `${config.join("\n")}\n`);
    run(["req", "-new", ...KEY, "-keyout", "key", "-out", "csr", "-subj", "/CN=server"], directory);
    const stamp = (offset: number): string =>
      `${new Date(Date.now() + offset * 86_400_000).toISOString().replace(/[-:T]/g, "").slice(0, 14)}Z`;
    const dates = ["-startdate", stamp(Math.min(-1, days - 2)), "-enddate", stamp(days - 1)];
    run(
      [
        "ca",
        "-batch",
        "-config",
        "conf",
        "-cert",
        "ca.cert",
        "-keyfile",
        "ca.key",
        "-in",
        "csr",
        "-out",
        "cert",
        "-notext",
        ...dates,
      ],
      directory,
    );
    return { cert: read("cert"), key: read("key") };
  });
}
