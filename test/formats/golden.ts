/**
 * Runs captured boot trees through the formats and compares what comes out with golden JSON.
 *
 * A fixture is a folder of `test/corpus`:
 *
 *     NAME/VOLUME/…        the files of one volume under the device name VOLUME (one folder a volume)
 *     NAME/fixture.json    optional: { "volumes": { VOLUME: { "type": "vfat", "uuid": … } }, "platform": { … },
 *                          "variables": { "LoaderEntryDefault": … } }
 *     NAME/expected.json   what every format finds; written anew with UPDATE_GOLDEN=1
 */

import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type FileRef, formatDiagnostic, formatFileRef, type ParsedEntry, type StateWrite } from "../../src/entry.ts";
import type { Format, FormatContext, FormatResult, FormatVolume, Platform } from "../../src/formats/format.ts";
import type { Reader } from "../../src/formats/reader.ts";
import { openDirectory } from "../../src/volumes/directory.ts";

const CORPUS = join(import.meta.dirname, "..", "corpus");

interface FixtureFile {
  readonly volumes?: Readonly<Record<string, Partial<Omit<FormatVolume, "reader" | "name">>>>;
  readonly platform?: Partial<Pick<Platform, "firmware" | "arch">>;
  readonly variables?: Readonly<Record<string, string>>;
}

/** A volume for tests, with everything unknown that isn't given. */
export function testVolume(reader: Reader, fields: Partial<FormatVolume> = {}): FormatVolume {
  return {
    name: "vda1",
    type: null,
    uuid: null,
    label: null,
    partuuid: null,
    partlabel: null,
    disk: null,
    partition: null,
    scheme: null,
    removable: false,
    ...fields,
    reader,
  };
}

/** An x86-64 EFI machine with these EFI variables. */
export function testPlatform(
  fields: Partial<Platform> = {},
  variables: Readonly<Record<string, string>> = {},
): Platform {
  return { firmware: "efi", arch: "x86_64", loaderVariable: (name) => variables[name] ?? null, ...fields };
}

/** Names of the fixtures whose name begins with one of `prefixes`, sorted. */
export function fixtures(...prefixes: string[]): string[] {
  if (!existsSync(CORPUS)) return [];
  return readdirSync(CORPUS)
    .filter((name) => prefixes.some((prefix) => name.startsWith(prefix)))
    .sort();
}

/** Opens a fixture's volumes, each as the context of its own configurations. */
export function openFixture(name: string): { readonly volumes: readonly FormatVolume[]; readonly platform: Platform } {
  const folder = join(CORPUS, name);
  const file = join(folder, "fixture.json");
  const given: FixtureFile = existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : {};
  const volumes = readdirSync(folder, { withFileTypes: true })
    .filter((item) => item.isDirectory())
    .map((item) => item.name)
    .sort()
    .map((volume) => {
      const fields = given.volumes?.[volume] ?? {};
      const caseInsensitive = fields.type === "vfat" || fields.type === "iso9660";
      return testVolume(openDirectory(join(folder, volume), { caseInsensitive }), { ...fields, name: volume });
    });
  return { volumes, platform: testPlatform(given.platform, given.variables) };
}

/** Everything that `formats` find on the fixture's volumes, in the form of expected.json. */
export async function readFixture(name: string, formats: readonly Format[]): Promise<unknown[]> {
  const { volumes, platform } = openFixture(name);
  const found: unknown[] = [];
  for (const volume of volumes) {
    const context: FormatContext = { volume, volumes, platform };
    for (const format of formats) {
      for (const path of await format.find(volume)) {
        found.push({
          source: `${volume.name}:${path}`,
          format: format.name,
          ...plain(await format.parse(path, context)),
        });
      }
    }
  }
  return found;
}

/** Fails where a fixture gives other than its expected.json; with UPDATE_GOLDEN=1 writes that file instead. */
export async function assertGolden(name: string, formats: readonly Format[]): Promise<void> {
  const file = join(CORPUS, name, "expected.json");
  const found = JSON.parse(JSON.stringify(await readFixture(name, formats)));
  if (process.env.UPDATE_GOLDEN === "1") {
    writeFileSync(file, `${JSON.stringify(found, null, 2)}\n`);
    return;
  }
  assert.ok(existsSync(file), `${file} is missing; UPDATE_GOLDEN=1 writes it (then read it: it is the specification)`);
  assert.deepEqual(found, JSON.parse(readFileSync(file, "utf8")));
}

/** A result as JSON for people: file references as one string, what is empty or null left out. */
export function plain(result: FormatResult): Record<string, unknown> {
  return {
    default: result.defaultIndex === null ? null : result.entries[result.defaultIndex]?.title,
    defaultIndex: result.defaultIndex,
    defaultIsExplicit: result.defaultIsExplicit,
    fallback: result.fallback,
    timeout: result.timeout === Number.POSITIVE_INFINITY ? "Infinity" : result.timeout,
    timeoutStyle: result.timeoutStyle,
    entries: result.entries.map(plainEntry),
    diagnostics: result.diagnostics.map((d) => `${d.severity}: ${formatDiagnostic(d)}`),
  };
}

function plainEntry(entry: ParsedEntry): Record<string, unknown> {
  const out: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(entry)) {
    if (value === null || value === "" || (Array.isArray(value) && value.length === 0)) continue;
    if (key === "linux" || key === "devicetree") out[key] = formatFileRef(value as FileRef);
    else if (key === "initrd" || key === "devicetreeOverlays") out[key] = (value as FileRef[]).map(formatFileRef);
    else if (key === "modules") out[key] = entry.modules.map((m) => ({ ...m, file: formatFileRef(m.file) }));
    else if (key === "writes") out[key] = entry.writes.map(plainWrite);
    else out[key] = value;
  }
  return out;
}

function plainWrite(write: StateWrite): unknown {
  if ("rename" in write) return { ...write, rename: formatFileRef(write.rename) };
  if ("file" in write) return { ...write, file: formatFileRef(write.file) };
  return write;
}
