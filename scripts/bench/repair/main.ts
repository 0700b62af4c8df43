/**
 * `npm run bench:repair [CLIPS [SKIP]]`: what repair mends, what it harms, and what it costs beside recognition: by the
 * sound alone, with a language model, and as it was before the sound was asked; for each source of candidates. Real
 * Whisper base and the default language model, on clips of five languages that nothing was tuned on.
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
import { clips } from './clips.ts';
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
const count = Number(process.argv[2] ?? 40),
  skip = Number(process.argv[3] ?? 0);

/** Accents do not count: not all of the texts have them. */
const bare = (text: string): string => text.normalize('NFD').replace(/\p{M}/gu, ''),
  wordErrors = (truth: string, heard: string) => errorsIn(bare(truth), bare(heard));

interface Way {
  name: string;
  errors: number;
  fixed: number;
  harmed: number;
  ms: number;
}
const ways = new Map<string, Way & { byLanguage: Map<string, [before: number, after: number]> }>();
let words = 0,
  before = 0,
  recognitionMs = 0;

function note(
  name: string,
  truth: string,
  heard: string,
  out: Pick<RepairOutput, 'text'>,
  ms: number,
  language: string,
) {
  const way = ways.get(name) ?? { name, errors: 0, fixed: 0, harmed: 0, ms: 0, byLanguage: new Map() };
  ways.set(name, way);
  const was = wordErrors(truth, heard).errors,
    now = wordErrors(truth, out.text).errors,
    place = way.byLanguage.get(language) ?? [0, 0];
  way.byLanguage.set(language, [place[0] + was, place[1] + now]);
  way.errors += now;
  way.fixed += Math.max(0, was - now);
  way.harmed += Math.max(0, now - was);
  way.ms += ms;
  return now - was;
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
  for (const clip of clips(count, skip)) {
    const path = join(folder, 'clip.pcm');
    make(['-i', clip.path, '-ac', '1', '-ar', String(RATE), '-f', 's16le', path]);
    const step: StepInputs['asr'] = {
      audio: { path, startSample: 0, endSample: readFileSync(path).length / 2 },
      language: clip.language,
      prompt: '',
      hotwords: [],
    };
    const began = cpuMs(whisper),
      running = whisper.run<'asr'>([{ ...step, alternatives: { glossary: [], readable: true } }]);
    await whisper.result();
    const heardAt = cpuMs(whisper);
    const [heard] = (await running) as [AsrOutput];
    const doneAt = cpuMs(whisper),
      alternatives = whisper.alternatives.at(-1)?.alternatives ?? [];
    recognitionMs += heardAt - began;
    const tally = wordErrors(clip.truth, heard.text);
    words += tally.words;
    before += tally.errors;
    const input: StepInputs['repair'] = {
      text: heard.text,
      words: heard.words,
      language: clip.language,
      before: '',
      glossary: [],
    };
    const by = (name: string, out: RepairOutput, ms: number): void => {
      const change = note(name, clip.truth, heard.text, out, ms, clip.language);
      if (change > 0 && !name.includes('only')) console.log(`  ✗ ${name} ${clip.id}: ${heard.text} → ${out.text}`);
    };
    by('sound', repairByEar(input, alternatives), doneAt - heardAt);
    for (const source of ['dictionary', 'model'] as const)
      by(
        `sound, only ${source}`,
        repairByEar(
          input,
          alternatives.filter((one: Alternative) => one.source === source),
        ),
        doneAt - heardAt,
      );
    const reads: (Alternative & { reads: number })[] = [],
      asked = own();
    const both = isOpen(alternatives)
      ? await repairByBoth(input, alternatives, judge, signal, (one, nats) => reads.push({ ...one, reads: nats }))
      : repairByEar(input, alternatives);
    by('sound and language model', both, doneAt - heardAt + own() - asked);
    if (process.argv.includes('--before')) {
      const alone = own(),
        out = await repair(input, judge, dictionaries, signal);
      by('language model, as before', out, own() - alone);
    }
    if (process.argv.includes('--verbose'))
      console.log(
        JSON.stringify({ ...clip, heard: heard.text, alternatives, reads, both: both.text, words: heard.words }),
      );
  }
  await whisper[Symbol.asyncDispose]();
} finally {
  rmSync(folder, { recursive: true, force: true });
}
console.log(`${words} words, ${before} errors; recognition ${(recognitionMs / 1000).toFixed(1)} s of processor time`);
console.log('| way | errors | fixed | harmed | of recognition |\n| --- | --- | --- | --- | --- |');
for (const { name, errors, fixed, harmed, ms, byLanguage } of ways.values()) {
  const languages = [...byLanguage].map(([language, [was, now]]) => `${language} ${was} → ${now}`).join(', ');
  console.log(
    `| ${name} | ${errors} (${(((errors - before) / before) * 100).toFixed(0)} %) | ${fixed} | ${harmed} | ` +
      `${(ms / recognitionMs).toFixed(2)} × | ${languages}`,
  );
}
// The library keeps the process alive.
process.exit(0);
