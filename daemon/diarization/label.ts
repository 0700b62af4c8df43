/**
 * Who speaks in a job: asked once, when its text is there. What goes wrong is a warning; the text is worth having
 * without. The answer is stored by whoever asks (pipeline/completion.ts).
 */
import { join } from 'node:path';
import type { Logger } from 'pino';
import { exitOf } from '../../client/exit.ts';
import { EarshotError, failure, toFailure, type Failure } from '../../schemas/errors.ts';
import type { SpeakerOptions, Turn, Utterance } from '../../schemas/job.ts';
import { environment } from '../workers/environment.ts';
import { voicePermissions } from '../workers/sandbox/permissions.ts';
import { endTree, startProgram, SYSTEM_FOLDER } from '../workers/spawn.ts';
import type { Models } from '../models/models.ts';
import type { Runtimes } from '../runtimes/runtimes.ts';
import type { JobWork } from '../jobs/work.ts';
import type { ChildRequest } from './child.ts';
import { lengthOf, type NumberedTurn, type Span } from './pieces.ts';
import { named, readVoice, writeVoice, type Voice } from './voices.ts';

/** The one model there is. */
export const ENCODER = 'campplus';
const VOICE_SIZE = 192;
/** What likeness makes two voices one. */
export const SAME = 0.55;

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
/** An answer has a turn a second at most, and some voices. */
const MOST_VOICES = 1000,
  VOICE = new RegExp(`^[A-Za-z0-9+/]{${(VOICE_SIZE * 4) / 3}}$`),
  BYTES_PER_SECOND = 400;

/** Who speaks when, by number, and how each sounds. */
export interface Heard {
  turns: NumberedTurn[];
  voices: Voice[];
  /** Hz; null where it is not known. */ pitches: (number | null)[];
}

const isTurn = (value: unknown, voices: number): value is NumberedTurn => {
  const { startMs, endMs, speaker } = Object(value) as Partial<Record<keyof NumberedTurn, unknown>>;
  return (
    Number.isSafeInteger(startMs) &&
    Number.isSafeInteger(endMs) &&
    (startMs as number) >= 0 &&
    (endMs as number) >= (startMs as number) &&
    Number.isSafeInteger(speaker) &&
    (speaker as number) >= 0 &&
    (speaker as number) < voices
  );
};

/** The answer of the process, if it makes sense. @throws engineFailed */
export function heardIn(text: string): Heard {
  const failed = (why: string): EarshotError => new EarshotError('engineFailed', { engine: 'voices' }, why);
  const answer = ((): Partial<Record<'turns' | 'voices' | 'pitches' | 'detail', unknown>> => {
    try {
      return Object(JSON.parse(text)) as object;
    } catch {
      return {};
    }
  })();
  if (typeof answer.detail === 'string') throw failed(answer.detail.slice(0, 4000));
  const { turns, voices, pitches } = answer;
  if (
    !Array.isArray(voices) ||
    voices.length > MOST_VOICES ||
    !voices.every((voice: unknown): voice is string => typeof voice === 'string' && VOICE.test(voice)) ||
    !Array.isArray(turns) ||
    !turns.every((turn): turn is NumberedTurn => isTurn(turn, voices.length)) ||
    !Array.isArray(pitches) ||
    pitches.length !== voices.length ||
    !pitches.every((hz): hz is number | null => hz === null || (Number.isFinite(hz) && hz > 0))
  )
    throw failed('an answer of the wrong shape');
  return { turns, voices: voices.map(readVoice), pitches };
}

