/** As much of protobuf's wire format as reading and extending an ONNX file takes. */

export function varint(value: number): Buffer {
  const bytes: number[] = [];
  do {
    bytes.push((value % 128) | (value > 127 ? 128 : 0));
    value = Math.floor(value / 128);
  } while (value > 0);
  return Buffer.from(bytes);
}

/** A field that holds bytes: a string, a message, packed numbers. */
export const bytesField = (field: number, value: Buffer | string): Buffer => {
  const bytes = typeof value === 'string' ? Buffer.from(value) : value;
  return Buffer.concat([varint(field * 8 + 2), varint(bytes.length), bytes]);
};
export const numberField = (field: number, value: number): Buffer => Buffer.concat([varint(field * 8), varint(value)]);
export function floatField(field: number, value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeFloatLE(value);
  return Buffer.concat([varint(field * 8 + 5), bytes]);
}

export interface Field {
  field: number;
  wire: number;
  /** The field's own bytes begin here, its value here, and it ends here. */ at: number;
  from: number;
  to: number;
}

/** A varint at a place: its value, and where it ends. Throws past the end. */
export function readVarint(bytes: Uint8Array, at: number): [number, number] {
  let value = 0,
    scale = 1;
  for (;;) {
    const byte = bytes[at++];
    if (byte === undefined) throw new Error('ends inside a number');
    value += (byte & 127) * scale;
    if (byte < 128) return [value, at];
    scale *= 128;
  }
}

/** The fields of a message that lies in memory. Throws when it is cut or no protobuf. */
export function* fieldsOf(message: Uint8Array): Generator<Field> {
  for (let at = 0; at < message.length;) {
    const [tag, afterTag] = readVarint(message, at);
    const field = Math.floor(tag / 8),
      wire = tag % 8;
    let from = afterTag,
      to: number;
    if (wire === 0) [, to] = readVarint(message, from);
    else if (wire === 1) to = from + 8;
    else if (wire === 5) to = from + 4;
    else if (wire === 2) {
      const [length, start] = readVarint(message, from);
      from = start;
      to = start + length;
    } else throw new Error(`unknown wire type ${wire} at ${at}`);
    if (field === 0 || to > message.length) throw new Error(`cut at ${at}`);
    yield { field, wire, at, from, to };
    at = to;
  }
}
