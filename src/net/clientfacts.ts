/** What this machine says it is, to DHCP servers of either kind: they choose the boot file by it. Pure. */

export interface ClientFacts {
  readonly firmware: "efi" | "pc";
  /** As `uname -m`. */
  readonly arch: string;
  /** SMBIOS UUID as text; null where there is none. */
  readonly uuid: string | null;
}

/** Who asks: firmware that boots by TFTP (PXE 2.1), or by HTTP (UEFI 2.5, 24.7), whose servers answer with a URL. */
export type ClientClass = "PXEClient" | "HTTPClient";

interface Architecture {
  readonly firmware: ClientFacts["firmware"];
  /** As `uname -m`; null where the number says nothing about it. */
  readonly arch: string | null;
  /** The numbers that Baton asks with, as a client of either class. */
  readonly asks: Readonly<Record<ClientClass, number>>;
  /** Other numbers of the same machines, from firmware that was made before the list was corrected. */
  readonly also?: readonly number[];
}

/** Client architectures: RFC 4578, 2.1, its erratum 4625, and IANA's list "Processor Architecture Types" after it. */
const ARCHITECTURES: readonly Architecture[] = [
  { firmware: "pc", arch: null, asks: { PXEClient: 0, HTTPClient: 20 } },
  { firmware: "efi", arch: "x86_64", asks: { PXEClient: 7, HTTPClient: 16 }, also: [9] },
  { firmware: "efi", arch: "i386", asks: { PXEClient: 6, HTTPClient: 15 } },
  { firmware: "efi", arch: "aarch64", asks: { PXEClient: 11, HTTPClient: 19 } },
  { firmware: "efi", arch: "riscv64", asks: { PXEClient: 27, HTTPClient: 28 } },
];

/** What a machine is by its number; of an unknown processor, x86_64's. */
export function architectureNumber(
  { firmware, arch }: Pick<ClientFacts, "firmware" | "arch">,
  kind: ClientClass = "PXEClient",
): number {
  const rows = ARCHITECTURES.filter((row) => row.firmware === firmware);
  const row = rows.find((one) => one.arch === arch.replace("i686", "i386")) ?? rows[0]!;
  return row.asks[kind];
}

/** The machine that a number stands for; null where none is known by it. */
export function machineOfArchitecture(number: number): Partial<Pick<ClientFacts, "firmware" | "arch">> | null {
  const row = ARCHITECTURES.find(({ asks, also }) =>
    [asks.PXEClient, asks.HTTPClient, ...(also ?? [])].includes(number),
  );
  if (row === undefined) return null;
  return { firmware: row.firmware, ...(row.arch === null ? {} : { arch: row.arch }) };
}

/** `PXEClient:Arch:00007:UNDI:003016` */
export function vendorClass(facts: ClientFacts, kind: ClientClass = "PXEClient"): string {
  return `${kind}:Arch:${String(architectureNumber(facts, kind)).padStart(5, "0")}:UNDI:003016`;
}

/** SMBIOS and PXE have the first three parts in little-endian order (RFC 4578, 2.3 leaves it as firmware has it). */
export function guidBytes(uuid: string): Buffer {
  const bytes = Buffer.from(uuid.replace(/-/g, ""), "hex");
  if (bytes.length !== 16) return Buffer.alloc(16);
  bytes.subarray(0, 4).reverse();
  bytes.subarray(4, 6).reverse();
  bytes.subarray(6, 8).reverse();
  return bytes;
}
