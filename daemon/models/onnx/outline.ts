/** The outline of an ONNX file (a protobuf message): enough to tell a whole model from a cut or foreign file. */
import { ByteReader, EndOfFile, MOST_TEXT } from '../byte-reader.ts';

const GRAPH_FIELD = 7,
  IR_VERSION_FIELD = 1,
  METADATA_FIELD = 14;
/** Of an entry of the metadata. */
const KEY = 1,
  VALUE = 2;

export interface OnnxOutline {
  /** It begins like one. */
  onnx: boolean;
  /** Every field ends inside the file, and the graph is among them. */
  whole: boolean;
  /** What whoever exported it wrote into it, values up to 64 KiB. */
  metadata: Record<string, string>;
}

/** @throws modelBroken not a regular file; more fields than any model has */
export function readOnnx(path: string): OnnxOutline {
  using reader = new ByteReader(path);
  let onnx = false,
    graph = false;
  const metadata: Record<string, string> = {};
  try {
    for (let first = true; !reader.ended; first = false) {
      const tag = reader.varint(),
        field = Math.floor(tag / 8);
      if (first) onnx = tag === IR_VERSION_FIELD * 8;
      if (!onnx || field === 0 || field > 100) return { onnx: false, whole: false, metadata };
      if (field === GRAPH_FIELD) graph = true;
      if (tag === METADATA_FIELD * 8 + 2) {
        const end = reader.varint() + reader.at;
        const [key, value] = readEntry(reader, end);
        if (key) metadata[key] = value;
        continue;
      }
      switch (tag % 8) {
        case 0:
          reader.varint();
          break;
        case 1:
          reader.skip(8);
          break;
        case 2:
          reader.skip(reader.varint());
          break;
        case 5:
          reader.skip(4);
          break;
        default:
          return { onnx, whole: false, metadata };
      }
    }
    return { onnx, whole: graph, metadata };
  } catch (error) {
    if (error instanceof EndOfFile) return { onnx, whole: false, metadata };
    throw error;
  }
}

/** Two strings, of which long ones are skipped. @throws EndOfFile */
function readEntry(reader: ByteReader, end: number): [key: string, value: string] {
  const texts: Record<number, string> = {};
  while (reader.at < end) {
    const tag = reader.varint(),
      length = reader.varint();
    if (tag % 8 !== 2 || reader.at + length > end) throw new EndOfFile();
    if (length <= MOST_TEXT) texts[Math.floor(tag / 8)] = reader.text(length);
    else reader.skip(length);
  }
  return [texts[KEY] ?? '', texts[VALUE] ?? ''];
}

/** Whether it is a model in ONNX Runtime's own format (a flatbuffer). @throws modelBroken not a regular file */
export function isOrt(path: string): boolean {
  using reader = new ByteReader(path);
  if (reader.size < 16) return false;
  reader.skip(4);
  return reader.text(4) === 'ORTM';
}
