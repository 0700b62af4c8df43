/** A real recognizer in a fleet: what another machine of it hears is what is heard here. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { Job } from '../../schemas/job.ts';
import { change, world } from '../daemon/fleet-trial.ts';
import { member } from '../daemon/fleet-world.ts';
import { TestPostgres } from '../fixtures/postgres.ts';
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
    let server: TestPostgres | { why: string };
    before(async () => {
      server = await TestPostgres.start();
    });
    after(async () => {
      if (!('why' in server)) await server.stop();
    });

    it('gives the same text and the same files by another machine as here', async t => {
      if ('why' in server) return t.skip(server.why);
      const postgres = server;
      await world(
        postgres,
        () => [member(postgres, { person: 'ann', use: 'never' }), member(postgres, { machine: 'm1' })],
        async ([home]) => {
          const path = join(home!.recordings, 'talk.wav');
          make(['-i', join(SAMPLES, 'sense-and-sensibility.flac'), '-t', '11', path]);
          const run = async (use: 'never' | 'always') => {
            await change(postgres, home!, { person: 'ann', use });
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
