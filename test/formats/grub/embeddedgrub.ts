/** Makes EFI programs as grub-mkimage does, as far as what is built in is concerned. */

import { makePe } from "../../binary/pefile.ts";

const MODULE = 0;
const CONFIG = 2;
const PREFIX = 3;

function object(type: number, content: string): Buffer {
  const padded = Buffer.alloc(8 + Math.ceil((content.length + 1) / 8) * 8);
  padded.writeUInt32LE(type, 0);
  padded.writeUInt32LE(padded.length, 4);
  padded.write(content, 8, "latin1");
  return padded;
}

/** @param is32 as for a machine of 32 bits */
export function embeddedGrub({
  prefix,
  config,
  is32 = false,
}: {
  readonly prefix: string;
  readonly config?: string;
  readonly is32?: boolean;
}): Uint8Array {
  const objects = [
    object(MODULE, "a module"),
    ...(config === undefined ? [] : [object(CONFIG, config)]),
    object(PREFIX, prefix),
  ];
  const body = Buffer.concat(objects);
  const header = Buffer.alloc(is32 ? 12 : 24);
  header.write("mimg", 0, "latin1");
  if (is32) {
    header.writeUInt32LE(12, 4);
    header.writeUInt32LE(body.length, 8);
  } else {
    header.writeBigUInt64LE(24n, 8);
    header.writeBigUInt64LE(BigInt(body.length), 16);
  }
  return makePe([
    [".text", "code"],
    ["mods", Buffer.concat([header, body])],
  ]);
}
