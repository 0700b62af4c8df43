/** WAV headers that state less than there is. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { statesTooLittle } from '../../daemon/ingest/sizes.ts';

const folder = mkdtempSync(join(tmpdir(), 'earshot-sizes-'));
after(() => rmSync(folder, { recursive: true, force: true }));
const chunk = (id: string, body: Buffer, stated = body.length): Buffer => {
  const head = Buffer.alloc(8);
  head.write(id, 0, 'latin1');
  head.writeUInt32LE(stated, 4);
  return Buffer.concat([head, body, Buffer.alloc(body.length % 2)]);
};
const FORMAT = chunk('fmt ', Buffer.from('0100010080bb000000770100020010000'.slice(0, 32), 'hex'));
const SOUND = Buffer.from(Array.from({ length: 5000 }, (_, n) => (n * 7919 + (n >> 2)) & 0xff));
const file = (head: string, ...chunks: Buffer[]): string => {
  const path = join(folder, `${Math.random()}.wav`);
  writeFileSync(path, Buffer.concat([Buffer.from(head), Buffer.from('\0\0\0\0WAVE'), ...chunks]));
  return path;
};
const ds64 = (bytes: number): Buffer => {
  const body = Buffer.alloc(28);
  body.writeBigUInt64LE(BigInt(bytes), 8);
  return chunk('ds64', body);
};

for (const [what, path, expected] of [
  ['a header that is right', file('RIFF', FORMAT, chunk('data', SOUND)), false],
  ['text behind the sound', file('RIFF', FORMAT, chunk('data', SOUND), chunk('LIST', Buffer.from('INFO'))), false],
  ['an odd length', file('RIFF', FORMAT, chunk('data', SOUND.subarray(1)), chunk('id3 ', SOUND)), false],
  ['half of it', file('RIFF', FORMAT, chunk('data', SOUND, 2500)), true],
  ['a size that did not fit', file('RIFF', FORMAT, chunk('data', SOUND, 4)), true],
  ['none at all, which ffmpeg knows', file('RIFF', FORMAT, chunk('data', SOUND, 0)), false],
  ['the largest, which ffmpeg knows', file('RIFF', FORMAT, chunk('data', SOUND, 0xffff_ffff)), false],
  ['more than there is', file('RIFF', FORMAT, chunk('data', SOUND, 9000)), false],
  ['RF64 that is right', file('RF64', ds64(5000), FORMAT, chunk('data', SOUND, 0xffff_ffff)), false],
  ['RF64 that is not', file('RF64', ds64(2500), FORMAT, chunk('data', SOUND, 0xffff_ffff)), true],
  ['RF64 without a size', file('RF64', ds64(0), FORMAT, chunk('data', SOUND, 0xffff_ffff)), true],
  ['rubbish before the sound', file('RIFF', FORMAT, SOUND, chunk('data', SOUND, 4)), false],
  ['another format', file('OggS', FORMAT, chunk('data', SOUND, 4)), false],
] as const)
  test(`${what}: ${expected ? 'sound follows' : 'nothing to mend'}`, async () => {
    const opened = await open(path, 'r');
    try {
      assert.equal(await statesTooLittle(opened), expected);
    } finally {
      await opened.close();
    }
  });
