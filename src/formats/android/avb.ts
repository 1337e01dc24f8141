/** Android Verified Boot (AOSP, external/avb): whether a boot loader would check an image. Baton has no such keys. */

import { Buffer } from "node:buffer";
import { type AndroidImage, beginningOf, readAtOf, sizeOf } from "./images.ts";

const HEADER_SIZE = 256;
const FOOTER_SIZE = 64;
const VERIFICATION_DISABLED = 2;

/** Why an image doesn't boot by itself; null where nothing says that it would be checked. */
export async function verifiedBoot(image: AndroidImage, vbmeta: AndroidImage | null): Promise<string | null> {
  const header = await beginningOf(vbmeta, HEADER_SIZE);
  const named = isMeta(header) ? "its vbmeta partition" : (await isSignedItself(image)) ? "its own footer" : null;
  if (named === null || (isMeta(header) && !isChecked(header))) return null;
  return `${named} has the boot loader check its signature (Android Verified Boot), which Baton can't`;
}

const isMeta = (header: Buffer): boolean => header.length === HEADER_SIZE && header.toString("latin1", 0, 4) === "AVB0";

/** Signed by some algorithm, and not switched off. */
const isChecked = (header: Buffer): boolean =>
  header.readUInt32BE(28) !== 0 && (header.readUInt32BE(120) & VERIFICATION_DISABLED) === 0;

/** A footer at the very end says where the image's own header lies. */
async function isSignedItself(image: AndroidImage): Promise<boolean> {
  const [readAt, size] = [readAtOf(image), await sizeOf(image)];
  if (size < FOOTER_SIZE) return false;
  const footer = Buffer.from(await readAt(size - FOOTER_SIZE, FOOTER_SIZE));
  if (footer.length < FOOTER_SIZE || footer.toString("latin1", 0, 4) !== "AVBf") return false;
  const at = Number(footer.readBigUInt64BE(20));
  if (at + HEADER_SIZE > size) return false;
  const header = Buffer.from(await readAt(at, HEADER_SIZE));
  return isMeta(header) && isChecked(header);
}
