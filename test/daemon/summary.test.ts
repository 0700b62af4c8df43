/** Summaries: jobs of their own over finished transcripts, that give way to everything else. */
import assert from 'node:assert/strict';
import { afterEach, describe, it } from 'node:test';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Job } from '../../schemas/job.ts';
import { isFinal } from '../../schemas/words.ts';
import { transcriptOf } from '../../daemon/outputs/deliver.ts';
import { render } from '../../text/transcripts/render.ts';
import { fakeModel, Harness, type HarnessOptions } from './harness.ts';

const MODELS = [fakeModel('a', 'asr'), fakeModel('s', 'summary', { ms: 20 })];
const PLAIN = { repair: false, translateTo: undefined };

describe('summaries', { timeout: 180_000 }, () => {
  let harness: Harness;
  afterEach(() => harness.close());
  const open = async (options: Partial<HarnessOptions> = {}): Promise<Harness> =>
    (harness = await Harness.open({ models: MODELS, utterances: () => Array<number>(3).fill(1000), ...options }));
  const summaryOf = (job: Job): Promise<Job> =>
    harness.until('the summary', () => {
      const id = harness.store.job(job.id)!.summary?.job,
        made = id && harness.pipeline.present(id);
      return made && isFinal(made.state) ? made : null;
    });
  const textOf = (job: Job): string => harness.utterances(job).at(-1)!.summary!.text;
  const transcript = (job: Job) => transcriptOf({ row: harness.store.job(job.id)!, made: harness.utterances(job) });

  it('is made once the transcript is there, by a job of its own, and goes into the files that nobody has changed', async () => {
    await open();
    const { deliver } = harness.deps;
    const folder = harness.recordings;
    harness.deps.deliver = async (work, signal) => {
      if (work.row.options.source === 'transcript') return deliver(work, signal);
      const outputs = [];
      for (const format of ['md', 'json'] as const) {
        const { path, bytes } = await harness.outputs.write(
          work.row,
          () => join(folder, `talk.${format}`),
          file => file.writeFile(render(transcriptOf(work), format, { text: 'original' })),
        );
        outputs.push({ kind: format, path, bytes });
      }
      return { outputs };
    };
    const [job] = await harness.ended(await harness.submit(['talk.wav'], { ...PLAIN, summary: true }));
    assert.equal(job!.state, 'completed');
    const made = await summaryOf(job!);
    assert.deepEqual(
      [made.state, made.stages, made.models, made.priority, made.recording.name, made.language],
      ['completed', ['summary'], { summary: 's' }, 'low', 'talk.wav', 'en'],
    );
    assert.match(textOf(made), /^All of \d+ words: utterance 0 /);
    assert.deepEqual(transcript(job!).summary, { text: textOf(made), language: 'en', model: 's' });
    assert.match(
      readFileSync(join(folder, 'talk.md'), 'utf8'),
      /\n## Summary\n\nAll of .*\n\n\*By s, a language model; it may be wrong\.\*\n\n## Transcript\n/,
    );
    assert.equal(
      (JSON.parse(readFileSync(join(folder, 'talk.json'), 'utf8')) as { summary: { model: string } }).summary.model,
      's',
    );
    assert.deepEqual(
      made.outputs.map(output => output.kind),
      ['md', 'json'],
    );
    // Asked for again: it is there. Again and again: another, but not over what somebody wrote.
    assert.deepEqual(await harness.pipeline.summaries.request({ of: job!.id }), { job: made, existing: true });
    writeFileSync(join(folder, 'talk.md'), 'mine');
    const { job: other } = await harness.pipeline.summaries.request({ of: job!.id, again: true });
    assert.notEqual(other.id, made.id);
    await harness.ended([other]);
    assert.equal(readFileSync(join(folder, 'talk.md'), 'utf8'), 'mine');
  });

  it('sums up long transcripts piece by piece, also across a restart, and a piece that fails fails it', async () => {
    const state = `${(await open()).home.state}-long`;
    await harness.close();
    // Long enough for some pieces: utterances of the fake engine have up to eleven words.
    const options = {
      models: [fakeModel('a', 'asr'), fakeModel('s', 'summary', { ms: 40 })],
      utterances: () => Array<number>(400).fill(1000),
      state,
    };
    harness = await Harness.open(options);
    const [job] = await harness.ended(await harness.submit(['long.wav'], { ...PLAIN, summary: true }));
    const id = harness.store.job(job!.id)!.summary!.job;
    await harness.until('the first notes', () => harness.store.utterances(id)[0]?.summary);
    assert.notEqual(harness.store.job(id)!.state, 'completed');
    await harness.pipeline.stop('park');
    harness.store.dispose();
    const again = await Harness.open(options);
    try {
      harness = again;
      const made = await summaryOf(job!),
        notes = harness.store.utterances(id);
      assert.equal(made.state, 'completed');
      assert.ok(notes.length > 3 && notes.slice(0, -1).every(each => each.summary!.text.startsWith('Part of')));
      assert.match(notes.at(-1)!.summary!.text, /^All of \d+ words in notes: Part of /);
      assert.equal(
        harness.store.log({ job: id, kind: 'step.finished', limit: 100 }).length,
        notes.length,
        'nothing twice',
      );
    } finally {
      /* closed after each */
    }
  });

  it('gives way: what it was at is done again when the recordings are done', async () => {
    await open({ models: [fakeModel('a', 'asr', { ms: 10 }), fakeModel('s', 'summary', { ms: 3000 })] });
    const [job] = await harness.ended(await harness.submit(['one.wav'], { ...PLAIN, summary: true }));
    const id = harness.store.job(job!.id)!.summary!.job;
    await harness.until('the summary to run', () =>
      [...harness.pipeline.instances.values()].some(instance => instance.run?.job === id),
    );
    await harness.ended(await harness.submit(['two.wav'], PLAIN));
    assert.ok(harness.store.log({ job: id, kind: 'attempt.parked', limit: 10 }).length === 1);
    const made = await summaryOf(job!);
    assert.equal(made.state, 'completed');
    const all = harness.store.log({ job: id, kind: 'attempt.started', limit: 10 });
    assert.deepEqual(
      all.map(entry => entry.data.try),
      [1, 1],
      'giving way is no failed try',
    );
  });

  it('says why it waits, and can be cancelled', async () => {
    await open({ models: [fakeModel('a', 'asr', { ms: 400 }), MODELS[1]!] });
    const [first] = await harness.ended(await harness.submit(['one.wav'], PLAIN));
    await harness.submit(['two.wav'], PLAIN);
    const { job } = await harness.pipeline.summaries.request({ of: first!.id });
    assert.deepEqual(harness.pipeline.present(job.id)!.waiting, { code: 'behind', args: { count: 1 } });
    harness.pipeline.queue.cancel([job.id]);
    assert.equal(harness.pipeline.present(job.id)!.state, 'cancelled');
    assert.equal(transcript(first!).summary, undefined);
  });

  it('without a model the transcript is delivered all the same, and says what to install', async () => {
    await open();
    Object.assign(harness.deps.catalogue, { ready: () => false });
    const [job] = await harness.ended(await harness.submit(['talk.wav'], { ...PLAIN, summary: true }));
    assert.equal(job!.state, 'completed');
    assert.deepEqual(job!.warnings, [{ code: 'noSummary', args: { model: 's' } }]);
    assert.equal(job!.summary, undefined);
    await assert.rejects(harness.pipeline.summaries.request({ of: job!.id }), /noSummary/);
  });

  it('asked for later, with the transcript there: only the summary is made', async () => {
    await open();
    const [job] = await harness.ended(await harness.submit(['talk.wav'], PLAIN));
    const [answer] = await harness.pipeline.queue.submit([
      { recording: job!.recording.path, options: { ...job!.options, summary: true } },
    ]);
    assert.ok(answer && 'job' in answer && answer.existing && answer.job.id === job!.id, JSON.stringify(answer));
    assert.equal((await summaryOf(job!)).state, 'completed');
  });

  it('of a transcript file, into the file; of what is none, or says nothing, a clear failure', async () => {
    await open({ utterances: name => (name === 'silence.wav' ? [] : [1000]) });
    const [job, silence] = await harness.ended(await harness.submit(['talk.wav', 'silence.wav'], PLAIN));
    const path = join(harness.recordings, 'edited.earshot.json');
    writeFileSync(path, JSON.stringify({ $schema: 'x', ofANewerVersion: [1], ...transcript(job!) }));
    const { job: made } = await harness.pipeline.summaries.request({ of: path });
    await harness.ended([made]);
    const after = JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown> & { summary: { text: string } };
    assert.deepEqual([after.$schema, after.ofANewerVersion, after.summary.text.startsWith('All of')], ['x', [1], true]);
    writeFileSync(path, '{}');
    await assert.rejects(harness.pipeline.summaries.request({ of: path }), /notATranscript/);
    await assert.rejects(
      harness.pipeline.summaries.request({ of: join(harness.recordings, 'none.earshot.json') }),
      /noSuchFile/,
    );
    const { job: empty } = await harness.pipeline.summaries.request({ of: silence!.id });
    assert.equal((await harness.ended([empty]))[0]!.failure?.code, 'nothingSaid');
    await assert.rejects(harness.pipeline.summaries.request({ of: empty.id }), /wrongState/);
    assert.match(
      JSON.stringify(
        await harness.pipeline.queue.submit([
          {
            recording: harness.recording('x.wav'),
            options: { repair: false, source: 'transcript', transcript: job!.id },
          },
        ]),
      ),
      /badRequest/,
    );
  });
});
