/** ICU's data inside the node program: 33 MB, nearly all of it other languages' names, which a boot menu never shows. */

import { BatonError } from "../src/errors.ts";
import { cutOut, exportedObject } from "./elfprogram.ts";

/**
 * What stays of ICU's data: the root locale and English, time zones, normalisation, collation, break iteration without
 * dictionaries, the converters that are code, and windows-1252. `Intl`, `String.prototype.normalize`, `localeCompare`
 * and `TextDecoder` for UTF-8, UTF-16 and Latin 1 work as before; other languages' formats come out in English.
 */
const KEPT = [
  /^(pool|root|en|en_US|en_US_POSIX|res_index|icuver|icustd)\.res$/,
  /^(keyTypeData|numberingSystems|supplementalData|metadata|timezoneTypes|metaZones|windowsZones|zoneinfo64)\.res$/,
  /^(plurals|pluralRanges|dayPeriods|genderList|langInfo|units|currencyNumericCodes|grammaticalFeatures)\.res$/,
  /^(cnvalias|ulayout|uemoji)\.icu$/,
  /\.nrm$/,
  /^ibm-5348_P100-1997\.cnv$/,
  /^(curr|lang|region|unit|zone|coll|brkitr|rbnf)\/(pool|root|en|en_US|res_index|supplementalData|tzdbNames)\.res$/,
  /^coll\/ucadata\.icu$/,
  /^brkitr\/(char|word|sent|line|title)\.brk$/,
];

/** The node program with ICU's data reduced, and what was left over taken out of the file. */
export function reduceIcu(program: Uint8Array): Uint8Array {
  const symbol = exportedObject(program, /^icudt\d+_dat$/);
  if (!symbol)
    throw new BatonError("bad-format", "the node program exports no icudt…_dat: it has no ICU data to reduce");
  const whole = program.subarray(symbol.offset, symbol.offset + symbol.size);
  const data = reduceIcuData(whole, (item) => KEPT.some((pattern) => pattern.test(item)));
  const result = Uint8Array.from(program);
  result.fill(0, symbol.offset, symbol.offset + symbol.size);
  result.set(data, symbol.offset);
  return cutOut(result, symbol.offset + data.length, symbol.offset + symbol.size);
}

/**
 * ICU's common data (udata.h, ucmndata.h): a header of its own length; a count; for each item, sorted by name, the
 * offsets of its name and of its data from that count; the names; the data, aligned to 16 bytes.
 * @param keep is asked with each name, without the package's `icudt78l/`
 */
export function reduceIcuData(bytes: Uint8Array, keep: (item: string) => boolean): Uint8Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const headerSize = view.getUint16(0, true);
  const format = Buffer.from(bytes.subarray(12, 16)).toString("latin1");
  if (view.getUint16(2, false) !== 0xda27 || bytes[8] !== 0 || format !== "CmnD" || bytes[16] !== 1) {
    throw new BatonError("bad-format", "this is no little-endian ICU data of format CmnD 1");
  }
  const count = view.getUint32(headerSize, true);
  const entry = (index: number) => headerSize + 4 + index * 8;
  const items = Array.from({ length: count }, (_, index) => {
    const nameAt = headerSize + view.getUint32(entry(index), true);
    const start = headerSize + view.getUint32(entry(index) + 4, true);
    const end = index + 1 < count ? headerSize + view.getUint32(entry(index + 1) + 4, true) : bytes.length;
    return { name: bytes.subarray(nameAt, bytes.indexOf(0, nameAt) + 1), data: bytes.subarray(start, end) };
  }).filter(({ name }) =>
    keep(
      Buffer.from(name.subarray(0, -1))
        .toString("latin1")
        .replace(/^[^/]*\//, ""),
    ),
  );

  const align = (value: number) => Math.ceil(value / 16) * 16;
  const namesAt = 4 + items.length * 8;
  const dataAt = align(headerSize + namesAt + items.reduce((sum, { name }) => sum + name.length, 0)) - headerSize;
  const size = items.reduce((at, { data }) => align(at) + data.length, headerSize + dataAt);
  const result = new Uint8Array(size);
  result.set(bytes.subarray(0, headerSize));
  const out = new DataView(result.buffer, headerSize);
  out.setUint32(0, items.length, true);
  let name = namesAt;
  let data = dataAt;
  for (const [index, item] of items.entries()) {
    data = align(headerSize + data) - headerSize;
    out.setUint32(4 + index * 8, name, true);
    out.setUint32(8 + index * 8, data, true);
    result.set(item.name, headerSize + name);
    result.set(item.data, headerSize + data);
    name += item.name.length;
    data += item.data.length;
  }
  return result;
}
