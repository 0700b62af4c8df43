/** The outline of an ONNX file (a protobuf message): enough to tell a whole model from a cut or foreign file. */
import { ByteReader, EndOfFile } from '../byte-reader.ts';

const GRAPH_FIELD = 7,
  IR_VERSION_FIELD = 1;

/**
 * `onnx`: it begins like one; `whole`: every field ends inside the file and the graph is among them.
 *
 * @throws modelBroken not a regular file; more fields than any model has
 */
export function readOnnx(path: string): { onnx: boolean; whole: boolean } {
  using reader = new ByteReader(path);
  let onnx = false,
    graph = false;
  try {
    for (let first = true; !reader.ended; first = false) {
      const tag = reader.varint(),
        field = Math.floor(tag / 8);
      if (first) onnx = tag === IR_VERSION_FIELD * 8;
      if (!onnx || field === 0 || field > 100) return { onnx: false, whole: false };
      if (field === GRAPH_FIELD) graph = true;
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
          return { onnx, whole: false };
      }
    }
    return { onnx, whole: graph };
  } catch (error) {
    if (error instanceof EndOfFile) return { onnx, whole: false };
    throw error;
  }
}
