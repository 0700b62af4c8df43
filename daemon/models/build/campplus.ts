/**
 * CAM++ of 3D-Speaker (Apache-2.0) as ONNX, of the weights that PyTorch has of it: mel bands [frames, 80] in, a voice
 * of 192 numbers out. Layers as in "CAM++: A Fast and Efficient Network for Speaker Verification Using Context-Aware
 * Masking".
 */
import { float, int, ints } from '../onnx/messages.ts';
import { Graph } from './graph.ts';
import type { Weights } from './torch.ts';

const BANDS = 80,
  SIZE = 192,
  /** Frames that share a context. */ SEGMENT = 100;
/** Dense blocks: their layers, and how far apart the frames are that each looks at. */
const BLOCKS = [
  { layers: 12, dilation: 1 },
  { layers: 24, dilation: 2 },
  { layers: 16, dilation: 2 },
] as const;

export function campplusOnnx(weights: Weights): Buffer {
  const graph = new Graph(weights),
    pads = (each: readonly number[]): Buffer => ints('pads', [...each, ...each]);
  const normed = (x: string, name: string, relu = true): string => {
    const channels = graph.tensor(`${name}.running_mean`).values.length,
      plain = (value: number): string => graph.floats([channels], new Float32Array(channels).fill(value)),
      affine = graph.has(`${name}.weight`);
    const y = graph.node(
      'BatchNormalization',
      [
        x,
        affine ? graph.weight(`${name}.weight`) : plain(1),
        affine ? graph.weight(`${name}.bias`) : plain(0),
        graph.weight(`${name}.running_mean`),
        graph.weight(`${name}.running_var`),
      ],
      [float('epsilon', 1e-5)],
    );
    return relu ? graph.node('Relu', [y]) : y;
  };
  const conv = (x: string, name: string, attributes: readonly Buffer[] = []): string =>
    graph.node(
      'Conv',
      [x, graph.weight(`${name}.weight`), ...(graph.has(`${name}.bias`) ? [graph.weight(`${name}.bias`)] : [])],
      attributes,
    );
  /** Over bands and frames; `stride` over bands alone. */
  const conv2 = (x: string, name: string, stride: number, pad: number): string =>
    conv(x, name, [ints('strides', [stride, 1]), pads([pad, pad])]);
  const mean = (x: string): string => graph.node('ReduceMean', [x, graph.integers(-1)], [int('keepdims', 1)]);
  const frames = (x: string): string => graph.node('Shape', [x], [int('start', 2), int('end', 3)]);

  const residual = (x: string, name: string, stride: number): string => {
    const inner = normed(conv2(x, `${name}.conv1`, stride, 1), `${name}.bn1`),
      y = normed(conv2(inner, `${name}.conv2`, 1, 1), `${name}.bn2`, false),
      around = graph.has(`${name}.shortcut.0.weight`)
        ? normed(conv2(x, `${name}.shortcut.0`, stride, 0), `${name}.shortcut.1`, false)
        : x;
    return graph.node('Relu', [graph.node('Add', [y, around])]);
  };
  /** What a layer adds: each frame, masked by the mean of the whole and of its segment. */
  const dense = (x: string, name: string, dilation: number): string => {
    const inner = conv(normed(x, `${name}.nonlinear1.batchnorm`), `${name}.linear1`),
      h = normed(inner, `${name}.nonlinear2.batchnorm`),
      local = conv(h, `${name}.cam_layer.linear_local`, [pads([dilation]), ints('dilations', [dilation])]);
    const means = graph.node(
        'AveragePool',
        [h],
        [ints('kernel_shape', [SEGMENT]), ints('strides', [SEGMENT]), int('ceil_mode', 1), int('count_include_pad', 0)],
      ),
      each = graph.node('Tile', [
        graph.node('Unsqueeze', [means, graph.integers(3)]),
        graph.integers(1, 1, 1, SEGMENT),
      ]),
      long = graph.node('Reshape', [each, graph.integers(0, 0, -1)]),
      segments = graph.node('Slice', [long, graph.integers(0), frames(h), graph.integers(2)]);
    const context = graph.node('Add', [segments, mean(h)]),
      narrow = graph.node('Relu', [conv(context, `${name}.cam_layer.linear1`)]),
      mask = graph.node('Sigmoid', [conv(narrow, `${name}.cam_layer.linear2`)]);
    return graph.node('Concat', [x, graph.node('Mul', [local, mask])], [int('axis', 1)]);
  };
  /** Mean and deviation over the frames. */
  const statistics = (x: string): string => {
    const middle = mean(x),
      off = graph.node('Sub', [x, middle]),
      squares = graph.node('ReduceSum', [graph.node('Mul', [off, off]), graph.integers(-1)], [int('keepdims', 1)]),
      count = graph.node('Cast', [frames(x)], [int('to', 1)]),
      less = graph.node('Sub', [count, graph.floats([1], Float32Array.of(1))]),
      deviation = graph.node('Sqrt', [graph.node('Div', [squares, less])]);
    return graph.node('Concat', [middle, deviation], [int('axis', 1)]);
  };

  let x = graph.node('Transpose', ['x'], [ints('perm', [0, 2, 1])]);
  x = graph.node('Unsqueeze', [x, graph.integers(1)]);
  x = normed(conv2(x, 'head.conv1', 1, 1), 'head.bn1');
  for (const layer of ['layer1', 'layer2'])
    for (const part of [0, 1]) x = residual(x, `head.${layer}.${part}`, part === 0 ? 2 : 1);
  x = normed(conv2(x, 'head.conv2', 2, 1), 'head.bn2');
  // Channels and the bands that are left become one.
  x = graph.node('Reshape', [x, graph.integers(0, graph.tensor('xvector.tdnn.linear.weight').shape[1]!, -1)]);
  x = normed(conv(x, 'xvector.tdnn.linear', [ints('strides', [2]), pads([2])]), 'xvector.tdnn.nonlinear.batchnorm');
  for (const [n, { layers, dilation }] of BLOCKS.entries()) {
    for (let layer = 1; layer <= layers; layer++) x = dense(x, `xvector.block${n + 1}.tdnnd${layer}`, dilation);
    const transit = `xvector.transit${n + 1}`;
    x = conv(normed(x, `${transit}.nonlinear.batchnorm`), `${transit}.linear`);
  }
  x = statistics(normed(x, 'xvector.out_nonlinear.batchnorm'));
  x = normed(conv(x, 'xvector.dense.linear'), 'xvector.dense.nonlinear.batchnorm', false);
  graph.node('Squeeze', [x, graph.integers(2)], [], 'embedding');
  return graph.model(
    { name: 'x', shape: ['N', 'T', BANDS] },
    { name: 'embedding', shape: ['N', SIZE] },
    // What sherpa-onnx asks of it.
    {
      framework: '3d-speaker',
      language: 'Chinese-English',
      url: 'https://modelscope.cn/models/iic/speech_campplus_sv_zh_en_16k-common_advanced',
      comment: '',
      sample_rate: 16_000,
      output_dim: SIZE,
      normalize_samples: 1,
      feature_normalize_type: 'global-mean',
    },
  );
}
