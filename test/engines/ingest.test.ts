/** Ingest with the real ffmpeg and the real detector, on good and on odd files. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
  appendFileSync,
} from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { UtteranceTimes } from '../../daemon/ingest/cutting.ts';
import { beginsLikeRecording } from '../../client/recording-content.ts';
import { protectionOf } from '../../daemon/ingest/encryption.ts';
import { factsOf } from '../../daemon/ingest/recording.ts';
import { startIngest, startLiveIngest, type IngestRequest } from '../../daemon/ingest/ingest.ts';
import { Prewarmed } from '../../daemon/ingest/prewarmed.ts';
import { endTree } from '../../daemon/workers/spawn.ts';
import { type Failure } from '../../schemas/errors.ts';
import { ffmpeg, make, missing, SAMPLES, sherpa } from './place.ts';
import { failsWith } from '../fixtures/fails-with.ts';

const folder = mkdtempSync(join(tmpdir(), 'earshot ingest '));
after(() => rmSync(folder, { recursive: true, force: true }));
const ENGLISH = join(SAMPLES, 'sense-and-sensibility.flac'),
  SPANISH = join(SAMPLES, 'asterisk-es.flac');
const at = (name: string): string => join(folder, name);

interface Ingested {
  durationMs: number;
  warnings: Failure[];
  rows: UtteranceTimes[];
  declared: (number | null)[];
  firstMs: number;
  pcm: string;
}
/** What an ingest works with; nobody stops it. */
const tools = () => ({
  ffmpeg: ffmpeg!,
  sherpaDirectory: sherpa!,
  node: process.execPath,
  signal: new AbortController().signal,
});
async function ingest(recording: string, more: Partial<IngestRequest> = {}): Promise<Ingested> {
  const rows: UtteranceTimes[] = [],
    declared: (number | null)[] = [],
    began = performance.now();
  const pcmPath = more.pcmPath ?? at('pcm');
  let firstMs = Infinity;
  const result = await startIngest({
    recording,
    audioTrack: 0,
    sandboxed: false,
    prewarmed: undefined,
    pcmPath,
    ...tools(),
    onStart: ({ durationMs }) => declared.push(durationMs),
    onProgress: () => {},
    onUtterances: more => {
      firstMs = Math.min(firstMs, performance.now() - began);
      // An utterance that was reported can be read.
      if (statSync(pcmPath).isFile()) assert.ok(statSync(pcmPath).size >= more.at(-1)!.endMs * 32);
      rows.push(...more);
    },
    ...more,
  });
  return { ...result, rows, declared, firstMs, pcm: createHash('sha256').update(readFileSync(pcmPath)).digest('hex') };
}

test(
  'of live sound the last piece is known before another one comes',
  { skip: missing({ ffmpeg, 'the sherpa runtime': sherpa }), timeout: 90_000 },
  async () => {
    const pcmPath = at('live.pcm');
    make(['-i', ENGLISH, '-t', '3', '-ac', '1', '-ar', '16000', '-f', 's16le', pcmPath]);
    const waiting = new Map<number, () => void>();
    const live = startLiveIngest({
      recording: 'live',
      sandboxed: false,
      prewarmed: undefined,
      pcmPath,
      ...tools(),
      onStart: () => {},
      onUtterances: () => {},
      onProgress: ms => waiting.get(ms)?.(),
      format: 'pcm',
      inputPath: pcmPath,
    });
    const knows = (ms: number): Promise<void> =>
      Promise.race([new Promise<void>(resolve => waiting.set(ms, resolve)), live.done.then(() => {})]);
    const first = knows(1000);
    live.grown(32_000, false);
    await first;
    // Both within what one report is made of.
    const last = knows(1100);
    live.grown(33_600, false);
    live.grown(35_200, false);
    await last;
    live.grown(statSync(pcmPath).size, true);
    assert.equal((await live.done).durationMs, 3000);
  },
);

