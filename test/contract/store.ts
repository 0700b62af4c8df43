/** What every store must do: one suite, run against each implementation. */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import fc from 'fast-check';
import { failure } from '../../schemas/errors.ts';
import type { JobRow, Store } from '../../daemon/contracts/store.ts';
import type { FileRow } from '../../daemon/contracts/watch-store.ts';
import { ulid } from '../../daemon/system/ids.ts';
import { jobRow } from '../fixtures/job-row.ts';

export const row = (change: Partial<JobRow> = {}): JobRow =>
  jobRow({
    id: ulid(1_000),
    path: '/recordings/talk.wav',
    name: 'talk.wav',
    bytes: 10,
    modifiedAt: 5,
    durationMs: null,
    models: { asr: 'whisper', repair: 'qwen' },
    position: 1,
    state: 'pending',
    createdAt: 1_000,
    startedAt: null,
    language: null,
    ingested: false,
    ingestedMs: 0,
    ...change,
  });
const heard = (text: string) => ({ text, words: [], language: 'en', languageProbability: 1 });

export interface Place {
  open(): Store;
  reopen(store: Store): Store;
  clean(): void;
}

export function storeSuite(name: string, make: () => Place): void {
  describe(name, () => {
    let place: Place, store: Store;
    beforeEach(() => {
      place = make();
      store = place.open();
    });
    afterEach(() => {
      store.dispose();
      place.clean();
    });
    const claim = (job: JobRow, from = 0, to = from + 1, at = 2_000) =>
      store.claim({ job: job.id, stage: 'asr', from, to, instance: 'i', at });
    const withUtterances = (count: number): JobRow => {
      const job = row();
      store.submit([job]);
      store.addUtterances(
        job.id,
        Array.from({ length: count }, (_, index) => ({ index, startMs: index * 1000, endMs: index * 1000 + 900 })),
      );
      return job;
    };

    it('gives a job back as it was stored, also after reopening', () => {
      const job = row({
        failure: failure('diskFull', { path: '/x' }),
        outputs: [{ kind: 'txt', path: '/a.txt', bytes: 3 }],
        priority: 'urgent',
        ingested: true,
      });
      store.submit([job]);
      store = place.reopen(store);
      assert.deepEqual(store.job(job.id), job);
    });

    it('orders active jobs by priority, then position, and leaves ended ones out', () => {
      const jobs = [
        row({ position: 2 }),
        row({ position: 1 }),
        row({ priority: 'urgent', position: 9 }),
        row({ state: 'completed' }),
        row({ state: 'paused', priority: 'low' }),
      ];
      store.submit(jobs);
      assert.deepEqual(
        store.activeJobs().map(job => job.id),
        [jobs[2]!.id, jobs[1]!.id, jobs[0]!.id, jobs[4]!.id],
      );
    });

    it('finds the same request again unless it was cancelled or failed', () => {
      const job = row({ fingerprint: 'same' });
      store.submit([job]);
      assert.equal(store.findDuplicate('same')?.id, job.id);
      store.update(job.id, { state: 'cancelled' });
      assert.equal(store.findDuplicate('same'), null);
    });

    it('pages a list newest first and searches paths literally', () => {
      const jobs = Array.from({ length: 7 }, (_, i) =>
        row({ id: ulid(10_000 + i), path: `/r/${i % 2 ? '100%_done' : 'plain'}-${i}.wav` }),
      );
      store.submit(jobs);
      const first = store.list({ limit: 3 });
      assert.deepEqual(
        first.jobs.map(job => job.id),
        [jobs[6]!.id, jobs[5]!.id, jobs[4]!.id],
      );
      assert.equal(first.total, 7);
      const second = store.list({ limit: 10, cursor: first.next! });
      assert.equal(second.jobs.length, 4);
      assert.equal(second.next, null);
      assert.equal(store.list({ search: '100%_', limit: 10 }).jobs.length, 3);
      assert.equal(store.list({ search: '1%0', limit: 10 }).jobs.length, 0);
    });

    it('takes the same utterances twice, as after a crash', () => {
      const job = withUtterances(3);
      store.addUtterances(job.id, [
        { index: 1, startMs: 1000, endMs: 1900 },
        { index: 3, startMs: 3000, endMs: 3900 },
      ]);
      assert.deepEqual(
        store.utterances(job.id).map(utterance => utterance.index),
        [0, 1, 2, 3],
      );
    });

    it('keeps who speaks, and the voices', () => {
      const job = withUtterances(3);
      store.setSpeakers(job.id, ['S1', null, 'Anna']);
      store.update(job.id, { voices: { S1: 'AAAA', Anna: 'BBBB' } });
      assert.deepEqual(
        store.utterances(job.id).map(utterance => utterance.speaker),
        ['S1', undefined, 'Anna'],
      );
      assert.deepEqual(store.job(job.id)!.voices, { S1: 'AAAA', Anna: 'BBBB' });
    });

    it('refuses what comes under a token that was given up', () => {
      const job = withUtterances(1);
      const late = claim(job);
      store.abandon(late.token, failure('workerSilent', { engine: 'e', seconds: 15 }), 3_000, {
        counts: true,
        gaveUp: [],
      });
      const next = claim(job);
      assert.ok(next.token > late.token);
      assert.equal(store.finish(late.token, 0, heard('late'), 4_000), false);
      assert.equal(store.finish(next.token, 0, heard('right'), 4_000), true);
      assert.equal(store.finish(next.token, 0, heard('twice'), 4_000), false);
      store.close(next.token, 5_000);
      assert.equal(store.finish(next.token, 0, heard('after the end'), 6_000), false);
      assert.equal(store.utterances(job.id)[0]!.asr!.text, 'right');
    });

    it('refuses results for steps outside the attempt', () => {
      const job = withUtterances(3);
      const { token } = claim(job, 1, 2);
      assert.equal(store.finish(token, 0, heard('x'), 3_000), false);
      assert.equal(store.finish(token, 2, heard('x'), 3_000), false);
      assert.equal(store.finish(token, 1, heard('x'), 3_000), true);
    });

    it('counts failed tries of a step, not parked ones', () => {
      const job = withUtterances(2);
      store.abandon(claim(job).token, failure('engineFailed'), 1, { counts: true, gaveUp: [] });
      store.abandon(claim(job).token, failure('outOfMemory'), 2, { counts: false, gaveUp: [] });
      assert.equal(store.tries(job.id, 'asr', 0), 1);
      assert.equal(store.tries(job.id, 'asr', 1), 0);
      assert.equal(claim(job).try, 2);
    });

    it('marks what was given up, and clears it for a retry', () => {
      const job = withUtterances(2);
      store.abandon(claim(job).token, failure('engineFailed', { engine: 'x' }), 1, { counts: true, gaveUp: [0] });
      assert.deepEqual(store.steps(job.id), [{ index: 0, stage: 'asr', status: 'failed' }]);
      assert.deepEqual(store.utterances(job.id)[0]!.failed, {
        stage: 'asr',
        failure: failure('engineFailed', { engine: 'x' }),
      });
      assert.equal(store.clearFailures(job.id), 1);
      assert.deepEqual(store.steps(job.id), []);
      assert.equal(store.tries(job.id, 'asr', 0), 0);
    });

    it('knows the attempts that nobody ended', () => {
      const job = withUtterances(2);
      const open = claim(job),
        closed = claim(job, 1);
      store.close(closed.token, 3_000);
      store = place.reopen(store);
      assert.deepEqual(store.openAttempts(), [open]);
    });

    it('journals in order', () => {
      const job = withUtterances(1);
      store.finish(claim(job).token, 0, heard('hello'), 2_500);
      store.update(job.id, { state: 'completed' }, { kind: 'job.completed', at: 3_000 });
      assert.deepEqual(
        store.log({ job: job.id, limit: 10 }).map(entry => entry.kind),
        ['job.submitted', 'attempt.started', 'step.finished', 'job.completed'],
      );
    });

    it('keeps the newest peaks', () => {
      const key = { device: 'cpu', model: 'm', engine: 'e', precision: 'int8' };
      for (let i = 1; i <= 5; i++) store.addPeak(key, i * 100, i === 3 ? 42 : null, i, 3);
      store = place.reopen(store);
      assert.deepEqual(store.peaks(key), [300, 400, 500]);
      assert.deepEqual(store.calibration(), [{ ...key, peaks: [300, 400, 500], loadMs: 42 }]);
      store.addPeak({ ...key, device: 'GPU-1' }, 1, null, 9, 3);
      assert.deepEqual([store.lastMeasured('m'), store.lastMeasured('other')], [9, null]);
    });

    it('prunes by age and by number, ended jobs only', () => {
      const old = row({ state: 'completed', finishedAt: 10 }),
        fresh = [row({ state: 'failed', finishedAt: 100 }), row({ state: 'completed', finishedAt: 200 })],
        active = row();
      store.submit([old, ...fresh, active]);
      assert.deepEqual(store.prune(50, 100), [old.id]);
      assert.deepEqual(store.prune(50, 1), [fresh[0]!.id]);
      assert.equal(store.job(active.id)?.id, active.id);
    });

    it('remembers which files are ours', () => {
      assert.equal(store.written('/a.txt'), null);
      for (const job of ['1', '2']) {
        store.willWrite('/a.txt', { recording: '/a.wav', job, checksum: `of ${job}` });
        assert.deepEqual(store.written('/a.txt'), { recording: '/a.wav', job, checksum: `of ${job}` });
      }
      store.willWrite('/a.txt', null);
      assert.equal(store.written('/a.txt'), null);
    });

    describe('finds what was said', () => {
      const say = (job: JobRow, texts: readonly string[], translation?: (text: string) => string): void =>
        store.batch(() => {
          store.addUtterances(
            job.id,
            texts.map((_, index) => ({ index, startMs: index * 1000, endMs: index * 1000 + 900 })),
          );
          for (const [index, text] of texts.entries()) {
            for (const stage of job.stages) {
              const attempt = store.claim({ job: job.id, stage, from: index, to: index + 1, instance: 'i', at: 2_000 });
              const output =
                stage === 'asr'
                  ? {
                      ...heard(text),
                      words: text
                        .split(' ')
                        .map((word, i) => ({
                          text: word,
                          startMs: index * 1000 + i,
                          endMs: index * 1000 + i + 1,
                          probability: 1,
                        })),
                    }
                  : stage === 'nmt'
                    ? { text: translation!(text), language: 'de' }
                    : { text, changes: [] };
              store.finish(attempt.token, index, output, 2_000);
              store.close(attempt.token, 2_000);
            }
          }
        });
      const ended = (job: JobRow): void => store.update(job.id, { state: 'completed', finishedAt: 3_000 });
      const indexAll = (piece = 1_000): void => {
        while (store.indexSome(piece) > 0);
      };
      const job = (change: Partial<JobRow> = {}): JobRow => {
        const made = row({ stages: ['asr'], ...change });
        store.submit([made]);
        return made;
      };
      const found = (words: string, query: object = {}) =>
        store
          .find({ words, ...query }, { limit: 50, cursor: 0 })
          .hits.map(hit => hit.text.text)
          .sort();

      it('by words, phrases and beginnings, whatever their case and accents', () => {
        say(job(), ['The Café opened early', 'early cafés never open', 'nothing here', '¿Dónde está la biblioteca?']);
        indexAll();
        assert.deepEqual(found('cafe'), ['The Café opened early']);
        assert.deepEqual(found('EARLY'), ['The Café opened early', 'early cafés never open']);
        assert.deepEqual(found('early caf*'), ['The Café opened early', 'early cafés never open']);
        assert.deepEqual(found('"early caf"'), []);
        assert.deepEqual(found('"never open"'), ['early cafés never open']);
        assert.deepEqual(found('donde esta'), ['¿Dónde está la biblioteca?']);
        assert.deepEqual(found('bibl'), []);
        assert.deepEqual(found('bibl', { typing: true }), ['¿Dónde está la biblioteca?']);
      });

      it('in Chinese, Japanese and Korean, by one character or more', () => {
        say(job(), ['我们今天讨论语音识别的问题。', '音声認識のテストです', '음성 인식 테스트', 'GPU显存不足']);
        indexAll();
        assert.deepEqual(found('语音'), ['我们今天讨论语音识别的问题。']);
        assert.deepEqual(found('音'), ['我们今天讨论语音识别的问题。', '音声認識のテストです']);
        assert.deepEqual(found('音语'), []);
        assert.deepEqual(found('テスト'), ['音声認識のテストです']);
        assert.deepEqual(found('认识'), []);
        assert.deepEqual(found('인식'), ['음성 인식 테스트']);
        assert.deepEqual(found('gpu显存'), ['GPU显存不足']);
        assert.deepEqual(found('显存 gpu'), ['GPU显存不足']);
      });

      it('words that are spread over two utterances that follow each other, after those within one', () => {
        const made = job({ stages: ['asr', 'nmt'], options: { repair: false, translateTo: 'de' }, language: 'en' });
        say(
          made,
          [
            'we will publish the annual',
            'report in May',
            'annual reports are long',
            'the report of this annual',
            'thing',
          ],
          text => `zu ${text.length}`,
        );
        say(job(), ['annual']);
        say(job(), ['report']);
        indexAll();
        const { hits, total, next } = store.find({ words: 'annual report' }, { limit: 50, cursor: 0 });
        assert.deepEqual(
          hits.map(hit => [hit.job === made.id, hit.index, hit.text.text]),
          [
            [true, 3, 'the report of this annual'],
            [true, 2, 'annual reports are long the report of this annual'],
            [true, 1, 'report in May annual reports are long'],
            [true, 0, 'we will publish the annual report in May'],
          ].filter(row => row[1] !== 2),
        );
        assert.deepEqual([total, next], [3, null]);
        const last = hits.at(-1)!;
        assert.deepEqual(
          [last.startMs, last.endMs, last.atMs, last.text.marks, last.translation?.text],
          [
            0,
            1900,
            4,
            [
              [20, 26],
              [27, 33],
            ],
            'zu 26 zu 13',
          ],
        );
        assert.equal(store.find({ words: 'annual report', language: 'fr' }, { limit: 50, cursor: 0 }).total, 0);
        assert.deepEqual(
          store.find({ words: 'annual report' }, { limit: 2, cursor: 2 }).hits.map(hit => hit.index),
          [0],
        );
        assert.deepEqual(found('annual may'), [
          'report in May annual reports are long',
          'we will publish the annual report in May',
        ]);
        assert.deepEqual(found('publish thing'), []);
      });

      it('says where and when, marked', () => {
        const made = job({ stages: ['asr', 'nmt'], options: { repair: false, translateTo: 'de' }, language: 'en' });
        say(made, ['good morning', 'the cat sat on the mat'], text => `auf deutsch ${text.length}`);
        indexAll();
        const [hit] = store.find({ words: '"the mat"' }, { limit: 5, cursor: 0 }).hits;
        assert.deepEqual(
          { ...hit, createdAt: 0 },
          {
            job: made.id,
            recording: { path: made.path, name: made.name },
            createdAt: 0,
            language: 'en',
            index: 1,
            startMs: 1000,
            endMs: 1900,
            atMs: 1000,
            text: { text: 'the cat sat on the mat', marks: [[15, 22]] },
            translation: { text: 'auf deutsch 22', marks: [] },
          },
        );
        assert.equal(store.find({ words: 'mat' }, { limit: 5, cursor: 0 }).hits[0]!.atMs, 1005);
        assert.equal(store.find({ words: 'deutsch' }, { limit: 5, cursor: 0 }).total, 2);
      });

      it('narrowed by language, path and time, a page at a time, the best and newest first', () => {
        const old = job({ id: ulid(1_000), path: '/a/old.wav', createdAt: 1_000, language: 'en' }),
          fresh = job({ id: ulid(2_000), path: '/b/new.wav', createdAt: 2_000, language: 'es' });
        say(old, ['word', 'word']);
        say(fresh, ['word', 'word and much more beside it']);
        indexAll();
        const page = (query: object, cursor = 0, limit = 50) =>
          store.find({ words: 'word', ...query }, { limit, cursor });
        assert.deepEqual(
          page({}).hits.map(hit => [hit.job, hit.index]),
          [
            [fresh.id, 0],
            [old.id, 1],
            [old.id, 0],
            [fresh.id, 1],
          ],
        );
        assert.deepEqual(
          page({ language: 'en' }).hits.map(hit => hit.job),
          [old.id, old.id],
        );
        assert.deepEqual(
          page({ path: '/b/' }).hits.map(hit => hit.job),
          [fresh.id, fresh.id],
        );
        assert.deepEqual(
          page({ since: 1_500 }).hits.map(hit => hit.job),
          [fresh.id, fresh.id],
        );
        assert.equal(page({}, 0, 3).next, 3);
        assert.deepEqual(
          page({}, 3, 3).hits.map(hit => hit.index),
          [1],
        );
        assert.equal(page({}, 3, 3).next, null);
      });

      it('whatever is typed', () => {
        say(job(), ['a plain OR text AND NOT more']);
        indexAll();
        for (const words of [
          '"',
          '""',
          '*',
          '"*"',
          'NEAR(a b)',
          'text:a',
          'plain" OR "x',
          "it's",
          '^plain',
          '-plain',
          '(',
          'a + b',
          '\\',
          '{text} : plain',
          '\u0000',
          '🙂',
          "'; DROP TABLE said; --",
        ])
          assert.doesNotThrow(() => found(words), words);
        assert.deepEqual(found('plain OR text'), ['a plain OR text AND NOT more']);
        assert.deepEqual(found('plain OR nothing'), []);
        fc.assert(
          fc.property(fc.string({ unit: 'grapheme', maxLength: 30 }), words => {
            found(words, { typing: true });
          }),
          { numRuns: 200 },
        );
      });

      it('every text by any of its own words', () => {
        fc.assert(
          fc.property(
            fc.array(
              fc.string({
                unit: fc.constantFrom(
                  'a',
                  'é',
                  'İ',
                  'ß',
                  '语',
                  'が',
                  'ｶ',
                  'ー',
                  '한',
                  'ไ',
                  'ท',
                  '्',
                  'ह',
                  '٣',
                  '1',
                  ' ',
                  ',',
                  '𠮷',
                ),
                minLength: 1,
                maxLength: 12,
              }),
              { minLength: 1, maxLength: 4 },
            ),
            texts => {
              const made = job();
              say(made, texts);
              indexAll();
              for (const text of texts)
                for (const word of text.split(/[ ,]+/).filter(each => /[\p{L}\p{N}]/u.test(each))) {
                  const hits = store.find({ words: word }, { limit: 200, cursor: 0 }).hits;
                  assert.ok(
                    hits.some(hit => hit.text.text === text),
                    `${word} in ${text}`,
                  );
                  assert.ok(
                    hits.every(hit => hit.text.marks.length > 0),
                    word,
                  );
                }
              store.update(made.id, { state: 'completed', finishedAt: 1 });
              store.remove([made.id]);
            },
          ),
          { numRuns: 40 },
        );
      });

      it('only what is settled, and the rest once the job has ended', () => {
        const made = job({ stages: ['asr', 'repair'] });
        say({ ...made, stages: ['asr'] }, ['first words']);
        indexAll();
        assert.deepEqual(found('words'), []);
        ended(made);
        indexAll();
        assert.deepEqual(found('words'), ['first words']);
      });

      it('after a crash in between, however small the pieces', () => {
        const made = job(),
          other = job();
        say(
          made,
          Array.from({ length: 7 }, (_, i) => `word ${i}`),
        );
        say(other, ['word other']);
        store.indexSome(3);
        store = place.reopen(store);
        assert.equal(store.find({ words: 'word' }, { limit: 1, cursor: 0 }).indexing, true);
        indexAll(2);
        assert.equal(found('word').length, 8);
        assert.equal(store.find({ words: 'word' }, { limit: 1, cursor: 0 }).indexing, false);
        ended(made);
        indexAll();
        assert.equal(found('word').length, 8);
      });

      it('no more once its job is removed, and anew when it is retried', () => {
        const made = job(),
          gone = job({ state: 'completed', finishedAt: 10 });
        say(made, ['some word']);
        say(gone, ['gone word', 'word']);
        const { token } = store.claim({ job: made.id, stage: 'asr', from: 1, to: 2, instance: 'i', at: 1 });
        store.addUtterances(made.id, [{ index: 1, startMs: 1000, endMs: 1900 }]);
        store.abandon(token, failure('engineFailed'), 1, { counts: true, gaveUp: [1] });
        indexAll();
        assert.equal(found('word').length, 3);
        store.remove([gone.id]);
        assert.deepEqual(found('word'), ['some word']);
        store.clearFailures(made.id);
        store.finish(
          store.claim({ job: made.id, stage: 'asr', from: 1, to: 2, instance: 'i', at: 1 }).token,
          1,
          heard('second word'),
          2,
        );
        indexAll();
        assert.deepEqual(found('word'), ['second word', 'some word']);
      });
    });

    it('undoes a batch that fails', () => {
      const job = withUtterances(1);
      assert.throws(() =>
        store.batch(() => {
          claim(job);
          throw new Error('no');
        }),
      );
      assert.deepEqual(store.openAttempts(), []);
    });

    it('finishes every step once, whatever is given up in between', () => {
      const word = fc.record({ step: fc.nat(4), act: fc.constantFrom('claim', 'finish', 'finishLate', 'abandon') });
      fc.assert(
        fc.property(fc.array(word, { maxLength: 60 }), words => {
          const job = withUtterances(5);
          const open = new Map<number, number>(),
            given: { step: number; token: number }[] = [],
            done = new Map<number, string>();
          for (const { step, act } of words) {
            const token = open.get(step);
            if (act === 'claim' && token === undefined && !done.has(step)) open.set(step, claim(job, step).token);
            else if (act === 'abandon' && token !== undefined) {
              store.abandon(token, failure('workerCrashed', { engine: 'e', exit: 1 }), 1, { counts: true, gaveUp: [] });
              open.delete(step);
              given.push({ step, token });
            } else if (act === 'finish' && token !== undefined) {
              assert.equal(store.finish(token, step, heard(`${token}`), 1), true);
              store.close(token, 1);
              open.delete(step);
              done.set(step, `${token}`);
            } else if (act === 'finishLate')
              for (const late of given) assert.equal(store.finish(late.token, late.step, heard('late'), 1), false);
          }
          for (const utterance of store.utterances(job.id))
            assert.equal(utterance.asr?.text, done.get(utterance.index));
        }),
        { numRuns: 30 },
      );
    });

    describe('watched folders', () => {
      const file = (path: string, change: Partial<FileRow> = {}): FileRow => ({
        folder: '/f',
        path,
        bytes: 3,
        modifiedAt: 12.125,
        identity: '1:2',
        content: null,
        job: null,
        decision: { code: 'before', args: {} },
        at: 5,
        ...change,
      });

      it('keeps folders and what was decided, also after reopening', () => {
        const spec = { path: '/f', options: { repair: true }, exclude: ['x*'] };
        store.watched.putFolder({ spec, paused: false, since: 4 });
        store.watched.putFolder({ spec, paused: true, since: 9 });
        const refused = file('/f/a.wav', {
          decision: { code: 'refused', args: { n: 1 }, failure: failure('emptyFile', { path: '/f/a.wav' }) },
          identity: '18446744073709551615:1',
        });
        store.watched.putFiles([refused, file('/f/b.wav', { content: 'c', at: 6 })]);
        store = place.reopen(store);
        assert.deepEqual(store.watched.folders(), [{ spec, paused: true, since: 4 }]);
        assert.deepEqual(store.watched.file('/f', '/f/a.wav'), refused);
        assert.deepEqual(
          store.watched.recent('/f', 10).map(row => row.path),
          ['/f/b.wav', '/f/a.wav'],
        );
        assert.deepEqual(
          [
            store.watched.byIdentity('/f', '1:2').length,
            store.watched.byContent('/f', 'c').length,
            store.watched.byIdentity('/g', '1:2').length,
          ],
          [1, 1, 0],
        );
        assert.deepEqual(store.watched.count('/f'), { taken: 0, refused: 1 });
      });

      it('knows what was taken, and what of it is open or may be moved', () => {
        const [open, done] = [row(), row({ state: 'completed', startedAt: 3, finishedAt: 4 })];
        store.batch(() => {
          store.submit([open, done]);
          store.watched.putFiles([
            file('/f/a.wav', { content: 'a', job: open.id, decision: { code: 'taken', args: {} } }),
            file('/f/b.wav', { content: 'b', job: done.id, decision: { code: 'taken', args: {} } }),
          ]);
          store.watched.putTaken({ folder: '/f', content: 'a', path: '/f/a.wav', job: open.id });
          store.watched.putTaken({ folder: '/f', content: 'b', path: '/f/b.wav', job: done.id });
        });
        assert.deepEqual(store.watched.open(), [
          { folder: '/f', content: 'a', path: '/f/a.wav', job: open.id, started: false },
        ]);
        assert.deepEqual(
          store.watched.unmoved('/f').map(each => each.path),
          ['/f/b.wav'],
        );
        store.watched.putFiles([file('/f/b.wav', { decision: { code: 'moved', args: {} } })]);
        assert.deepEqual(store.watched.unmoved('/f'), []);
        assert.equal(store.watched.takenBy(done.id)!.content, 'b');
        store.watched.removeFolder('/f', false);
        assert.equal(store.watched.taken('/f', 'a')!.job, open.id);
        store.watched.removeFolder('/f', true);
        assert.deepEqual([store.watched.taken('/f', 'a'), store.watched.file('/f', '/f/a.wav')], [null, null]);
      });

      it('writes a job and that its file was taken together or not at all', () => {
        assert.throws(
          () =>
            store.turn(() => {
              store.submit([row()]);
              store.watched.putTaken({ folder: '/f', content: 'a', path: '/f/a.wav', job: 'J' });
              throw new Error('crash');
            }),
          /crash/,
        );
        assert.deepEqual([store.list({ limit: 5 }).total, store.watched.taken('/f', 'a')], [0, null]);
      });
    });
  });
}
