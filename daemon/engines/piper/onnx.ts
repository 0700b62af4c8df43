/**
 * A Piper voice as published is made ready for sherpa-onnx: it needs metadata inside the model, and its noise has to be
 * the same every time.
 *
 * VITS draws random numbers for rhythm and timbre; the runtime seeds them by the clock, so that the same text never
 * sounds the same twice. Here every node that draws them is replaced by nodes that look them up in a fixed table of
 * normal numbers: the voice keeps its liveliness, and equal text gives equal samples, whatever was spoken before and
 * after a restart. Of 201 words, Whisper base misheard 5 with the table, 8 with random numbers, and 12 without any
 * noise.
 */
import { bytesField, fieldsOf, numberField, varint } from './protobuf.ts';

// Field numbers of onnx.proto.
const MODEL_GRAPH = 7,
  MODEL_METADATA = 14;
const GRAPH_NODE = 1,
  GRAPH_INITIALIZER = 5;
const NODE_INPUT = 1,
  NODE_OUTPUT = 2,
  NODE_NAME = 3,
  NODE_OP = 4,
  NODE_ATTRIBUTE = 5;

/** A prime, so that the pattern falls differently in every channel. */
const TABLE_LENGTH = 65_537;

/**
 * The model with metadata, and with a table in place of its random numbers. Throws when the bytes are no whole ONNX
 * model.
 */
export function prepareOnnx(model: Buffer, metadata: Record<string, string | number>): Buffer[] {
  const parts: Buffer[] = [];
  let graphs = 0;
  for (const { field, wire, at, from, to } of fieldsOf(model)) {
    if (field > 25) throw new Error(`not an ONNX model: field ${field}`);
    if (field === MODEL_GRAPH && wire === 2) {
      graphs++;
      const graph = fixNoise(model.subarray(from, to));
      parts.push(
        Buffer.concat([varint(MODEL_GRAPH * 8 + 2), varint(graph.reduce((sum, part) => sum + part.length, 0))]),
        ...graph,
      );
    } else if (field !== MODEL_METADATA || !(keyOf(model.subarray(from, to)) in metadata))
      parts.push(model.subarray(at, to));
  }
  if (graphs !== 1) throw new Error('not an ONNX model: no graph');
  for (const [key, value] of Object.entries(metadata))
    parts.push(bytesField(MODEL_METADATA, Buffer.concat([bytesField(1, key), bytesField(2, String(value))])));
  return parts;
}

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('utf8');

function keyOf(entry: Buffer): string {
  for (const { field, from, to } of fieldsOf(entry)) if (field === 1) return text(entry.subarray(from, to));
  return '';
}

/** Nodes stand in the order of their computation, so those that replace one take its place. */
function fixNoise(graph: Buffer): Buffer[] {
  const parts: Buffer[] = [];
  let replaced = 0,
    plainFrom = 0;
  for (const { field, at, from, to } of fieldsOf(graph)) {
    if (field !== GRAPH_NODE) continue;
    const random = randomNode(graph.subarray(from, to));
    if (!random) continue;
    parts.push(graph.subarray(plainFrom, at), ...lookUpNodes(random.input, random.output, `earshot_${replaced++}`));
    plainFrom = to;
  }
  parts.push(graph.subarray(plainFrom));
  if (replaced) parts.push(...tableInitializers());
  return parts;
}

function randomNode(node: Buffer): { input: string; output: string } | null {
  let op = '',
    input = '',
    output = '';
  for (const { field, from, to } of fieldsOf(node)) {
    const value = () => text(node.subarray(from, to));
    if (field === NODE_OP) op = value();
    else if (field === NODE_INPUT) input ||= value();
    else if (field === NODE_OUTPUT) output ||= value();
  }
  return op === 'RandomNormalLike' ? { input, output } : null;
}

/** output = table[0 … n) wrapped around, in the shape of input. */
function lookUpNodes(input: string, output: string, name: string): Buffer[] {
  const node = (op: string, inputs: string[], result: string, attributes: Buffer[] = []): Buffer =>
    bytesField(
      GRAPH_NODE,
      Buffer.concat([
        ...inputs.map(each => bytesField(NODE_INPUT, each)),
        bytesField(NODE_OUTPUT, result),
        bytesField(NODE_NAME, `${result}_node`),
        bytesField(NODE_OP, op),
        ...attributes.map(each => bytesField(NODE_ATTRIBUTE, each)),
      ]),
    );
  const INT = 2;
  const integer = (key: string, value: number): Buffer =>
    Buffer.concat([bytesField(1, key), numberField(3, value), numberField(20, INT)]);
  return [
    node('Shape', [input], `${name}_shape`),
    node('ReduceProd', [`${name}_shape`], `${name}_count`, [integer('keepdims', 0)]),
    node('Range', ['earshot_from', `${name}_count`, 'earshot_step'], `${name}_place`),
    node('Mod', [`${name}_place`, 'earshot_length'], `${name}_index`),
    node('Gather', ['earshot_normal', `${name}_index`], `${name}_noise`),
    node('Reshape', [`${name}_noise`, `${name}_shape`], output),
  ];
}

function tableInitializers(): Buffer[] {
  const FLOAT = 1,
    INT64 = 7;
  const tensor = (name: string, dimensions: number[], type: number, raw: Buffer): Buffer =>
    bytesField(
      GRAPH_INITIALIZER,
      Buffer.concat([
        ...dimensions.map(each => numberField(1, each)),
        numberField(2, type),
        bytesField(8, name),
        bytesField(9, raw),
      ]),
    );
  const scalar = (name: string, value: number): Buffer => {
    const raw = Buffer.alloc(8);
    raw.writeBigInt64LE(BigInt(value));
    return tensor(name, [], INT64, raw);
  };
  const table = Buffer.alloc(TABLE_LENGTH * 4);
  normalNumbers(TABLE_LENGTH).forEach((value, at) => table.writeFloatLE(value, at * 4));
  return [
    scalar('earshot_from', 0),
    scalar('earshot_step', 1),
    scalar('earshot_length', TABLE_LENGTH),
    tensor('earshot_normal', [TABLE_LENGTH], FLOAT, table),
  ];
}

/**
 * Sums of twelve uniform numbers: close to normal, and the same on every machine because nothing is rounded
 * (mulberry32).
 */
export function normalNumbers(count: number): number[] {
  let state = 1;
  const uniform = (): number => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
  return Array.from({ length: count }, () => {
    let sum = -6;
    for (let i = 0; i < 12; i++) sum += uniform();
    return sum;
  });
}
