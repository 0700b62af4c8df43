/** FLAC files as ffmpeg writes them: where joined ones begin, and that an ordinary one is not read to find that out. */
import assert from 'node:assert/strict';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { partsOf } from '../../daemon/ingest/parts.ts';
import { ffmpeg, make, missing } from './place.ts';

const folder = mkdtempSync(join(tmpdir(), 'earshot-flac-'));
after(() => rmSync(folder, { recursive: true, force: true }));
const at = (name: string): string => join(folder, name);

function looked(content: Buffer): { starts: number[]; read: number | null } {
  writeFileSync(at('file'), content);
  const fd = openSync(at('file'), 'r');
  try {
    const earlier = bytesRead(),
      starts = partsOf(fd, content.length).map(({ start }) => start),
      now = bytesRead();
    return { starts, read: earlier === null || now === null ? null : now - earlier };
  } finally {
    closeSync(fd);
  }
}
/** By this process so far; null: this system does not count it. */
function bytesRead(): number | null {
  try {
    return Number(/^rchar: (\d+)$/m.exec(readFileSync('/proc/self/io', 'utf8'))![1]);
  } catch {
    return null;
  }
}

describe('joined FLAC', { skip: missing({ ffmpeg }) }, () => {
  let noise: Buffer, other: Buffer, silence: Buffer, short: Buffer, streamed: Buffer;
  before(() => {
    const of = (name: string, source: string, args: string[] = []): Buffer => {
      make(['-f', 'lavfi', '-i', source, ...args, at(name)]);
      return readFileSync(at(name));
    };
    noise = of('noise.flac', 'anoisesrc=r=44100:d=20:a=0.5:seed=1', ['-ac', '2']);
    other = of('other.flac', 'anoisesrc=r=44100:d=20:a=0.3:seed=2', ['-ac', '2']);
    silence = of('silence.flac', 'anullsrc=r=44100:cl=stereo', ['-t', '20']);
    short = of('short.flac', 'anoisesrc=r=44100:d=0.3:a=0.5:seed=3', ['-ac', '2']);
    // Nothing could go back to state the length.
    streamed = Buffer.from(noise);
    streamed.writeBigUInt64BE(streamed.readBigUInt64BE(18) & ~0xf_ffff_ffffn, 18);
  });

  test('an ordinary one is looked at in a few places, and is one', t => {
    const { starts, read } = looked(noise);
    assert.deepEqual(starts, [0]);
    if (read === null) t.diagnostic('this system does not count what a process reads');
    else assert.ok(read < noise.length / 2, `${read} of ${noise.length} bytes were read`);
  });
  test('each part is found: of one length or others, long or short, loud or silent', () => {
    const joinedAt = (...files: Buffer[]): void => {
      let begins = 0;
      const expected = files.map(file => (begins += file.length) - file.length);
      assert.deepEqual(looked(Buffer.concat(files)).starts, expected);
    };
    joinedAt(noise, noise);
    joinedAt(noise, other, noise);
    joinedAt(noise, short);
    joinedAt(short, noise);
    joinedAt(silence, noise);
    joinedAt(streamed, short);
    joinedAt(short, streamed, noise);
  });
  test('a picture in front with a FLAC file in it is no part', () => {
    const header = 4 + 4 + 34,
      picture = Buffer.concat([Buffer.from([6, 0, 0, 0]), short.subarray(0, 2000)]);
    picture.writeUIntBE(2000, 1, 3);
    for (const file of [noise, streamed]) {
      const first = Buffer.from(file.subarray(0, header));
      first[4]! &= 0x7f;
      const pictured = Buffer.concat([first, picture, file.subarray(header)]);
      assert.deepEqual(looked(pictured).starts, [0]);
      assert.deepEqual(looked(Buffer.concat([pictured, pictured])).starts, [0, pictured.length]);
    }
  });
});
