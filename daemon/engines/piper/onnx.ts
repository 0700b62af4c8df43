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
import { ENTRY, floats, GRAPH, int, metadata as entry, MODEL, NODE, node, scalar } from '../../models/onnx/messages.ts';
import { fieldsOf, varint } from '../../models/onnx/protobuf.ts';

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
    if (field === MODEL.graph && wire === 2) {
      graphs++;
      const graph = fixNoise(model.subarray(from, to));
      parts.push(
        Buffer.concat([varint(MODEL.graph * 8 + 2), varint(graph.reduce((sum, part) => sum + part.length, 0))]),
        ...graph,
      );
    } else if (field !== MODEL.metadataProps || !(keyOf(model.subarray(from, to)) in metadata))
      parts.push(model.subarray(at, to));
  }
  if (graphs !== 1) throw new Error('not an ONNX model: no graph');
  for (const [key, value] of Object.entries(metadata)) parts.push(entry(key, value));
  return parts;
}

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('utf8');

function keyOf(entry: Buffer): string {
  for (const { field, from, to } of fieldsOf(entry)) if (field === ENTRY.key) return text(entry.subarray(from, to));
  return '';
}

/** Nodes stand in the order of their computation, so those that replace one take its place. */
function fixNoise(graph: Buffer): Buffer[] {
  const parts: Buffer[] = [];
  let replaced = 0,
    plainFrom = 0;
  for (const { field, at, from, to } of fieldsOf(graph)) {
    if (field !== GRAPH.node) continue;
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
    if (field === NODE.opType) op = value();
    else if (field === NODE.input) input ||= value();
    else if (field === NODE.output) output ||= value();
  }
  return op === 'RandomNormalLike' ? { input, output } : null;
}

/** output = table[0 … n) wrapped around, in the shape of input. */
function lookUpNodes(input: string, output: string, name: string): Buffer[] {
  return [
    node('Shape', [input], [`${name}_shape`]),
    node('ReduceProd', [`${name}_shape`], [`${name}_count`], [int('keepdims', 0)]),
    node('Range', ['earshot_from', `${name}_count`, 'earshot_step'], [`${name}_place`]),
    node('Mod', [`${name}_place`, 'earshot_length'], [`${name}_index`]),
    node('Gather', ['earshot_normal', `${name}_index`], [`${name}_noise`]),
    node('Reshape', [`${name}_noise`, `${name}_shape`], [output]),
  ];
}

const tableInitializers = (): Buffer[] => [
  scalar('earshot_from', 0),
  scalar('earshot_step', 1),
  scalar('earshot_length', TABLE_LENGTH),
  floats('earshot_normal', [TABLE_LENGTH], Float32Array.from(normalNumbers(TABLE_LENGTH))),
];

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
