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

/** Client architectures (RFC 4578, and IANA's list after it). */
export function architectureNumber(
  { firmware, arch }: Pick<ClientFacts, "firmware" | "arch">,
  kind: ClientClass = "PXEClient",
): number {
  const isHttp = kind === "HTTPClient";
  if (firmware === "pc") return isHttp ? 20 : 0;
  const numbers: Readonly<Record<string, readonly [number, number]>> = {
    x86_64: [7, 16],
    aarch64: [11, 19],
    i386: [6, 15],
    i686: [6, 15],
    riscv64: [27, 28],
  };
  return (numbers[arch] ?? [7, 16])[isHttp ? 1 : 0];
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
