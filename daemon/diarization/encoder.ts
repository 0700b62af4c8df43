/**
 * Resemblyzer's voice encoder (Apache-2.0) as sherpa-onnx can run it. It is published as PyTorch weights, which are
 * held to their checksum. The network is three LSTM layers over mel bands: 40 of librosa's, in power. sherpa gives 80
 * of Kaldi's, in logarithms, after a pre-emphasis; the graph begins with what turns the one into the other (within 3 %
 * of the band's logarithm on speech).
 */
import { createHash } from 'node:crypto';
import {
  floats,
  floatsOf,
  GRAPH,
  int,
  integers,
  ints,
  metadata,
  MODEL,
  node,
  operatorSet,
} from '../engines/piper/onnx-messages.ts';
import { bytesField, numberField } from '../engines/piper/protobuf.ts';

const BANDS = 40,
  KALDI_BANDS = 80,
  SIZE = 256,
  GATES = 4 * SIZE;
/** What goes into each layer of the LSTM. */
const WIDTHS = [BANDS, SIZE, SIZE] as const;

/** Of `pretrained.pt`, as in the registry. */
export const WEIGHTS_SHA256 = '39373b86598fa3da9fcddee6142382efe09777e8d37dc9c0561f41f0070f134e';
/**
 * The format of PyTorch before 1.6 (torch/serialization.py, `_legacy_save`): five pickles, which end here, then the
 * storages in the order of the fifth. Each is its length as a 64-bit number and as many little-endian floats.
 */
const STORAGES_AT = 6_667;
const STORAGES = ['similarity_bias', 'similarity_weight', 'linear.bias', 'linear.weight', 'lstm'] as const;

type Weights = Record<(typeof STORAGES)[number], Float32Array>;

/** @throws where it is not the file as published */
export function readWeights(file: Buffer): Weights {
  if (createHash('sha256').update(file).digest('hex') !== WEIGHTS_SHA256)
    throw new Error("these are not the encoder's weights as published");
  let at = STORAGES_AT;
  const next = (): Float32Array => {
    const length = Number(file.readBigUInt64LE(at)),
      from = at + 8;
    at = from + 4 * length;
    return Float32Array.from({ length }, (_, i) => file.readFloatLE(from + 4 * i));
  };
  return Object.fromEntries(STORAGES.map(name => [name, next()])) as Weights;
}

interface Layer {
  /** [gate, input] and [gate, output]. */ ih: Float32Array;
  hh: Float32Array;
  ihBias: Float32Array;
  hhBias: Float32Array;
}

/** All of the LSTM lies in one storage, as cuDNN wants it: the weights of every layer, then the biases of each. */
function layersOf(storage: Float32Array): Layer[] {
  let at = 0;
  const next = (count: number): Float32Array => storage.subarray(at, (at += count));
  const weights = WIDTHS.map(width => ({ ih: next(GATES * width), hh: next(GATES * SIZE) }));
  return weights.map(layer => ({ ...layer, ihBias: next(GATES), hhBias: next(GATES) }));
}

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

/** Rows of PyTorch's gates (input, forget, cell, output) in ONNX's order (input, output, forget, cell). */
function gates(values: Float32Array, width: number): Float32Array {
  const out = new Float32Array(values.length);
  [0, 3, 1, 2].forEach((from, to) => {
    out.set(values.subarray(from * SIZE * width, (from + 1) * SIZE * width), to * SIZE * width);
  });
  return out;
}

/** @param file the weights as published @throws where they are not */
export function encoderOnnx(file: Buffer): Buffer {
  const weights = readWeights(file);
  const parts: Buffer[] = [
    node('Exp', ['x'], ['power80']),
    node('MatMul', ['power80', 'bridge'], ['bands']),
    node('Relu', ['bands'], ['power40']),
    node('Transpose', ['power40'], ['l0'], [ints('perm', [1, 0, 2])]),
    floats('bridge', [KALDI_BANDS, BANDS], Float32Array.from(bridge().flat())),
    integers('steps', [0, -1, SIZE]),
    integers('rows', [-1, SIZE]),
  ];
  for (const [layer, { ih, hh, ihBias, hhBias }] of layersOf(weights.lstm).entries()) {
    const width = WIDTHS[layer]!,
      bias = new Float32Array(2 * GATES);
    bias.set(gates(ihBias, 1));
    bias.set(gates(hhBias, 1), GATES);
    parts.push(
      floats(`w${layer}`, [1, GATES, width], gates(ih, width)),
      floats(`r${layer}`, [1, GATES, SIZE], gates(hh, SIZE)),
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
  const linear = weights['linear.weight'],
    turned = new Float32Array(SIZE * SIZE);
  for (let i = 0; i < SIZE; i++) for (let j = 0; j < SIZE; j++) turned[j * SIZE + i] = linear[i * SIZE + j]!;
  parts.push(
    floats('linear', [SIZE, SIZE], turned),
    floats('linearBias', [SIZE], weights['linear.bias']),
    node('Reshape', [`h${WIDTHS.length - 1}`, 'rows'], ['last']),
    node('MatMul', ['last', 'linear'], ['turned']),
    node('Add', ['turned', 'linearBias'], ['sum']),
    node('Relu', ['sum'], ['bare']),
    node('LpNormalization', ['bare'], ['embedding'], [int('axis', 1), int('p', 2)]),
    bytesField(GRAPH.name, 'earshot'),
    floatsOf(GRAPH.input, 'x', ['N', 'T', KALDI_BANDS]),
    floatsOf(GRAPH.output, 'embedding', ['N', SIZE]),
  );
  // What sherpa-onnx asks of a speaker model.
  const properties = {
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
    numberField(MODEL.irVersion, 8),
    bytesField(MODEL.graph, Buffer.concat(parts)),
    operatorSet(13),
    ...Object.entries(properties).map(([key, value]) => metadata(key, value)),
  ]);
}
