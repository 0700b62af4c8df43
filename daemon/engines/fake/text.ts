/** What the fake engine hears, mends and translates: a function of the utterance's number alone. */
import type { NmtOutput, RepairOutput, AsrOutput } from '../../../schemas/job.ts';
import type { StepInputs } from '../../instances/protocol.ts';

const WORDS = ['amber', 'birch', 'cedar', 'dune', 'ember', 'fjord', 'grove', 'heath', 'inlet', 'juniper', 'knoll', 'lagoon', 'meadow', 'north', 'ocean', 'prairie'];

/** "utterance 7 juniper prairie …": four to eleven words, spread over the audio. */
export function hear(index: number, { audio, language }: StepInputs['asr'], heard: string): AsrOutput {
  const texts = ['utterance', String(index), ...Array.from({ length: 2 + ((index * 5) % 8) }, (_, n) => WORDS[(index * 7 + n * 3) % WORDS.length]!)];
  const startMs = audio.startSample / 16, stepMs = (audio.endSample - audio.startSample) / 16 / texts.length;
  return {
    text: texts.join(' '), language: language ?? heard, languageProbability: language ? 1 : 0.9,
    words: texts.map((text, n) => ({ text, startMs: Math.round(startMs + n * stepMs), endMs: Math.round(startMs + (n + 1) * stepMs), probability: 0.95 })),
  };
}

/** Makes the first letter large and ends with a full stop. */
export function mend({ text, words }: StepInputs['repair']): RepairOutput {
  if (text === '') return { text, changes: [] };
  const before = words[0]?.text ?? text.split(' ')[0]!, after = before[0]!.toUpperCase() + before.slice(1);
  const mended = after + text.slice(before.length);
  return {
    text: /[.!?]$/.test(mended) ? mended : `${mended}.`,
    changes: after === before ? [] : [{ from: 0, to: 1, before, after, source: 'casing' }],
  };
}

export const translate = ({ text, to }: StepInputs['nmt']): NmtOutput => ({ text: text === '' ? '' : `[${to}] ${text}`, language: to });

/** A mono 16-bit WAV of a soft tone, 60 ms for each character. */
export function speak(text: string): { wav: Buffer; sampleRate: number; durationMs: number } {
  const sampleRate = 16_000, samples = Math.max(1, text.length) * 960, data = Buffer.alloc(samples * 2);
  for (let n = 0; n < samples; n++) data.writeInt16LE(Math.round(3000 * Math.sin((2 * Math.PI * 220 * n) / sampleRate)), n * 2);
  const header = Buffer.alloc(44);
  header.write('RIFF', 0); header.writeUInt32LE(36 + data.length, 4); header.write('WAVEfmt ', 8);
  header.writeUInt32LE(16, 16); header.writeUInt16LE(1, 20); header.writeUInt16LE(1, 22); header.writeUInt32LE(sampleRate, 24); header.writeUInt32LE(sampleRate * 2, 28);
  header.writeUInt16LE(2, 32); header.writeUInt16LE(16, 34); header.write('data', 36); header.writeUInt32LE(data.length, 40);
  return { wav: Buffer.concat([header, data]), sampleRate, durationMs: Math.round((samples * 1000) / sampleRate) };
}
