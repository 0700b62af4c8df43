/**
 * pyannote's segmentation 3.0 (MIT) as ONNX, of the weights that PyTorch has of it: 10 s of sound at 16 kHz in; who of
 * three voices speaks, alone or two at once, every 17 ms (seven classes) out.
 */
import { float, int, ints, string } from '../onnx/messages.ts';
import { Graph } from './graph.ts';
import type { Weights } from './torch.ts';

const RATE = 16_000,
  HIDDEN = 128,
  LAYERS = 4,
  /** The lowest edge of a filter, and its least width, Hz. */ LOWEST_HZ = 50;

/** [80][251]: cosines and sines of forty bands, as the learned edges say (SincNet). */
function filters(graph: Graph): Float32Array {
  const of = (name: string): Float32Array => graph.tensor(`sincnet.conv1d.0.filterbank.${name}`).values,
    [low, band, n, window] = [of('low_hz_'), of('band_hz_'), of('n_'), of('window_')],
    half = n.length,
    size = 2 * half + 1,
    out = new Float32Array(2 * low.length * size);
  for (let f = 0; f < low.length; f++) {
    const from = LOWEST_HZ + Math.abs(low[f]!),
      to = Math.min(RATE / 2, Math.max(LOWEST_HZ, from + LOWEST_HZ + Math.abs(band[f]!))),
      width = 2 * (to - from);
    const cosine = f * size,
      sine = (low.length + f) * size;
    for (let i = 0; i < half; i++) {
      const scale = window[i]! / (n[i]! / 2) / width,
        cos = (Math.sin(to * n[i]!) - Math.sin(from * n[i]!)) * scale,
        sin = (Math.cos(from * n[i]!) - Math.cos(to * n[i]!)) * scale;
      out[cosine + i] = out[cosine + size - 1 - i] = cos;
      out[sine + i] = sin;
      out[sine + size - 1 - i] = -sin;
    }
    out[cosine + half] = 1;
  }
  return out;
}

/** Rows of PyTorch's gates (input, forget, cell, output) in ONNX's order (input, output, forget, cell). */
function gates(values: Float32Array, out: Float32Array, at: number): void {
  const rows = values.length / 4;
  [0, 3, 1, 2].forEach((from, to) => out.set(values.subarray(from * rows, (from + 1) * rows), at + to * rows));
}

function lstm(graph: Graph, input: string, layer: number): string {
  const ways = [`l${layer}`, `l${layer}_reverse`];
  const both = (kinds: readonly string[], shape: readonly number[]): string => {
    const tensors = ways.flatMap(way => kinds.map(kind => graph.tensor(`lstm.${kind}_${way}`).values)),
      out = new Float32Array(tensors.reduce((sum, values) => sum + values.length, 0));
    let at = 0;
    for (const values of tensors) {
      gates(values, out, at);
      at += values.length;
    }
    return graph.floats(shape, out);
  };
  const width = graph.tensor(`lstm.weight_ih_l${layer}`).shape[1]!;
  const y = graph.node(
    'LSTM',
    [
      input,
      both(['weight_ih'], [2, 4 * HIDDEN, width]),
      both(['weight_hh'], [2, 4 * HIDDEN, HIDDEN]),
      both(['bias_ih', 'bias_hh'], [2, 8 * HIDDEN]),
    ],
    [int('hidden_size', HIDDEN), string('direction', 'bidirectional')],
  );
  // [steps, 2, sounds, hidden] to [steps, sounds, 2 × hidden]
  const turned = graph.node('Transpose', [y], [ints('perm', [0, 2, 1, 3])]);
  return graph.node('Reshape', [turned, graph.integers(0, 0, 2 * HIDDEN)]);
}

/** [outputs, inputs] as a matrix to multiply with. */
function transposed(graph: Graph, name: string): string {
  const { shape, values } = graph.tensor(name),
    [rows, columns] = shape as [number, number],
    out = new Float32Array(values.length);
  for (let r = 0; r < rows; r++) for (let c = 0; c < columns; c++) out[c * rows + r] = values[r * columns + c]!;
  return graph.floats([columns, rows], out);
}

export function segmentationOnnx(weights: Weights): Buffer {
  const graph = new Graph(weights),
    slope = float('alpha', 0.01);
  const normed = (x: string, name: string): string =>
    graph.node(
      'InstanceNormalization',
      [x, graph.weight(`${name}.weight`), graph.weight(`${name}.bias`)],
      [float('epsilon', 1e-5)],
    );
  const linear = (x: string, name: string): string =>
    graph.node('Add', [graph.node('MatMul', [x, transposed(graph, `${name}.weight`)]), graph.weight(`${name}.bias`)]);

  const sinc = filters(graph),
    bands = 2 * graph.tensor('sincnet.conv1d.0.filterbank.low_hz_').values.length;
  let x = normed('x', 'sincnet.wav_norm1d');
  x = graph.node('Conv', [x, graph.floats([bands, 1, sinc.length / bands], sinc)], [ints('strides', [10])]);
  x = graph.node('Abs', [x]);
  for (let layer = 0; layer < 3; layer++) {
    const name = `sincnet.conv1d.${layer}`;
    if (layer) x = graph.node('Conv', [x, graph.weight(`${name}.weight`), graph.weight(`${name}.bias`)]);
    x = graph.node('MaxPool', [x], [ints('kernel_shape', [3]), ints('strides', [3])]);
    x = graph.node('LeakyRelu', [normed(x, `sincnet.norm1d.${layer}`)], [slope]);
  }
  x = graph.node('Transpose', [x], [ints('perm', [2, 0, 1])]);
  for (let layer = 0; layer < LAYERS; layer++) x = lstm(graph, x, layer);
  x = graph.node('Transpose', [x], [ints('perm', [1, 0, 2])]);
  for (const name of ['linear.0', 'linear.1']) x = graph.node('LeakyRelu', [linear(x, name)], [slope]);
  graph.node('LogSoftmax', [linear(x, 'classifier')], [int('axis', 2)], 'y');
  return graph.model(
    { name: 'x', shape: ['N', 1, 'T'] },
    { name: 'y', shape: ['N', 'F', 7] },
    // What sherpa-onnx asks of it.
    {
      model_type: 'pyannote-segmentation-3.0',
      version: 1,
      maintainer: 'earshot',
      num_speakers: 3,
      powerset_max_classes: 2,
      num_classes: 7,
      sample_rate: RATE,
      window_size: 10 * RATE,
      receptive_field_size: 991,
      receptive_field_shift: 270,
    },
  );
}
