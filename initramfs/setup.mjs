/**
 * Makes a fresh Debian machine ready, or another that installs Debian's packages by apt: `node initramfs/setup.mjs [npm|image|demo|test|kernel|jump]`.
 *
 * Plain JavaScript without dependencies, since it runs before `npm ci` has. Says what it does; does nothing, within
 * a fraction of a second, where everything is there already.
 */

import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { createWriteStream, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const MIN_NODE = 20;

/** Debian packages by what they are wanted for: [package, what of it is used]. */
const IMAGE_PACKAGES = [
  ["debian-archive-keyring", "the keys that the image's packages are checked by"],
  ["kmod", "depmod, for the kernel's modules"],
  ["xz-utils", "the xz image"],
  ["zstd", "the zstd image"],
];

const DEMO_PACKAGES = [
  ["dosfstools", "mkfs.vfat"],
  ["e2fsprogs", "mkfs.ext4"],
  ["fdisk", "sfdisk"],
  ["mtools", "files on FAT images"],
  ["qemu-system-x86", "the VM"],
];

const TEST_PACKAGES = [
  ["binutils", "small kernels, and the bytes of larger ones' first steps"],
  ["btrfs-progs", "mkfs.btrfs"],
  ["bzip2", "packed kernels"],
  ["chromium", "the page of the menu over the network"],
  ["cpio", "a second opinion on the cpio writer"],
  ["cryptsetup-bin", "LUKS images"],
  ["curl", "a second opinion on HTTP's speed"],
  ["debootstrap", "a real Debian system"],
  ["erofs-utils", "mkfs.erofs"],
  ["exfatprogs", "mkfs.exfat"],
  ["f2fs-tools", "mkfs.f2fs"],
  ["grub-common", "grub-script-check, grub-editenv"],
  ["grub-emu", "GRUB's own answers to scripts"],
  ["lintian", "Debian's policy for the Debian package"],
  ["lvm2", "LVM images"],
  ["mandoc", "lint of the man pages"],
  ["mdadm", "RAID images"],
  ["mount", "losetup"],
  ["dnsmasq-base", "DHCP and TFTP for VMs"],
  ["iproute2", "networks of namespaces"],
  ["openssl", "certificates"],
  ["ovmf", "UEFI firmware for the VM"],
  ["qemu-system-arm", "the arm64 VM"],
  ["sbsigntool", "kernels signed for Secure Boot"],
  ["squashfs-tools", "mksquashfs"],
  ["libsystemd-shared", "what the fetched bootctl runs on: a second opinion on the Boot Loader Specification"],
  ["swtpm", "a TPM for VMs"],
  ["tmux", "terminals of known size"],
  ["tpm2-tools", "a second opinion on the TPM's registers"],
  ["util-linux", "blkid, unshare and nsenter"],
  ["xfsprogs", "mkfs.xfs"],
  ["xorriso", "ISO images"],
];

/** For a kernel built from its source. */
const KERNEL_PACKAGES = [
  ["bc", "the kernel's build"],
  ["bison", "the kernel's build"],
  ["flex", "the kernel's build"],
  ["gcc", "the kernel's build"],
  ["libelf-dev", "the kernel's build"],
  ["libssl-dev", "the kernel's build"],
  ["make", "the kernel's build"],
];

const MODES = {
  npm: [],
  image: IMAGE_PACKAGES,
  demo: [...IMAGE_PACKAGES, ...DEMO_PACKAGES],
  test: [...IMAGE_PACKAGES, ...DEMO_PACKAGES, ...TEST_PACKAGES],
  kernel: [...IMAGE_PACKAGES, ...KERNEL_PACKAGES],
  jump: [...IMAGE_PACKAGES, ...DEMO_PACKAGES, ...TEST_PACKAGES, ...KERNEL_PACKAGES],
};

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const logDirectory = join(root, ".cache", "log");
const say = (text) => console.log(`setup: ${text}`);

/** Ends the program with a sentence. */
function refuse(text) {
  console.error(`setup: ${text}`);
  process.exit(1);
}

function checkNode() {
  const major = Number(process.versions.node.split(".")[0]);
  if (major >= MIN_NODE) return;
  refuse(
    `Baton is built with Node ${MIN_NODE} or newer; this is ${process.version}. ` +
      "Install a newer one (nodejs.org, or your distribution's backports) and run this again.",
  );
}

// ---------------------------------------------------------------------------------------------------------------
// npm packages

/** The packages of the lock file that node_modules lacks or has in another version; a path each. */
function staleNpmPackages() {
  const lock = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8"));
  let installed = { packages: {} };
  try {
    installed = JSON.parse(readFileSync(join(root, "node_modules", ".package-lock.json"), "utf8"));
  } catch {
    // Nothing was installed so far.
  }
  return Object.entries(lock.packages)
    .filter(([path, wanted]) => {
      if (path === "") return false;
      // Prebuilt binaries come as one optional package per platform, of which npm installs only the fitting ones.
      const fits =
        (wanted.os === undefined || wanted.os.includes(process.platform)) &&
        (wanted.cpu === undefined || wanted.cpu.includes(process.arch)) &&
        (wanted.libc === undefined || wanted.libc.includes("glibc"));
      if (!fits) return false;
      const found = installed.packages[path];
      return found?.version !== wanted.version || !existsSync(join(root, path, "package.json"));
    })
    .map(([path]) => path);
}

async function npmPackages() {
  const lock = readFileSync(join(root, "package-lock.json"));
  const key = createHash("sha256").update(lock).update(`${process.platform}-${process.arch}`).digest("hex");
  const stamp = join(root, "node_modules", ".baton-setup");
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === key) return;

  const stale = staleNpmPackages();
  if (stale.length > 0) {
    say(`installing npm packages (npm ci): ${stale.length} missing or of another version`);
    // Without install scripts: koffi's and esbuild's binaries are packages of their own.
    const args = ["ci", "--ignore-scripts", "--include=dev", "--include=optional", "--no-audit", "--no-fund"];
    const npm = process.env.npm_execpath;
    const [program, ...first] = npm && /npm-cli\.c?js$/.test(npm) ? [process.execPath, npm] : ["npm"];
    const run = await runLogged(program, [...first, ...args], "npm-ci.log");
    if (run.status !== 0) {
      refuse(`npm ci failed (${run.how}):\n${run.tail}\nThe whole of it is in ${run.log}. Is the network there?`);
    }
    const left = staleNpmPackages();
    if (left.length > 0) refuse(`npm ci ended well but these packages are still missing: ${left.join(", ")}.`);
  }
  writeFileSync(stamp, key);
}

