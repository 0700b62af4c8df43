/** What the fake engine recognizes, repairs and translates: a function of the utterance's number alone. */
import type { NmtOutput, RepairOutput, AsrOutput, SummaryOutput } from '../../../schemas/job.ts';
import type { StepInputs } from '../../contracts/worker-protocol.ts';

const WORDS = [
  'amber',
  'birch',
  'cedar',
  'dune',
  'ember',
  'fjord',
  'grove',
  'heath',
  'inlet',
  'juniper',
  'knoll',
  'lagoon',
  'meadow',
  'north',
  'ocean',
  'prairie',
];

const textsOf = (index: number): string[] => [
  'utterance',
  String(index),
  ...Array.from({ length: 2 + ((index * 5) % 8) }, (_, n) => WORDS[(index * 7 + n * 3) % WORDS.length]!),
];

/** What is still being said: a word for each 200 ms, the last one cut off. */
export function recognizePart(index: number, { audio, language }: StepInputs['asr'], heard: string): AsrOutput {
  const texts = textsOf(index),
    count = Math.floor((audio.endSample - audio.startSample) / 3200);
  return {
    text: [...texts.slice(0, count), ...(count < texts.length ? [`${texts[count]!.slice(0, 1)}-`] : [])].join(' '),
    language: language ?? heard,
    languageProbability: language ? 1 : 0.9,
    words: [],
  };
}

/** "utterance 7 juniper prairie …": four to eleven words, spread over the audio. */
export function recognize(index: number, { audio, language }: StepInputs['asr'], heard: string): AsrOutput {
  const texts = textsOf(index);
  const startMs = audio.startSample / 16,
    stepMs = (audio.endSample - audio.startSample) / 16 / texts.length;
  return {
    text: texts.join(' '),
    language: language ?? heard,
    languageProbability: language ? 1 : 0.9,
    words: texts.map((text, n) => ({
      text,
      startMs: Math.round(startMs + n * stepMs),
      endMs: Math.round(startMs + (n + 1) * stepMs),
      probability: 0.95,
    })),
  };
}

/** Makes the first letter large and ends with a full stop. */
export function repair({ text, words }: StepInputs['repair']): RepairOutput {
  if (text === '') return { text, changes: [] };
  const before = words[0]?.text ?? text.split(' ')[0]!,
    after = before[0]!.toUpperCase() + before.slice(1);
  const repaired = after + text.slice(before.length);
  return {
    text: /[.!?]$/.test(repaired) ? repaired : `${repaired}.`,
    changes: after === before ? [] : [{ from: 0, to: 1, before, after, source: 'casing' }],
  };
}

export const translate = ({ text, to }: StepInputs['nmt']): NmtOutput => ({
  text: text === '' ? '' : `[${to}] ${text}`,
  language: to,
});

/** The first words of each line, and how much there was. */
export const sumUp = ({ text, whole, notes }: StepInputs['summary']): SummaryOutput => ({
  text: `${whole ? 'All' : 'Part'} of ${text.split(/\s+/u).length} words${notes ? ' in notes' : ''}: ${text
    .split('\n')
    .map(line => line.split(' ').slice(0, 6).join(' '))
    .join('; ')}`,
});

/** A soft tone as mono 16-bit PCM, 60 ms for each character. */
export function speak(text: string): { pcm: Buffer; sampleRate: number; durationMs: number } {
  const sampleRate = 16_000,
    // Like a real voice it has no sound for signs alone.
    samples = /[\p{L}\p{N}]/u.test(text) ? text.length * 960 : 0,
    pcm = Buffer.alloc(samples * 2);
  for (let n = 0; n < samples; n++)
    pcm.writeInt16LE(Math.round(3000 * Math.sin((2 * Math.PI * 220 * n) / sampleRate)), n * 2);
  return { pcm, sampleRate, durationMs: Math.round((samples * 1000) / sampleRate) };
}
