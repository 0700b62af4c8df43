import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { normalNumbers, prepareOnnx } from '../../daemon/engines/piper/onnx.ts';
import { bytesField, fieldsOf, numberField } from '../../daemon/models/onnx/protobuf.ts';

const node = (op: string, input: string, output: string): Buffer =>
  bytesField(1, Buffer.concat([bytesField(1, input), bytesField(2, output), bytesField(4, op)]));
const model = Buffer.concat([
  numberField(1, 8),
  bytesField(14, Buffer.concat([bytesField(1, 'sample_rate'), bytesField(2, '8000')])),
  bytesField(14, Buffer.concat([bytesField(1, 'kept'), bytesField(2, 'yes')])),
  bytesField(
    7,
    Buffer.concat([
      node('Mul', 'x', 'a'),
      node('RandomNormalLike', 'a', 'b'),
      node('Add', 'b', 'c'),
      bytesField(2, 'graph'),
    ]),
  ),
  bytesField(8, numberField(2, 15)),
]);
const texts = (message: Buffer, wanted: number): Buffer[] =>
  [...fieldsOf(message)].filter(({ field }) => field === wanted).map(({ from, to }) => message.subarray(from, to));
const words = (message: Buffer, wanted: number): string[] => texts(message, wanted).map(String);

describe('a voice made ready', () => {
  const prepared = Buffer.concat(prepareOnnx(model, { sample_rate: 22050, comment: 'piper' }));
  const graph = texts(prepared, 7)[0]!;
  test('metadata is added; what was there of the same name goes', () =>
    assert.deepEqual(
      texts(prepared, 14).map(entry => [words(entry, 1)[0], words(entry, 2)[0]]),
      [
        ['kept', 'yes'],
        ['sample_rate', '22050'],
        ['comment', 'piper'],
      ],
    ));
  test('random numbers are looked up, in their place among the nodes', () => {
    const nodes = texts(graph, 1).map(each => ({
      op: words(each, 4)[0]!,
      inputs: words(each, 1),
      output: words(each, 2)[0]!,
    }));
    assert.deepEqual(
      nodes.map(({ op }) => op),
      ['Mul', 'Shape', 'ReduceProd', 'Range', 'Mod', 'Gather', 'Reshape', 'Add'],
    );
    const known = new Set(['x', ...texts(graph, 5).map(tensor => words(tensor, 8)[0]!)]);
    for (const { inputs, output } of nodes) {
      for (const input of inputs) assert.ok(known.has(input), `${input} is not there yet`);
      known.add(output);
    }
    assert.equal(nodes.at(-2)!.output, 'b');
  });
  test('the rest stays as it was', () =>
    assert.deepEqual([words(graph, 2), [...fieldsOf(prepared)][0]!.field], [['graph'], 1]));
  test('a model without random numbers gains only metadata', () => {
    const plain = bytesField(7, node('Mul', 'x', 'a'));
    assert.deepEqual(Buffer.concat(prepareOnnx(plain, {})), plain);
  });
  test('cut and foreign files are refused', () => {
    assert.throws(() => prepareOnnx(model.subarray(0, model.length - 3), {}), /cut|ends inside/);
    assert.throws(() => prepareOnnx(Buffer.from('<html>not a model</html>'), {}));
    assert.throws(() => prepareOnnx(Buffer.alloc(0), {}), /no graph/);
  });
  test('the table is as good as normal', () => {
    const numbers = normalNumbers(65_537),
      mean = numbers.reduce((sum, value) => sum + value, 0) / numbers.length;
    const variance = numbers.reduce((sum, value) => sum + (value - mean) ** 2, 0) / numbers.length;
    assert.ok(Math.abs(mean) < 0.02 && Math.abs(variance - 1) < 0.02, `${mean} ${variance}`);
    assert.equal(numbers[0], normalNumbers(1)[0]);
  });
});
