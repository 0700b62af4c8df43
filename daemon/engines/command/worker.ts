/** A stage by a program of the user's. See engine.ts for its parameters. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeAnew } from '../../../client/files.ts';
import { EarshotError, badRequest } from '../../../schemas/errors.ts';
import type { AsrOutput, NmtOutput, RepairOutput, SummaryOutput, TtsOutput } from '../../../schemas/job.ts';
import type { LoadRequest, StepInputs } from '../../contracts/worker-protocol.ts';
import { NO_DICTIONARIES } from '../../repair/dictionaries.ts';
import { repair } from '../../repair/repair.ts';
import { tidied } from '../../summaries/ask.ts';
import { supported } from '../../summaries/supported.ts';
import { demandsOf, enforced, substituted } from '../../translation/terms.ts';
import { acceptRewrite } from '../rewritten.ts';
import { storeSpeech, utteranceWav } from '../sound.ts';
import { spreadWords } from '../words.ts';
import { serveWorker, type Loaded } from '../worker.ts';
import { call, fill, uses } from './program.ts';

type Run = (values: Record<string, string>, input: Buffer | string, signal: AbortSignal) => Promise<Buffer>;

async function load({ parameters }: LoadRequest): Promise<Loaded> {
  const argv = argumentsIn(parameters.argv),
    terminal = parameters.terminal === true;
  const folder = await mkdtemp(join(tmpdir(), 'earshot-command-'));
  /** stdin carries what no argument does. */
  const run: Run = (values, input, signal) =>
    call(
      { argv: fill(argv, values), input: uses(argv, 'text') || uses(argv, 'input') ? null : input, terminal, folder },
      signal,
    );
  const recognize = async (
    { audio, language, prompt: context, hotwords }: StepInputs['asr'],
    signal: AbortSignal,
  ): Promise<AsrOutput> => {
    const prompt = [hotwords.join(', '), context].filter(text => text.trim() !== '').join('. ');
    const wav = await utteranceWav(audio),
      path = join(folder, 'utterance.wav');
    if (uses(argv, 'input')) await writeAnew(path, wav, 0o600);
    const text = oneLine(
      await run({ input: path, from: language ?? '', language: language ?? '', prompt }, wav, signal),
    );
    return {
      text,
      words: spreadWords(text, Math.round(audio.startSample / 16), Math.round(audio.endSample / 16), 1),
      language: language ?? 'und',
      languageProbability: language ? 1 : 0,
    };
  };
  const repairOne = async (input: StepInputs['repair'], signal: AbortSignal): Promise<RepairOutput> => {
    const certain = await repair(input, null, NO_DICTIONARIES, signal);
    return acceptRewrite(
      input,
      oneLine(
        await run({ text: certain.text, from: input.language, language: input.language }, `${certain.text}\n`, signal),
      ),
      certain,
    );
  };
  const translate = async (
    { text: source, from, to, glossary }: StepInputs['nmt'],
    signal: AbortSignal,
  ): Promise<NmtOutput> => {
    if (source.trim() === '') return { text: '', language: to };
    // A program knows of no glossary: its translations stand in the text already, and what it left untranslated is put
    // right.
    const demands = demandsOf(source, glossary),
      text = substituted(source, demands);
    const answer = enforced(oneLine(await run({ text, from, to }, `${text}\n`, signal)), demands);
    if (answer === '') throw new EarshotError('badAnswer', {}, `${argv[0]} printed nothing`);
    return { text: answer, language: to };
  };
  const sumUp = async (input: StepInputs['summary'], signal: AbortSignal): Promise<SummaryOutput> => {
    const { text, language } = input;
    const answer = tidied(
      (await run({ text, from: language, to: language, language }, `${text}\n`, signal)).toString('utf8'),
      language,
    );
    if (answer === '') throw new EarshotError('badAnswer', {}, `${argv[0]} printed nothing`);
    return supported(answer, input);
  };
  const speak = async ({ text, language, path }: StepInputs['tts'], signal: AbortSignal): Promise<TtsOutput> => {
    const output = join(folder, 'speech.wav');
    const printed = await run({ text, output, from: language, to: language, language }, `${text}\n`, signal);
    try {
      return await storeSpeech(uses(argv, 'output') ? await readFile(output) : printed, path);
    } finally {
      await rm(output, { force: true });
    }
  };
  return {
    async run(request, emit, signal) {
      if (request.stage === 'asr')
        for (const { index, input } of request.steps) emit.result(index, await recognize(input, signal));
      else if (request.stage === 'repair')
        for (const { index, input } of request.steps) emit.result(index, await repairOne(input, signal));
      else if (request.stage === 'nmt')
        for (const { index, input } of request.steps) emit.result(index, await translate(input, signal));
      else if (request.stage === 'summary')
        for (const { index, input } of request.steps) emit.result(index, await sumUp(input, signal));
      else for (const { index, input } of request.steps) emit.result(index, await speak(input, signal));
    },
    close: () => rm(folder, { recursive: true, force: true }),
    detail: { program: argv[0] },
  };
}

function argumentsIn(value: unknown): string[] {
  let argv: unknown;
  try {
    argv = JSON.parse(String(value));
  } catch {
    argv = null;
  }
  if (!Array.isArray(argv) || argv.length === 0 || !argv.every(each => typeof each === 'string') || argv[0] === '')
    throw badRequest('argv', 'argv');
  return argv as string[];
}

const oneLine = (output: Buffer): string => output.toString('utf8').replace(/\s+/gu, ' ').trim();

serveWorker({ engine: 'command', load });
