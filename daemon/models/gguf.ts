/** GGUF headers: what a model file says about itself, and whether all of it is there. */
import { ByteReader, EndOfFile, MOST_TEXT } from './byte-reader.ts';

export interface Gguf {
  version: number;
  /** Single values only: strings up to 64 KiB, numbers, booleans. */
  meta: Record<string, string | number | boolean>;
  tensors: number;
  /** False: the last tensor ends beyond the file. */
  whole: boolean;
}

/** Bytes of a block and values in it, by ggml type; types that are missing here are not checked for their end. */
const BLOCKS: Readonly<Record<number, readonly [bytes: number, values: number]>> = {
  0: [4, 1],
  1: [2, 1],
  2: [18, 32],
  3: [20, 32],
  6: [22, 32],
  7: [24, 32],
  8: [34, 32],
  10: [84, 256],
  11: [110, 256],
  12: [144, 256],
  13: [176, 256],
  14: [210, 256],
  15: [292, 256],
  30: [2, 1],
};
const FIXED_BYTES: readonly number[] = [1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8];
const STRING = 8,
  ARRAY = 9;
/** No model comes near: ggml has four dimensions, writers nest no arrays, the largest have thousands of tensors. */
const MOST_DIMENSIONS = 8,
  MOST_NESTED = 4,
  MOST_PAIRS = 65_536,
  MOST_TENSORS = 100_000;

/**
 * Reads the header; null when the file is no GGUF.
 *
 * @throws modelBroken not a regular file; a header larger than that of any model
 */
export function readGguf(path: string): Gguf | null {
  using reader = new ByteReader(path);
  if (reader.size < 24 || reader.text(4) !== 'GGUF') return null;
  const version = reader.u32();
  if (version < 2 || version > 99) return null;
  const tensors = reader.u64(),
    pairs = reader.u64();
  if (pairs > MOST_PAIRS || tensors > MOST_TENSORS) throw reader.tooLarge();
  const meta: Gguf['meta'] = {};
  try {
    for (let i = 0; i < pairs; i++) {
      const key = reader.text(reader.u64()),
        value = readValue(reader, reader.u32());
      if (value !== null) meta[key] = value;
    }
    let end = 0;
    for (let i = 0; i < tensors; i++) {
      reader.skip(reader.u64());
      let values = 1;
      const dimensions = reader.u32();
      if (dimensions > MOST_DIMENSIONS) throw reader.tooLarge();
      for (let n = 0; n < dimensions; n++) values *= reader.u64();
      const [bytes, each] = BLOCKS[reader.u32()] ?? [0, 1];
      end = Math.max(end, reader.u64() + (values / each) * bytes);
    }
    const alignment = typeof meta['general.alignment'] === 'number' ? meta['general.alignment'] : 32;
    const start = Math.ceil(reader.at / alignment) * alignment;
    return { version, meta, tensors, whole: start + end <= reader.size };
  } catch (error) {
    if (error instanceof EndOfFile) return { version, meta, tensors, whole: false };
    throw error;
  }
}

/** null: an array, or a string that is too long to be of interest. */
function readValue(reader: ByteReader, type: number, nested = 0): string | number | boolean | null {
  switch (type) {
    case 0:
      return reader.u8();
    case 1:
      return reader.take(1).readInt8();
    case 2:
      return reader.u16();
    case 3:
      return reader.take(2).readInt16LE();
    case 4:
      return reader.u32();
    case 5:
      return reader.take(4).readInt32LE();
    case 6:
      return reader.take(4).readFloatLE();
    case 7:
      return reader.u8() !== 0;
    case STRING: {
      const length = reader.u64();
      if (length <= MOST_TEXT) return reader.text(length);
      reader.skip(length);
      return null;
    }
    case ARRAY: {
      const of = reader.u32(),
        count = reader.u64(),
        fixed = FIXED_BYTES[of];
      if (nested >= MOST_NESTED) throw reader.tooLarge();
      if (fixed) reader.skip(fixed * count);
      else
        for (let i = 0; i < count; i++) {
          if (of === STRING) reader.skip(reader.u64());
          else readValue(reader, of, nested + 1);
        }
      return null;
    }
    case 10:
      return reader.u64();
    case 11:
      return Number(reader.take(8).readBigInt64LE());
    case 12:
      return reader.take(8).readDoubleLE();
    default:
      throw new EndOfFile();
  }
}
