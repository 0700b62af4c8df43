import assert from 'node:assert/strict';
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { partsOf } from '../../daemon/ingest/parts.ts';

const folder = mkdtempSync(join(tmpdir(), 'earshot-parts-'));
after(() => rmSync(folder, { recursive: true, force: true }));
const startsOf = (...files: Buffer[]): number[] => {
  const path = join(folder, 'joined'),
    content = Buffer.concat(files);
  writeFileSync(path, content);
  const fd = openSync(path, 'r');
  try {
    const parts = partsOf(fd, content.length);
    assert.ok(parts.every((part, n) => part.end === (parts[n + 1]?.start ?? content.length)));
    return parts.map(part => part.start);
  } finally {
    closeSync(fd);
  }
};

const box = (type: string, content: Buffer = Buffer.alloc(40)): Buffer => {
  const head = Buffer.alloc(8);
  head.writeUInt32BE(8 + content.length);
  head.write(type, 4, 'latin1');
  return Buffer.concat([head, content]);
};
const mp4 = Buffer.concat([box('ftyp'), box('moov'), box('mdat', Buffer.alloc(70_000, 'ftyp'))]);
/** Segment and cluster of a known length; `open`: of none. */
const webm = (open = false): Buffer =>
  Buffer.concat([
    Buffer.from([0x1a, 0x45, 0xdf, 0xa3, 0x84, 1, 2, 3, 4]),
    Buffer.from([0x18, 0x53, 0x80, 0x67, ...(open ? [0x01, 255, 255, 255, 255, 255, 255, 255] : [0x08, 0, 0, 0, 100])]),
    Buffer.alloc(100),
  ]);
const flash = Buffer.concat([
  Buffer.from('FLV\x01\x04\0\0\0\x09\0\0\0\0', 'latin1'),
  Buffer.from([8, 0, 0, 100, 0, 0, 0, 0, 0, 0, 0]),
  Buffer.alloc(104),
]);
const page = (flags: number): Buffer => {
  const head = Buffer.alloc(27 + 2);
  head.write('OggS', 'latin1');
  head[5] = flags;
  head[26] = 2;
  head[27] = 255;
  head[28] = 10;
  return Buffer.concat([head, Buffer.alloc(265)]);
};
const ogg = Buffer.concat([page(2), page(2), page(0), page(0), page(4)]);

const chunks = (id: string, form: string): Buffer => {
  const file = Buffer.concat([Buffer.from(`${id}\0\0\0\0${form}fmt \0\0\0\0data`), Buffer.alloc(201)]),
    length = file.length - 8;
  if (id === 'RIFF') file.writeUInt32LE(length, 4);
  else file.writeUInt32BE(length, 4);
  return length % 2 ? Buffer.concat([file, Buffer.alloc(1)]) : file;
};
const asf = ((): Buffer => {
  const object = (id: string, length: number): Buffer => {
    const made = Buffer.alloc(length);
    made.write(id, 'hex');
    made.writeBigUInt64LE(BigInt(length), 16);
    return made;
  };
  return Buffer.concat([
    object('3026b2758e66cf11a6d900aa0062ce6c', 60),
    object('3626b2758e66cf11a6d900aa0062ce6c', 500),
  ]);
})();

test('files that are joined: where each begins', () => {
  const wav = chunks('RIFF', 'WAVE'),
    aiff = chunks('FORM', 'AIFF');
  // OpenDML: one film in several chunks.
  const avi = Buffer.concat([chunks('RIFF', 'AVI '), chunks('RIFF', 'AVIX')]);
  assert.deepEqual(startsOf(avi), [0]);
  for (const [name, file] of Object.entries({ mp4, flash, ogg, webm: webm(), wav, aiff, asf })) {
    assert.deepEqual(startsOf(file), [0], name);
    assert.deepEqual(startsOf(file, file, file), [0, file.length, 2 * file.length], name);
    // The last one is cut off.
    assert.deepEqual(startsOf(file, file.subarray(0, file.length - 50)), [0, file.length], name);
  }
});
test('what does not say how long it is, or is not a container, is one', () => {
  assert.deepEqual(startsOf(webm(true), webm(true)), [0]);
  assert.deepEqual(startsOf(Buffer.from('RIFF and so on, ftyp')), [0]);
  assert.deepEqual(startsOf(Buffer.alloc(0)), [0]);
});
test('damage between the pages of Ogg is passed over', () =>
  assert.deepEqual(startsOf(ogg, Buffer.alloc(10_000, 1), ogg), [0, ogg.length + 10_000]));
test('rubbish does not hold it up', () => {
  for (const head of ['OggS', 'FLV\x01', '\0\0\0\x08ftyp', '\x1aE\xdf\xa3'])
    for (let seed = 1; seed < 20; seed++) {
      const content = Buffer.from(Array.from({ length: 5000 }, (_, n) => (n * n * seed * 7919 + (n >> 3)) & 0xff));
      content.write(head, 'latin1');
      assert.ok(startsOf(content).length >= 1);
    }
});

test('FLAC: where its name and its first block stand once more', () => {
  const flac = (last: boolean, length: number): Buffer =>
    Buffer.concat([
      Buffer.from('fLaC', 'latin1'),
      Buffer.from([last ? 0x80 : 0, 0, 0, 34, 0x10, 0, 0x10, 0]),
      Buffer.alloc(30),
      Buffer.alloc(length, 'fLaC'),
    ]);
  assert.deepEqual(startsOf(flac(false, 100)), [0]);
  // Over the windows that are read at once, and at their edges.
  for (const length of [100, 32_700, 32_720, 32_721, 32_722, 70_000])
    assert.deepEqual(startsOf(flac(false, length), flac(true, 50), flac(false, 0)), [0, 42 + length, 134 + length]);
  assert.deepEqual(startsOf(flac(false, 10), Buffer.from('fLaC\0\0\0\x22\0\0', 'latin1')), [0]);
});