// ---------------------------------------------------------------------------------------------------------------
// Debian packages

/** Those of `names` that dpkg does not call installed. */
function missingDebianPackages(names) {
  const format = "-f=${Package} ${db:Status-Status}\\n";
  const query = spawnSync("dpkg-query", ["-W", format, ...names], { encoding: "utf8" });
  const installed = new Set(
    (query.stdout ?? "")
      .split("\n")
      .filter((line) => line.endsWith(" installed"))
      .map((line) => line.split(" ")[0]),
  );
  return names.filter((name) => !installed.has(name));
}

function hostDistribution() {
  try {
    const text = readFileSync("/etc/os-release", "utf8");
    const field = (name) => new RegExp(`^${name}="?([^"\\n]*)"?$`, "m").exec(text)?.[1] ?? "";
    const kinds = [field("ID"), ...field("ID_LIKE").split(" ")];
    return { isDebianLike: kinds.includes("debian"), name: field("PRETTY_NAME") };
  } catch {
    return { isDebianLike: false, name: process.platform };
  }
}

function findProgram(name) {
  const places = [...(process.env.PATH ?? "").split(delimiter), "/usr/bin", "/usr/sbin", "/bin", "/sbin"];
  return places.map((place) => join(place, name)).find((path) => existsSync(path));
}

async function debianPackages(mode) {
  const names = MODES[mode].map(([name]) => name);
  if (names.length === 0) return;
  const host = hostDistribution();
  if (!host.isDebianLike || !findProgram("apt-get")) {
    refuse(
      `this is ${host.name || "an unknown system"}; \`${mode}\` needs apt, and packages that Debian has, or Ubuntu. ` +
        `On such a machine or container it installs: ${names.join(" ")}. ` +
        "(`npm run build` and `npm run test:unit` work on any Linux with Node 20.)",
    );
  }
  const missing = missingDebianPackages(names);
  if (missing.length === 0) return;

  const elevate = [];
  if (process.getuid() !== 0) {
    const sudo = findProgram("sudo");
    const command = `apt-get install --no-install-recommends ${missing.join(" ")}`;
    if (!sudo) {
      refuse(
        `these Debian packages are missing and installing them needs root, and there is no sudo: run as root: ${command}`,
      );
    }
    // A password can only be typed where somebody sits; elsewhere sudo would wait for ever.
    if (spawnSync(sudo, ["-n", "true"], { stdio: "ignore" }).status !== 0 && !process.stdin.isTTY) {
      refuse(`these Debian packages are missing and sudo asks for a password here: run as root: ${command}`);
    }
    elevate.push(sudo, "--preserve-env=http_proxy,https_proxy,no_proxy");
  }
  say(`installing ${missing.length} Debian packages (apt-get): ${missing.join(" ")}`);

  const apt = (...args) => {
    const options = ["-y", "-o", "DPkg::Lock::Timeout=300", "-o", "Acquire::Retries=3", "-o", "Dpkg::Use-Pty=0"];
    const quiet = ["DEBIAN_FRONTEND=noninteractive", "NEEDRESTART_MODE=l"];
    const [program, ...rest] = [...elevate, "env", ...quiet, "apt-get", ...options, ...args];
    return aptRun(program, rest);
  };
  const install = () => apt("install", "--no-install-recommends", ...missing);
  // Indexes that were never fetched know none of the names; old ones name files that are gone from the mirror.
  let fresh = false;
  if (!indexKnows(missing)) {
    say("fetching the package indexes (apt-get update)");
    const update = await apt("update");
    if (update.status !== 0) say(`apt-get update failed (${update.how}); trying with what is there`);
    fresh = true;
  }
  let run = await install();
  if (run.status !== 0 && !fresh) {
    say("that failed; fetching the package indexes anew and trying once more (apt-get update)");
    await apt("update");
    run = await install();
  }
  if (run.status !== 0) refuse(`apt-get install failed (${run.how}):\n${run.tail}\nThe whole of it is in ${run.log}.`);
  const left = missingDebianPackages(missing);
  if (left.length > 0) refuse(`apt-get ended well but these packages are still not installed: ${left.join(", ")}.`);
}

