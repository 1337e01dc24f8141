/**
 * Several initrds as one, as the kernel unpacks them: archives one after the other, compressed or not
 * (Documentation/driver-api/early-userspace/buffer-format.rst, unpack_to_rootfs() in init/initramfs.c).
 */

/** What must be known of an initrd to place it. */
interface InitrdPart {
  /** Bytes. */
  readonly size: number;
  /** Its first 4 bytes, or fewer. */
  readonly start: Uint8Array;
}

interface InitrdLayout {
  /** Where each part goes, in the order given; zeros stand between. */
  readonly offsets: readonly number[];
  /** Bytes in all. */
  readonly size: number;
}

/** Legacy lz4 (what `lz4 -l` and the kernel's own build make). */
const LZ4_LEGACY = "02214c18";

/**
 * Places initrds behind each other. An uncompressed archive is accepted only where its offset is a multiple of 4;
 * zeros before it are skipped. The kernel's reader of legacy lz4, which has no mark of its end, takes whatever
 * follows for its next block's size, unless that is zero: such an archive gets four zeros behind it.
 * Nothing is added behind the last.
 */
export function layOutInitrds(parts: readonly InitrdPart[]): InitrdLayout {
  const offsets: number[] = [];
  let end = 0;
  let gap = 0;
  for (const part of parts) {
    const offset = Math.ceil((end + gap) / 4) * 4;
    offsets.push(offset);
    end = offset + part.size;
    gap = Buffer.from(part.start.subarray(0, 4)).toString("hex") === LZ4_LEGACY ? 4 : 0;
  }
  return { offsets, size: end };
}
