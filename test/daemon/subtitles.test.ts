/**
 * Subtitles as a job's source: each cue is an utterance at its own time, translated and written back where it stood.
 */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, it } from 'node:test';
import { writeOutputs } from '../../daemon/outputs/deliver.ts';
import { fakeModel, Harness } from './harness.ts';

const SRT =
  '1\n00:00:10,000 --> 00:00:12,000\n<i>First words.</i>\n\n2\n00:00:05,000 --> ' +
  '00:00:06,500\nBefore\nthem.\n\n3\n00:00:20,000 --> 00:00:21,000\n♪\n';

describe('subtitles as a source', { timeout: 30_000 }, () => {
  let harness: Harness;
  afterEach(() => harness.close());

  it('are translated cue by cue, and keep their times', async () => {
    harness = await Harness.open({ models: [fakeModel('n', 'nmt')] });
    Object.assign(harness.deps, {
      deliver: (work: Parameters<typeof writeOutputs>[0], signal: AbortSignal) =>
        writeOutputs(work, {
          outputs: harness.outputs,
          ffmpeg: () => '',
          sandboxed: false,
          formats: [],
          signal,
          pcm: '',
        }),
    });
    harness.recording = name => {
      const path = join(harness.recordings, name);
      writeFileSync(path, SRT);
      return path;
    };
    const [job] = await harness.ended(
      await harness.submit(['film.srt'], {
        source: 'text',
        repair: false,
        translateTo: 'de',
        outputs: { formats: ['srt', 'vtt'], text: 'translation' },
      }),
    );
    assert.equal(job!.state, 'completed', JSON.stringify(job!.failure));
    assert.deepEqual(
      harness.utterances(job!).map(u => [u.startMs, u.endMs, u.asr!.text, u.nmt!.text]),
      [
        [5000, 6500, 'Before them.', '[de] Before them.'],
        [10_000, 12_000, 'First words.', '[de] First words.'],
      ],
    );
    assert.equal(
      readFileSync(join(harness.recordings, 'film.de.srt'), 'utf8'),
      SRT.replace('First words.', '[de] First words.').replace('Before\nthem.', '[de] Before them.'),
    );
    assert.match(
      readFileSync(join(harness.recordings, 'film.de.vtt'), 'utf8'),
      /^WEBVTT\n\n00:00:10\.000 --> 00:00:12\.000\n<i>\[de\] First words\.<\/i>\n\n00:00:05\.000/,
    );
  });

  it('without a word in them say so', async () => {
    harness = await Harness.open({ models: [fakeModel('n', 'nmt')] });
    const [job] = await harness.ended(
      await harness.submit(['film.vtt'], { source: 'text', repair: false, translateTo: 'de' }),
    );
    assert.deepEqual([job!.state, job!.failure?.code], ['failed', 'noWords']);
  });
});
