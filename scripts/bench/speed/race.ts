/**
 * A race: every contestant over the same recordings, in turns, so that what the machine does besides hits all alike.
 */
import { wordErrors } from '../repair/errors.ts';
import { contestants } from './contestants.ts';
import { median, type Measured } from './run.ts';
import type { Recording } from './speech.ts';

export interface Lap {
  id: string;
  name: string;
  seconds: number;
  firstSeconds: number | null;
  peakBytes: number;
  cpuSeconds: number;
  wordErrorRate: number | null;
  rounds: number[];
}
export interface Race {
  recordings: number;
  audioSeconds: number;
  laps: Lap[];
}

export async function race(
  recordings: readonly Recording[],
  rounds: number,
  without: readonly string[] = [],
): Promise<Race> {
  const all = contestants().filter(each => !without.includes(each.id)),
    found = new Map<string, Measured[]>();
  try {
    for (let round = 0; round < rounds; round++)
      for (const each of all) {
        const measured = await each.once(recordings, round);
        found.set(each.id, [...(found.get(each.id) ?? []), measured]);
        console.log(
          `  ${each.name}: ${measured.seconds.toFixed(1)} s, first text ` +
            `${measured.firstSeconds?.toFixed(1) ?? '?'} s, ${(measured.peakBytes / 1024 ** 2).toFixed(0)} MB`,
        );
      }
  } finally {
    for (const each of all) each.end?.();
  }
  return {
    recordings: recordings.length,
    audioSeconds: recordings.reduce((sum, each) => sum + each.seconds, 0),
    laps: all.map(({ id, name }) => {
      const laps = found.get(id)!;
      return {
        id,
        name,
        seconds: median(laps.map(lap => lap.seconds)),
        firstSeconds: laps.every(lap => lap.firstSeconds !== null) ? median(laps.map(lap => lap.firstSeconds!)) : null,
        peakBytes: Math.max(...laps.map(lap => lap.peakBytes)),
        cpuSeconds: median(laps.map(lap => lap.cpuSeconds)),
        wordErrorRate: errorRate(recordings, laps[0]!.texts),
        rounds: laps.map(lap => lap.seconds),
      };
    }),
  };
}

function errorRate(recordings: readonly Recording[], texts: ReadonlyMap<string, string>): number | null {
  let errors = 0,
    words = 0;
  for (const { path, truth } of recordings) {
    if (truth === null) continue;
    const found = wordErrors(truth, texts.get(path) ?? '');
    errors += found.errors;
    words += found.words;
  }
  return words ? errors / words : null;
}
