import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { decodeArguments, readDecoding, type DecodingReport } from '../../daemon/ingest/decoding.ts';
import { ffmpegProgram, recordingInput } from '../../daemon/workers/ffmpeg.ts';
import { verdict } from '../../daemon/ingest/verdict.ts';

const VIDEO = [
  "[info] Input #0, matroska,webm, from 'file:two.mkv':",
  '[info]   Metadata:',
  '[info]     title           : Stream #0:9: Audio: no',
  '[info]   Duration: 01:02:03.45, start: 0.000000, bitrate: 123 kb/s',
  '[info]   Stream #0:0: Video: h264 (High), yuv420p',
  '[info]   Stream #0:1(eng): Audio: aac (LC), 16000 Hz, mono, fltp (default)',
  '[info]       DURATION        : 00:00:06.064000000',
  '[info]   Stream #0:2[0x3](spa): Audio: aac (LC), 8000 Hz, mono, fltp',
  '[info] Stream mapping:',
  '[info]   Stream #0:1 -> #0:0 (aac (native) -> pcm_s16le (native))',
  "[info] Output #0, s16le, to 'pipe:1':",
  '[info]   Stream #0:0: Audio: pcm_s16le, 16000 Hz, mono, s16, 256 kb/s',
  '',
];
/** In chunks of seven bytes, as a pipe might bring it. */
const read = (lines: readonly string[]): DecodingReport => {
  const decoding = readDecoding(),
    bytes = Buffer.from(lines.join('\n'));
  for (let at = 0; at < bytes.length; at += 7) decoding.push(bytes.subarray(at, at + 7));
  decoding.end();
  return decoding.report;
};
const judge = (
  lines: readonly string[],
  more: {
    exit?: number | NodeJS.Signals;
    readMs?: number;
    audioTrack?: number;
    endsEarly?: boolean;
    sandboxed?: boolean;
    clockOverruled?: boolean;
    readable?: boolean;
  } = {},
) =>
  verdict({
    report: read(lines),
    exit: 0,
    endsEarly: false,
    lengthOpen: false,
    readable: true,
    clockOverruled: false,
    readMs: 3_723_450,
    path: 'r',
    audioTrack: 0,
    ffmpeg: '/f',
    sandboxed: false,
    ...more,
  });

describe('what ffmpeg says', () => {
  test('container, length and tracks; of the input only, and not from metadata', () => {
    const { format, durationMs, streams, audioTracks, headerDone } = read(VIDEO);
    assert.deepEqual(
      { format, durationMs, streams, audioTracks, headerDone },
      { format: 'matroska,webm', durationMs: 3_723_450, streams: 3, audioTracks: 2, headerDone: true },
    );
  });
  test('a container without a length', () =>
    assert.equal(
      read([VIDEO[0]!, '[info]   Duration: N/A, start: 0.000000', '[info] Stream mapping:']).durationMs,
      null,
    ));
  test('keeps the last complaints, without addresses', () => {
    const { lastLines, errors } = read(
      Array.from({ length: 50 }, (_, n) => `[mp3 @ 0x55bd${n}] [error] Header missing ${n}`),
    );
    assert.equal(errors, 50);
    assert.deepEqual([lastLines.length, lastLines.at(-1)], [12, '[mp3] [error] Header missing 49']);
  });
  test('one track, and what may be read, before the input that it is for', () => {
    const { args, files } = ffmpegProgram({
      ffmpeg: '/f',
      inputs: [recordingInput({ fd: 7, path: '/-i http://x' })],
      args: decodeArguments(2),
      permissions: null,
    });
    assert.deepEqual(files, [7]);
    const input = args.indexOf('-i');
    assert.match(args[input + 1]!, /^file:\/((proc\/self|dev)\/fd\/3|-i http:\/\/x)$/);
    assert.equal(args[args.lastIndexOf('-protocol_whitelist', input) + 1], 'file');
    const formats = args[args.lastIndexOf('-format_whitelist', input) + 1]!.split(',');
    for (const leading of ['hls', 'dash', 'concat', 'image2', 'sdp', 'rtsp', 'avisynth', 'vobsub', 'lavfi', 'imf'])
      assert.ok(!formats.includes(leading), leading);
    assert.ok(args.includes('0:a:2'));
  });
});

