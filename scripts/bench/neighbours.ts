/**
 * `npm run bench:neighbours [ROUNDS]`: how long an answer takes alone, and beside four programs that take all the
 * processor time that they get, written to docs/neighbours.md. Both are measured in turn, in the same worker. Ends
 * badly where an answer takes more than three times as long.
 */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fasterWhisper } from '../../daemon/engines/faster-whisper/engine.ts';
import { llama } from '../../daemon/engines/llama/engine.ts';
import { piper } from '../../daemon/engines/piper/engine.ts';
import { sherpa } from '../../daemon/engines/sherpa/engine.ts';
import type { StepInputs } from '../../daemon/contracts/worker-protocol.ts';
import { readRegistry } from '../../daemon/models/registry.ts';
import * as place from '../../test/engines/place.ts';
import { TestWorker, type Setup } from '../../test/engines/worker-harness.ts';
import { machine } from './machine.ts';
import { wrapped } from '../wrap.ts';

const NEIGHBOURS = 4,
  /** No answer may take longer than so many times what it takes alone. */
  MOST = 3;

type Stage = 'asr' | 'nmt' | 'tts';
export interface Case {
  name: string;
  setup: Setup & { stage: Stage };
  /** One question, asked again and again. */
  input: StepInputs[Stage];
}

export interface Report {
  name: string;
  threads: number;
  alone: Answer[];
  beside: Answer[];
}

interface Answer {
  ms: number;
  /** What the worker's process computed meanwhile, all its threads together; 0 where the system does not say. */
  computedMs: number;
}

/** Of a process, since it began. Linux alone. */
function computedMs(pid: number | null): number {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ');
    return (Number(fields[11]) + Number(fields[12])) * 10;
  } catch {
    return 0;
  }
}

/** Programs that do nothing but count, until they are ended. */
async function withNeighbours<T>(work: () => Promise<T>): Promise<T> {
  const loops = Array.from({ length: NEIGHBOURS }, (): ChildProcess =>
    spawn(process.execPath, ['-e', 'process.stdout.write("."); for (;;);'], { stdio: 'pipe' }),
  );
  try {
    await Promise.all(loops.map(loop => once(loop.stdout!, 'data')));
    return await work();
  } finally {
    for (const loop of loops) loop.kill('SIGKILL');
    await Promise.all(loops.map(loop => (loop.exitCode ?? loop.signalCode) || once(loop, 'exit')));
  }
}

/** `rounds` answers alone and as many beside the others, one and one; the first answer of a worker does not count. */
export async function measure({ name, setup, input }: Case, rounds: number): Promise<Report> {
  await using worker = new TestWorker(setup);
  await worker.loaded;
  const answer = async (): Promise<Answer> => {
    const began = performance.now(),
      before = computedMs(worker.worker.pid);
    await worker.run([input] as never);
    return { ms: performance.now() - began, computedMs: computedMs(worker.worker.pid) - before };
  };
  await answer();
  const report: Report = { name, threads: setup.threads ?? 1, alone: [], beside: [] };
  for (let round = 0; round < rounds; round++) {
    report.alone.push(await answer());
    report.beside.push(await withNeighbours(answer));
  }
  return report;
}

