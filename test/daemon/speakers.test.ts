/** Names of speakers, in the store and in the files of a job. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, it } from 'node:test';
import { writeOutputs } from '../../daemon/outputs/deliver.ts';
import { fakeModel, Harness } from './harness.ts';

describe('names of speakers', { timeout: 30_000 }, () => {
  let harness: Harness;
  afterEach(() => harness.close());

  it('stand in the store and in files as they were written; what somebody edited is left', async () => {
    harness = await Harness.open({ models: [fakeModel('a', 'asr')], utterances: () => [3000, 3000, 3000] });
    const voices = { S1: 'AAAA', S2: 'BBBB' };
    Object.assign(harness.deps, {
      deliver: (work: Parameters<typeof writeOutputs>[0], signal: AbortSignal) => {
        harness.store.setSpeakers(work.row.id, ['S1', 'S2', 'S1']);
        harness.store.update(work.row.id, { voices });
        work.row.voices = voices;
        work.made.forEach((utterance, n) => {
          utterance.speaker = n === 1 ? 'S2' : 'S1';
        });
        return writeOutputs(work, {
          outputs: harness.outputs,
          ffmpeg: () => '',
          sandboxed: false,
          formats: [],
          signal,
          pcm: '',
        });
      },
    });
    const [job] = await harness.ended(
      await harness.submit(['talk.wav'], {
        repair: false,
        translateTo: undefined,
        speakers: {},
        outputs: { formats: ['txt', 'vtt', 'json'] },
      }),
    );
    assert.equal(job!.state, 'completed', JSON.stringify(job!.failure));
    const at = (ending: string): string => join(harness.recordings, `talk.${ending}`),
      text = (ending: string): string => readFileSync(at(ending), 'utf8');
    assert.match(text('txt'), /^S1: utterance 0 .*\n\nS2: utterance 1 .*\n\nS1: utterance 2 /);
    writeFileSync(at('vtt'), text('vtt').replace('utterance 1', 'my own words'));
    assert.deepEqual(await harness.pipeline.edits.renameSpeakers(job!.id, { S2: 'Anna' }), {
      S1: 'AAAA',
      Anna: 'BBBB',
    });
    assert.match(text('txt'), /^S1: utterance 0 .*\n\nAnna: utterance 1 .*\n\nS1: utterance 2 /);
    assert.match(text('vtt'), /<v S2>my own words/);
    assert.match(text('earshot.json'), /"speaker":"Anna"/);
    assert.deepEqual(
      harness.utterances(job!).map(u => u.speaker),
      ['S1', 'Anna', 'S1'],
    );
    // Two that get one name were one.
    assert.deepEqual(await harness.pipeline.edits.renameSpeakers(job!.id, { S1: 'Anna' }), { Anna: 'AAAA' });
    assert.match(text('txt'), /^Anna: utterance 0 [^:]*$/);
  });
});
