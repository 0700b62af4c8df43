/** Names of speakers, in the store and in the files of a job. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, it } from 'node:test';
import type { Engine } from '../../daemon/contracts/engine.ts';
import { fake } from '../../daemon/engines/fake/engine.ts';
import type { Diarized } from '../../daemon/diarization/label.ts';
import { stepInput } from '../../daemon/pipeline/inputs.ts';
import { writeOutputs } from '../../daemon/outputs/deliver.ts';
import { failure } from '../../schemas/errors.ts';
import type { Job } from '../../schemas/job.ts';
import { fakeModel, Harness } from './harness.ts';

const FOUND = {
  speakers: ['S1', 'S2', 'S1'],
  turns: [null, null, null],
  voices: { S1: 'AAAA', S2: 'BBBB' },
  pitches: { S1: 110, S2: 210 },
  warnings: [],
} satisfies Diarized;

describe('names of speakers', { timeout: 180_000 }, () => {
  let harness: Harness;
  afterEach(() => harness.close());
  const writing: Harness['deps']['deliver'] = (work, signal) =>
    writeOutputs(work, { outputs: harness.outputs, ffmpeg: () => '', sandboxed: false, formats: [], signal, pcm: '' });
  const submitTalk = (): Promise<Job[]> =>
    harness.submit(['talk.wav'], {
      repair: false,
      translateTo: undefined,
      speakers: {},
      outputs: { formats: ['txt', 'vtt', 'json'] },
    });

  it('stand in the store and in files as they were written; what somebody edited is left', async () => {
    harness = await Harness.open({ models: [fakeModel('a', 'asr')], utterances: () => [3000, 3000, 3000] });
    harness.deps.deliver = writing;
    harness.deps.diarize = async () => FOUND;
    const [job] = await harness.ended(await submitTalk());
    assert.equal(job!.state, 'completed', JSON.stringify(job!.failure));
    const at = (ending: string): string => join(harness.recordings, `talk.${ending}`),
      text = (ending: string): string => readFileSync(at(ending), 'utf8');
    assert.match(text('txt'), /^Speaker 1: utterance 0 .*\n\nSpeaker 2: utterance 1 .*\n\nSpeaker 1: utterance 2 /);
    writeFileSync(at('vtt'), text('vtt').replace('utterance 1', 'my own words'));
    assert.deepEqual(await harness.pipeline.edits.renameSpeakers(job!.id, { S2: 'Anna' }), {
      S1: 'AAAA',
      Anna: 'BBBB',
    });
    assert.match(text('txt'), /^Speaker 1: utterance 0 .*\n\nAnna: utterance 1 .*\n\nSpeaker 1: utterance 2 /);
    assert.match(text('vtt'), /<v Speaker 2>my own words/);
    assert.match(text('earshot.json'), /"speaker":"Anna"/);
    assert.deepEqual(
      harness.utterances(job!).map(u => u.speaker),
      ['S1', 'Anna', 'S1'],
    );
    // Two that get one name were one.
    assert.deepEqual(await harness.pipeline.edits.renameSpeakers(job!.id, { S1: 'Anna' }), { Anna: 'AAAA' });
    assert.match(text('txt'), /^Anna: utterance 0 [^:]*$/);
  });

  it('are stored by the writer before any output is written', async () => {
    harness = await Harness.open({ models: [fakeModel('a', 'asr')], utterances: () => [3000, 3000, 3000] });
    harness.deps.diarize = async work => {
      assert.equal(work.row.voices ?? null, null);
      return FOUND;
    };
    const stored: unknown[] = [];
    harness.deps.deliver = (work, signal) => {
      stored.push(
        harness.store.job(work.row.id)!.voices,
        harness.store.utterances(work.row.id).map(u => u.speaker),
      );
      return writing(work, signal);
    };
    const [job] = await harness.ended(await submitTalk());
    assert.equal(job!.state, 'completed', JSON.stringify(job!.failure));
    assert.deepEqual(stored, [FOUND.voices, FOUND.speakers]);
  });

  it('that are asked for while the voices are found wait for the end of the job', async () => {
    harness = await Harness.open({ models: [fakeModel('a', 'asr')], utterances: () => [3000, 3000, 3000] });
    const asked = Promise.withResolvers<void>(),
      answer = Promise.withResolvers<Diarized>();
    harness.deps.deliver = writing;
    harness.deps.diarize = () => {
      asked.resolve();
      return answer.promise;
    };
    const jobs = await submitTalk();
    await asked.promise;
    await assert.rejects(harness.pipeline.edits.renameSpeakers(jobs[0]!.id, { S1: 'Anna' }), /wrongState/);
    const written = harness.pipeline.edits.write(jobs[0]!.id, 'md');
    answer.resolve(FOUND);
    assert.match(readFileSync(await written, 'utf8'), /Speaker 2/);
    await harness.ended(jobs);
  });

  describe('where the model has several voices', () => {
    const several = {
      ...fake,
      voicesIn: () => [
        { name: 'heart', pitch: 'high' },
        { name: 'bella', pitch: 'high' },
        { name: 'michael', pitch: 'low' },
      ],
    } satisfies Engine;
    /** What speaks each utterance. */
    let spoken: (string | undefined)[] = [];
    const open = async (): Promise<void> => {
      harness = await Harness.open({
        models: [fakeModel('a', 'asr'), fakeModel('t', 'tts', { voices: 'heart,bella,michael' })],
        engines: [several],
        utterances: () => [3000, 3000, 3000],
      });
      const { deliver } = harness.deps;
      harness.deps.deliver = (work, signal) => {
        spoken = work.made.map(({ index }) => stepInput('tts', work, index, { pcm: '', speech: '' }, 1).voice);
        return deliver(work, signal);
      };
    };
    const submitVoiceOver = (voice?: string): Promise<Job[]> =>
      harness.submit(['talk.wav'], {
        repair: false,
        translateTo: undefined,
        speak: true,
        speakers: {},
        ...(voice === undefined ? {} : { voice }),
      });

    it('each gets one of about their pitch, and nothing is spoken before it is known who speaks', async () => {
      await open();
      const asked = Promise.withResolvers<void>(),
        answer = Promise.withResolvers<Diarized>();
      let times = 0;
      harness.deps.diarize = () => {
        times++;
        asked.resolve();
        return answer.promise;
      };
      const jobs = await submitVoiceOver();
      await asked.promise;
      assert.ok(harness.utterances(jobs[0]!).every(({ asr, tts }) => asr && !tts));
      answer.resolve(FOUND);
      const [job] = await harness.ended(jobs);
      assert.equal(job!.state, 'completed', JSON.stringify(job!.failure));
      assert.deepEqual(harness.store.job(job!.id)!.casting, { S1: 'michael', S2: 'heart' });
      assert.deepEqual([spoken, times], [['michael', 'heart', 'michael'], 1]);
      await harness.pipeline.edits.renameSpeakers(job!.id, { S2: 'Anna' });
      assert.deepEqual(harness.store.job(job!.id)!.casting, { S1: 'michael', Anna: 'heart' });
    });

    it('the one that was chosen speaks for all', async () => {
      await open();
      harness.deps.diarize = async () => FOUND;
      await harness.ended(await submitVoiceOver('bella'));
      assert.deepEqual(spoken, ['bella', 'bella', 'bella']);
    });

    it('one speaks for all where nobody can tell', async () => {
      await open();
      let times = 0;
      harness.deps.diarize = async () => {
        times++;
        return { warning: failure('speakersUnknown', {}, 'no voices') };
      };
      const [job] = await harness.ended(await submitVoiceOver());
      assert.deepEqual(
        [job!.state, job!.warnings.map(({ code }) => code), spoken, times],
        ['completed', ['speakersUnknown'], [undefined, undefined, undefined], 1],
      );
    });

    it('a job that is canceled meanwhile stops the search', async () => {
      await open();
      const asked = Promise.withResolvers<AbortSignal>();
      harness.deps.diarize = (_, signal) => {
        asked.resolve(signal);
        return new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(new Error('canceled'))));
      };
      const jobs = await submitVoiceOver(),
        signal = await asked.promise;
      await harness.pipeline.queue.cancel(jobs.map(({ id }) => id));
      assert.equal((await harness.ended(jobs))[0]!.state, 'cancelled');
      assert.ok(signal.aborted);
    });
  });

  it('are a warning where nobody can tell, once; the text is there', async () => {
    harness = await Harness.open({ models: [fakeModel('a', 'asr')], utterances: () => [3000, 3000, 3000] });
    harness.deps.deliver = writing;
    harness.deps.diarize = async () => ({ warning: failure('speakersUnknown', {}, 'no voices') });
    const [job] = await harness.ended(await submitTalk());
    assert.deepEqual(
      [job!.state, job!.warnings.map(({ code, detail }) => [code, detail])],
      ['completed', [['speakersUnknown', 'no voices']]],
    );
    assert.match(readFileSync(join(harness.recordings, 'talk.txt'), 'utf8'), /^utterance 0/);
  });

  it('are not stored for a job that was canceled meanwhile', async () => {
    harness = await Harness.open({ models: [fakeModel('a', 'asr')], utterances: () => [3000, 3000, 3000] });
    const asked = Promise.withResolvers<AbortSignal>(),
      answer = Promise.withResolvers<Diarized>();
    let delivered = false;
    harness.deps.deliver = (work, signal) => {
      delivered = true;
      return writing(work, signal);
    };
    harness.deps.diarize = (_, signal) => {
      asked.resolve(signal);
      return answer.promise;
    };
    const jobs = await submitTalk(),
      signal = await asked.promise;
    harness.pipeline.queue.cancel([jobs[0]!.id]);
    assert.ok(signal.aborted, 'whoever listens to voices is told');
    answer.resolve(FOUND);
    const [job] = await harness.ended(jobs);
    await harness.pipeline.edits.write(job!.id, 'md').catch(() => {}); // a command behind the completion
    assert.equal(harness.store.job(job!.id)!.voices ?? null, null);
    assert.equal(delivered, false);
  });
});
