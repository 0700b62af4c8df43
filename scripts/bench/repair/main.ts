/**
 * `npm run bench:repair [-- CLIPS [COLLECTION…]]`: what repair fixes, what it harms, and what it costs beside
 * recognition: by the sound alone, with a language model, and as it was before the sound was asked; for each source of
 * candidates and each language. Real Whisper base and the default language model, on texts that nothing was tuned on
 * (`tuning`: on the others). `--before` adds repair by a language model alone, `--verbose` a line for each clip.
 */
import { globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AsrOutput, RepairOutput } from '../../../schemas/job.ts';
import type { Alternative } from '../../../daemon/contracts/alternatives.ts';
import type { StepInputs } from '../../../daemon/contracts/worker-protocol.ts';
import { fasterWhisper } from '../../../daemon/engines/faster-whisper/engine.ts';
import { CachedPrefix } from '../../../daemon/engines/llama/cached-prefix.ts';
import { LlamaJudge } from '../../../daemon/engines/llama/judge.ts';
import { openRuntime, weightsIn } from '../../../daemon/engines/llama/runtime.ts';
import { openDictionaries } from '../../../daemon/repair/dictionaries.ts';
import { repair } from '../../../daemon/repair/repair.ts';
import { isOpen, repairByBoth, repairByEar } from '../../../daemon/repair/by-ear.ts';
import { home } from '../../../daemon/auth/home.ts';
import { createRuntimes } from '../../../daemon/runtimes/runtimes.ts';
import { DEFAULTS } from '../../../schemas/settings.ts';
import { make, missing, modelFolder, python } from '../../../test/engines/place.ts';
import { TestWorker } from '../../../test/engines/worker-harness.ts';
import { clips, type Clip, type Collection } from './clips.ts';
import { wordErrors as errorsIn } from './errors.ts';

const RATE = 16_000,
  THREADS = 2,
  JUDGE = 'qwen2.5-coder-0.5b-instruct';
const runtimes = createRuntimes({ home: home(), settings: () => DEFAULTS });
const needs = {
  'the Python runtime': python,
  'whisper-base': modelFolder('whisper-base'),
  [JUDGE]: modelFolder(JUDGE),
  'the llama runtime': runtimes.ready('llama') || null,
  'the dictionaries': runtimes.ready('dictionaries') || null,
};
const absent = missing(needs);
if (absent) throw new Error(absent);
const given = process.argv.slice(2).filter(one => !one.startsWith('--')),
  isFlagged = (flag: string): boolean => process.argv.includes(flag),
  count = Number(given[0] ?? 16),
  collections = (given.length > 1 ? given.slice(1) : ['prompts', 'voices']) as Collection[];

/** Accents do not count: not all of the texts have them. */
const bare = (text: string): string => text.normalize('NFD').replace(/\p{M}/gu, ''),
  wordErrors = (truth: string, heard: string) => errorsIn(bare(truth), bare(heard));

/** Of one language, or of all. */
interface Tally {
  before: number;
  after: number;
  fixed: number;
  harmed: number;
}
interface Hearing {
  heard: AsrOutput;
  alternatives: readonly Alternative[];
  ms: number;
}
interface Way {
  ms: number;
  byLanguage: Map<string, Tally>;
}
const ways = new Map<string, Way>();
const recognised: number[] = [];
let words = 0;

/** @returns how many errors more there are than in what was heard */
function note(name: string, { truth, language }: Clip, heard: string, text: string, ms: number): number {
  const way = ways.get(name) ?? { ms: 0, byLanguage: new Map<string, Tally>() };
  ways.set(name, way);
  const was = wordErrors(truth, heard).errors,
    now = wordErrors(truth, text).errors;
  for (const group of [language, 'all']) {
    const tally = way.byLanguage.get(group) ?? { before: 0, after: 0, fixed: 0, harmed: 0 };
    way.byLanguage.set(group, tally);
    tally.before += was;
    tally.after += now;
    tally.fixed += Math.max(0, was - now);
    tally.harmed += Math.max(0, now - was);
  }
  way.ms += ms;
  return now - was;
}

/** Errors of a clip by what became of what would fix them. */
const FATES = ['fixed', 'model said no', 'not asked', 'never proposed'] as const;
type Fates = Record<(typeof FATES)[number], number>;
const fates = new Map<string, Fates>();

function noteFates(
  { truth, language }: Clip,
  heard: AsrOutput,
  alternatives: readonly Alternative[],
  reads: readonly Alternative[],
  both: RepairOutput,
): void {
  const { errors } = wordErrors(truth, heard.text),
    fixes = (one: Alternative): number =>
      errors -
      wordErrors(
        truth,
        heard.words
          .map(word => word.text)
          .toSpliced(one.from, one.to - one.from, one.text)
          .join(' '),
      ).errors,
    good = alternatives.map(one => ({ one, by: fixes(one) })).filter(({ by }) => by > 0),
    fixed = Math.max(0, errors - wordErrors(truth, both.text).errors),
    taken = ({ from, to }: Alternative): boolean => both.changes.some(one => one.from < to && from < one.to),
    of = fates.get(language) ?? { fixed: 0, 'model said no': 0, 'not asked': 0, 'never proposed': 0 };
  fates.set(language, of);
  const seen: Alternative[] = [];
  let left = 0;
  for (const { one, by } of good.sort((a, b) => b.by - a.by)) {
    if (taken(one) || seen.some(other => other.from < one.to && one.from < other.to)) continue;
    seen.push(one);
    left += by;
    of[
      reads.some(read => read.from === one.from && read.to === one.to && read.text === one.text)
        ? 'model said no'
        : 'not asked'
    ] += by;
  }
  of.fixed += fixed;
  of['never proposed'] += Math.max(0, errors - fixed - left);
}