/** Whether apt's indexes have a candidate for every name. */
function indexKnows(names) {
  const policy = spawnSync("apt-cache", ["policy", ...names], {
    encoding: "utf8",
    env: { ...process.env, LC_ALL: "C" },
  });
  return (
    (policy.stdout ?? "").split("\n").filter((line) => /^ {2}Candidate: (?!\(none\))/.test(line)).length ===
    names.length
  );
}

/** Runs apt-get, waiting (up to five minutes) for another apt, as a fresh machine's automatic updates. */
async function aptRun(program, args) {
  const until = Date.now() + 300_000;
  for (;;) {
    const run = await runLogged(program, args, "apt.log");
    if (run.status === 0 || Date.now() > until || !/Could not get lock|Unable to lock/.test(run.tail)) return run;
    say("another apt is at work; waiting for it");
    await new Promise((resolve) => setTimeout(resolve, 10_000));
  }
}

// ---------------------------------------------------------------------------------------------------------------
// Running things with progress

/**
 * Runs a program with its output in .cache/log/NAME, and shows that it is alive: the latest line on a terminal, a
 * line now and then elsewhere.
 */
function runLogged(program, args, name) {
  mkdirSync(logDirectory, { recursive: true });
  const path = join(logDirectory, name);
  const log = createWriteStream(path, { flags: "a" });
  log.write(`\n$ ${[program, ...args].join(" ")}\n`);
  const onTerminal = process.stdout.isTTY && process.env.TERM !== "dumb" && !process.env.CI;
  const started = Date.now();
  let latest = "";
  let tail = "";
  let shownAt = started;

  const show = () => {
    const seconds = Math.round((Date.now() - started) / 1000);
    if (onTerminal) {
      const width = (process.stdout.columns || 80) - 1;
      process.stdout.write(`\r\u001b[K${`setup: ${seconds} s  ${latest}`.slice(0, width)}`);
    } else if (Date.now() - shownAt > 15_000) {
      shownAt = Date.now();
      say(`${seconds} s  ${latest.slice(0, 100)}`);
    }
  };

  return new Promise((resolve) => {
    const child = spawn(program, args, {
      cwd: root,
      stdio: ["inherit", "pipe", "pipe"],
      env: { ...process.env, LC_ALL: "C" },
    });
    const timer = setInterval(show, 1000);
    const take = (chunk) => {
      log.write(chunk);
      tail = (tail + chunk.toString()).slice(-4000);
      const line = chunk
        .toString()
        .trim()
        .split(/[\r\n]+/)
        .pop();
      if (line) latest = line.replace(/[^\x20-\x7e]/g, "");
      if (onTerminal) show();
    };
    child.stdout.on("data", take);
    child.stderr.on("data", take);
    const end = (status, how) => {
      clearInterval(timer);
      log.end();
      if (onTerminal) process.stdout.write("\r\u001b[K");
      const lines = tail.trim().split("\n").slice(-15).join("\n");
      resolve({ status, how, tail: lines, log: path });
    };
    child.on("error", (error) => end(-1, error.message));
    child.on("close", (status, signal) => end(status ?? -1, signal ? `signal ${signal}` : `exit ${status}`));
  });
}

const mode = process.argv[2] ?? "image";
if (!Object.hasOwn(MODES, mode)) refuse(`unknown mode "${mode}"; it is one of: ${Object.keys(MODES).join(", ")}.`);
checkNode();
await npmPackages();
await debianPackages(mode);
