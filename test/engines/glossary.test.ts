/**
 * What a glossary does to real models: terms are translated as it demands, and a term that was heard is not repaired
 * away.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { llama } from '../../daemon/engines/llama/engine.ts';
import { home } from '../../daemon/auth/home.ts';
import { createRuntimes } from '../../daemon/runtimes/runtimes.ts';
import type { StepInputs } from '../../daemon/contracts/worker-protocol.ts';
import type { GlossaryEntry } from '../../schemas/job.ts';
import { DEFAULTS } from '../../schemas/settings.ts';
import { missing, modelFolder } from './place.ts';
import { TestWorker } from './worker-harness.ts';

const runtimes = createRuntimes({ home: home(), settings: () => DEFAULTS }),
  runtime = (id: 'llama' | 'dictionaries'): string | null => (runtimes.ready(id) ? runtimes.directory(id) : null);
/** The default of a machine without a GPU. */
const model = modelFolder('qwen2.5-coder-1.5b-instruct'),
  needs = {
    'the llama runtime': runtime('llama'),
    'the dictionaries': runtime('dictionaries'),
    'qwen2.5-coder-1.5b-instruct': model,
  };
const open = (stage: 'nmt' | 'repair'): TestWorker =>
  new TestWorker({
    engine: llama,
    stage,
    directory: model!,
    // Two would come to a standstill where other programs take the cores.
    threads: 1,
    runtimes: { llama: runtime('llama')!, dictionaries: runtime('dictionaries')! },
  });

describe('a glossary and the default model', { skip: missing(needs), timeout: 300_000 }, () => {
  it('translations that it demands are there, and without it they are others', async () => {
    const say = (glossary: GlossaryEntry[]): StepInputs['nmt'] => ({
      text: 'La demora del sonido depende de la centralita y del buzón de voz.',
      from: 'es',
      to: 'en',
      before: [],
      glossary,
    });
    await using worker = open('nmt');
    await worker.loaded;
    const [plain] = await worker.run<'nmt'>([say([])]);
    const [demanded] = await worker.run<'nmt'>([
      say([
        { term: 'centralita', translation: 'Centrex board' },
        { term: 'buzón de voz', translation: 'message box' },
      ]),
    ]);
    console.log(`without: ${plain!.text}\nwith: ${demanded!.text}`);
    assert.doesNotMatch(plain!.text, /Centrex board|message box/i);
    assert.match(demanded!.text, /Centrex board/i);
    assert.match(demanded!.text, /message box/i);
  });

  it('a term that was heard stays, where without the glossary it is taken for a mishearing', async () => {
    const words = 'El propósito es darle una idea de la dimora del sonido entre usted y el sistema'.split(' ');
    const heard = (glossary: GlossaryEntry[]): StepInputs['repair'] => ({
      text: words.join(' '),
      words: words.map((text, i) => ({
        text: ` ${text}`,
        startMs: i * 300,
        endMs: i * 300 + 250,
        probability: text === 'dimora' ? 0.3 : 0.95,
      })),
      language: 'es',
      before: '',
      glossary,
    });
    await using worker = open('repair');
    await worker.loaded;
    const [plain] = await worker.run<'repair'>([heard([])]),
      [kept] = await worker.run<'repair'>([heard([{ term: 'dimora' }])]);
    console.log(`without: ${plain!.text}\nwith: ${kept!.text}`);
    assert.match(plain!.text, /la demora/);
    assert.match(kept!.text, /la dimora/);
  });
});
