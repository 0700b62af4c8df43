/** What a step is given, from what the stages before it made; and steps whose outcome needs no model. */
import { join } from 'node:path';
import { sourceText } from '../../schemas/job.ts';
import { SAMPLES_PER_MS } from '../../schemas/pcm.ts';
import type { Stage } from '../../schemas/words.ts';
import type { RecognitionWindow, StepInputs, StepOutputs } from '../contracts/worker-protocol.ts';
import { LATE, LEAVE_REPAIR_MS, lateMs } from './overload.ts';
import { guarded } from '../translation/guarded.ts';
import type { JobWork } from '../jobs/work.ts';
import { isOpen, repairByEar } from '../repair/by-ear.ts';

export interface JobFiles {
  pcm: string;
  speech: string;
}
export const jobFiles = (audio: string, job: string): JobFiles => ({
  pcm: join(audio, job, 'pcm.s16le'),
  speech: join(audio, job, 'speech'),
});

/** The language that an utterance's text is in: what somebody said, else what was heard in it. */
export function languageBefore(work: JobWork, index: number): string {
  const heard = work.made[index]?.asr?.language;
  return work.row.options.language ?? (heard && heard !== 'und' ? heard : null) ?? work.row.language ?? 'en';
}

export function stepInput<S extends Stage>(
  stage: S,
  work: JobWork,
  index: number,
  files: JobFiles,
  token: number,
): StepInputs[S] {
  const { options } = work.row;
  const made = work.made[index]!;
  const glossary = options.glossary ?? [];
  const inputs: { [K in Stage]: () => StepInputs[K] } = {
    asr: () => ({
      ...toHear(work, files, made.startMs, made.endMs),
      ...windowOf(work, index),
      ...(options.language ? {} : context(work, index)),
      ...(work.repairedBySound ? { alternatives: { glossary, readable: work.row.models.repair !== undefined } } : {}),
    }),
    repair: () => ({
      text: made.asr!.text,
      words: made.asr!.words,
      language: languageBefore(work, index),
      before: work.made[index - 1]?.asr?.text ?? '',
      glossary,
      ...(work.repairedBySound ? { alternatives: work.alternatives.get(index) ?? [] } : {}),
    }),
    nmt: () => ({
      text: sourceText(made),
      from: languageBefore(work, index),
      to: options.translateTo!,
      glossary,
      // Translations of the two before, where this model looks back (they are over by then); else the same whatever is
      // done already.
      before: !work.contextual.includes('nmt')
        ? []
        : work.made
            .slice(Math.max(0, index - 2), index)
            .map(other => ({
              source: sourceText(other),
              target: other.nmt?.refused === undefined ? (other.nmt?.text ?? '') : '',
            }))
            .filter(pair => pair.source && pair.target),
    }),
    tts: () => ({
      text: made.nmt?.text ?? sourceText(made),
      language: options.translateTo ?? languageBefore(work, index),
      path: join(files.speech, `${index}-${token}.wav`),
      ...voiceFor(work, index),
    }),
    summary: () => {
      const { text, of } = work.pieces![index]!;
      return {
        text: text || of.map(n => work.made[n]?.summary?.text ?? '').join('\n'),
        language: work.row.language ?? 'en',
        whole: index === work.pieces!.length - 1,
        notes: of.length > 0,
      };
    },
  };
  return inputs[stage]() as StepInputs[S];
}

function voiceFor({ row, made }: JobWork, index: number): { voice?: string } {
  const speaker = made[index]!.speaker,
    voice = row.options.voice ?? (speaker === undefined ? undefined : row.casting?.[speaker]);
  return voice === undefined ? {} : { voice };
}

/** A stretch of a job's sound, and what its recognizer is told. */
function toHear({ row }: JobWork, { pcm }: JobFiles, startMs: number, endMs: number): StepInputs['asr'] {
  const { language, prompt, glossary = [] } = row.options;
  return {
    audio: { path: pcm, startSample: startMs * SAMPLES_PER_MS, endSample: endMs * SAMPLES_PER_MS },
    language: language ?? null,
    prompt: prompt ?? '',
    hotwords: glossary.map(entry => entry.term),
  };
}

