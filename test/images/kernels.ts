/** Makes the beginnings of kernels for tests. */

export interface BzImageOptions {
  readonly version?: string;
  readonly protocol?: number;
  readonly loadflags?: number;
  readonly xloadflags?: number;
  readonly cmdlineSize?: number;
  /** 512 bytes each, the boot sector not counted; Debian's kernels have 39. */
  readonly setupSectors?: number;
  /** Where its text stands in the file. */
  readonly versionAt?: number;
  /** Bytes of the protected-mode part, a multiple of 16. */
  readonly kernelSize?: number;
}

/** An x86 bzImage with a setup header like that of a distribution's kernel. */
export function makeBzImage(options: BzImageOptions = {}): Buffer {
  const { setupSectors = 7, versionAt = 0x400 } = options;
  const kernelSize = options.kernelSize ?? 4096;
  const bytes = Buffer.alloc((setupSectors + 1) * 512 + kernelSize, 0x90);
  bytes.fill(0, 0, 0x400);
  bytes.write("MZ", 0, "latin1");
  bytes.writeUInt8(setupSectors, 0x1f1);
  bytes.writeUInt32LE(kernelSize / 16, 0x1f4);
  bytes.writeUInt16LE(0xaa55, 0x1fe);
  bytes.write("HdrS", 0x202, "latin1");
  bytes.writeUInt16LE(options.protocol ?? 0x20f, 0x206);
  bytes.writeUInt16LE(versionAt - 0x200, 0x20e);
  bytes.writeUInt8(options.loadflags ?? 1, 0x211);
  bytes.writeUInt32LE(0x7fffffff, 0x22c);
  bytes.writeUInt32LE(0x200000, 0x230);
  bytes.writeUInt8(1, 0x234);
  bytes.writeUInt16LE(options.xloadflags ?? 0x7f, 0x236);
  bytes.writeUInt32LE(options.cmdlineSize ?? 2047, 0x238);
  bytes.writeBigUInt64LE(0x1000000n, 0x258);
  bytes.writeUInt32LE(0x3f98000, 0x260);
  bytes.write(`${options.version ?? "6.1.0-56-amd64"} (build@host) #1 SMP\0`, versionAt, "latin1");
  return bytes;
}

/** The header of an arm64 Image, and some bytes behind it. */
export function makeArm64Image(imageSize = 0x2000000n): Buffer {
  const bytes = Buffer.alloc(8192, 0x1f);
  bytes.fill(0, 0, 64);
  bytes.write("MZ", 0, "latin1");
  bytes.writeBigUInt64LE(imageSize, 16);
  bytes.writeUInt32LE(0b1010, 24);
  bytes.write("ARMd", 56, "latin1");
  return bytes;
}
