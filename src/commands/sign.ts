/** `baton sign`: writes a manifest of what may boot from a disk, and signs it. */

import { createPrivateKey, type KeyObject } from "node:crypto";
import { existsSync, readdirSync, realpathSync } from "node:fs";
import { machine } from "node:os";
import { join } from "node:path";
import { type BootEntry, formatFileRef } from "../entry.ts";
import { BatonError, describeWithout } from "../errors.ts";
import { signedEntry } from "../loader/admit.ts";
import { closeFiles, digestOf, type OpenFile, openFiles } from "../loader/openfiles.ts";
import { filesOf, listFiles } from "../loader/refs.ts";
import { findEntries } from "../policy/find.ts";
import { putText } from "../state/place.ts";
import { printable } from "../text.ts";
import {
  MANIFEST,
  type Manifest,
  manifestText,
  parseManifest,
  publicText,
  SIGNATURES,
  type SignedEntry,
  signatureLine,
} from "../trust/manifest.ts";
import { parseMountinfo } from "../volumes/mountinfo.ts";
import { parseDiskSpec, parsePlatform } from "./shared/diskspec.ts";
import { SIGN_OPTIONS } from "./shared/manual.ts";
import { readArgs } from "./shared/options.ts";
import { complain } from "./shared/output.ts";
import { readOwnFile } from "./shared/ownfile.ts";
import { discover } from "./shared/source.ts";

/** @returns the exit code: 1 where there is nothing that could be signed */
export async function sign(args: string[]): Promise<number> {
  const { values, positionals } = readArgs({ args, allowPositionals: true, options: SIGN_OPTIONS });
  const keyFiles = values.key ?? [];
  if (keyFiles.length === 0) throw new BatonError("usage", "--key names the file of an Ed25519 private key");
  const keys = keyFiles.map(privateKey);
  const [place, ...names] = positionals;
  if (place === undefined) {
    for (const key of keys) process.stdout.write(`${publicText(key)}\n`);
    return 0;
  }
  const spec = specOf(place);
  const manifest = join(spec.directory, MANIFEST);
  const signatures = join(spec.directory, SIGNATURES);
  if (values.add) {
    const text = readOwnFile(manifest);
    for (const entry of readManifest(manifest).entries) show(entry.title, entry.options);
    const old = existsSync(signatures) ? readOwnFile(signatures) : "";
    await putText(signatureFile(text, keys, old), signatures);
    process.stdout.write(`${signatures}: signed with ${keys.map(publicText).join(", ")}\n`);
    return 0;
  }
  const version = versionOf(values.version, manifest);
  const disks = [spec];
  const platform = parsePlatform(values.platform, values.arch ?? machine());
  const { discovery, close } = await discover({ disks, platform, config: null });
  try {
    const entries: SignedEntry[] = [];
    for (const entry of chosenEntries(discovery.list.entries, names)) {
      const files = await openFiles(discovery, filesOf(entry, platform.arch));
      try {
        const digests = new Map<OpenFile, string>();
        for (const file of listFiles(files)) digests.set(file, await digestOf(file, "sha256"));
        entries.push(signedEntry(entry, entry.options, files, digests));
        show([...entry.submenu, entry.title].join(" > "), entry.options);
      } finally {
        await closeFiles(listFiles(files));
      }
    }
    if (entries.length === 0) {
      complain(`${spec.directory}: nothing that could boot was found there; baton list --disk ${place} says why`);
      return 1;
    }
    const text = manifestText({ version, entries });
    await putText(text, manifest);
    await putText(signatureFile(text, keys, ""), signatures);
    process.stdout.write(`${manifest}: version ${version}, ${entries.length} entries\n`);
    for (const key of keys) process.stdout.write(`${signatures}: signed with ${publicText(key)}\n`);
    return 0;
  } finally {
    await close();
  }
}

/** Who signs is shown what. */
function show(title: string, options: string): void {
  process.stdout.write(`${printable(title)}\n  ${printable(options)}\n`);
}

/** @throws BatonError that names the file */
function readManifest(path: string): Manifest {
  try {
    return parseManifest(readOwnFile(path));
  } catch (error) {
    throw new BatonError("bad-format", `${path}: ${describeWithout(path, error)}`);
  }
}

/** Those that were named, else all that can boot from files. @throws BatonError `not-found` */
function chosenEntries(all: readonly BootEntry[], names: readonly string[]): BootEntry[] {
  const canSign = ({ bootable, linux, modules }: BootEntry): boolean =>
    bootable && [linux, ...modules.map(({ file }) => file)].some((file) => file !== null && "device" in file);
  if (names.length === 0) return all.filter(canSign);
  return names.map((name) => {
    const entry = findEntries(all, name)[0];
    if (entry === undefined) throw new BatonError("not-found", `no entry has the id, title or number '${name}'`);
    if (!canSign(entry)) {
      const what = entry.reason ?? (entry.linux === null ? "it names no file" : formatFileRef(entry.linux));
      throw new BatonError("refused", `${entry.title}: it can't be signed: ${what}`);
    }
    return entry;
  });
}

function privateKey(path: string): KeyObject {
  const text = readOwnFile(path);
  try {
    const key = createPrivateKey(text);
    publicText(key);
    return key;
  } catch (error) {
    const why = error instanceof BatonError ? error.message : "it is no private key in PEM, or it has a passphrase";
    throw new BatonError("bad-format", `${path}: ${why}`);
  }
}

/** One line for each key; those of others stay where they are for the same manifest. */
function signatureFile(text: string, keys: readonly KeyObject[], old: string): string {
  const lines = new Map(old.split("\n").flatMap((line) => (line.trim() ? [[line.split(/\s/)[0]!, line.trim()]] : [])));
  for (const key of keys) lines.set(publicText(key), signatureLine(text, key));
  return [...lines.values(), ""].join("\n");
}

/** The next one, unless given. */
function versionOf(given: string | undefined, manifest: string): number {
  if (given !== undefined) {
    if (!/^\d{1,6}$/.test(given)) throw new BatonError("usage", `--version ${given}: it is a number from 0 to 999999`);
    return Number(given);
  }
  return existsSync(manifest) ? readManifest(manifest).version + 1 : 1;
}

/** `DIR` or what `--disk` takes. A filesystem that is mounted has its UUID, by which configurations look for it. */
function specOf(place: string): ReturnType<typeof parseDiskSpec> {
  const spec = parseDiskSpec(/^[^/=,]+=/.test(place) ? place : `disk=${place}`);
  if (spec.uuid !== null) return spec;
  if (!existsSync(spec.directory)) throw new BatonError("not-found", `${spec.directory}: there is no such folder`);
  const directory = realpathSync(spec.directory);
  const mount = parseMountinfo(readOwnFile("/proc/self/mountinfo")).findLast((one) => one.mountPoint === directory);
  if (mount === undefined || !mount.source.startsWith("/dev/")) return spec;
  return { ...spec, uuid: uuidOf(mount.source), type: spec.type ?? mount.type };
}

/** As udev has read it; null where there is no udev. */
function uuidOf(device: string): string | null {
  const folder = "/dev/disk/by-uuid";
  const names = existsSync(folder) ? readdirSync(folder) : [];
  return names.find((name) => realpathSync(join(folder, name)) === realpathSync(device)) ?? null;
}