/** What is still being said; the language is that of the recording, where it is known. */
export const partialInput = (work: JobWork, files: JobFiles, startMs: number, endMs: number): StepInputs['asr'] => ({
  ...toHear(work, files, startMs, endMs),
  ...(work.row.options.language || work.row.language === null ? {} : { expected: work.row.language }),
  partial: true,
});

/**
 * Between neighbours the middle of the pause decides whose a word is. None where a run broke: by itself an utterance
 * harms no other.
 */
function windowOf(work: JobWork, index: number): { window?: RecognitionWindow } {
  const { first, end } = work.windows.of(index),
    { utterances } = work;
  if (end - first < 2 || index < work.stage('asr')!.soloUntil) return {};
  const border = (left: number): number =>
    Math.round((utterances[left]!.endMs + utterances[left + 1]!.startMs) / 2) * SAMPLES_PER_MS;
  const startSample = utterances[first]!.startMs * SAMPLES_PER_MS,
    endSample = utterances[end - 1]!.endMs * SAMPLES_PER_MS;
  return {
    window: {
      startSample,
      endSample,
      keepFrom: index === first ? startSample : border(index - 1),
      keepTo: index === end - 1 ? endSample : border(index),
      borders: Array.from({ length: end - 1 - first }, (_, n) => border(first + n)),
    },
  };
}

/** What tells the language where an utterance leaves it open: the recording's, and the window before its own. */
function context(work: JobWork, index: number): Pick<StepInputs['asr'], 'expected' | 'before'> {
  const { utterances, windows, row } = work,
    { first } = windows.of(index);
  return {
    ...(row.language === null ? {} : { expected: row.language }),
    ...(first === 0
      ? {}
      : {
          before: {
            startSample: utterances[windows.of(first - 1).first]!.startMs * SAMPLES_PER_MS,
            endSample: utterances[first - 1]!.endMs * SAMPLES_PER_MS,
          },
        }),
  };
}

/**
 * The outcome where there is nothing to do: no words, a translation into the language it is in, or no time left for
 * repair.
 */
export function withoutModel(stage: Stage, work: JobWork, index: number, now: number): StepOutputs[Stage] | null {
  const made = work.made[index]!;
  const language = languageBefore(work, index);
  switch (stage) {
    case 'asr':
      return work.texts ? { text: work.texts[index]!, words: [], language, languageProbability: 1 } : null;
    case 'repair':
      if (!made.asr!.text.trim()) return { text: '', changes: [] };
      if (lateMs(work, index, now) > LEAVE_REPAIR_MS) return { text: made.asr!.text, changes: [], refused: LATE };
      return bySound(work, index);
    case 'nmt': {
      const text = sourceText(made),
        to = work.row.options.translateTo!;
      return text.trim() && language.split('-')[0] !== to.split('-')[0] ? null : { text, language: to };
    }
    case 'summary':
      return null;
    case 'tts':
      // What could not be translated is not read aloud in the voice of another language.
      return (made.nmt?.text ?? sourceText(made)).trim() && made.nmt?.refused === undefined
        ? null
        : { path: '-', sampleRate: 16_000, durationMs: 0 };
  }
}

/** Null: there is a language model, and the sound leaves something open. */
function bySound(work: JobWork, index: number): StepOutputs['repair'] | null {
  // Without a model and without a recognizer that says what else it may have been, only the glossary counts.
  const alternatives = work.alternatives.get(index) ?? [];
  if (work.row.models.repair !== undefined && (!work.repairedBySound || isOpen(alternatives))) return null;
  return repairByEar(
    {
      text: work.made[index]!.asr!.text,
      words: work.made[index]!.asr!.words,
      language: languageBefore(work, index),
      before: work.made[index - 1]?.asr?.text ?? '',
      glossary: work.row.options.glossary ?? [],
    },
    alternatives,
  );
}

/** What a model answered, as far as it may stand; whichever engine it runs in. */
export const checked = (stage: Stage, work: JobWork, index: number, output: StepOutputs[Stage]): StepOutputs[Stage] =>
  stage === 'nmt'
    ? guarded(output as StepOutputs['nmt'], {
        text: sourceText(work.made[index]!),
        from: languageBefore(work, index),
        to: work.row.options.translateTo!,
      })
    : output;
