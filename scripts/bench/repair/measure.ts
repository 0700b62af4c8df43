/**
 * Measures repair on utterances that Whisper base recognized: errors before and after, what was repaired and what was
 * broken.
 *   node scripts/bench/repair/measure.ts --runtime DIR --dictionaries DIR --model FILE.gguf [--threads 1]
 *     [--cache FILE] [--stride 1] [--verbose] FIXTURE.jsonl…
 * The cache keeps the model's answers, so that other prices and limits can be tried without asking it again.
 */
import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { CachedPrefix } from '../../../daemon/engines/llama/cached-prefix.ts';
import { LlamaJudge } from '../../../daemon/engines/llama/judge.ts';
import { openRuntime } from '../../../daemon/engines/llama/runtime.ts';
import { openDictionaries } from '../../../daemon/repair/dictionaries.ts';
import type { Judge, Reading } from '../../../daemon/repair/judge.ts';
import type { Weighed } from '../../../daemon/repair/decide.ts';
import { repair } from '../../../daemon/repair/repair.ts';
import { wordErrors } from './errors.ts';

interface Fixture {
  id: string;
  language: string;
  text: string;
  truth: string;
  before?: string;
  words: [string, number][];
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    runtime: { type: 'string' },
    dictionaries: { type: 'string' },
    model: { type: 'string' },
    threads: { type: 'string', default: '1' },
    cache: { type: 'string' },
    stride: { type: 'string', default: '1' },
    verbose: { type: 'boolean', default: false },
  },
});
if (!values.runtime || !values.dictionaries || !values.model)
  throw new Error('--runtime, --dictionaries and --model are needed');
const { runtime: runtimeFolder, model: weights, threads, cache: cacheFile } = values;

/** Opened only when the cache lacks an answer. */
let opened: Promise<LlamaJudge> | null = null;
const judgeOf = (): Promise<LlamaJudge> =>
  (opened ??= (async () => {
    const runtime = await openRuntime(runtimeFolder, 'cpu', Number(threads));
    const model = await runtime.llama.loadModel({ modelPath: weights, gpuLayers: 0 });
    const context = await model.createContext({
      contextSize: 3072,
      sequences: 1,
      batchSize: 128,
      threads: { ideal: Number(threads), min: 1 },
    });
    return new LlamaJudge(model, new CachedPrefix(context.getSequence()));
  })());

const known = new Map<string, unknown>();
if (cacheFile && existsSync(cacheFile))
  for (const line of readFileSync(cacheFile, 'utf8').split('\n').filter(Boolean)) {
    const [key, answer] = JSON.parse(line) as [string, unknown];
    known.set(key, answer);
  }
async function cached<T>(key: string, ask: () => Promise<T>): Promise<T> {
  if (known.has(key)) return known.get(key) as T;
  const answer = await ask();
  known.set(key, answer);
  if (cacheFile) appendFileSync(cacheFile, `${JSON.stringify([key, answer])}\n`);
  return answer;
}

const cachingJudge: Judge = {
  async open(utterance, signal) {
    let real: Promise<Reading> | null = null;
    const reading = () => (real ??= judgeOf().then(judge => judge.open(utterance)));
    const key = (name: string, question: unknown) => JSON.stringify([name, utterance.before, question]);
    return {
      surprise: words => cached(key('surprise', words), async () => (await reading()).surprise!(words, signal)),
      weigh: question => cached(key('weigh', question), async () => (await reading()).weigh(question, signal)),
      expect: ({ accepts, ...question }) =>
        cached(key('expect', question), async () => (await reading()).expect!({ ...question, accepts }, signal)),
    };
  },
};

const dictionaries = openDictionaries(values.dictionaries),
  signal = new AbortController().signal;
const totals = new Map<
  string,
  {
    words: number;
    before: number;
    after: number;
    repaired: number;
    broken: number;
    neutral: number;
    cpuMs: number;
    utterances: number;
  }
>();
for (const file of positionals)
  for (const line of readFileSync(file, 'utf8')
    .split('\n')
    .filter(Boolean)
    .filter((_, i) => i % Number(values.stride) === 0)) {
    const fixture = JSON.parse(line) as Fixture;
    const words = fixture.words.map(([text, probability]) => ({ text, probability, startMs: 0, endMs: 0 })),
      traces: Weighed[] = [];
    const cpu = process.cpuUsage();
    const out = await repair(
      { text: fixture.text, words, language: fixture.language, before: fixture.before ?? '', glossary: [] },
      cachingJudge,
      dictionaries,
      signal,
      one => traces.push(one),
    );
    const used = process.cpuUsage(cpu),
      before = wordErrors(fixture.truth, fixture.text),
      after = wordErrors(fixture.truth, out.text);
    const name = `${fixture.language}${file.includes('sample') ? ' samples' : ''}`;
    const total = totals.get(name) ?? {
      words: 0,
      before: 0,
      after: 0,
      repaired: 0,
      broken: 0,
      neutral: 0,
      cpuMs: 0,
      utterances: 0,
    };
    totals.set(name, total);
    total.words += before.words;
    total.before += before.errors;
    total.after += after.errors;
    total.utterances++;
    total.cpuMs += (used.user + used.system) / 1000;
    console.log(`${fixture.id} ${before.errors} → ${after.errors}${out.refused ? ` refused: ${out.refused}` : ''}`);
    for (const one of traces.filter(({ taken }) => taken)) {
      const alone =
        wordErrors(
          fixture.truth,
          fixture.text.replace(one.heard, () => one.text),
        ).errors - before.errors;
      total[alone < 0 ? 'repaired' : alone > 0 ? 'broken' : 'neutral']++;
      console.log(
        `  ${alone < 0 ? 'repaired ' : alone > 0 ? 'BROKEN ' : 'neutral'} ${one.heard} → ${one.text}  gain ` +
          `${one.gain.toFixed(1)} cost ${one.cost.toFixed(2)} p ${one.probability} ` +
          `${one.unknown ? 'unknown ' : ''}${one.source}`,
      );
    }
    if (values.verbose)
      for (const one of traces.filter(({ taken }) => !taken)) {
        const alone =
          wordErrors(
            fixture.truth,
            fixture.text.replace(one.heard, () => one.text),
          ).errors - before.errors;
        if (alone < 0 || one.gain > 4)
          console.log(
            `  ${alone < 0 ? 'MISSED ' : 'left   '} ${one.heard} → ${one.text}  gain ${one.gain.toFixed(1)} ` +
              `cost ${one.cost.toFixed(2)} p ${one.probability} ${one.unknown ? 'unknown ' : ''}${one.source}`,
          );
      }
  }
for (const [name, total] of totals)
  console.log(
    `${name}: ${total.utterances} utterances, ${total.words} words, WER ` +
      `${((100 * total.before) / total.words).toFixed(1)} → ${((100 * total.after) / total.words).toFixed(1)} %; ` +
      `${total.repaired} repaired, ${total.broken} broken, ${total.neutral} neither; ` +
      `${(total.cpuMs / total.utterances / 1000).toFixed(1)} s of CPU an utterance`,
  );
process.exit(0);
