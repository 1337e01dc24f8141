/** Pictures of a machine's screen, kept small: few colours are few bytes in a PNG file with a palette. */

import { deflateSync } from "node:zlib";
import { crc32 } from "../src/binary/crc.ts";

const SIGNATURE = Buffer.from("\x89PNG\r\n\x1a\n", "latin1");
const PALETTE_IMAGE = 3;
const MAX_COLOURS = 256;

/** A PPM picture (`P6`, 8 bits a colour: what QEMU's screendump writes) as a PNG file of at most 256 colours. */
export function ppmToPng(ppm: Buffer): Buffer {
  const header = /^P6\s+(\d+)\s+(\d+)\s+255\s/.exec(ppm.toString("latin1", 0, 64));
  if (!header) throw new Error("the picture is no PPM file with 8 bits a colour");
  const [width, height] = [Number(header[1]), Number(header[2])];
  const pixels = ppm.subarray(header[0].length);
  if (pixels.length < width * height * 3) throw new Error("the picture is cut short");
  const palette = new Map<number, number>();
  const indices = Buffer.alloc(width * height);
  for (let at = 0; at < indices.length; at++) {
    const colour = pixels.readUIntBE(at * 3, 3);
    let index = palette.get(colour);
    if (index === undefined) {
      index = palette.size;
      if (index === MAX_COLOURS) throw new Error("the picture has more than 256 colours");
      palette.set(colour, index);
    }
    indices[at] = index;
  }
  // PNG, 11.2.2: bits a pixel are 1, 2, 4 or 8; each row begins with a byte that names its filter, here none.
  const bits = [1, 2, 4, 8].find((bits) => palette.size <= 2 ** bits)!;
  const rowBytes = Math.ceil((width * bits) / 8);
  const rows = Buffer.alloc(height * (1 + rowBytes));
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const place = y * (1 + rowBytes) + 1 + ((x * bits) >> 3);
      rows[place]! |= indices[y * width + x]! << (8 - bits - ((x * bits) & 7));
    }
  }
  const size = Buffer.alloc(13);
  size.writeUInt32BE(width, 0);
  size.writeUInt32BE(height, 4);
  size.set([bits, PALETTE_IMAGE, 0, 0, 0], 8);
  const colours = Buffer.alloc(palette.size * 3);
  for (const [colour, index] of palette) colours.writeUIntBE(colour, index * 3, 3);
  return Buffer.concat([
    SIGNATURE,
    chunk("IHDR", size),
    chunk("PLTE", colours),
    chunk("IDAT", deflateSync(rows, { level: 9 })),
    chunk("IEND", Buffer.alloc(0)),
  ]);
}

function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, "latin1"), data]);
  const framed = Buffer.alloc(body.length + 8);
  framed.writeUInt32BE(data.length, 0);
  framed.set(body, 4);
  framed.writeUInt32BE(crc32(body), body.length + 4);
  return framed;
}
