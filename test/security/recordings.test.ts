/**
 * Recordings that are not what they seem: playlists under their names, and others' files put in their place. Without
 * the sandbox, as on systems that have none.
 */
import assert from 'node:assert/strict';
import { globSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { linkSync, renameSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { openAnew } from '../../client/files.ts';
import { startIngest } from '../../daemon/ingest/ingest.ts';
import { factsOf, openRecording } from '../../daemon/ingest/recording.ts';
import { toRow } from '../../daemon/jobs/request.ts';
import { mux } from '../../daemon/outputs/mux.ts';
import { toPcm, writeWav } from '../../daemon/audio/wav.ts';
import { ffmpeg, missing, sherpa } from '../engines/place.ts';
import { failsWith } from '../fixtures/fails-with.ts';

const WINDOWS = process.platform === 'win32';

describe('a recording', () => {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'earshot-recordings-'))),
    at = (name: string): string => join(folder, name),
    RATE = 16_000,
    tone = (hertz: number): Float32Array =>
      Float32Array.from({ length: 2 * RATE }, (_, n) => 0.5 * Math.sin((2 * Math.PI * hertz * n) / RATE));
  before(async () => {
    mkdirSync(at('shared'));
    await writeWav(at('private.wav'), RATE, [toPcm(tone(440))]);
  });
  after(() => rmSync(folder, { recursive: true, force: true }));
  /** Of somebody else, in a folder that is theirs too; the size and time of change of the private one. */
  const submitted = async (): Promise<string> => {
    const path = at('shared/talk.wav');
    rmSync(path, { force: true });
    await writeWav(path, RATE, [toPcm(tone(1000))]);
    for (const each of [path, at('private.wav')]) utimesSync(each, 1_700_000_000, 1_700_000_000);
    return path;
  };
  const ingest = async (recording: string, program = ffmpeg!, how: Partial<Parameters<typeof startIngest>[0]> = {}) => {
    const pcmPath = at('pcm');
    rmSync(pcmPath, { force: true });
    await startIngest({
      recording,
      audioTrack: 0,
      pcmPath,
      ffmpeg: program,
      sherpaDirectory: sherpa!,
      sandboxed: false,
      node: process.execPath,
      prewarmed: undefined,
      signal: new AbortController().signal,
      onStart: () => {},
      onProgress: () => {},
      onUtterances: () => {},
      ...how,
    });
    const bytes = readFileSync(pcmPath),
      samples = new Int16Array(bytes.buffer, bytes.byteOffset, bytes.length / 2);
    let crossings = 0;
    for (let n = 1; n < samples.length; n++) if (samples[n - 1]! < 0 && samples[n]! >= 0) crossings++;
    return Math.round((crossings * RATE) / samples.length);
  };

  const playlists = {
    'a list of HLS': '#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\nprivate.wav\n#EXT-X-ENDLIST\n',
    'a list of DASH':
      '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" ' +
      'profiles="urn:mpeg:dash:profile:isoff-on-demand:2011" mediaPresentationDuration="PT2S">' +
      '<Period><AdaptationSet mimeType="audio/wav"><Representation id="1" bandwidth="1">' +
      '<BaseURL>private.wav</BaseURL></Representation></AdaptationSet></Period></MPD>',
    'a list for ffmpeg': 'ffconcat version 1.0\nfile private.wav\n',
    'a description of a stream': 'v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=audio 9 RTP/AVP 0\n',
  };
  for (const [what, text] of Object.entries(playlists))
    it(`that is ${what} opens no other file`, { skip: missing({ ffmpeg, sherpa }) }, async () => {
      const path = at('talk.mp3');
      writeFileSync(path, text);
      await assert.rejects(ingest(path), failsWith('notMedia'));
      const file = await openAnew(at('out.mkv'), 0o600);
      const video = mux({
        file,
        recording: { path, ...(await factsOf(path)) },
        track: null,
        language: null,
        subtitles: [],
        path: at('out.mkv'),
        container: 'mkv',
        ffmpeg: ffmpeg!,
        sandboxed: false,
      });
      await assert.rejects(video, failsWith('ffmpegFailed'));
      assert.equal((await file.stat()).size, 0);
      await file.close();
    });

  it('is the very file that was submitted: no link, no other file of its size and time, no folder that moved', async () => {
    const path = await submitted(),
      expected = await factsOf(path);
    await (await openRecording(path, expected)).close();
    const aside = at('shared/aside');
    renameSync(path, aside);
    const swaps: Record<string, () => void> = {
      ...(WINDOWS
        ? {}
        : { 'a link': () => symlinkSync(at('private.wav'), path), 'a link to itself': () => symlinkSync(aside, path) }),
      'another name of the private file': () => linkSync(at('private.wav'), path),
    };
    for (const [what, swap] of Object.entries(swaps)) {
      swap();
      await assert.rejects(openRecording(path, expected), failsWith('recordingChanged'), what);
      rmSync(path);
    }
    renameSync(aside, path);
    await (await openRecording(path, expected)).close();
    renameSync(at('shared'), at('moved'));
    symlinkSync(at('moved'), at('shared'), 'junction');
    await assert.rejects(openRecording(path, expected), failsWith('recordingChanged'), 'a folder that is a link');
    rmSync(at('shared'));
    renameSync(at('moved'), at('shared'));
  });

  const noSwap = WINDOWS ? 'a file that is open is not renamed there' : missing({ ffmpeg, sherpa });
  it('is read by what was opened, whatever its name comes to mean meanwhile', { skip: noSwap }, async () => {
    const path = await submitted(),
      swapping = at('ffmpeg');
    // Puts the private recording in its place just before it is read, and takes it away again.
    writeFileSync(
      swapping,
      `#!/bin/sh\nmv '${path}' '${path}.aside'\nln -s '${at('private.wav')}' '${path}'\n` +
        `"${ffmpeg}" "$@"\ncode=$?\nrm '${path}'\nmv '${path}.aside' '${path}'\nexit $code\n`,
      { mode: 0o755 },
    );
    assert.equal(await ingest(path, swapping, { expected: await factsOf(path) }), 1000);
  });

  const noLinks = WINDOWS ? 'not every account may make links there' : false;
  it(
    'of a watched folder is no link that leads out of it, which came just before it was taken',
    { skip: noLinks },
    async () => {
      const path = await submitted(),
        request = { recording: path, options: { source: 'text' as const, language: 'en', speak: true, repair: false } },
        choices = {
          card: () => undefined,
          voice: () => undefined,
          defaults: () => Promise.resolve({ models: {}, substitutions: [] }),
        },
        row = (through: boolean) => toRow(request, 'job', 1, choices, 1, { models: {}, through });
      assert.equal((await row(false)).path, path);
      rmSync(path);
      symlinkSync(at('private.wav'), path);
      assert.equal((await row(true)).path, at('private.wav'));
      await assert.rejects(row(false), failsWith('recordingChanged'));
      rmSync(path);
    },
  );

  it('is opened by ffmpeg in one place only', () => {
    const root = join(import.meta.dirname, '..', '..'),
      calls = globSync('daemon/**/*.ts', { cwd: root }).filter(file =>
        /'-i'|program: (\w+\.)*ffmpeg\b/.test(readFileSync(join(root, file), 'utf8')),
      );
    assert.deepEqual(
      calls.map(file => file.replaceAll('\\', '/')),
      ['daemon/workers/ffmpeg.ts'],
    );
  });
});
