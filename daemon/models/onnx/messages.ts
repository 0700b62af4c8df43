/** The messages of ONNX models that we read and write; fields and types are numbered as in onnx.proto3. */
import { bytesField, floatField, numberField } from './protobuf.ts';

export const MODEL = { irVersion: 1, graph: 7, opsetImport: 8, metadataProps: 14 } as const;
export const GRAPH = { node: 1, name: 2, initializer: 5, input: 11, output: 12 } as const;
export const NODE = { input: 1, output: 2, name: 3, opType: 4, attribute: 5 } as const;
/** Of `metadata_props`: a StringStringEntryProto. */
export const ENTRY = { key: 1, value: 2 } as const;

const ATTRIBUTE = { name: 1, f: 2, i: 3, s: 4, ints: 8, type: 20 } as const,
  ATTRIBUTE_TYPE = { float: 1, int: 2, string: 3, ints: 7 } as const;
const TENSOR = { dims: 1, dataType: 2, name: 8, rawData: 9 } as const,
  DATA_TYPE = { float: 1, int64: 7 } as const;
const VALUE_INFO = { name: 1, type: 2 } as const,
  TYPE = { tensor: 1 } as const,
  TENSOR_TYPE = { elementType: 1, shape: 2 } as const,
  SHAPE = { dimension: 1 } as const,
  DIMENSION = { value: 1, parameter: 2 } as const;
const OPERATOR_SET = { domain: 1, version: 2 } as const;

/** A node of the graph, named after its last output. */
export const node = (
  op: string,
  inputs: readonly string[],
  outputs: readonly string[],
  attributes: readonly Buffer[] = [],
): Buffer =>
  bytesField(
    GRAPH.node,
    Buffer.concat([
      ...inputs.map(each => bytesField(NODE.input, each)),
      ...outputs.map(each => bytesField(NODE.output, each)),
      bytesField(NODE.name, `${outputs.findLast(Boolean)!}_node`),
      bytesField(NODE.opType, op),
      ...attributes.map(each => bytesField(NODE.attribute, each)),
    ]),
  );

export const int = (name: string, value: number): Buffer =>
  Buffer.concat([
    bytesField(ATTRIBUTE.name, name),
    numberField(ATTRIBUTE.i, value),
    numberField(ATTRIBUTE.type, ATTRIBUTE_TYPE.int),
  ]);
export const float = (name: string, value: number): Buffer =>
  Buffer.concat([
    bytesField(ATTRIBUTE.name, name),
    floatField(ATTRIBUTE.f, value),
    numberField(ATTRIBUTE.type, ATTRIBUTE_TYPE.float),
  ]);
export const string = (name: string, value: string): Buffer =>
  Buffer.concat([
    bytesField(ATTRIBUTE.name, name),
    bytesField(ATTRIBUTE.s, value),
    numberField(ATTRIBUTE.type, ATTRIBUTE_TYPE.string),
  ]);
export const ints = (name: string, values: readonly number[]): Buffer =>
  Buffer.concat([
    bytesField(ATTRIBUTE.name, name),
    ...values.map(value => numberField(ATTRIBUTE.ints, value)),
    numberField(ATTRIBUTE.type, ATTRIBUTE_TYPE.ints),
  ]);

const tensor = (name: string, dimensions: readonly number[], type: number, raw: ArrayBufferView): Buffer =>
  bytesField(
    GRAPH.initializer,
    Buffer.concat([
      ...dimensions.map(each => numberField(TENSOR.dims, each)),
      numberField(TENSOR.dataType, type),
      bytesField(TENSOR.name, name),
      bytesField(TENSOR.rawData, Buffer.from(raw.buffer, raw.byteOffset, raw.byteLength)),
    ]),
  );
export const floats = (name: string, dimensions: readonly number[], values: Float32Array): Buffer =>
  tensor(name, dimensions, DATA_TYPE.float, values);
export const integers = (name: string, values: readonly number[]): Buffer =>
  tensor(name, [values.length], DATA_TYPE.int64, BigInt64Array.from(values, BigInt));
export const scalar = (name: string, value: number): Buffer =>
  tensor(name, [], DATA_TYPE.int64, BigInt64Array.of(BigInt(value)));

/** What goes in or comes out: floats; words stand for lengths that differ. */
export const floatsOf = (
  way: typeof GRAPH.input | typeof GRAPH.output,
  name: string,
  shape: readonly (number | string)[],
): Buffer => {
  const dimensions = shape.map(each =>
    bytesField(
      SHAPE.dimension,
      typeof each === 'number' ? numberField(DIMENSION.value, each) : bytesField(DIMENSION.parameter, each),
    ),
  );
  const type = Buffer.concat([
    numberField(TENSOR_TYPE.elementType, DATA_TYPE.float),
    bytesField(TENSOR_TYPE.shape, Buffer.concat(dimensions)),
  ]);
  return bytesField(
    way,
    Buffer.concat([bytesField(VALUE_INFO.name, name), bytesField(VALUE_INFO.type, bytesField(TYPE.tensor, type))]),
  );
};

/** An entry of the model's metadata. */
export const metadata = (key: string, value: string | number): Buffer =>
  bytesField(MODEL.metadataProps, Buffer.concat([bytesField(ENTRY.key, key), bytesField(ENTRY.value, String(value))]));
/** The version of ONNX's own operators. */
export const operatorSet = (version: number): Buffer =>
  bytesField(
    MODEL.opsetImport,
    Buffer.concat([bytesField(OPERATOR_SET.domain, ''), numberField(OPERATOR_SET.version, version)]),
  );
