/**
 * What an image's loader and physical memory say to each other. A loader (src/images) is pure: it gets bytes and
 * facts, asks a {@link SegmentMemory} for places, and gives back a {@link Start}. The memory itself is
 * kexec/memory.ts; loader/methods.ts brings the two together.
 */

/** A part of an open file, which is mapped and so goes from the page cache to the kernel without a copy. */
export interface FilePart {
  /** Open for reading until the load is over. */
  readonly fd: number;
  /** Bytes from the file's start; any, not only multiples of a page. */
  readonly offset: number;
  /** Bytes. */
  readonly size: number;
  /** For messages: `vda1:/boot/initrd.img`. */
  readonly name: string;
}

/** What a segment begins with; the rest of its memory is zeros. Bytes must not change until the load is over. */
export type Content = Uint8Array | FilePart;

/** Bytes of a content. */
export function contentSize(content: Content): number {
  return content instanceof Uint8Array ? content.length : content.size;
}

/** Where a segment may lie. Addresses are physical. */
export interface Placement {
  /** For messages and `kexec -d`: `kernel`, `initrd`, `command line`. */
  readonly name: string;
  /** Bytes of memory it takes, where that is more than its content has: what is left is zeros (bss, init_size). */
  readonly memorySize?: bigint;
  /**
   * Bytes from the start on that must be free RAM and are kept free of other segments, though the segment itself is
   * smaller: where a kernel unpacks itself (init_size). The old kernel need not clear and copy them; its page tables
   * may lie there.
   */
  readonly room?: bigint;
  /** What the start must be a multiple of: a power of two; a page unless given, which is the least. */
  readonly alignment?: bigint;
  /** Lowest address. */
  readonly minimum?: bigint;
  /** The highest address that it may touch, inclusive, as boot headers give it (initrd_addr_max). */
  readonly maximum?: bigint;
  /** The highest place instead of the lowest. */
  readonly fromTop?: boolean;
}

/** Physical memory that a kernel is laid out in. */
export interface SegmentMemory {
  /** Whether each `room` becomes part of its segment, and nothing is left to the trampoline to clear. */
  readonly wholeRooms: boolean;
  /**
   * Puts a segment into a free place.
   * @returns its address
   * @throws BatonError `refused` with the numbers where no range of free RAM is large enough
   */
  add(content: Content, place: Placement): bigint;
  /**
   * Finds a free place and takes none of it.
   * @param pick chooses one of so many possible places, from 0; the lowest unless given
   * @throws BatonError `refused`, as {@link add}
   */
  find(size: bigint, place: Placement, pick?: (places: bigint) => bigint): bigint;
  /**
   * Puts segments into one free place, one behind the other, each at the beginning of a page.
   * @returns the address of each, and the end of the last one's content
   */
  addRow(
    contents: readonly Content[],
    place: Placement,
  ): { readonly addresses: readonly bigint[]; readonly end: bigint };
  /**
   * Puts a segment where it must be.
   * @param address any; what of its first page lies before it is zeros
   * @throws BatonError `refused` where that isn't free RAM
   */
  addAt(address: bigint, content: Content, name: string, memorySize?: bigint): void;
  /** Whether all of it is RAM that no segment and no reservation has. */
  isFree(start: bigint, size: bigint): boolean;
  /** Keeps segments that are added later off this range. No segment is made of it. */
  reserve(start: bigint, size: bigint): void;
}

/** Physical memory. */
export interface Span {
  readonly start: bigint;
  readonly size: bigint;
}

/**
 * How an image is entered: the state of the processor that its boot protocol asks for. kexec/trampoline.ts makes the
 * instructions that bring it about.
 *
 * - `x86_64`: 64-bit mode, everything identity-mapped, interrupts off; `registers` of rsi, rdi, rax, rbx, rcx, rdx
 *   (others 0).
 * - `i386`: 32-bit protected mode, paging off, flat segments (CS 0x10, DS/ES/SS 0x18, as Linux's 32-bit boot protocol
 *   and both multiboot specifications allow), interrupts off; `registers` of eax, ebx, ecx, edx, esi, edi.
 * - `aarch64`: as Documentation/arm64/booting.rst; `registers` of x0 (the devicetree).
 */
export interface Start {
  readonly cpu: "x86_64" | "i386" | "aarch64";
  /** Physical address of the first instruction. */
  readonly address: bigint;
  readonly registers: Readonly<Record<string, bigint>>;
  /** Memory that the trampoline fills with zeros (x86_64 only): what need not be loaded and moved for that. */
  readonly clear?: readonly Span[];
  /** What the kernel reads before it has page tables of its own (x86_64 only), beside segments and the first 4 GiB. */
  readonly reads?: readonly Span[];
  /** 16-bit words that the trampoline writes below 4 GiB (i386 only): into pages that are nobody's segment. */
  readonly words?: readonly { readonly address: number; readonly value: number }[];
}
