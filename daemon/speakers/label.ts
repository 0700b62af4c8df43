/** Who speaks in a job: asked once, when its text is there. What goes wrong is a warning; the text is worth having without. */
import { fork } from 'node:child_process';
import { join } from 'node:path';
import { EarshotError, failure, toFailure } from '../../schemas/errors.ts';
import type { SpeakerOptions, Utterance } from '../../schemas/job.ts';
import { harmless } from '../confine/rights.ts';
import type { Models } from '../models/models.ts';
import type { Runtimes } from '../runtimes/runtimes.ts';
import type { JobWork } from '../pipeline/work.ts';
import type { Store } from '../store/port.ts';
import type { ChildRequest, FromChild } from './child.ts';
import { named, readVoice, speakersOf, writeVoice, type Voice } from './voices.ts';

/** The one encoder there is, and what likeness makes two voices one: on speech of its own samples 0.77 to 0.92 within a speaker, 0.48 to 0.61 across. */
export const ENCODER = 'resemblyzer';
const SAME = 0.69;

export interface LabelTools { store: Store; models: Models; runtimes: Runtimes; pcm: string; signal: AbortSignal; log(line: string): void }

const childFile = (): string => join(import.meta.dirname, import.meta.filename.endsWith('.ts') ? 'child.ts' : 'speakers-child.mjs');

/** @throws what fetching throws; engineFailed */
export async function hearVoices(request: ChildRequest, signal: AbortSignal): Promise<(Voice | null)[]> {
  const child = fork(childFile(), [], { env: harmless(process.env), stdio: ['ignore', 'ignore', 'pipe', 'ipc'], execArgv: ['--disable-warning=ExperimentalWarning'], killSignal: 'SIGKILL', signal });
  let said = '';
  child.stderr!.on('data', (bytes: Buffer) => { said = (said + bytes.toString()).slice(-2000); });
  const answer = await new Promise<FromChild>((resolve, reject) => {
    child.once('message', message => resolve(message as FromChild));
    child.once('error', reject);
    child.once('exit', code => reject(new EarshotError('engineFailed', { engine: 'voices' }, `exit ${code}\n${said}`)));
    child.send(request);
  });
  if (answer.type === 'failed') throw new EarshotError('engineFailed', { engine: 'voices' }, answer.detail);
  return answer.voices.map(voice => voice === null ? null : readVoice(voice));
}

/** Labels by utterance, and the voice of each label: a known name where a voice is known, else S1, S2 … in order of appearance. Pure. */
export function labelsFor(utterances: readonly Pick<Utterance, 'startMs' | 'endMs'>[], heard: readonly (Voice | null)[], { count, known = {} }: SpeakerOptions): { labels: (string | null)[]; voices: Record<string, string> } {
  const { speakers, voices } = speakersOf(utterances.map(({ startMs, endMs }, n) => ({ ms: endMs - startMs, voice: heard[n] ?? null })), { speakers: count ?? null, threshold: SAME });
  const names = named(voices, Object.entries(known).map(([name, print]) => ({ name, voice: readVoice(print) })), SAME);
  let next = 1;
  const labels = names.map(name => { if (name !== null) return name; while (known[`S${next}`]) next += 1; return `S${next++}`; });
  return { labels: speakers.map(speaker => speaker === null ? null : labels[speaker]!), voices: Object.fromEntries(voices.map((voice, n) => [labels[n]!, writeVoice(voice)])) };
}

export async function tellSpeakers({ row, made }: JobWork, { store, models, runtimes, pcm, signal, log }: LabelTools): Promise<void> {
  const { speakers } = row.options;
  if (!speakers || row.voices || row.options.source === 'text') return;
  try {
    if (!runtimes.ready('sherpa')) await runtimes.install('sherpa', () => {}, signal);
    if (!models.ready(ENCODER)) await models.install(ENCODER, () => {}, signal);
    // Silence and noise have no speaker.
    const spoken = made.filter(utterance => utterance.asr?.text.trim());
    const heard = await hearVoices({
      pcmPath: pcm, utterances: spoken.map(({ startMs, endMs }) => ({ startMs, endMs })), sherpaDirectory: runtimes.directory('sherpa'),
      weights: join(models.directory(ENCODER), 'pretrained.pt'), onnx: join(runtimes.directory('sherpa'), 'prepared', `${ENCODER}-1`, 'encoder.onnx'),
    }, signal);
    const { labels, voices } = labelsFor(spoken, heard, speakers), by = new Map(spoken.map((utterance, n) => [utterance.index, labels[n] ?? null]));
    store.batch(() => { store.setSpeakers(row.id, made.map(utterance => by.get(utterance.index) ?? null)); store.update(row.id, { voices }); });
    row.voices = voices;
    for (const utterance of made) { const label = by.get(utterance.index); if (label) utterance.speaker = label; }
  } catch (error) {
    if (signal.aborted) throw error;
    const why = toFailure(error);
    log(`speakers of ${row.id}: ${why.code} ${why.detail ?? ''}`);
    row.warnings = [...row.warnings, failure('speakersUnknown', why.code === 'engineFailed' || why.code === 'internal' ? {} : { model: ENCODER }, why.detail ?? why.code)];
    store.update(row.id, { warnings: row.warnings });
  }
}

