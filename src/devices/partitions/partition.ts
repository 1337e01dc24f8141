/** What a partition table says, whichever kind it is. */

export interface Partition {
  /** As the kernel counts: from 1, logical partitions from 5. */
  readonly number: number;
  /** Bytes from the disk's beginning. */
  readonly start: number;
  /** Bytes. */
  readonly size: number;
  /** GPT type GUID in lower case, or the MBR type as `0x83`. */
  readonly type: string;
  /** PARTUUID; null on an MBR without a disk signature. */
  readonly uuid: string | null;
  /** PARTLABEL: GPT only. */
  readonly name: string | null;
  /** GPT only: its 64 attribute bits. */
  readonly attributes?: bigint;
}

export interface PartitionTable {
  readonly scheme: "gpt" | "msdos";
  readonly partitions: readonly Partition[];
}
