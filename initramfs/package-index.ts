/** Debian's table of packages (deb-control(5), Packages of a repository): what must be fetched for the packages asked for. Pure. */

import { BatonError } from "../src/errors.ts";

/** A paragraph of the table. */
export interface PackageRecord {
  readonly name: string;
  readonly version: string;
  readonly sha256: string;
  /** `kernel`, `libs`; without the component before it. */
  readonly section: string;
  /** Of each package that it depends on, those of which one will do. */
  readonly depends: readonly (readonly Dependency[])[];
}

export interface Dependency {
  readonly name: string;
  /** The version that it must have exactly; null where others will do. */
  readonly exactly: string | null;
}

/** Paragraphs in the order in which they stand. */
export function parsePackages(text: string): PackageRecord[] {
  return text.split(/\n\s*\n/).flatMap((paragraph) => {
    const field = (name: string) => new RegExp(`^${name}: *(.*)$`, "m").exec(paragraph)?.[1] ?? "";
    const name = field("Package");
    if (name === "") return [];
    return [
      {
        name,
        version: field("Version"),
        sha256: field("SHA256"),
        section: field("Section").split("/").pop()!,
        depends: [field("Pre-Depends"), field("Depends")].flatMap(parseDepends),
      },
    ];
  });
}

function parseDepends(text: string): Dependency[][] {
  const groups = text.split(",").filter((group) => group.trim() !== "");
  return groups.map((group) =>
    group.split("|").flatMap((one) => {
      const match = /^\s*([\w.+-]+)(?::\w+)?\s*(?:\(\s*([<>=]+)\s*([^)\s]+)\s*\))?/.exec(one);
      return match ? [{ name: match[1]!, exactly: match[2] === "=" ? match[3]! : null }] : [];
    }),
  );
}

/**
 * The packages that are asked for, and of what they depend on: shared libraries, which are called otherwise in each
 * release, and the parts that a kernel or another package was divided into in newer ones. Nothing else is followed.
 * @param names may be those of packages that others stand in for (Provides)
 * @param lookUp the records that the table has, by the names that were asked for
 * @throws BatonError "not-found" for a name of `names` that the table does not have
 */
export async function neededPackages(
  names: readonly string[],
  lookUp: (names: readonly string[]) => Promise<ReadonlyMap<string, PackageRecord>>,
): Promise<PackageRecord[]> {
  const chosen = new Map<string, PackageRecord>();
  const known = new Map<string, PackageRecord | undefined>();
  const read = async (some: readonly string[]): Promise<void> => {
    const unknown = [...new Set(some)].filter((name) => !known.has(name));
    if (unknown.length === 0) return;
    const records = await lookUp(unknown);
    for (const name of unknown) known.set(name, records.get(name));
  };

  await read(names);
  const missing = names.filter((name) => known.get(name) === undefined);
  if (missing.length > 0) throw new BatonError("not-found", `Debian's index has no package ${missing.join(", ")}`);
  let level = names.map((name) => known.get(name)!);
  while (level.length > 0) {
    const fresh = level.filter(({ name }) => !chosen.has(name));
    for (const record of fresh) chosen.set(record.name, record);
    await read(fresh.flatMap(({ depends }) => depends.flat().map(({ name }) => name)));
    level = fresh.flatMap((record) =>
      record.depends.flatMap((group) => {
        const dependency = group.find(({ name }) => known.get(name) !== undefined);
        const other = dependency && known.get(dependency.name)!;
        return other && isFollowed(record, other, dependency) ? [other] : [];
      }),
    );
  }
  return [...chosen.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}

function isFollowed(from: PackageRecord, to: PackageRecord, { exactly }: Dependency): boolean {
  // A kernel names its parts, and the package without a version its newest kernel, by the very version.
  if (from.section === "kernel" && to.section === "kernel") return exactly === to.version;
  return to.section === "libs" || to.name.startsWith(`${from.name}-`);
}
