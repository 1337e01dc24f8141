import assert from "node:assert/strict";
import { test } from "node:test";
import { inflateSync } from "node:zlib";
import { crc32 } from "../src/binary/crc.ts";
import { ppmToPng } from "./png.ts";

const ppm = (width: number, height: number, pixels: readonly number[]): Buffer =>
  Buffer.concat([
    Buffer.from(`P6\n${width} ${height}\n255\n`),
    ...pixels.map((colour) => Buffer.from([colour >> 16, (colour >> 8) & 255, colour & 255])),
  ]);

/** The chunks of a PNG file, each with a right checksum. */
function chunks(png: Buffer): Map<string, Buffer> {
  assert.equal(png.toString("latin1", 0, 8), "\x89PNG\r\n\x1a\n");
  const found = new Map<string, Buffer>();
  for (let at = 8; at < png.length; ) {
    const length = png.readUInt32BE(at);
    const body = png.subarray(at + 4, at + 8 + length);
    assert.equal(png.readUInt32BE(at + 8 + length), crc32(body));
    found.set(body.toString("latin1", 0, 4), body.subarray(4));
    at += 12 + length;
  }
  return found;
}

test("a picture of three colours has two bits a pixel, in the order in which the colours come", () => {
  const [black, blue, white] = [0x000000, 0x0000aa, 0xffffff];
  const png = chunks(ppmToPng(ppm(5, 2, [black, blue, white, black, blue, white, white, white, white, blue])));
  assert.deepEqual([...png.keys()], ["IHDR", "PLTE", "IDAT", "IEND"]);
  assert.deepEqual([...png.get("IHDR")!], [0, 0, 0, 5, 0, 0, 0, 2, 2, 3, 0, 0, 0]);
  assert.deepEqual([...png.get("PLTE")!], [0, 0, 0, 0, 0, 0xaa, 255, 255, 255]);
  assert.deepEqual(
    [...inflateSync(png.get("IDAT")!)],
    [0, 0b00_01_10_00, 0b01_00_00_00, 0, 0b10_10_10_10, 0b01_00_00_00],
  );
});

test("what is no such picture, is cut short or has too many colours is refused", () => {
  assert.throws(() => ppmToPng(Buffer.from("P5\n1 1\n255\n0")), /no PPM file/);
  assert.throws(() => ppmToPng(ppm(2, 2, [0, 1, 2])), /cut short/);
  const many = Array.from({ length: 257 }, (_, colour) => colour);
  assert.throws(() => ppmToPng(ppm(257, 1, many)), /more than 256 colours/);
});
