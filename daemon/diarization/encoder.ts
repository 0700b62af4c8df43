/**
 * Resemblyzer's voice encoder (Apache-2.0) as sherpa-onnx can run it. It is published as PyTorch weights; their file is
 * known by its sha256, so each tensor lies at a known place in it. The network is three LSTM layers over mel bands: 40
 * of librosa's, in power. sherpa gives 80 of Kaldi's, in logarithms, after a pre-emphasis; the graph begins with what
 * turns the one into the other (within 3 % of the band's logarithm on speech).
 */
import { bytesField, numberField, varint } from '../engines/piper/protobuf.ts';

const BANDS = 40,
  KALDI_BANDS = 80,
  SIZE = 256,
  GATES = 4 * SIZE,
  LAYERS = 3;
/** Byte offsets of little-endian floats in the published file. */
const PLACES = {
  ih: [269_883, 1_482_299, 3_579_451],
  hh: [433_723, 2_530_875, 4_628_027],
  ihBias: [5_676_603, 5_684_795, 5_692_987],
  hhBias: [5_680_699, 5_688_891, 5_697_083],
  linear: 7_731,
  linearBias: 6_699,
} as const;

const RATE = 16_000,
  FFT = 512,
  BINS = FFT / 2,
  WINDOW = 400,
  PRE_EMPHASIS = 0.97,
  KALDI_LOW = 20,
  KALDI_HIGH = 7_600;

/** Triangles of Kaldi's bands over the bins of a spectrum: equal steps of the HTK scale. */
function kaldiBands(): number[][] {
  const mel = (hz: number): number => 1127 * Math.log(1 + hz / 700),
    step = (mel(KALDI_HIGH) - mel(KALDI_LOW)) / (KALDI_BANDS + 1);
  return Array.from({ length: KALDI_BANDS }, (_, band) => {
    const left = mel(KALDI_LOW) + band * step,
      centre = left + step,
      right = centre + step;
    return Array.from({ length: BINS }, (_bin, bin) => {
      const m = mel((bin * RATE) / FFT);
      return m <= left || m >= right ? 0 : m <= centre ? (m - left) / step : (right - m) / step;
    });
  });
}

/** Librosa's bands: Slaney's scale, each of equal area. */
function librosaBands(): number[][] {
  const LOG_STEP = Math.log(6.4) / 27,
    toMel = (hz: number): number => (hz < 1000 ? (hz * 3) / 200 : 15 + Math.log(hz / 1000) / LOG_STEP),
    toHz = (mel: number): number => (mel < 15 ? (mel * 200) / 3 : 1000 * Math.exp(LOG_STEP * (mel - 15)));
  const edges = Array.from({ length: BANDS + 2 }, (_, i) => toHz((toMel(RATE / 2) * i) / (BANDS + 1)));
  return Array.from({ length: BANDS }, (_, band) => {
    const [left, centre, right] = [edges[band]!, edges[band + 1]!, edges[band + 2]!];
    return Array.from({ length: BINS }, (_bin, bin) => {
      const hz = (bin * RATE) / FFT;
      return (
        (Math.max(0, Math.min((hz - left) / (centre - left), (right - hz) / (right - centre))) * 2) / (right - left)
      );
    });
  });
}

/**
 * [80][40]: sums of Kaldi's bands that come nearest to librosa's (least squares, a little damped), with the
 * pre-emphasis taken back.
 */
export function bridge(): number[][] {
  const kaldi = kaldiBands().map(band =>
      band.map(
        (weight, bin) => weight * (1 + PRE_EMPHASIS ** 2 - 2 * PRE_EMPHASIS * Math.cos((2 * Math.PI * bin) / FFT)),
      ),
    ),
    librosa = librosaBands();
  const dot = (a: readonly number[], b: readonly number[]): number =>
    a.reduce((sum, value, i) => sum + value * b[i]!, 0);
  const matrix = kaldi.map(row => kaldi.map(other => dot(row, other))),
    right = kaldi.map(row => librosa.map(band => dot(row, band)));
  const damping = (1e-4 * matrix.reduce((sum, row, i) => sum + row[i]!, 0)) / KALDI_BANDS;
  matrix.forEach((row, i) => {
    row[i]! += damping;
  });
  for (let i = 0; i < KALDI_BANDS; i++) {
    // Gauss, without pivots: the matrix is symmetric and positive
    for (let j = i + 1; j < KALDI_BANDS; j++) {
      const factor = matrix[j]![i]! / matrix[i]![i]!;
      if (factor === 0) continue;
      for (let k = i; k < KALDI_BANDS; k++) matrix[j]![k]! -= factor * matrix[i]![k]!;
      for (let k = 0; k < BANDS; k++) right[j]![k]! -= factor * right[i]![k]!;
    }
  }
  for (let i = KALDI_BANDS - 1; i >= 0; i--)
    for (let k = 0; k < BANDS; k++) {
      let sum = right[i]![k]!;
      for (let j = i + 1; j < KALDI_BANDS; j++) sum -= matrix[i]![j]! * right[j]![k]!;
      right[i]![k] = sum / matrix[i]![i]!;
    }
  return right.map(row => row.map(value => (value * WINDOW) / FFT));
}

// Field numbers and types of onnx.proto.
const FLOAT = 1,
  INT64 = 7,
  ATTRIBUTE_INT = 2,
  ATTRIBUTE_INTS = 7;
const tensor = (name: string, dimensions: readonly number[], type: number, raw: Buffer): Buffer =>
  bytesField(
    5,
    Buffer.concat([
      ...dimensions.map(each => numberField(1, each)),
      numberField(2, type),
      bytesField(8, name),
      bytesField(9, raw),
    ]),
  );
