/** What is really sent is what the sentences read: failures from where they come from, in both languages. */
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { modelsFor } from '../../daemon/jobs/request.ts';
import { readRegistry } from '../../daemon/models/registry.ts';
import { neverFits } from '../../daemon/scheduler/admit.ts';
import type { ModelView, Snapshot } from '../../daemon/scheduler/snapshot.ts';
import type { ArgKinds } from '../../schemas/args.ts';
import { EarshotError, ERROR_CODES, ERRORS, failure, thrown, toFailure, type ErrorCode } from '../../schemas/errors.ts';
import type { JobOptions } from '../../schemas/job.ts';
import { DECISIONS } from '../../schemas/watch.ts';
import { REASONS } from '../../schemas/reasons.ts';
import { DEFAULTS } from '../../schemas/settings.ts';
import { sentence } from '../../text/messages/messages.ts';

const GiB = 1024 ** 3;
const model = (id: string, gigabytes: number): ModelView => ({
  id,
  engine: 'test',
  stages: ['asr'],
  family: 'f',
  size: gigabytes,
  devices: ['gpu'],
  elastic: false,
  maxBatch: 1,
  need: { 'GPU-0': gigabytes * GiB },
  loadMs: {},
  msPerSecond: 1,
  notBefore: {},
  waiting: null,
});
const snapshot = (...models: ModelView[]): Snapshot => ({
  open: true,
  ingestsRunning: 0,
  jobs: [],
  instances: [],
  models: Object.fromEntries(models.map(each => [each.id, each])),
  devices: [
    {
      id: 'GPU-0',
      kind: 'gpu',
      name: 'RTX 4090',
      admissible: 24 * GiB,
      cap: 24 * GiB,
      cores: Infinity,
      usable: true,
      loading: false,
      releasing: false,
      pressed: false,
    },
  ],
  policy: DEFAULTS,
  advice: {},
});

describe('from the sender to the sentence', () => {
  it('a model that never fits', () => {
    const large = model('large', 30);
    const why = neverFits(snapshot(large, model('small', 2)), 'asr', large);
    assert.equal(
      sentence(why!, 'en'),
      'large needs 32.2 GB, but the largest device (RTX 4090) allows only 25.8 GB. These models would fit: small.',
    );
    assert.equal(
      sentence(why!, 'zh-cn'),
      '模型 large 需要 32.2 GB，而最大的设备（RTX 4090）只允许 25.8 GB。以下模型放得下：small。',
    );
    assert.match(sentence(neverFits(snapshot(large), 'asr', large)!, 'en'), /Choose a smaller model\.$/);
  });

  it('a language that a model, or no model at all, knows', () => {
    const cards = readRegistry().models,
      english = cards.find(card => card.stages.includes('asr') && card.languages.join() === 'en')!;
    const choices = { card: (id: string) => cards.find(card => card.id === id), voice: () => undefined };
    const said = (request: Partial<JobOptions>, defaults: Parameters<typeof modelsFor>[3]): string[] => {
      try {
        modelsFor({ repair: false, language: 'de', ...request }, null, choices, defaults);
      } catch (error) {
        return (['en', 'zh-cn'] as const).map(locale => sentence(toFailure(error), locale));
      }
      return [];
    };
    const [one, chinese] = said({}, { asr: english.id });
    assert.ok(one!.includes(english.id) && one!.includes('German'), one);
    assert.ok(chinese!.includes(english.id) && chinese!.includes('德语'), chinese);
    const none = said(
      { translateTo: 'fr' },
      { asr: cards.find(card => card.languages.length === 0)?.id ?? 'whisper-base' },
    );
    assert.match(none[0]!, /translation|Translation/);
    assert.match(none[1]!, /翻译/);
    const pair = {
        ...cards.find(({ id }) => id === 'm2m100-418m')!,
        ...{ id: 'opus-mt-de-es', languages: ['de'], parameters: { family: 'opus-mt', to: 'es' } },
      },
      asked = (translateTo: string) => (): unknown =>
        modelsFor(
          { repair: false, language: 'de', translateTo, models: { asr: 'whisper-base', nmt: pair.id } },
          null,
          { ...choices, card: id => (id === pair.id ? pair : choices.card(id)) },
          {},
        );
    assert.deepEqual(asked('es-MX')(), { asr: 'whisper-base', nmt: pair.id });
    assert.throws(asked('fr'), (error: unknown) =>
      /opus-mt-de-es does not support French for translation/i.test(sentence(toFailure(error), 'en')),
    );
  });

  it('a voice that the model lacks, with those that it has', () => {
    const cards = readRegistry().models,
      choices = { card: (id: string) => cards.find(card => card.id === id), voice: () => undefined };
    const speaking = (tts: string, voice: string): ReturnType<typeof modelsFor> =>
      modelsFor(
        { repair: false, language: 'en', speak: true, voice, models: { asr: 'whisper-base', tts } },
        null,
        choices,
        {},
      );
    assert.equal(speaking('kokoro', 'af_heart').tts, 'kokoro');
    for (const [tts, voice, has] of [
      ['kokoro', 'af_nobody', /af_heart/],
      ['piper-en-us-joe-medium', 'af_heart', /its own/],
    ] as const)
      assert.throws(
        () => speaking(tts, voice),
        (error: unknown) => {
          const why = toFailure(error);
          assert.match(why.detail ?? '', has);
          assert.ok(sentence(why, 'en').includes(tts), sentence(why, 'en'));
          return why.code === 'noVoice';
        },
      );
  });

  it('nothing that is missing is sent, and what is thrown on stays what it was', () => {
    assert.deepEqual(failure('diskFull', { path: '/a', neededBytes: undefined }), {
      code: 'diskFull',
      args: { path: '/a' },
    });
    const why = { code: 'fromTheFuture', args: { n: 1 }, detail: 'x' };
    assert.deepEqual(toFailure(thrown(why)), why);
    assert.deepEqual(toFailure(new EarshotError('cancelled')), { code: 'cancelled', args: {} });
  });
});