/** Processor time of a worker and of what it started, ms: other programs on the machine do not count. */
function cpuMs({ worker: { pid } }: TestWorker): number {
  let ticks = 0;
  for (const file of globSync('/proc/[0-9]*/stat'))
    try {
      const fields = readFileSync(file, 'utf8')
        .replace(/^.*\) /s, '')
        .split(' ');
      if (Number(fields[2]) === pid) ticks += Number(fields[11]) + Number(fields[12]);
    } catch {
      // it has ended
    }
  return ticks * 10;
}

const folder = mkdtempSync(join(tmpdir(), 'earshot-repair-'));
try {
  const whisper = new TestWorker({
    engine: fasterWhisper,
    stage: 'asr',
    directory: modelFolder('whisper-base')!,
    precision: 'int8',
    threads: THREADS,
    runtimes: { python: python!, dictionaries: runtimes.directory('dictionaries') },
  });
  const runtime = await openRuntime(runtimes.directory('llama'), 'cpu', 1),
    weights = weightsIn(modelFolder(JUDGE)!),
    model = await runtime.llama.loadModel({ modelPath: weights, gpuLayers: 0 });
  // As in the worker; a second thread on a busy core would only wait for the first.
  const context = await model.createContext({
    contextSize: 3072,
    sequences: 1,
    batchSize: 128,
    threads: { ideal: 1, min: 1 },
  });
  const judge = new LlamaJudge(model, new CachedPrefix(context.getSequence())),
    dictionaries = openDictionaries(runtimes.directory('dictionaries')),
    signal = new AbortController().signal;
  const own = (): number => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1000;
  };
  await whisper.loaded;
  for (const clip of (await Promise.all(collections.map(one => clips(one, count)))).flat()) {
    const path = join(folder, 'clip.pcm');
    make(['-i', clip.path, '-ac', '1', '-ar', String(RATE), '-f', 's16le', path]);
    const step: StepInputs['asr'] = {
      audio: { path, startSample: 0, endSample: readFileSync(path).length / 2 },
      language: clip.language,
      prompt: '',
      hotwords: [],
    };
    // What alternatives cost is what a run with them takes longer: where nobody reads, less is asked of the sound.
    const hear = async (alternatives?: { glossary: []; readable: boolean }): Promise<Hearing> => {
      const began = cpuMs(whisper),
        [heard] = (await whisper.run<'asr'>([{ ...step, ...(alternatives ? { alternatives } : {}) }])) as [AsrOutput];
      return { heard, alternatives: whisper.alternatives.at(-1)?.alternatives ?? [], ms: cpuMs(whisper) - began };
    };
    const { ms: recognitionMs } = await hear(),
      fast = await hear({ glossary: [], readable: false }),
      { heard, alternatives, ms } = await hear({ glossary: [], readable: true }),
      fastMs = fast.ms - recognitionMs;
    recognised.push(recognitionMs);
    words += wordErrors(clip.truth, heard.text).words;
    const input: StepInputs['repair'] = {
      text: heard.text,
      words: heard.words,
      language: clip.language,
      before: '',
      glossary: [],
    };
    const by = (name: string, out: RepairOutput, ms: number): void => {
      const change = note(name, clip, heard.text, out.text, ms);
      if (change > 0 && !name.includes('only')) console.log(`  ✗ ${name} ${clip.id}: ${heard.text} → ${out.text}`);
    };
    by('sound', repairByEar(input, fast.alternatives), fastMs);
    for (const source of ['dictionary', 'model'] as const)
      by(
        `sound, only ${source}`,
        repairByEar(
          input,
          fast.alternatives.filter((one: Alternative) => one.source === source),
        ),
        fastMs,
      );
    const reads: (Alternative & { reads: number })[] = [],
      asked = own();
    const both = isOpen(alternatives)
      ? await repairByBoth(input, alternatives, judge, signal, (one, nats) => reads.push({ ...one, reads: nats }))
      : repairByEar(input, alternatives);
    by('sound and language model', both, ms - recognitionMs + own() - asked);
    noteFates(clip, heard, alternatives, reads, both);
    if (isFlagged('--before')) {
      const alone = own(),
        out = await repair(input, judge, dictionaries, signal);
      by('language model, as before', out, own() - alone);
    }
    if (isFlagged('--verbose'))
      console.log(
        JSON.stringify({ ...clip, heard: heard.text, alternatives, reads, both: both.text, words: heard.words }),
      );
  }
  await whisper[Symbol.asyncDispose]();
} finally {
  rmSync(folder, { recursive: true, force: true });
}
const recognitionMs = recognised.reduce((sum, ms) => sum + ms, 0);
console.log(`${words} words; recognition ${(recognitionMs / 1000).toFixed(1)} s of processor time`);
console.log('| way | language | errors | fixed | harmed | of recognition |');
console.log('| --- | --- | --- | --- | --- | --- |');
for (const [name, { ms, byLanguage }] of ways)
  for (const [language, { before, after, fixed, harmed }] of byLanguage)
    console.log(
      `| ${name} | ${language} | ${before} → ${after} (${(((after - before) / Math.max(1, before)) * 100).toFixed(0)} %) | ` +
        `${fixed} | ${harmed} | ${language === 'all' ? `${(ms / recognitionMs).toFixed(2)} ×` : ''} |`,
    );
console.log(`\nErrors by what became of what would fix them:\n| language | ${FATES.join(' | ')} |`);
console.log('| --- | --- | --- | --- | --- |');
for (const [language, of] of fates) console.log(`| ${language} | ${FATES.map(fate => of[fate]).join(' | ')} |`);
// The library keeps the process alive.
process.exit(0);
