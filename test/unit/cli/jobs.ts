/** Jobs and utterances for tests of what clients show. */
import type { Job, Utterance } from '../../../schemas/job.ts';
import type { Stage } from '../../../schemas/words.ts';

export const JOB_ID = '01JD00000000000000000000AA';

export function job(changes: Partial<Job> = {}): Job {
  const stages = changes.stages ?? ['asr', 'repair'];
  return {
    id: JOB_ID,
    recording: { path: '/home/me/talk.wav', name: 'talk.wav', bytes: 100, modifiedAt: 1, durationMs: 60_000 },
    options: { repair: true },
    stages,
    models: { asr: 'whisper-base', repair: 'qwen' },
    priority: 'normal',
    state: 'processing',
    position: 1,
    createdAt: 1_000,
    startedAt: 2_000,
    finishedAt: null,
    language: 'en',
    progress: {
      utterances: 4,
      ingested: true,
      ingestedMs: 60_000,
      stages: Object.fromEntries(stages.map(stage => [stage, { done: 0, failed: 0, running: 0 }])),
    },
    waiting: null,
    retry: null,
    expectedStartAt: null,
    expectedEndAt: null,
    lastWords: '',
    failure: null,
    warnings: [],
    outputs: [],
    ...changes,
  };
}

/** What the stages up to `upTo` made of one utterance: "words 3", "Words 3.", "→ Words 3." */
export function utterance(index: number, upTo: Stage | null = 'repair', text = `words ${index}`): Utterance {
  const made: Utterance = { index, startMs: index * 10_000, endMs: index * 10_000 + 9_000 };
  if (upTo === null) return made;
  made.asr = { text, words: [], language: 'en', languageProbability: 1 };
  if (upTo === 'asr') return made;
  made.repair = { text: `${text[0]!.toUpperCase()}${text.slice(1)}.`, changes: [] };
  if (upTo === 'repair') return made;
  made.nmt = { text: `→ ${made.repair.text}`, language: 'de' };
  return made;
}