/** @throws engineFailed; cancelled */
export async function hearSpeakers(request: ChildRequest, signal: AbortSignal): Promise<Heard> {
  const { spoken, sandboxed } = request,
    soundMs = lengthOf(spoken),
    mostBytes = 1024 ** 2 + (BYTES_PER_SECOND * soundMs) / 1000;
  const child = startProgram(
    {
      program: process.execPath,
      args: ['--disable-warning=ExperimentalWarning', childFile()],
      cwd: SYSTEM_FOLDER,
      env: environment('local'),
      permissions: sandboxed
        ? voicePermissions({ ...request, models: [request.segmentation, request.embedding] })
        : null,
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
    return heardIn(answer);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', kill);
  }
}

/** What is shorter in an utterance is no turn of anybody's: a breath, the edge of a neighbour. */
const LEAST_TURN_MS = 300;

/** Who speaks in each utterance, by number: the most of it, and where there are several, who when. Pure. */
export function speakersIn(
  utterances: readonly Span[],
  turns: readonly NumberedTurn[],
): { speaker: number | null; turns: NumberedTurn[] | null }[] {
  return utterances.map(({ startMs, endMs }) => {
    const own = turns
      .map(turn => ({ ...turn, startMs: Math.max(turn.startMs, startMs), endMs: Math.min(turn.endMs, endMs) }))
      .filter(turn => turn.endMs > turn.startMs);
    const shares = [...Map.groupBy(own, turn => turn.speaker)]
        .map(([speaker, theirs]) => ({ speaker, ms: lengthOf(theirs) }))
        .sort((a, b) => b.ms - a.ms),
      main = shares[0]?.speaker ?? null;
    const clear = own
      .filter(turn => turn.endMs - turn.startMs >= LEAST_TURN_MS)
      .sort((a, b) => a.startMs - b.startMs || a.endMs - b.endMs);
    return { speaker: main, turns: new Set(clear.map(turn => turn.speaker)).size > 1 ? clear : null };
  });
}

/**
 * Labels by utterance, and the voice of each label: a known name where a voice is known, else S1, S2 … in order of
 * appearance. `outdated`: names whose voices another model made, so that nobody can be known by them. Pure.
 */
export function labelsFor(
  utterances: readonly Pick<Utterance, 'startMs' | 'endMs'>[],
  { turns, voices, pitches }: Heard,
  { known = {} }: Pick<SpeakerOptions, 'known'>,
): {
  labels: (string | null)[];
  turns: (Turn[] | null)[];
  voices: Record<string, string>;
  pitches: Record<string, number>;
  outdated: string[];
} {
  const found = speakersIn(utterances, turns),
    heard = [
      ...new Set(
        found.flatMap(one => one.turns?.map(turn => turn.speaker) ?? (one.speaker === null ? [] : one.speaker)),
      ),
    ];
  const prints = Object.entries(known).map(([name, print]) => ({ name, voice: readVoice(print) })),
    names = named(
      heard.map(speaker => voices[speaker]!),
      prints.filter(({ voice }) => voice.length === VOICE_SIZE),
      SAME,
    );
  let next = 1;
  const labels = new Map(
    heard.map((speaker, n) => {
      const name = names[n];
      if (name != null) return [speaker, name];
      while (known[`S${next}`]) next += 1;
      return [speaker, `S${next++}`];
    }),
  );
  const labelled = (own: readonly NumberedTurn[]): Turn[] =>
    own.map(({ startMs, endMs, speaker }) => ({
      speaker: labels.get(speaker)!,
      startMs,
      endMs,
      ...(own.some(other => other.speaker !== speaker && other.startMs < endMs && other.endMs > startMs)
        ? { overlap: true as const }
        : {}),
    }));
  return {
    labels: found.map(({ speaker }) => (speaker === null ? null : (labels.get(speaker) ?? null))),
    turns: found.map(one => one.turns && labelled(one.turns)),
    voices: Object.fromEntries(heard.map(speaker => [labels.get(speaker)!, writeVoice(voices[speaker]!)])),
    pitches: Object.fromEntries(
      heard.flatMap(speaker => (pitches[speaker] == null ? [] : [[labels.get(speaker)!, pitches[speaker]]])),
    ),
    outdated: prints.filter(({ voice }) => voice.length !== VOICE_SIZE).map(({ name }) => name),
  };
}

/** Who speaks, by utterance, and the voice of each label; or why nobody knows. */
export type Diarized =
  | {
      speakers: (string | null)[];
      turns: (Turn[] | null)[];
      voices: Record<string, string>;
      /** Hz, by label, of those whose pitch is known. */ pitches: Record<string, number>;
      warnings: Failure[];
    }
  | { warning: Failure };

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
    const spoken = made.filter(utterance => utterance.asr?.text.trim()),
      directory = models.directory(ENCODER);
    const heard = await hearSpeakers(
      {
        sandboxed,
        pcmPath: pcm,
        spoken: spoken.map(({ startMs, endMs }) => ({ startMs, endMs })),
        sherpaDirectory: runtimes.directory('sherpa'),
        segmentation: join(directory, 'segmentation.onnx'),
        embedding: join(directory, 'campplus.onnx'),
        gathering: { speakers: speakers.count ?? null, threshold: SAME },
      },
      signal,
    );
    const { labels, turns, voices, pitches, outdated } = labelsFor(spoken, heard, speakers),
      places = new Map(spoken.map((utterance, n) => [utterance.index, n]));
    const byUtterance = <T>(values: readonly (T | null)[]): (T | null)[] =>
      made.map(({ index }) => values[places.get(index) ?? -1] ?? null);
    return {
      speakers: byUtterance(labels),
      turns: byUtterance(turns),
      voices,
      pitches,
      warnings: outdated.length ? [failure('voicesOutdated', { names: outdated.join(', ') })] : [],
    };
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
