/** Types of packages that bring none of their own, or none that suit ours. Only what decompress.ts uses. */

declare module "seek-bzip" {
  interface Output {
    writeByte(byte: number): void;
  }
  const bunzip: { decode(input: Uint8Array, output: Output): void };
  export default bunzip;
}

declare module "xz-decompress" {
  export class XzReadableStream extends ReadableStream<Uint8Array> {
    constructor(compressed: ReadableStream<Uint8Array>);
  }
}
