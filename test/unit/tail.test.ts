import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { formIsCut, mpegAudioIsCut, oggIsCut } from '../../daemon/ingest/tail.ts';

/** An Ogg page with so many bytes in it. */
const page = (bytes: number, last: boolean): Buffer => {
  const lacing = [...Array.from({ length: Math.floor(bytes / 255) }, () => 255), bytes % 255];
  const header = Buffer.alloc(27);
  header.write('OggS');
  header[5] = last ? 4 : 0;
  header[26] = lacing.length;
  return Buffer.concat([header, Buffer.from(lacing), Buffer.alloc(bytes, 7)]);
};
/** Frames of MPEG 1 layer 3, 128 kbit/s, 44.1 kHz: 417 bytes each, 418 with padding. */
const frame = (padded = false): Buffer => {
  const bytes = Buffer.alloc(padded ? 418 : 417);
  bytes.set([0xff, 0xfb, padded ? 0x92 : 0x90, 0]);
  return bytes;
};
const frames = Buffer.concat([frame(), frame(true), frame(), frame(), frame(true), frame()]);

describe('the end of a file', () => {
  test('Ogg: the last page must be whole, and say that it is the last', () => {
    const whole = Buffer.concat([page(4000, false), page(700, true)]);
    assert.equal(oggIsCut(whole), false);
    for (const missing of [1, 500, 701, 715])
      assert.equal(oggIsCut(whole.subarray(0, whole.length - missing)), true, `${missing}`);
    assert.equal(oggIsCut(Buffer.concat([page(4000, false), page(700, false)])), true);
    assert.equal(oggIsCut(Buffer.from('nothing of the kind')), false);
  });
  test('MPEG audio: the last frame must be whole; tags behind it are none', () => {
    assert.equal(mpegAudioIsCut(frames), false);
    assert.equal(mpegAudioIsCut(frames.subarray(100)), false, 'begins within a frame');
    for (const missing of [1, 300, 416])
      assert.equal(mpegAudioIsCut(frames.subarray(0, frames.length - missing)), true, `${missing}`);
    assert.equal(mpegAudioIsCut(Buffer.concat([frames, Buffer.from('TAG'.padEnd(128))])), false);
    assert.equal(mpegAudioIsCut(Buffer.alloc(5000, 0xff)), false);
    assert.equal(mpegAudioIsCut(Buffer.alloc(0)), false);
  });
  test('WAV, AVI, AIFF: as long as they say, unless they do not know', () => {
    const head = (kind: string, length: number): Buffer => {
      const bytes = Buffer.alloc(8);
      bytes.write(kind);
      if (kind === 'FORM') bytes.writeUInt32BE(length, 4);
      else bytes.writeUInt32LE(length, 4);
      return bytes;
    };
    for (const kind of ['RIFF', 'FORM']) {
      assert.equal(formIsCut(head(kind, 992), 1000), false);
      assert.equal(formIsCut(head(kind, 993), 1000), false, 'the byte that makes it even');
      assert.equal(formIsCut(head(kind, 2000), 1000), true);
      assert.equal(formIsCut(head(kind, 0), 1000), false);
      assert.equal(formIsCut(head(kind, 0xffff_ffff), 1000), false);
    }
    assert.equal(formIsCut(head('RF64', 2000), 1000), false);
  });
});