/** What is installed here of the engines that compute on the processor. `folder`: for sound, in and out. */
export function cases(folder: string, threads: number): Case[] {
  const sound = join(folder, 'sound.pcm'),
    seconds = 10;
  if (place.ffmpeg)
    spawnSync(place.ffmpeg, [
      ...['-nostdin', '-v', 'error', '-y', '-i', join(place.SAMPLES, 'sense-and-sensibility.flac')],
      ...['-ac', '1', '-ar', '16000', '-f', 's16le', sound],
    ]);
  const heard: StepInputs['asr'] = {
    audio: { path: sound, startSample: 0, endSample: seconds * 16_000 },
    language: 'en',
    prompt: '',
    hotwords: [],
  };
  const at = (id: string): { directory: string; parameters: Setup['parameters'] } | null => {
    const directory = place.modelFolder(id),
      card = readRegistry().models.find(each => each.id === id);
    return directory && card
      ? { directory, parameters: { ...card.parameters, languages: card.languages.join(' ') } }
      : null;
  };
  const whisper = place.python && place.ffmpeg && at('whisper-base'),
    moonshine = place.sherpa && place.ffmpeg && at('moonshine-tiny-en'),
    qwen = place.llama && at('qwen2.5-coder-0.5b-instruct'),
    joe = place.sherpa && at('piper-en-us-joe-medium');
  return [
    whisper && {
      name: 'Whisper base, 10 s of speech',
      setup: {
        ...{ engine: fasterWhisper, stage: 'asr', ...whisper, precision: 'int8', threads },
        runtimes: { python: place.python!, dictionaries: place.dictionaries ?? '' },
      },
      input: heard,
    },
    moonshine && {
      name: 'Moonshine tiny, 10 s of speech',
      setup: { engine: sherpa, stage: 'asr', ...moonshine, threads, runtimes: { sherpa: place.sherpa! } },
      input: heard,
    },
    qwen && {
      name: 'Qwen2.5-Coder 0.5B, a translated sentence',
      setup: {
        ...{ engine: llama, stage: 'nmt', ...qwen, threads },
        runtimes: { llama: place.llama!, dictionaries: place.dictionaries ?? '' },
      },
      input: {
        ...{ text: 'The sun rose early over the quiet harbour.', from: 'en', to: 'es' },
        ...{ before: [], glossary: [] },
      },
    },
    joe && {
      name: 'Piper, a spoken sentence',
      setup: { engine: piper, stage: 'tts', ...joe, threads, runtimes: { sherpa: place.sherpa! } },
      input: {
        text: 'The sun rose early over the quiet harbour, and the boats went out.',
        language: 'en',
        path: join(folder, 'spoken.wav'),
      },
    },
  ].filter(each => each !== null && each !== '') as Case[];
}

const median = (times: readonly number[]): number => times.toSorted((a, b) => a - b)[Math.floor(times.length / 2)]!;
const usual = (answers: readonly Answer[]): Answer => ({
  ms: median(answers.map(({ ms }) => ms)),
  computedMs: median(answers.map(answer => answer.computedMs)),
});

/**
 * Of the medians, of the slowest answer beside neighbours and the median alone, and of what is computed for an answer:
 * what is more than once is lost by threads that wait for each other.
 */
export const ratios = ({ alone, beside }: Report): { usual: number; worst: number; computed: number } => ({
  usual: usual(beside).ms / usual(alone).ms,
  worst: Math.max(...beside.map(({ ms }) => ms)) / usual(alone).ms,
  computed: usual(beside).computedMs / usual(alone).computedMs,
});

async function page(rounds: number): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'earshot-neighbours-')),
    reports: Report[] = [],
    [load = 0] = loadavg();
  try {
    for (const threads of [1, availableParallelism()])
      for (const each of cases(folder, threads)) {
        // Beside others it has one thread, whatever it has alone (calmCores): its threads turn while they wait.
        if (each.setup.engine.elastic && threads > 1) continue;
        const report = await measure(each, rounds);
        reports.push(report);
        console.log(`${report.name}, ${threads}: ${JSON.stringify(ratios(report))}`);
      }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  const cores = availableParallelism(),
    text = `# Beside other programs

Made by \`npm run bench:neighbours\` on ${machine()}; load of other work when it began: ${load.toFixed(1)}. One answer
of a worker, alone and beside ${NEIGHBOURS} programs that take all the processor time they get, in turn, ${rounds} times
each: the medians, and the slowest beside them. No answer should take longer than ${MOST} times what it takes alone.
What is computed for an answer says whether time is lost by threads that wait for each other: beside others it is the
same, and the rest is the share of the ${cores} cores that is fair. The load of other work makes the first ratio
smaller, not the second: where nothing else runs, one thread among five on two cores has two fifths of one, 2.5 ×.
llama.cpp's threads turn while they wait for each other, so two of them come to a standstill
beside others: it gets one wherever other programs take a core or more.

| | threads | alone, s | beside ${NEIGHBOURS}, s | ratio | slowest | computed alone, s | beside, s | ratio |
| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |
${reports.map(row).join('\n')}
`;
  writeFileSync(join(import.meta.dirname, '..', '..', 'docs', 'neighbours.md'), wrapped(text));
  console.log(text);
  if (reports.some(report => ratios(report).usual > MOST)) process.exitCode = 1;
}
function row(report: Report): string {
  const { usual: ratio, worst, computed } = ratios(report),
    [alone, beside] = [usual(report.alone), usual(report.beside)];
  const cells = [
    ...[alone.ms / 1000, beside.ms / 1000, ratio, worst, alone.computedMs / 1000, beside.computedMs / 1000, computed],
  ].map(each => each.toFixed(2));
  return `| ${report.name} | ${report.threads} | ${cells.join(' | ')} |`;
}

if (import.meta.main) await page(Number(process.argv[2] ?? 5));
