/** An ONNX graph that is put together node by node, in the order of their computation. */
import { floats, floatsOf, GRAPH, integers, metadata, MODEL, node, operatorSet } from '../onnx/messages.ts';
import { bytesField, numberField } from '../onnx/protobuf.ts';
import type { Tensor, Weights } from './torch.ts';

const IR_VERSION = 9,
  OPERATORS = 19;

export class Graph {
  readonly #weights: Weights;
  readonly #parts: Buffer[] = [];
  readonly #known = new Set<string>();
  #next = 0;

  constructor(weights: Weights) {
    this.#weights = weights;
  }

  /** @throws where the checkpoint has none of this name */
  tensor(name: string): Tensor {
    const tensor = this.#weights.get(name);
    if (!tensor) throw new Error(`the checkpoint has no ${name}`);
    return tensor;
  }
  has(name: string): boolean {
    return this.#weights.has(name);
  }

  /** A tensor of the checkpoint as an input of nodes. */
  weight(name: string): string {
    if (!this.#known.has(name)) {
      const { shape, values } = this.tensor(name);
      this.#parts.push(floats(name, shape, values));
      this.#known.add(name);
    }
    return name;
  }
  floats(shape: readonly number[], values: Float32Array): string {
    const name = this.#fresh();
    this.#parts.push(floats(name, shape, values));
    return name;
  }
  integers(...values: number[]): string {
    const name = this.#fresh();
    this.#parts.push(integers(name, values));
    return name;
  }

  /** Adds a node; the answer is its output. */
  node(op: string, inputs: readonly string[], attributes: readonly Buffer[] = [], output = this.#fresh()): string {
    this.#parts.push(node(op, inputs, [output], attributes));
    return output;
  }

  /** The whole file. */
  model(
    input: { name: string; shape: readonly (number | string)[] },
    output: { name: string; shape: readonly (number | string)[] },
    properties: Readonly<Record<string, string | number>>,
  ): Buffer {
    const graph = [
      ...this.#parts,
      bytesField(GRAPH.name, 'earshot'),
      floatsOf(GRAPH.input, input.name, input.shape),
      floatsOf(GRAPH.output, output.name, output.shape),
    ];
    return Buffer.concat([
      numberField(MODEL.irVersion, IR_VERSION),
      bytesField(MODEL.graph, Buffer.concat(graph)),
      operatorSet(OPERATORS),
      ...Object.entries(properties).map(([key, value]) => metadata(key, value)),
    ]);
  }

  #fresh(): string {
    return `v${this.#next++}`;
  }
}
