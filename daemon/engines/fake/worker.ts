/** The fake engine's worker. See engine.ts for its parameters. */
import { closeSync, statSync, writeSync } from 'node:fs';
import { openLog } from '../../../client/files.ts';
import { EarshotError, thrown } from '../../../schemas/errors.ts';
import type { Stage } from '../../../schemas/words.ts';
import type { LoadRequest, RunRequest, StepInputs, StepOutputs } from '../../contracts/worker-protocol.ts';
import { writeWav } from '../../audio/wav.ts';
import { serveWorker, type Loaded } from '../worker.ts';
import { parseScript, ruleFor, type Rule } from './script.ts';
import { recognize, recognizePart, repair, speak, sumUp, translate } from './text.ts';

const cell = new Int32Array(new SharedArrayBuffer(4));

/**
 * Waits to a tenth of a millisecond: the timer for the most of it, then a blocked thread, since timers alone are up to
 * two milliseconds late.
 */
async function sleep(ms: number, signal: AbortSignal): Promise<void> {
  const until = performance.now() + ms;
  if (ms > 20) {
    await new Promise<void>(resolve => {
      const timer = setTimeout(over, ms - 5);
      function over(): void {
        clearTimeout(timer);
        signal.removeEventListener('abort', over);
        resolve();
      }
      signal.addEventListener('abort', over);
    });
  }
  if (signal.aborted) throw new EarshotError('cancelled');
  const left = until - performance.now();
  if (left > 0) Atomics.wait(cell, 0, 0, left);
}

/** Memory that is really there: each page is written to. */
function hold(bytes: number): ArrayBuffer | null {
  if (bytes <= 0) return null;
  const memory = new ArrayBuffer(bytes);
  new Uint8Array(memory).fill(1);
  return memory;
}

async function load(request: LoadRequest): Promise<Loaded> {
  const { parameters, stage } = request;
  const number = (name: string, otherwise: number): number =>
    typeof parameters[name] === 'number' ? parameters[name] : otherwise;
  const rules = parseScript(String(parameters.script ?? ''));
  const countFile = typeof parameters.countFile === 'string' ? parameters.countFile : null;
  const stepMs = number(`${stage}Ms`, number('ms', 0)),
    msPerSecond = number('msPerSecond', 0),
    partialMs = number('partialMs', stepMs),
    language = String(parameters.language ?? 'en'),
    streamed = typeof parameters.streams === 'string' ? parameters.streams.split(' ') : null;
  await sleep(number('loadMs', 0), new AbortController().signal);
  const atLoad = rules.find(rule => rule.on === 'load');
  if (atLoad) await mishap(atLoad, null);
  const [atPartial] = parseScript(parameters.partialMishap ? `${String(parameters.partialMishap)}@1` : '');
  let weights = hold(number('bytes', 0)),
    runs = 0;

  return {
    detail: { stage, heldBytes: weights?.byteLength ?? 0 },
    async run(run, emit, signal) {
      // What is thrown away is no run.
      const passing = run.stage === 'asr' && run.steps[0]!.input.partial === true;
      if (!passing) runs++;
      if (countFile && !passing) {
        const file = openLog(countFile);
        writeSync(file, '.');
        closeSync(file);
        runs = statSync(countFile).size;
      }
      const rule = passing
        ? atPartial
        : ruleFor(
            rules,
            runs,
            run.steps.map(step => step.index),
          );
      let scratch = hold(number('runBytes', 0));
      if (rule && !AFTER.has(rule.mishap)) await mishap(rule, run);
      let done = 0;
      for (const step of run.steps) {
        const heard = run.stage === 'asr' ? (step.input as StepInputs['asr']) : null;
        await sleep(heard?.partial ? partialMs : stepMs + msPerSecond * (heard ? length(heard) : 0), signal);
        if (rule?.mishap !== 'missing')
          emit.result(
            step.index,
            streamed && heard?.partial
              ? { text: streamed.slice(0, length(heard) * 2).join(' '), words: [], language, languageProbability: 0 }
              : await answer(run.stage, step.index, step.input, language),
          );
        if (run.steps.length > 1) emit.progress(++done / run.steps.length);
      }
      scratch?.transfer(0); // given back now, not at some collection of garbage
      scratch = null;
      if (rule?.mishap === 'late') {
        const { index, input } = run.steps[0]!,
          output = await answer(run.stage, index, input, language);
        setTimeout(() => emit.result(index, output), 1);
      }
    },
    forget(path) {
      if (typeof parameters.forgetFile !== 'string') return;
      const file = openLog(parameters.forgetFile);
      writeSync(file, `${path}\n`);
      closeSync(file);
    },
    async close() {
      weights = null;
    },
  };
}
const AFTER: ReadonlySet<string> = new Set(['missing', 'late']);
const length = ({ audio }: StepInputs['asr']): number => (audio.endSample - audio.startSample) / 16_000;

async function answer(
  stage: Stage,
  index: number,
  input: StepInputs[Stage],
  language: string,
): Promise<StepOutputs[Stage]> {
  if (stage === 'asr')
    return ((input as StepInputs['asr']).partial ? recognizePart : recognize)(
      index,
      input as StepInputs['asr'],
      language,
    );
  if (stage === 'repair') return repair(input as StepInputs['repair']);
  if (stage === 'nmt') return translate(input as StepInputs['nmt']);
  if (stage === 'summary') return sumUp(input as StepInputs['summary']);
  const { text, path } = input as StepInputs['tts'];
  const { pcm, sampleRate, durationMs } = speak(text);
  await writeWav(path, sampleRate, [pcm]);
  return { path, sampleRate, durationMs };
}

async function mishap({ mishap, code }: Rule, run: RunRequest | null): Promise<void> {
  const line = (text: string): void => {
    writeSync(1, `\n${text}\n`);
  };
  switch (mishap) {
    case 'fail':
      throw thrown({ code, args: {}, detail: 'told to fail' });
    case 'oom':
      throw new EarshotError('outOfMemory', {}, 'told to run out of memory');
    case 'crash':
      console.error('told to crash');
      process.exit(3);
    case 'hang':
      return new Promise(() => {
        setInterval(() => undefined, 1000);
      });
    case 'block':
      Atomics.wait(cell, 0, 0);
      return;
    case 'freeze':
      process.kill(process.pid, 'SIGSTOP');
      return;
    case 'flood':
      pour(2, 'all work and no play\n', 64);
      return;
    case 'noise':
      for (const text of ['loading 100 %', '{"half":', '\u0000\u0001', 'null', '[]']) line(text);
      console.log('printed');
      return;
    case 'nonsense':
      line('{"type":"sing"}');
      return;
    case 'oversize':
      pour(1, 'x', 32);
      return;
    case 'badOutput':
      line(
        JSON.stringify({ type: 'result', id: run?.id ?? '', index: run?.steps[0]?.index ?? 0, output: { text: 7 } }),
      );
      return;
    case 'missing':
    case 'late':
      return;
  }
}

/** Writes this many MiB, waiting whenever the pipe is full. */
function pour(fd: number, words: string, mebibytes: number): void {
  const junk = Buffer.alloc(1024 * 1024, words);
  for (let n = 0; n < mebibytes; n++)
    for (let at = 0; at < junk.length;) {
      try {
        at += writeSync(fd, junk, at);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
        Atomics.wait(cell, 0, 0, 1);
      }
    }
}

serveWorker({ engine: 'fake', load });
