/** A real recognizer in a fleet: what another machine of it hears is what is heard here. */
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { decode } from '../../daemon/fleet/decode.ts';
import type { UtteranceTimes } from '../../daemon/ingest/cutting.ts';
import { startIngest } from '../../daemon/ingest/ingest.ts';
import { factsOf } from '../../daemon/ingest/recording.ts';
import type { Job } from '../../schemas/job.ts';
import { change, world } from '../daemon/fleet-trial.ts';
import { member } from '../daemon/fleet-world.ts';
import { jobRow } from '../fixtures/job-row.ts';
import { testsWithPostgres, type TestPostgres } from '../fixtures/postgres.ts';
import { dictionaries, ffmpeg, make, missing, modelFolder, python, SAMPLES, sherpa } from './place.ts';

describe(
  'Whisper in a fleet',
  {
    skip: missing({
      ffmpeg,
      sherpa,
      'the Python runtime': python,
      dictionaries,
      'whisper-base': modelFolder('whisper-base'),
    }),
    timeout: 240_000,
  },
  () => {
    const { test, ...postgres } = testsWithPostgres();
    let server: TestPostgres | null;
    before(async () => {
      server = await postgres.start();
    });
    after(postgres.stop);

    test('gives the same text and the same files by another machine as here', async () => {
      const fleet = server!;
      await world(
        fleet,
        () => [member(fleet, { person: 'ann', use: 'never' }), member(fleet, { machine: 'm1' })],
        async ([home]) => {
          const path = join(home!.recordings, 'talk.wav');
          make(['-i', join(SAMPLES, 'sense-and-sensibility.flac'), '-t', '11', path]);
          const run = async (use: 'never' | 'always') => {
            await change(fleet, home!, { person: 'ann', use });
            const { results } = await home!.client.call('job/submit', {
              jobs: [
                {
                  recording: path,
                  options: { repair: false, language: 'en', models: { asr: 'whisper-base' } },
                  onDuplicate: 'create',
                },
              ],
            });
            const [job] = await home!.ended(results.map(result => (result as { job: Job }).job));
            assert.equal(job!.state, 'completed', JSON.stringify(job!.failure));
            const { utterances } = await home!.client.call('job/utterances', { id: job!.id });
            return {
              elsewhere: Boolean(job!.machine),
              utterances,
              files: job!.outputs.map(({ kind, path: file }) => [kind, readFileSync(file, 'utf8')]),
            };
          };
          const here = await run('never'),
            there = await run('always');
          assert.deepEqual([here.elsewhere, there.elsewhere], [false, true]);
          assert.match(JSON.stringify(here.utterances), /Dashwood/);
          assert.deepEqual(there.utterances, here.utterances);
          assert.ok(here.files.length >= 3);
          assert.deepEqual(there.files, here.files);
        },
      );
    });
  },
);

it(
  'of a large recording the sound that travels gives another machine the same utterances, to the sample',
  { skip: missing({ ffmpeg, sherpa }), timeout: 120_000 },
  async () => {
    const root = mkdtempSync(join(tmpdir(), 'earshot-sent-')),
      path = join(root, 'talk.mkv');
    try {
      // Stereo at another rate, with a codec that loses something, and a clock that does not begin at 0.
      const sample = join(SAMPLES, 'sense-and-sensibility.flac');
      make(['-itsoffset', '0.7', '-i', sample, '-t', '12', '-ar', '44100', '-ac', '2', '-c:a', 'aac', path]);
      const tools = { ffmpeg: ffmpeg!, sherpaDirectory: sherpa! },
        { signal } = new AbortController();
      const heard = async (recording: string, audioTrack: number | null) => {
        const rows: UtteranceTimes[] = [],
          pcmPath = join(root, 'pcm');
        const { durationMs } = await startIngest({
          ...tools,
          recording,
          audioTrack,
          pcmPath,
          sandboxed: false,
          node: process.execPath,
          prewarmed: undefined,
          signal,
          onStart: () => {},
          onProgress: () => {},
          onUtterances: more => void rows.push(...more),
        });
        return { durationMs, rows, pcm: readFileSync(pcmPath) };
      };
      const row = jobRow({ path, name: 'talk.mkv', ...(await factsOf(path)), options: { repair: false } }),
        how = { folder: join(root, 'sent'), tools: () => tools, sandboxed: true };
      assert.equal(await decode(row, how, signal), null, 'a small one travels as it is');
      const sent = (await decode(row, { ...how, asItIsBytes: 0 }, signal))!;
      const [here, there] = [await heard(path, 0), await heard(sent.path, null)];
      assert.ok(here.rows.length >= 2, JSON.stringify(here.rows));
      assert.deepEqual([there.rows, there.durationMs], [here.rows, here.durationMs]);
      assert.ok(here.pcm.equals(there.pcm), 'the same samples');
      await sent.remove();
      assert.deepEqual(readdirSync(how.folder), []);
    } finally {
      rmSync(root, { recursive: true, force: true });
    }
  },
);
