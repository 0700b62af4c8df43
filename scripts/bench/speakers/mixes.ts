/** Conversations made of clips, with who speaks when. */
import type { Span } from '../../../daemon/diarization/pieces.ts';
import { RATE, type Person } from './voices.ts';

export interface Said extends Span {
  who: string;
}
export interface Mix {
  name: string;
  samples: Float32Array;
  said: Said[];
}

export interface Recipe {
  name: string;
  people: readonly string[];
  /** How often each speaks. */ turns: number;
  /** Between two turns, s; below zero: the next begins before the last ends. */ gap: number;
  seed: number;
}

/** The same every time. */
export function random(seed: number): () => number {
  let state = seed;
  return () => (state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0) / 2 ** 32;
}

const LEAST_TURN = 2.5 * RATE,
  PAUSE = 0.15 * RATE;

export function mixOf(all: readonly Person[], { name, people, turns, gap, seed }: Recipe): Mix {
  const next = random(seed),
    chosen = people.map(who => all.find(person => person.name === who)!),
    clips = new Map(chosen.map(({ name: who, clips: own }) => [who, shuffled(own, next)]));
  const parts: { who: string; sound: Float32Array }[] = [];
  for (let round = 0; round < turns; round++)
    for (const { name: who } of shuffled(chosen, next)) {
      if (chosen.length > 1 && parts.at(-1)?.who === who) continue;
      const sound: number[] = [];
      while (sound.length < LEAST_TURN) {
        if (sound.length) for (let i = 0; i < PAUSE; i++) sound.push(0);
        for (const value of clips.get(who)!.pop() ?? []) sound.push(value);
        if (!clips.get(who)!.length) clips.set(who, shuffled(chosen.find(one => one.name === who)!.clips, next));
      }
      parts.push({ who, sound: Float32Array.from(sound) });
    }
  const said: Said[] = [];
  let at = 0.5 * RATE;
  for (const { who, sound } of parts) {
    said.push({ who, startMs: (at / RATE) * 1000, endMs: ((at + sound.length) / RATE) * 1000 });
    at += sound.length + Math.round(gap * RATE);
  }
  const samples = new Float32Array(Math.ceil((Math.max(...said.map(one => one.endMs)) / 1000 + 0.5) * RATE));
  said.forEach(({ startMs }, n) => {
    const from = Math.round((startMs / 1000) * RATE);
    parts[n]!.sound.forEach((value, i) => (samples[from + i]! += value));
  });
  // A room is never quite silent.
  for (let i = 0; i < samples.length; i++) samples[i]! += (next() - 0.5) * 2e-3;
  return { name, samples, said };
}

function shuffled<T>(items: readonly T[], next: () => number): T[] {
  const copy = [...items];
  for (let i = copy.length - 1; i > 0; i--) {
    const j = Math.floor(next() * (i + 1));
    [copy[i], copy[j]] = [copy[j]!, copy[i]!];
  }
  return copy;
}
