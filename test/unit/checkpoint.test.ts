/** Checkpoints of PyTorch, as its zip format has them, made here byte by byte. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { readCheckpoint, unpickle } from '../../daemon/models/build/torch.ts';
import { zip } from '../fixtures/zip.ts';

const code = (letter: string, ...more: (number | Buffer)[]): Buffer =>
  Buffer.concat([Buffer.from(letter, 'latin1'), ...more.map(each => (Buffer.isBuffer(each) ? each : Buffer.of(each)))]);
const text = (value: string): Buffer => {
  const length = Buffer.alloc(4);
  length.writeUInt32LE(Buffer.byteLength(value));
  return code('X', length, Buffer.from(value));
};
const named = (module: string, name: string): Buffer => code('c', Buffer.from(`${module}\n${name}\n`));
const tuple = (...items: Buffer[]): Buffer => Buffer.concat([code('('), ...items, code('t')]);
const byte = (value: number): Buffer => code('K', value);
/** As `torch.save` writes a tensor: how to rebuild it, of which storage, from where, in which shape. */
const tensor = (type: string, key: string, offset: number, shape: number[], stride: number[]): Buffer =>
  Buffer.concat([
    named('torch._utils', '_rebuild_tensor_v2'),
    tuple(
      Buffer.concat([tuple(text('storage'), named('torch', type), text(key), text('cpu'), byte(8)), code('Q')]),
      byte(offset),
      tuple(...shape.map(byte)),
      tuple(...stride.map(byte)),
      code('\x89'),
      Buffer.concat([named('collections', 'OrderedDict'), code(')'), code('R')]),
    ),
    code('R'),
  ]);
const pickle = (root: Buffer): Buffer => Buffer.concat([code('\x80', 2), root, code('.')]);
const dictionary = (...pairs: [string, Buffer][]): Buffer =>
  Buffer.concat([
    named('collections', 'OrderedDict'),
    code(')'),
    code('R'),
    code('('),
    ...pairs.flatMap(([key, value]) => [text(key), value]),
    code('u'),
  ]);
const numbers = (...values: number[]): Buffer => Buffer.from(Float32Array.from(values).buffer);

describe('a checkpoint of PyTorch', () => {
  const folder = mkdtempSync(join(tmpdir(), 'earshot-checkpoint-')),
    path = join(folder, 'model.bin');
  after(() => rmSync(folder, { recursive: true, force: true }));
  const read = (root: Buffer, files: Record<string, Buffer>) => {
    writeFileSync(
      path,
      zip({
        'archive/data.pkl': pickle(root),
        ...Object.fromEntries(Object.entries(files).map(([key, bytes]) => [`archive/data/${key}`, bytes])),
      }),
    );
    return readCheckpoint(path);
  };

  it('is read by name, in its order, with parts of storages and what is no float left out', async () => {
    const weights = await read(
      dictionary(
        ['b.weight', tensor('FloatStorage', '7', 1, [2, 2], [2, 1])],
        ['count', tensor('LongStorage', '8', 0, [], [])],
        ['a.bias', tensor('FloatStorage', '9', 0, [1], [1])],
      ),
      { 7: numbers(9, 1, 2, 3, 4), 8: Buffer.alloc(8), 9: numbers(0.5) },
    );
    assert.deepEqual(
      [...weights].map(([name, { shape, values }]) => [name, shape, [...values]]),
      [
        ['b.weight', [2, 2], [1, 2, 3, 4]],
        ['a.bias', [1], [0.5]],
      ],
    );
  });
  it('may hold its weights among other things, which stay without content', async () => {
    const weights = await read(
      dictionary(
        ['state_dict', dictionary(['x', tensor('FloatStorage', '0', 0, [1], [1])])],
        ['other', Buffer.concat([named('os', 'system'), tuple(text('touch /tmp/never')), code('R')])],
      ),
      { 0: numbers(3) },
    );
    assert.deepEqual([...weights.keys()], ['x']);
  });
  it('is refused where it is cut, lies in another order, or says what no checkpoint does', async () => {
    await assert.rejects(
      read(dictionary(['x', tensor('FloatStorage', '0', 0, [4], [1])]), { 0: numbers(1) }),
      /beyond/,
    );
    await assert.rejects(
      read(dictionary(['x', tensor('FloatStorage', '0', 0, [2, 2], [1, 2])]), { 0: numbers(1, 2, 3, 4) }),
      /order/,
    );
    await assert.rejects(read(dictionary(['x', tensor('FloatStorage', '1', 0, [1], [1])]), {}), /without its numbers/);
    assert.throws(() => unpickle(Buffer.from('\x80\x02i', 'latin1'), () => undefined), /code 69/);
    assert.throws(() => unpickle(Buffer.from([0x80, 2]), () => undefined), RangeError);
    writeFileSync(path, 'no zip');
    await assert.rejects(readCheckpoint(path));
  });
});