describe('the lists', () => {
  const root = join(import.meta.dirname, '../..');
  /** Where codes are sent: all sources without comparisons, lists and what makes the sentences. */
  const senders = globSync(['{daemon,client,cli,extension}/**/*.{ts,py,sql}', 'text/*.ts'], { cwd: root })
    .map(path => readFileSync(join(root, path), 'utf8'))
    .join('\n')
    .replaceAll(/new (Set|Map)<(string|ErrorCode)[^>]*>\(\[[^;]*?\]\)/g, '')
    .replaceAll(/[!=]== '\w+'/g, '');
  const unsent = (codes: readonly string[]): string[] =>
    codes.filter(code => !new RegExp(`['"]${code}['"]`).test(senders));

  it('every code has a sender', () => {
    assert.deepEqual(unsent(ERROR_CODES), []);
    assert.deepEqual(unsent(Object.keys(REASONS)), []);
    assert.deepEqual(unsent(Object.keys(DECISIONS)), []);
  });

  it('what a Python worker raises has all that its sentence needs', () => {
    let seen = 0;
    for (const path of globSync('daemon/engines/**/*.py', { cwd: root }))
      for (const [raised, code, named] of readFileSync(join(root, path), 'utf8').matchAll(
        /raise Failed\("(\w+)", \{([^}]*)\}/g,
      )) {
        // The daemon knows the engine and the model of the worker.
        const given = ['engine', 'model', ...[...named!.matchAll(/"(\w+)":/g)].map(each => each[1]!)];
        const kinds: ArgKinds = ERRORS[code as ErrorCode];
        for (const [name, kind] of Object.entries(kinds))
          assert.ok(kind.endsWith('?') || given.includes(name), `${path}: ${raised} lacks ${name}`);
        for (const name of given.slice(2)) assert.ok(name in kinds, `${path}: ${raised} has ${name}`);
        seen += 1;
      }
    assert.ok(seen >= 5);
  });

  it('every code that is looked for is one of the list', () => {
    const known = new Set<string>(ERROR_CODES);
    for (const path of globSync('{daemon,client,cli,extension}/**/*.ts', { cwd: root })) {
      const text = readFileSync(join(root, path), 'utf8');
      for (const [, code] of text.matchAll(/(?:failure|why|failed|error\.failure)!?\??\.code [!=]== '(\w+)'/g))
        assert.ok(known.has(code!), `${path}: ${code}`);
    }
  });
});
