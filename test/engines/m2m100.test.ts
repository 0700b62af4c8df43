/**
 * The M2M100 engine on a model in little, made here: its words mean nothing, its way through the engine is the real
 * one's.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { m2m100 } from '../../daemon/engines/m2m100/engine.ts';
import { python as interpreter } from '../../daemon/runtimes/python.ts';
import type { StepInputs } from '../../daemon/contracts/worker-protocol.ts';
import { EarshotError } from '../../schemas/errors.ts';
import { missing, python } from './place.ts';
import { TestWorker } from './worker-harness.ts';

const say = (text: string, to = 'es'): StepInputs['nmt'] => ({ text, from: 'en', to, before: [], glossary: [] });

describe('m2m100', { skip: missing({ 'the Python runtime': python }) }, () => {
  const model = mkdtempSync(join(tmpdir(), 'earshot-m2m100-'));
  const open = (directory = model): TestWorker =>
    new TestWorker({ engine: m2m100, stage: 'nmt', directory, precision: 'int8', runtimes: { python: python! } });
  before(() =>
    execFileSync(interpreter(python!), [join(import.meta.dirname, '..', 'fixtures', 'tiny_m2m100.py'), model], {
      stdio: 'ignore',
    }),
  );
  after(() => rmSync(model, { recursive: true, force: true }));

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
    await assert.rejects(
      worker.run<'nmt'>([say('The sun', 'fi')]),
      (error: EarshotError) => error.failure.code === 'languageNotSupported' && error.failure.args.language === 'fi',
    );
    assert.equal((await worker.run<'nmt'>([say('The sun rose early')]))[0]!.text, spanish!.text);
  });

  it('says that a folder without the model, or with half of it, is broken', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'earshot-m2m100-'));
    try {
      for (const fill of [() => undefined, () => writeFileSync(join(folder, 'sentencepiece.bpe.model'), 'no model')]) {
        fill();
        await using worker = open(folder);
        await assert.rejects(worker.loaded, (error: EarshotError) => error.failure.code === 'modelBroken');
      }
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