describe('verdict', () => {
  test("a wrapper that leads where few rights do not reach is not the recording's fault", () => {
    const refused = ['/home/u/ffmpeg: 3: /home/u/builds/ffmpeg: Permission denied'];
    assert.deepEqual(judge(refused, { exit: 126, readMs: 0, sandboxed: true }).failure, {
      code: 'noFfmpeg',
      args: { path: '/f', sandboxed: 1 },
      detail: refused[0],
    });
    assert.equal(judge(refused, { exit: 126, readMs: 0 }).failure?.code, 'unreadableFile');
    assert.equal(
      judge(['[fatal] Error opening input file r.', '[error] Invalid data found when processing input'], {
        exit: 183,
        readMs: 0,
        sandboxed: true,
      }).failure?.code,
      'notMedia',
    );
  });
  const unopened = ['[in#0 @ 0x1] [error] Error opening input: Invalid data found when processing input'];
  test('all well', () => assert.deepEqual(judge(VIDEO), { failure: null, warning: null }));
  test('what could not be opened', () => {
    assert.equal(judge(unopened, { exit: 183, readMs: 0 }).failure?.code, 'notMedia');
    assert.equal(
      judge(['[in#0 @ 0x1] [error] moov atom not found', ...unopened], { exit: 183, readMs: 0 }).failure?.code,
      'truncatedFile',
    );
    assert.equal(
      judge(['[in#0 @ 0x1] [error] Error opening input: Permission denied'], { exit: 243, readMs: 0 }).failure?.code,
      'unreadableFile',
    );
    assert.equal(judge([], { exit: 1, readMs: 0 }).failure?.code, 'ffmpegFailed');
  });
  test('tracks', () => {
    assert.deepEqual(judge(VIDEO, { audioTrack: 2, readMs: 0, exit: 234 }).failure?.args, {
      path: 'r',
      track: 2,
      tracks: 2,
    });
    assert.equal(
      judge(
        VIDEO.filter(line => !line.includes('Audio: aac')),
        { exit: 234, readMs: 0 },
      ).failure?.code,
      'noAudioTrack',
    );
  });
  test('killed in the middle is a failure, not an end', () => {
    for (const lines of [VIDEO, VIDEO.slice(0, 4), []])
      assert.deepEqual(judge(lines, { exit: 'SIGKILL', readMs: 1000 }).failure?.args, {
        engine: 'ffmpeg',
        exit: 'SIGKILL',
      });
    assert.equal(judge(VIDEO, { exit: 'SIGSEGV', readMs: 1000 }).failure?.code, 'ffmpegFailed');
  });
  test('a file that ends too early is read as far as it goes', () => {
    assert.deepEqual(judge([...VIDEO, '[in#0 @ 0x1] [error] File ended prematurely'], { readMs: 1000 }).warning?.args, {
      path: 'r',
      readMs: 1000,
      durationMs: 3_723_450,
    });
    const sound = VIDEO.filter(line => !/Video|#0:2/.test(line));
    assert.equal(judge(sound, { readMs: 3_700_000 }).warning?.code, 'truncatedFile');
    assert.equal(judge(sound, { readMs: 3_723_000 }).warning, null);
  });
  test('what could not be decoded, by the exit; tags of an MP3 are none of it', () => {
    assert.equal(judge(VIDEO, { exit: 69 }).warning?.code, 'damagedFile');
    const noFrame = '[mp3float @ 0x1] [error] Header missing';
    for (const undecoded of [
      '[error] Error while decoding stream #0:0: Invalid data found when processing input',
      '[aist#0:0/mp3 @ 0x1] [dec:mp3float @ 0x2] [error] Error submitting packet to decoder: Invalid data found when ' +
        'processing input',
    ]) {
      assert.equal(judge([...VIDEO, noFrame, undecoded], { exit: 69 }).warning, null);
      assert.equal(judge([...VIDEO, noFrame, undecoded, undecoded], { exit: 69 }).warning?.code, 'damagedFile');
    }
  });
  test('a length by a clock that is not that of the sound is none', () =>
    assert.equal(
      judge(
        VIDEO.filter(line => !/Video|#0:2/.test(line)),
        { readMs: 1000, clockOverruled: true },
      ).warning,
      null,
    ));
  test('no medium, in the words of any version; or not to be read', () => {
    const old = [
      '[mp3 @ 0x1] [error] Failed to read frame size: Could not seek to 1063.',
      '[error] r: Invalid argument',
    ];
    assert.equal(judge(old, { exit: 1, readMs: 0 }).failure?.code, 'notMedia');
    assert.equal(judge(old, { exit: 1, readMs: 0, readable: false }).failure?.code, 'unreadableFile');
  });
  test('in a video the sound may end before the picture', () =>
    assert.equal(judge(VIDEO, { readMs: 1_000_000 }).warning, null));
});
