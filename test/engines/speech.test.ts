/** The spoken track and the video with it, by the real ffmpeg. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { factsOf } from '../../daemon/ingest/recording.ts';
import { sandboxEnabled } from '../../daemon/workers/sandbox/sandbox.ts';
import { mux as muxInto, type MuxRequest } from '../../daemon/outputs/mux.ts';
import { draftIn, publish, type Draft } from '../../daemon/outputs/draft.ts';
import { buildTrack as build, type TrackRequest } from '../../daemon/outputs/track.ts';
import { toPcm, writeWav } from '../../daemon/audio/wav.ts';
import { ffmpeg, make, missing } from './place.ts';
import { failsWith } from '../fixtures/fails-with.ts';

const folder = mkdtempSync(join(tmpdir(), "earshot speech's "));
after(() => rmSync(folder, { recursive: true, force: true }));
const at = (name: string): string => join(folder, name);
const RATE = 22_050;
const sandboxed = sandboxEnabled({ sandbox: 'auto' });

/** As the owner of outputs has files made. */
async function placed(path: string, made: Promise<Draft>): Promise<void> {
  const draft = await made;
  rmSync(path, { force: true });
  assert.ok(await publish(draft, path));
}
async function buildTrack({
  path,
  ...request
}: Omit<TrackRequest, 'file' | 'recording' | 'sandboxed'>): ReturnType<typeof build> {
  let result: Awaited<ReturnType<typeof build>> | undefined;
  await placed(
    path,
    draftIn(folder, 'track', async (file, part) => {
      result = await build({ ...request, sandboxed, file, path: part, recording: path });
    }),
  );
  return result!;
}
const mux = async ({
  path,
  recording,
  ...request
}: Omit<MuxRequest, 'container' | 'sandboxed' | 'recording' | 'file'> & { recording: string }): Promise<void> => {
  const real = { path: realpathSync(recording), ...(await factsOf(recording)) };
  await placed(
    path,
    draftIn(folder, 'video', (file, part) =>
      muxInto({
        ...request,
        recording: real,
        sandboxed,
        file,
        path: part,
        container: path.endsWith('.mkv') ? 'mkv' : 'mp4',
      }),
    ),
  );
};

/** A tone with its pitch by number, so that utterances can be told apart. */
const tone = (seconds: number, hertz: number, rate = RATE): Float32Array =>
  Float32Array.from({ length: Math.round(seconds * rate) }, (_, n) => 0.5 * Math.sin((2 * Math.PI * hertz * n) / rate));
/** Samples of a WAV, and how loud a stretch of it is. */
const samplesOf = (path: string): Int16Array => {
  const bytes = readFileSync(path).subarray(44);
  return new Int16Array(new Uint8Array(bytes).buffer);
};
const loudness = (samples: Int16Array, fromMs: number, toMs: number): number => {
  const part = samples.subarray(Math.round((fromMs * RATE) / 1000), Math.round((toMs * RATE) / 1000));
  return Math.sqrt(part.reduce((sum, value) => sum + value * value, 0) / part.length);
};
const about = (path: string): string => spawnSync(ffmpeg!, ['-hide_banner', '-i', path], { encoding: 'utf8' }).stderr;

