/** Headers that state less than there is. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { repairOf } from '../../daemon/ingest/sizes.ts';

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
  test(`${what}: ${expected ? 'sound follows' : 'nothing to repair'}`, async () => {
    const opened = await open(path, 'r');
    try {
      assert.equal(await repairOf(opened), expected ? 'wholeFile' : null);
    } finally {
      await opened.close();
    }
  });

/** What a header says of its sound: written with a length that is wrong, read by the same program. */
const big = (id: string, body: Buffer, stated = body.length): Buffer => {
  const head = Buffer.alloc(8);
  head.write(id, 0, 'latin1');
  head.writeUInt32BE(stated, 4);
  return Buffer.concat([head, body]);
};
const wide = (id: string, body: Buffer, stated = body.length): Buffer => {
  const head = Buffer.alloc(12);
  head.write(id, 0, 'latin1');
  head.writeBigInt64BE(BigInt(stated), 4);
  return Buffer.concat([head, body]);
};
const guid = (id: string, body: Buffer, stated = 24 + body.length): Buffer => {
  const head = Buffer.alloc(24);
  head.write(id, 0, 'latin1');
  Buffer.from('f3acd3118cd100c04f8edb8a', 'hex').copy(head, 4);
  head.writeBigUInt64LE(BigInt(stated), 16);
  return Buffer.concat([head, body]);
};
const aiff = (stated?: number, ...behind: Buffer[]): Buffer => {
  const chunks = Buffer.concat([big('COMM', Buffer.alloc(18)), big('SSND', SOUND, stated), ...behind]);
  return big('FORM', Buffer.concat([Buffer.from('AIFF'), chunks]));
};
const caf = (stated?: number, ...behind: Buffer[]): Buffer =>
  Buffer.concat([
    Buffer.from('caff\x00\x01\x00\x00', 'latin1'),
    wide('desc', Buffer.alloc(32, 1)),
    wide('data', SOUND, stated),
    ...behind,
  ]);
const w64 = (stated?: number, ...behind: Buffer[]): Buffer => {
  const chunks = Buffer.concat([guid('fmt ', Buffer.alloc(16)), guid('data', SOUND, stated), ...behind]),
    wave = guid('wave', Buffer.alloc(0)).subarray(0, 16),
    head = Buffer.alloc(24);
  Buffer.from('726966662e91cf11a5d628db04c10000', 'hex').copy(head);
  head.writeBigUInt64LE(BigInt(40 + chunks.length), 16);
  return Buffer.concat([head, wave, chunks]);
};
const au = (stated: number): Buffer => {
  const head = Buffer.from('2e736e6400000018000000000000000300003e8000000001', 'hex');
  head.writeUInt32BE(stated, 8);
  return Buffer.concat([head, SOUND]);
};

for (const [what, right, wrong] of [
  ['AIFF', [aiff(), aiff(9000), aiff(undefined, big('ID3 ', SOUND))], [aiff(2500), aiff(0), aiff(4)]],
  ['Core Audio', [caf(), caf(-1), caf(9000), caf(undefined, wide('info', SOUND))], [caf(2500), caf(0)]],
  ['Wave64', [w64(), w64(9000), w64(undefined, guid('list', SOUND))], [w64(2500), w64(0), w64(24)]],
  ['AU', [au(5000), au(0xffff_ffff)], [au(0)]],
] as const)
  test(`${what}: a header that is right stays, one that states too little gets the true length`, async () => {
    for (const [bytes, isRight] of [
      ...right.map(each => [each, true] as const),
      ...wrong.map(each => [each, false] as const),
    ]) {
      const path = join(folder, `${Math.random()}`);
      writeFileSync(path, bytes);
      await using opened = await open(path, 'r');
      const repair = await repairOf(opened);
      if (isRight) assert.equal(repair, null);
      else {
        assert.ok(repair && repair !== 'wholeFile');
        assert.equal(repair.header.length, bytes.length - SOUND.length);
        const repaired = join(folder, `${Math.random()}`);
        writeFileSync(repaired, Buffer.concat([repair.header, SOUND]));
        await using again = await open(repaired, 'r');
        assert.equal(await repairOf(again), null);
      }
    }
  });
