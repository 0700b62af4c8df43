/**
 * Translators for CTranslate2 in little, made here: their words mean nothing, their way through the engine is that of
 * the real ones.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { m2m100 } from '../../daemon/engines/m2m100/engine.ts';
import { python as interpreter } from '../../daemon/runtimes/python.ts';
import type { LoadRequest, StepInputs } from '../../daemon/contracts/worker-protocol.ts';
import { detect } from '../../daemon/models/detect.ts';
import { EarshotError } from '../../schemas/errors.ts';
import { missing, python } from './place.ts';
import { TestWorker } from './worker-harness.ts';

const say = (text: string, to = 'es'): StepInputs['nmt'] => ({ text, from: 'en', to, before: [], glossary: [] });

describe('translators for CTranslate2', { skip: missing({ 'the Python runtime': python }) }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'earshot-translators-')),
    model = join(folder, 'm2m100');
  const make = (family: string): string => {
    const directory = join(folder, family);
    execFileSync(
      interpreter(python!),
      [join(import.meta.dirname, '..', 'fixtures', 'tiny_translator.py'), directory, family],
      { stdio: 'ignore' },
    );
    return directory;
  };
  const open = (directory = model, parameters: LoadRequest['parameters'] = {}): TestWorker =>
    new TestWorker({
      engine: m2m100,
      stage: 'nmt',
      directory,
      parameters,
      precision: 'int8',
      runtimes: { python: python! },
    });
  const refused = (language: string) => (error: unknown) =>
    error instanceof EarshotError &&
    error.failure.code === 'languageNotSupported' &&
    error.failure.args.language === language;
  before(() => void make('m2m100'));
  after(() => rmSync(folder, { recursive: true, force: true }));

  it('translates, alone and in a batch alike, and leaves no token of its own in the text', async () => {
    await using worker = open();
    assert.deepEqual(await worker.loaded, { precision: 'int8_float32', languages: 3 });
    const texts = ['The sun rose early. Boats went out and came back with fish.', 'The harbour.', ''];
    const together = await worker.run<'nmt'>(texts.map(text => say(text)));
    for (const [n, text] of texts.entries()) assert.deepEqual((await worker.run<'nmt'>([say(text)]))[0], together[n]);
    for (const { text, language } of together) {
      assert.equal(language, 'es');
      assert.doesNotMatch(text, /__|<\/?s>|<pad>|<unk>|▁|\s\s/);
    }
    assert.equal(together[2]!.text, '');
    assert.notEqual(together[0]!.text, '');
  });

  it('translates each sentence for itself', async () => {
    await using worker = open();
    await worker.loaded;
    const [both, first, second] = await worker.run<'nmt'>([
      say('Mr. Fish went out. "The sun?" rose.'),
      say('Mr. Fish went out.'),
      say('"The sun?" rose.'),
    ]);
    const [again] = await worker.run<'nmt'>([say('"The sun?"')]);
    const [rose] = await worker.run<'nmt'>([say('rose.')]);
    assert.equal(second!.text, [again!.text, rose!.text].filter(Boolean).join(' '));
    assert.equal(both!.text, [first!.text, second!.text].filter(Boolean).join(' '));
  });

  it('aims at the language asked for and refuses one it does not know', async () => {
    await using worker = open();
    await worker.loaded;
    const [spanish, chinese, regional] = await worker.run<'nmt'>([
      say('The sun rose early'),
      say('The sun rose early', 'zh'),
      say('The sun rose early', 'es-MX'),
    ]);
    assert.notEqual(spanish!.text, chinese!.text);
    assert.deepEqual(regional, { text: spanish!.text, language: 'es-MX' });
    await assert.rejects(worker.run<'nmt'>([say('The sun', 'fi')]), refused('fi'));
    assert.equal((await worker.run<'nmt'>([say('The sun rose early')]))[0]!.text, spanish!.text);
  });

  it('an NLLB is told its languages by the names that it knows them by, and which script', async () => {
    const { card } = detect(make('nllb'));
    assert.deepEqual([card.engine, card.family, card.stages, card.languages], ['m2m100', 'nllb', ['nmt'], []]);
    await using worker = open(join(folder, 'nllb'), card.parameters!);
    assert.deepEqual(await worker.loaded, { precision: 'int8_float32', languages: 5 });
    const [spanish, regional, simplified, traditional, asturian] = await worker.run<'nmt'>(
      ['es', 'es-MX', 'zh', 'zh-TW', 'ast'].map(to => say('The sun rose early.', to)),
    );
    assert.equal(new Set([spanish, simplified, traditional, asturian].map(each => each!.text)).size, 4);
    assert.deepEqual(regional, { text: spanish!.text, language: 'es-MX' });
    for (const { text } of [spanish!, simplified!]) assert.doesNotMatch(text, /_Latn|_Han|<\/?s>|▁/);
    await assert.rejects(worker.run<'nmt'>([say('The sun', 'fi')]), refused('fi'));
  });

  it('an OPUS-MT model writes the language that it was made for, or those that it can be asked for', async () => {
    const pair = detect(make('opus-mt')).card,
      many = detect(make('opus-mt-many')).card;
    assert.deepEqual(
      [pair.family, pair.languages, pair.parameters, many.languages, many.parameters],
      ['opus-mt', ['en'], { family: 'opus-mt', to: 'es' }, ['en'], { family: 'opus-mt' }],
    );
    await using one = open(join(folder, 'opus-mt'), pair.parameters!);
    await one.loaded;
    const [alone] = await one.run<'nmt'>([say('The sun rose. Boats went out.')]);
    const [first, second] = await one.run<'nmt'>([say('The sun rose.'), say('Boats went out.', 'es-MX')]);
    assert.equal(alone!.text, [first!.text, second!.text].filter(Boolean).join(' '));
    assert.notEqual(alone!.text, '');
    assert.doesNotMatch(alone!.text, /<\/?s>|<unk>|▁/);
    await assert.rejects(one.run<'nmt'>([say('The sun', 'fr')]), refused('fr'));

    await using several = open(join(folder, 'opus-mt-many'), many.parameters!);
    assert.deepEqual(await several.loaded, { precision: 'int8_float32', languages: 3 });
    const texts = await several.run<'nmt'>(['es', 'fr', 'zh'].map(to => say('The sun rose early.', to)));
    assert.equal(new Set(texts.map(({ text }) => text)).size, 3);
    for (const { text } of texts) assert.doesNotMatch(text, /<<|>>|<\/?s>/);
    await assert.rejects(several.run<'nmt'>([say('The sun', 'de')]), refused('de'));
  });

  it('says that a folder without the model, or with half of it, is broken', async () => {
    const half = join(folder, 'half');
    mkdirSync(half);
    for (const fill of [() => undefined, () => writeFileSync(join(half, 'sentencepiece.bpe.model'), 'no model')]) {
      fill();
      await using worker = open(half);
      await assert.rejects(worker.loaded, (error: EarshotError) => error.failure.code === 'modelBroken');
    }
  });
});
