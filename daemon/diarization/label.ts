/**
 * Who speaks in a job: asked once, when its text is there. What goes wrong is a warning; the text is worth having
 * without. The answer is stored by whoever asks (pipeline/completion.ts).
 */
import { join } from 'node:path';
import type { Logger } from 'pino';
import { EarshotError, failure, toFailure, type Failure } from '../../schemas/errors.ts';
import type { SpeakerOptions, Utterance } from '../../schemas/job.ts';
import { environment } from '../workers/environment.ts';
import { voicePermissions } from '../workers/sandbox/permissions.ts';
import { endTree, exitOf, startProgram, SYSTEM_FOLDER } from '../workers/spawn.ts';
import type { Models } from '../models/models.ts';
import type { Runtimes } from '../runtimes/runtimes.ts';
import type { JobWork } from '../jobs/work.ts';
import type { ChildRequest } from './child.ts';
import { named, readVoice, speakersOf, writeVoice, type Voice } from './voices.ts';

/**
 * The one encoder there is, and what likeness makes two voices one: on speech of its own samples 0.77 to 0.92 within a
 * speaker, 0.48 to 0.61 across.
 */
export const ENCODER = 'resemblyzer';
const SAME = 0.69;

export interface DiarizeTools {
  models: Models;
  runtimes: Runtimes;
  pcm: string;
  /** With no more rights than it needs. */ sandboxed: boolean;
  signal: AbortSignal;
  log: Logger;
}

const childFile = (): string =>
  join(import.meta.dirname, import.meta.filename.endsWith('.ts') ? 'child.ts' : 'diarization-child.mjs');

/** Longer than this for the sound that it is given is no work any more. */
const LEAST_MS = 60_000;
/** A voice as text, with room for encoders that say more. */
const VOICE = /^[A-Za-z0-9+/]{4,4096}={0,2}$/,
  VOICE_BYTES = 4200;

/**
 * The answer of the process, if it makes sense: a voice or none for each of `count` utterances, all of one kind.
 * @throws engineFailed
 */
export function voicesOf(text: string, count: number): (Voice | null)[] {
  const failed = (why: string): EarshotError => new EarshotError('engineFailed', { engine: 'voices' }, why);
  const answer = ((): Partial<Record<'voices' | 'detail', unknown>> => {
    try {
      return Object(JSON.parse(text)) as object;
    } catch {
      return {};
    }
  })();
  if (typeof answer.detail === 'string') throw failed(answer.detail.slice(0, 4000));
  const { voices } = answer,
    whole =
      Array.isArray(voices) &&
      voices.length === count &&
      voices.every(
        (voice: unknown): voice is string | null => voice === null || (typeof voice === 'string' && VOICE.test(voice)),
      );
  if (!whole || new Set(voices.flatMap(voice => (voice === null ? [] : [voice.length]))).size > 1)
    throw failed('an answer of the wrong shape');
  return voices.map(voice => (voice === null ? null : readVoice(voice)));
}

/** @throws engineFailed; cancelled */
export async function embedVoices(request: ChildRequest, signal: AbortSignal): Promise<(Voice | null)[]> {
  const { utterances, sandboxed } = request;
  const soundMs = utterances.reduce((sum, { startMs, endMs }) => sum + endMs - startMs, 0),
    mostBytes = 4096 + VOICE_BYTES * utterances.length;
  const child = startProgram(
    {
      program: process.execPath,
      args: ['--disable-warning=ExperimentalWarning', childFile()],
      cwd: SYSTEM_FOLDER,
      env: environment('local'),
      permissions: sandboxed ? voicePermissions(request) : null,
    },
    'pipe',
  );
  const kill = (): void => endTree(child),
    timer = setTimeout(kill, LEAST_MS + soundMs);
  signal.addEventListener('abort', kill, { once: true });
  try {
    let said = '',
      answer = '';
    child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      said = (said + text).slice(-2000);
    });
    child.stdout!.setEncoding('utf8').on('data', (text: string) => {
      answer += text;
      if (answer.length > mostBytes) kill();
    });
    child.stdin!.write(`${JSON.stringify(request)}\n`);
    if (signal.aborted) kill();
    const { code, signal: killed } = await exitOf(child),
      exit = code ?? killed ?? 'unknown';
    if (signal.aborted) throw new EarshotError('cancelled');
    if (exit !== 0) throw new EarshotError('engineFailed', { engine: 'voices' }, `exit ${exit}\n${said}`);
    return voicesOf(answer, utterances.length);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', kill);
  }
}

/**
 * Labels by utterance, and the voice of each label: a known name where a voice is known, else S1, S2 … in order of
 * appearance. Pure.
 */
export function labelsFor(
  utterances: readonly Pick<Utterance, 'startMs' | 'endMs'>[],
  heard: readonly (Voice | null)[],
  { count, known = {} }: SpeakerOptions,
): { labels: (string | null)[]; voices: Record<string, string> } {
  const { speakers, voices } = speakersOf(
    utterances.map(({ startMs, endMs }, n) => ({ ms: endMs - startMs, voice: heard[n] ?? null })),
    { speakers: count ?? null, threshold: SAME },
  );
  const names = named(
    voices,
    Object.entries(known).map(([name, print]) => ({ name, voice: readVoice(print) })),
    SAME,
  );
  let next = 1;
  const labels = names.map(name => {
    if (name !== null) return name;
    while (known[`S${next}`]) next += 1;
    return `S${next++}`;
  });
  return {
    labels: speakers.map(speaker => (speaker === null ? null : labels[speaker]!)),
    voices: Object.fromEntries(voices.map((voice, n) => [labels[n]!, writeVoice(voice)])),
  };
}

/** Who speaks: the label of each of the job's utterances, and the voice of each label; or why nobody knows. */
export type Diarized = { speakers: (string | null)[]; voices: Record<string, string> } | { warning: Failure };

/** Null where it is known, or was not asked. Changes nothing. @throws cancelled */
export async function diarize(
  { row, made }: Pick<JobWork, 'row' | 'made'>,
  { models, runtimes, pcm, sandboxed, signal, log }: DiarizeTools,
): Promise<Diarized | null> {
  const { speakers } = row.options;
  if (!speakers || row.voices || row.options.source) return null;
  try {
    if (!runtimes.ready('sherpa')) await runtimes.install('sherpa', () => {}, signal);
    if (!models.ready(ENCODER)) await models.install(ENCODER, () => {}, signal);
    // Silence and noise have no speaker.
    const spoken = made.filter(utterance => utterance.asr?.text.trim());
    const heard = await embedVoices(
      {
        sandboxed,
        pcmPath: pcm,
        utterances: spoken.map(({ startMs, endMs }) => ({ startMs, endMs })),
        sherpaDirectory: runtimes.directory('sherpa'),
        weights: join(models.directory(ENCODER), 'pretrained.pt'),
        onnx: join(runtimes.directory('sherpa'), 'prepared', `${ENCODER}-1`, 'encoder.onnx'),
      },
      signal,
    );
    const { labels, voices } = labelsFor(spoken, heard, speakers),
      by = new Map(spoken.map((utterance, n) => [utterance.index, labels[n] ?? null]));
    return { speakers: made.map(utterance => by.get(utterance.index) ?? null), voices };
  } catch (error) {
    if (signal.aborted) throw error;
    const why = toFailure(error);
    log.warn({ job: row.id, failure: why }, 'speakers cannot be labelled');
    return {
      warning: failure(
        'speakersUnknown',
        why.code === 'engineFailed' || why.code === 'internal' ? {} : { model: ENCODER },
        why.detail ?? why.code,
      ),
    };
  }
}