const floats = (name: string, dimensions: readonly number[], values: Float32Array): Buffer =>
  tensor(name, dimensions, FLOAT, Buffer.from(values.buffer, values.byteOffset, values.byteLength));
const integers = (name: string, values: readonly number[]): Buffer =>
  tensor(name, [values.length], INT64, Buffer.from(BigInt64Array.from(values, BigInt).buffer));
const node = (
  op: string,
  inputs: readonly string[],
  outputs: readonly string[],
  attributes: readonly Buffer[] = [],
): Buffer =>
  bytesField(
    1,
    Buffer.concat([
      ...inputs.map(each => bytesField(1, each)),
      ...outputs.map(each => bytesField(2, each)),
      bytesField(3, `${outputs.findLast(Boolean)!}_node`),
      bytesField(4, op),
      ...attributes.map(each => bytesField(5, each)),
    ]),
  );
const int = (name: string, value: number): Buffer =>
  Buffer.concat([bytesField(1, name), numberField(3, value), numberField(20, ATTRIBUTE_INT)]);
const ints = (name: string, values: readonly number[]): Buffer =>
  Buffer.concat([bytesField(1, name), ...values.map(value => numberField(8, value)), numberField(20, ATTRIBUTE_INTS)]);
/** A float tensor of the graph's surface; words stand for lengths that differ. */
const surface = (field: number, name: string, shape: readonly (number | string)[]): Buffer =>
  bytesField(
    field,
    Buffer.concat([
      bytesField(1, name),
      bytesField(
        2,
        bytesField(
          1,
          Buffer.concat([
            numberField(1, FLOAT),
            bytesField(
              2,
              Buffer.concat(
                shape.map(each => bytesField(1, typeof each === 'number' ? numberField(1, each) : bytesField(2, each))),
              ),
            ),
          ]),
        ),
      ),
    ]),
  );

/** Rows of PyTorch's gates (input, forget, cell, output) in ONNX's order (input, output, forget, cell). */
function gates(values: Float32Array, width: number): Float32Array {
  const out = new Float32Array(values.length);
  [0, 3, 1, 2].forEach((from, to) => {
    out.set(values.subarray(from * SIZE * width, (from + 1) * SIZE * width), to * SIZE * width);
  });
  return out;
}

/** @param weights the file as published */
export function encoderOnnx(weights: Buffer): Buffer {
  const read = (at: number, count: number): Float32Array =>
    Float32Array.from({ length: count }, (_, i) => weights.readFloatLE(at + 4 * i));
  const parts: Buffer[] = [
    node('Exp', ['x'], ['power80']),
    node('MatMul', ['power80', 'bridge'], ['bands']),
    node('Relu', ['bands'], ['power40']),
    node('Transpose', ['power40'], ['l0'], [ints('perm', [1, 0, 2])]),
    floats('bridge', [KALDI_BANDS, BANDS], Float32Array.from(bridge().flat())),
    integers('steps', [0, -1, SIZE]),
    integers('rows', [-1, SIZE]),
  ];
  for (let layer = 0; layer < LAYERS; layer++) {
    const width = layer === 0 ? BANDS : SIZE,
      bias = new Float32Array(2 * GATES);
    bias.set(gates(read(PLACES.ihBias[layer]!, GATES), 1));
    bias.set(gates(read(PLACES.hhBias[layer]!, GATES), 1), GATES);
    parts.push(
      floats(`w${layer}`, [1, GATES, width], gates(read(PLACES.ih[layer]!, GATES * width), width)),
      floats(`r${layer}`, [1, GATES, SIZE], gates(read(PLACES.hh[layer]!, GATES * SIZE), SIZE)),
      floats(`b${layer}`, [1, 2 * GATES], bias),
      node(
        'LSTM',
        [`l${layer}`, `w${layer}`, `r${layer}`, `b${layer}`],
        [`y${layer}`, `h${layer}`],
        [int('hidden_size', SIZE)],
      ),
      node('Reshape', [`y${layer}`, 'steps'], [`l${layer + 1}`]),
    );
  }
  const linear = read(PLACES.linear, SIZE * SIZE),
    turned = new Float32Array(SIZE * SIZE);
  for (let i = 0; i < SIZE; i++) for (let j = 0; j < SIZE; j++) turned[j * SIZE + i] = linear[i * SIZE + j]!;
  parts.push(
    floats('linear', [SIZE, SIZE], turned),
    floats('linearBias', [SIZE], read(PLACES.linearBias, SIZE)),
    node('Reshape', [`h${LAYERS - 1}`, 'rows'], ['last']),
    node('MatMul', ['last', 'linear'], ['turned']),
    node('Add', ['turned', 'linearBias'], ['sum']),
    node('Relu', ['sum'], ['bare']),
    node('LpNormalization', ['bare'], ['embedding'], [int('axis', 1), int('p', 2)]),
    bytesField(2, 'earshot'),
    surface(11, 'x', ['N', 'T', KALDI_BANDS]),
    surface(12, 'embedding', ['N', SIZE]),
  );
  const graph = Buffer.concat(parts),
    metadata = {
      framework: 'wespeaker',
      language: 'any',
      output_dim: SIZE,
      sample_rate: RATE,
      normalize_samples: 1,
      feature_normalize_type: '',
      url: 'https://github.com/resemble-ai/Resemblyzer',
      comment: '',
    };
  return Buffer.concat([
    numberField(1, 8),
    varint(7 * 8 + 2),
    varint(graph.length),
    graph,
    bytesField(8, Buffer.concat([bytesField(1, ''), numberField(2, 13)])),
    ...Object.entries(metadata).map(([key, value]) =>
      bytesField(14, Buffer.concat([bytesField(1, key), bytesField(2, String(value))])),
    ),
  ]);
}
