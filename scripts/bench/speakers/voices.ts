/** Clips of five people, each alone: a reader of LibriVox and the voices of the Asterisk sound set, from Debian. */
import { execFileSync } from 'node:child_process';
import { globSync } from 'node:fs';
import { join } from 'node:path';
import { CACHE, fetchSounds } from '../speed/speech.ts';

export const RATE = 16_000;
export interface Person {
  name: string;
  clips: Float32Array[];
}

const PACKAGES = [...['en', 'es', 'fr', 'it', 'ru'].map(l => `asterisk-core-sounds-${l}-wav`), 'pocketsphinx-testdata'];
/** Where each person's clips lie. */
const PEOPLE = {
  librivox: 'usr/share/pocketsphinx/test/data/librivox/*.wav',
  allison: 'usr/share/asterisk/sounds/en_US_f_Allison/**/*.wav',
  june: 'usr/share/asterisk/sounds/fr_CA_f_June/**/*.wav',
  carlo: 'usr/share/asterisk/sounds/it_IT_m_Carlo/**/*.wav',
  ivrvoice: 'usr/share/asterisk/sounds/ru_RU_f_IvrvoiceRU/**/*.wav',
} as const;
const MOST_CLIPS = 120,
  LEAST_SECONDS = 1.5,
  MOST_SECONDS = 9;

/** Null where there is no apt to fetch them with. */
export function people(ffmpeg: string): Person[] | null {
  const sounds = join(CACHE, 'voices');
  if (!fetchSounds(PACKAGES, sounds)) return null;
  return Object.entries(PEOPLE).map(([name, pattern]) => {
    const clips: Float32Array[] = [];
    for (const file of globSync(pattern, { cwd: sounds }).sort()) {
      if (clips.length >= MOST_CLIPS) break;
      if (/silence|beep|digits|letters|phonetic/.test(file)) continue;
      const clip = trimmed(decoded(ffmpeg, join(sounds, file))),
        seconds = clip.length / RATE;
      if (seconds >= LEAST_SECONDS && seconds <= MOST_SECONDS) clips.push(clip);
    }
    return { name, clips };
  });
}

function decoded(ffmpeg: string, path: string): Float32Array {
  const out = execFileSync(
    ffmpeg,
    ['-nostdin', '-loglevel', 'error', '-i', path, '-ac', '1', '-ar', String(RATE), '-f', 's16le', '-'],
    { maxBuffer: 1 << 26 },
  );
  return Float32Array.from(
    new Int16Array(out.buffer.slice(out.byteOffset, out.byteOffset + out.length)),
    v => v / 32_768,
  );
}

/** Without the silence around it, and as loud as the others. */
function trimmed(samples: Float32Array): Float32Array {
  const frame = RATE / 50,
    levels = Array.from({ length: Math.floor(samples.length / frame) }, (_, n) =>
      Math.max(...samples.subarray(n * frame, (n + 1) * frame).map(Math.abs)),
    ),
    peak = Math.max(...levels, 1e-6),
    from = levels.findIndex(level => level > peak * 0.03),
    to = levels.findLastIndex(level => level > peak * 0.03);
  return samples.slice(Math.max(0, from) * frame, (to + 1) * frame).map(value => (value / peak) * 0.5);
}