describe('speech', { skip: missing({ ffmpeg }) }, () => {
  const utterances = [
    { startMs: 1000, endMs: 2000, wav: at('0.wav') },
    { startMs: 3000, endMs: 4000, wav: at('1.wav') },
    { startMs: 5000, endMs: 6000, wav: at('2.wav') },
  ];
  before(async () => {
    await writeWav(at('0.wav'), RATE, [toPcm(tone(1, 300))]);
    // A fifth too long for its place, and of another voice's rate.
    await writeWav(at('1.wav'), 16_000, [toPcm(tone(2.3, 500, 16_000))]);
    await writeWav(at('2.wav'), RATE, [toPcm(tone(1, 700))]);
    writeFileSync(at('s.srt'), '1\n00:00:01,000 --> 00:00:02,000\nHello\n');
    make([
      '-f',
      'lavfi',
      '-i',
      'testsrc=size=64x64:rate=5',
      '-f',
      'lavfi',
      '-i',
      'sine=r=16000',
      '-t',
      '8',
      '-c:v',
      'mpeg4',
      '-c:a',
      'aac',
      at('video.mp4'),
    ]);
    make(['-f', 'lavfi', '-i', 'sine=r=16000', '-t', '3', at('sound.wav')]);
  });

  test('each utterance stands at its time, in silence, as long as the recording', async () => {
    const result = await buildTrack({
      utterances,
      durationMs: 10_000,
      path: at('track.wav'),
      audio: 'wav',
      ffmpeg: ffmpeg!,
    });
    assert.deepEqual(result, { durationMs: 10_000, lagMs: 0 });
    const samples = samplesOf(at('track.wav'));
    assert.equal(samples.length, 10 * RATE);
    for (const [from, to] of [
      [1050, 1950],
      [3050, 4800],
      [5050, 5950],
    ] as const)
      assert.ok(loudness(samples, from, to) > 8000, `${from}`);
    for (const [from, to] of [
      [0, 1000],
      [2000, 3000],
      [4925, 5000],
      [6000, 10_000],
    ] as const)
      assert.equal(loudness(samples, from, to), 0, `${from}`);
  });
  test('sentences of an utterance are heard at their own times', async () => {
    const [one] = utterances,
      half = RATE / 2,
      sentences = [
        { startMs: 1000, samples: half },
        { startMs: 3000, samples: half },
      ];
    for (const [endMs, second] of [
      [4000, 3000],
      [2000, 1500],
    ] as const) {
      await buildTrack({
        utterances: [{ ...one!, startMs: 1000, endMs, sentences }],
        durationMs: 5000,
        path: at('spread.wav'),
        audio: 'wav',
        ffmpeg: ffmpeg!,
      });
      const samples = samplesOf(at('spread.wav'));
      assert.equal(samples.length, 5 * RATE);
      for (const begin of [1000, second]) assert.ok(loudness(samples, begin + 30, begin + 470) > 8000, `${begin}`);
      if (second > 1500) assert.equal(loudness(samples, 1500, second), 0);
      assert.equal(loudness(samples, second + 500, 5000), 0);
    }
  });
  test('equal utterances give equal files, in every container', async () => {
    for (const audio of ['wav', 'mp3', 'm4a'] as const) {
      const build = async (): Promise<Buffer> => {
        await buildTrack({ utterances, durationMs: 10_000, path: at(`t.${audio}`), audio, ffmpeg: ffmpeg! });
        return readFileSync(at(`t.${audio}`));
      };
      assert.ok((await build()).equals(await build()), audio);
      assert.match(about(at(`t.${audio}`)), /Duration: 00:00:10\.\d\d[^]*Audio: (pcm_s16le|mp3|aac)/);
    }
  });
  test('nothing to say is silence; the last word may end after the recording', async () => {
    await buildTrack({ utterances: [], durationMs: 1000, path: at('none.wav'), audio: 'wav', ffmpeg: ffmpeg! });
    assert.deepEqual(new Set(samplesOf(at('none.wav'))), new Set([0]));
    assert.equal(
      (
        await buildTrack({
          utterances: [{ ...utterances[0]!, startMs: 9500 }],
          durationMs: 10_000,
          path: at('late.wav'),
          audio: 'wav',
          ffmpeg: ffmpeg!,
        })
      ).durationMs,
      10_500,
    );
  });
  test('failures leave no file', async () => {
    const request = { utterances, durationMs: 10_000, path: at('never.mp3'), audio: 'mp3' as const, ffmpeg: ffmpeg! };
    await assert.rejects(buildTrack({ ...request, ffmpeg: at('no ffmpeg') }), failsWith('noFfmpeg'));
    await assert.rejects(buildTrack({ ...request, signal: AbortSignal.abort() }), failsWith('cancelled'));
    await assert.rejects(buildTrack({ ...request, utterances: [{ ...utterances[0]!, wav: at('gone.wav') }] }), {
      code: 'ENOENT',
    });
    await assert.rejects(
      mux({
        recording: at('s.srt'),
        track: { path: at('0.wav'), language: 'en' },
        language: null,
        subtitles: [{ path: at('0.wav'), language: 'en' }],
        path: at('never.mp4'),
        ffmpeg: ffmpeg!,
      }),
      failsWith('ffmpegFailed'),
    );
    for (const name of ['never.mp3', 'never.mp4', '.earshot-track.part', '.earshot-video.part'])
      assert.equal(existsSync(at(name)), false, name);
  });
  test('a video with the new track first, the old one behind it, and subtitles', async () => {
    for (const path of [at('-out.mp4'), at('out.mkv')]) {
      await mux({
        recording: at('video.mp4'),
        track: { path: at('0.wav'), language: 'es' },
        language: 'en',
        subtitles: [{ path: at('s.srt'), language: 'es' }],
        path,
        ffmpeg: ffmpeg!,
      });
      const streams = about(path)
        .split('\n')
        .filter(line => /Stream #/.test(line));
      assert.deepEqual(
        streams.map(line => /(Video: mpeg4|Audio: aac[^,]*, \d+|Subtitle: \w+)/.exec(line)?.[0].replace(/ \(.*\)/, '')),
        [
          'Video: mpeg4',
          'Audio: aac, 22050',
          'Audio: aac, 16000',
          path.endsWith('mkv') ? 'Subtitle: subrip' : 'Subtitle: mov_text',
        ].map(each => each),
      );
      assert.match(streams[1]!, /default/);
      assert.deepEqual(
        streams.slice(1).map(line => /\((spa|eng)\)/.exec(line)?.[1]),
        ['spa', 'eng', 'spa'],
      );
    }
    await mux({
      recording: at('sound.wav'),
      track: null,
      language: 'en',
      subtitles: [{ path: at('s.srt'), language: 'en' }],
      path: at('sound.mp4'),
      ffmpeg: ffmpeg!,
    });
    assert.match(about(at('sound.mp4')), /Audio: aac[^]*Subtitle: mov_text/);
    assert.ok(
      execFileSync(ffmpeg!, ['-nostdin', '-v', 'error', '-i', at('sound.mp4'), '-f', 'null', '-'], {
        encoding: 'utf8',
      }) === '',
    );
  });
});