describe('ingest', { skip: missing({ ffmpeg, 'the sherpa runtime': sherpa }) }, () => {
  before(() => {
    writeFileSync(at('text.wav'), 'This is only a text,\nwhatever its name says.\n');
    writeFileSync(at('empty.mp3'), '');
    mkdirSync(at('folder.wav'));
    copyFileSync(ENGLISH, at('cut.flac'));
    truncateSync(at('cut.flac'), 200_000);
    make(['-f', 'lavfi', '-i', 'anullsrc=r=16000:cl=mono', '-t', '20', at('silent.wav')]);
    make(['-f', 'lavfi', '-i', 'anoisesrc=r=16000:a=0.02:seed=1', '-t', '20', at('noise.wav')]);
    make(['-f', 'lavfi', '-i', 'testsrc=size=64x64:rate=5', '-t', '2', '-c:v', 'mpeg4', at('picture.mp4')]);
    make([
      '-f',
      'lavfi',
      '-i',
      'testsrc=size=64x64:rate=5',
      '-i',
      ENGLISH,
      '-f',
      'lavfi',
      '-i',
      'anullsrc=r=16000:cl=mono',
      '-map',
      '0',
      '-map',
      '1',
      '-map',
      '2',
      '-t',
      '8',
      '-c:v',
      'mpeg4',
      '-c:a',
      'aac',
      at('two tracks.mkv'),
    ]);
    make([
      '-f',
      'lavfi',
      '-i',
      'testsrc=size=64x64:rate=5',
      '-itsoffset',
      '2',
      '-i',
      ENGLISH,
      '-t',
      '12',
      '-c:v',
      'mpeg4',
      '-c:a',
      'aac',
      at('late.mp4'),
    ]);
    make(['-i', ENGLISH, '-c:a', 'aac', at('whole.m4a')]);
    copyFileSync(at('whole.m4a'), at('no index.m4a'));
    truncateSync(at('no index.m4a'), 150_000);
    writeFileSync(
      at('network.m3u8'),
      '#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\nhttp://127.0.0.1:9/a.ts\n#EXT-X-ENDLIST\n',
    );
  });

  test('a float WAV with peaks of four times full scale keeps its shape: it is turned down, not clipped', async () => {
    const tone = 'aevalsrc=4*sin(2*PI*220*t)*(0.55+0.45*sin(2*PI*2*t)):s=16000:d=2';
    make(['-f', 'lavfi', '-i', tone, '-c:a', 'pcm_f32le', at('loud.wav')]);
    const pcmPath = at('loud.pcm');
    const { durationMs, warnings } = await ingest(at('loud.wav'), { pcmPath });
    assert.deepEqual([durationMs, warnings], [2000, []]);
    const bytes = readFileSync(pcmPath),
      samples = new Int16Array(bytes.buffer, bytes.byteOffset, bytes.length / 2);
    // Clipped, more than half of it would lie on full scale; as it is, only peaks touch it.
    const atFullScale = samples.filter(sample => Math.abs(sample) >= 32_766).length;
    assert.ok(atFullScale > 0 && atFullScale < samples.length / 20, `${atFullScale} of ${samples.length}`);
  });

  test('sound that is made to fill the disk: a small file that holds hours, and a disk with little room', async () => {
    make(['-f', 'lavfi', '-i', 'sine=300:duration=600', '-c:a', 'flac', at('bomb.flac')]);
    const { size } = statSync(at('bomb.flac'));
    const pcmPath = at('bomb.pcm');
    await assert.rejects(
      ingest(at('bomb.flac'), { pcmPath, limits: { hours: 0.05, freeBytes: 0 } }),
      failsWith('tooMuchSound', { path: at('bomb.flac'), hours: 0.05 }),
    );
    assert.ok(statSync(pcmPath).size <= 0.05 * 3_600_000 * 32 + 2 ** 18, `${statSync(pcmPath).size} bytes of ${size}`);
    await assert.rejects(
      ingest(at('bomb.flac'), { pcmPath, limits: { hours: 48, freeBytes: 2 ** 52 } }),
      failsWith('diskFull', { path: folder, neededBytes: 2 ** 52 }),
    );
  });
  test('sentences of the English sample, soon and in order', async () => {
    const { durationMs, warnings, rows, declared, firstMs } = await ingest(ENGLISH);
    assert.deepEqual([durationMs, warnings, declared], [27730, [], [27730]]);
    assert.equal(statSync(at('pcm')).size, 27730 * 32);
    // The four pauses that the sample was joined with.
    assert.deepEqual(
      rows.map(row => [Math.round(row.startMs / 1000), Math.round(row.endMs / 1000)]),
      [
        [0, 7],
        [8, 17],
        [17, 23],
        [24, 27],
      ],
    );
    assert.ok(firstMs < 10_000, `first utterance after ${firstMs} ms`);
  });
  test('the same file gives the same samples and utterances, also over an older file', async () => {
    const once = await ingest(SPANISH);
    appendFileSync(at('pcm'), 'left from before');
    const again = await ingest(SPANISH);
    assert.deepEqual([again.rows, again.pcm], [once.rows, once.pcm]);
    assert.equal(once.rows[0]!.startMs, 0, 'the recording begins in the middle of a word');
  });
  test('nothing is heard in silence and in noise', async () => {
    assert.deepEqual((await ingest(at('silent.wav'))).rows, []);
    assert.deepEqual((await ingest(at('noise.wav'))).rows, []);
  });
  test('the first track, the one that was chosen, and one that is not there', async () => {
    assert.ok((await ingest(at('two tracks.mkv'))).rows.length > 0);
    assert.deepEqual((await ingest(at('two tracks.mkv'), { audioTrack: 1 })).rows, []);
    await assert.rejects(
      ingest(at('two tracks.mkv'), { audioTrack: 2 }),
      failsWith('noSuchTrack', { track: 2, tracks: 2 }),
    );
    await assert.rejects(ingest(at('picture.mp4')), failsWith('noAudioTrack'));
  });
  test("sound that begins after the picture keeps the picture's times", async () => {
    const { rows } = await ingest(at('late.mp4'));
    assert.ok(rows[0]!.startMs >= 1600 && rows[0]!.startMs <= 2300, `${rows[0]!.startMs}`);
  });
  test('a cut file is read as far as it goes', async () => {
    const { rows, warnings, durationMs } = await ingest(at('cut.flac'));
    assert.ok(rows.length > 0 && durationMs > 10_000 && durationMs < 14_000);
    assert.deepEqual(
      warnings.map(({ code, args }) => ({ code, args })),
      [{ code: 'truncatedFile', args: { path: at('cut.flac'), readMs: durationMs, durationMs: 27730 } }],
    );
    await assert.rejects(ingest(at('no index.m4a')), failsWith('truncatedFile', { readMs: 0 }));
  });
  test('what is no recording', async () => {
    await assert.rejects(ingest(at('nothing.wav')), failsWith('noSuchFile'));
    await assert.rejects(ingest(join(ENGLISH, 'below')), failsWith('noSuchFile'));
    await assert.rejects(ingest(at('folder.wav')), failsWith('notAFile'));
    await assert.rejects(ingest(at('empty.mp3')), failsWith('emptyFile'));
    await assert.rejects(ingest(at('text.wav')), failsWith('notMedia'));
    await assert.rejects(ingest(at('network.m3u8')), failsWith('notMedia'));
  });
  test('a recording with nothing in it, and one that nobody may open, say so', async () => {
    const tone = ['-f', 'lavfi', '-i', 'sine=d=2'];
    make([...tone, '-c:a', 'libopus', at('whole.webm')]);
    const webm = readFileSync(at('whole.webm'));
    writeFileSync(at('header.webm'), webm.subarray(0, webm.indexOf('1f43b675', 0, 'hex')));
    await assert.rejects(
      ingest(at('header.webm')),
      failsWith('emptyFile', { bytes: statSync(at('header.webm')).size }),
    );
    make([...tone, '-c:a', 'pcm_s16le', '-frames:a', '0', at('header.wav')]);
    await assert.rejects(ingest(at('header.wav')), failsWith('emptyFile', { bytes: statSync(at('header.wav')).size }));
    const key = [
      '-encryption_scheme',
      'cenc-aes-ctr',
      '-encryption_key',
      'ab'.repeat(16),
      '-encryption_kid',
      'cd'.repeat(16),
    ];
    make([...tone, '-c:a', 'aac', ...key, at('stream.mp4')]);
    await assert.rejects(ingest(at('stream.mp4')), failsWith('encryptedFile', { by: 'unknown' }));
    make([...tone, '-c:a', 'aac', at('open.m4a')]);
    const plain = readFileSync(at('open.m4a'), 'latin1');
    for (const [name, entry, by] of [
      ['song.m4p', 'drms', 'apple'],
      ['book.aax', 'aavd', 'audible'],
    ] as const) {
      writeFileSync(at(name), plain.replace('mp4a', entry), 'latin1');
      await assert.rejects(ingest(at(name)), failsWith('encryptedFile', { by }));
    }
    // The second track is nobody's.
    make(['-i', at('open.m4a'), ...tone, '-map', '0', '-map', '1', '-c:a:0', 'copy', '-c:a:1', 'aac', at('two.m4a')]);
    writeFileSync(at('two.m4a'), readFileSync(at('two.m4a'), 'latin1').replace('mp4a', 'drms'), 'latin1');
    const protection = async (path: string, track: number | null) => {
      await using file = await open(path);
      return await protectionOf(file, track);
    };
    assert.equal(await protection(at('two.m4a'), 0), 'apple');
    for (const track of [1, null]) assert.equal(await protection(at('two.m4a'), track), null);
    assert.equal(await protection(ENGLISH, 0), null);
  });
  test('so does encrypted Windows Media, Matroska and a scrambled broadcast', async () => {
    const tone = ['-f', 'lavfi', '-i', 'sine=d=2:r=48000'],
      changed = async (name: string, change: (data: Buffer) => Buffer): Promise<void> => {
        make([...tone, '-c:a', name.endsWith('wma') ? 'wmav2' : name.endsWith('mkv') ? 'flac' : 'aac', at(name)]);
        assert.equal((await ingest(at(name))).warnings.length, 0, name);
        writeFileSync(at(name), change(readFileSync(at(name))));
        await assert.rejects(ingest(at(name)), failsWith('encryptedFile', { by: 'unknown' }), name);
      };
    await changed('bought.wma', data => {
      const object = Buffer.alloc(40);
      object.write('fbb3112223bdd211b4b700a0c955fc6e', 'hex');
      object.writeBigUInt64LE(40n, 16);
      data.writeBigUInt64LE(data.readBigUInt64LE(16) + 40n, 16);
      data.writeUInt32LE(data.readUInt32LE(24) + 1, 24);
      return Buffer.concat([data.subarray(0, 30), object, data.subarray(30)]);
    });
    await changed('locked.mkv', data => {
      // An encryption in place of two remarks on the track, which say what would be so without them.
      const at = data.indexOf('9c810022b59c83756e64', 'hex');
      assert.ok(at > 0);
      data.write('6d804006624083503580', at, 'hex');
      return data;
    });
    await changed('broadcast.ts', data => {
      for (let at = 0; at < data.length; at += 188) {
        const pid = data.readUInt16BE(at + 1) & 0x1fff;
        if (pid < 0x20 || pid === 0x1000) continue;
        data[at + 3]! |= 0x80;
        for (let n = at + 188 - 140; n < at + 188; n++) data[n]! ^= 0x5a;
      }
      return data;
    });
  });
  test('recordings are known by their first bytes, in every container', () => {
    const made = 'wav mp3 mp2 aac ac3 dts flac ogg opus webm mkv mp4 mov aiff au caf ts m2ts mpg avi wma w64 tta wv';
    for (const extension of made.split(' ')) {
      const path = at(`tone.${extension}`);
      make([
        '-f',
        'lavfi',
        '-i',
        'sine=d=2:r=48000',
        '-strict',
        '-2',
        ...(extension === 'mpg' ? ['-f', 'mpeg'] : []),
        path,
      ]);
      assert.ok(beginsLikeRecording(readFileSync(path).subarray(0, 4096)), extension);
    }
  });
  test('names are names, whatever is in them', async () => {
    for (const name of ['-i.flac', 'a\nb.flac', `it's "q" $(x) %d.flac`, 'Ünï 录音 🎙.flac', 'http:__x?y#z.flac']) {
      copyFileSync(ENGLISH, at(name));
      assert.equal((await ingest(at(name))).durationMs, 27730, name);
    }
  });
  test('a recording that is not the one that was submitted', async () => {
    copyFileSync(ENGLISH, at('changing.flac'));
    const expected = await factsOf(at('changing.flac'));
    await ingest(at('changing.flac'), { expected });
    await assert.rejects(
      ingest(at('changing.flac'), { onStart: () => utimesSync(at('changing.flac'), 1, 1) }),
      failsWith('recordingChanged'),
    );
    await assert.rejects(ingest(at('changing.flac'), { expected }), failsWith('recordingChanged'));
  });
  test('what this machine lacks', async () => {
    await assert.rejects(ingest(ENGLISH, { ffmpeg: at('no ffmpeg') }), failsWith('noFfmpeg'));
    await assert.rejects(ingest(ENGLISH, { ffmpeg: process.execPath }), failsWith('ffmpegFailed'));
    await assert.rejects(ingest(ENGLISH, { sherpaDirectory: folder }), failsWith('engineMissing'));
  });
  test('a process that stands ready is taken once, gives the same, and leaves when it is dropped', async () => {
    const spare = new Prewarmed(),
      cold = await ingest(ENGLISH);
    spare.keep(process.execPath, sherpa!);
    const first = spare.take(process.execPath, sherpa!)!,
      left = once(first, 'exit');
    assert.equal(spare.take(process.execPath, sherpa!), null);
    endTree(first);
    await left;
    spare.keep(process.execPath, sherpa!);
    const warm = await ingest(ENGLISH, { prewarmed: spare });
    assert.deepEqual({ rows: warm.rows, pcm: warm.pcm }, { rows: cold.rows, pcm: cold.pcm });
    spare.keep(process.execPath, sherpa!);
    spare.drop();
    assert.equal(spare.take(process.execPath, sherpa!), null);
  });

  test(
    'a process that never ends its word is ended, and nothing of it is taken in',
    { skip: process.platform === 'win32' ? 'needs a shell' : false },
    async () => {
      writeFileSync(at('endless'), "#!/bin/sh\ntr '\\0' a < /dev/zero >&3\n", { mode: 0o755 });
      await assert.rejects(ingest(ENGLISH, { node: at('endless') }), failsWith('badAnswer'));
    },
  );
  test('cancelling leaves no process behind', async () => {
    make(['-f', 'lavfi', '-i', 'anoisesrc=r=8000:a=0.02:seed=1', '-t', '3600', '-c:a', 'pcm_u8', at('long.wav')]);
    const abort = new AbortController();
    const run = ingest(at('long.wav'), { signal: abort.signal, onProgress: () => abort.abort() });
    await assert.rejects(run, failsWith('cancelled'));
    if (process.platform === 'linux') assert.deepEqual(processesWith(at('long.wav')), []);
    await assert.rejects(ingest(ENGLISH, { signal: AbortSignal.abort() }), failsWith('cancelled'));
  });
});

/** Command lines of living processes that name a path. */
const processesWith = (path: string): string[] =>
  readdirSync('/proc')
    .filter(name => /^\d+$/.test(name))
    .flatMap(pid => {
      try {
        const line = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
        return line.includes(path) ? [line] : [];
      } catch {
        return [];
      }
    });
