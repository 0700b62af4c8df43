/** The header of a CTranslate2 model.bin: which kind of model it is, and whether all of it is there. */
import { ByteReader, EndOfFile } from './byte-reader.ts';

export interface CTranslate2 {
  version: number;
  /** "WhisperSpec", "TransformerSpec", … */ spec: string;
  whole: boolean;
}

/**
 * null when the file is no CTranslate2 model.
 *
 * @throws modelBroken not a regular file; more variables than any model has
 */
export function readCTranslate2(path: string): CTranslate2 | null {
  using reader = new ByteReader(path);
  try {
    const version = reader.u32();
    if (version < 1 || version > 99) return null;
    const spec = string(reader);
    if (!/^[A-Za-z0-9]+Spec$/.test(spec)) return null;
    return { version, spec, whole: isWhole(reader) };
  } catch (error) {
    if (error instanceof EndOfFile) return null;
    throw error;
  }
}

/** Walks over the variables (name, shape, type, bytes) without reading them. */
function isWhole(reader: ByteReader): boolean {
  try {
    reader.u32(); // revision of the specification
    for (let count = reader.u32(); count > 0; count--) {
      string(reader);
      reader.skip(4 * reader.u8());
      reader.u8();
      reader.skip(reader.u32());
    }
    return true;
  } catch (error) {
    if (error instanceof EndOfFile) return false;
    throw error;
  }
}

/** Length with the closing zero, then the bytes. */
const string = (reader: ByteReader): string => {
  const length = reader.u16();
  return reader.text(length).replace(/\0$/, '');
};
