/**
 * docs/performance.md and its picture, from what the sections found: each goal with what was reached, and by how much
 * one was missed.
 */
import { STAGES } from '../../../schemas/words.ts';
import type { Chain, Fixed, Layers, Together } from './inside.ts';
import type { Lap, Race } from './race.ts';

interface Stamp {
  machine: string;
  versions: string;
  source: string;
}
export interface Results {
  short?: Stamp & Race;
  long?: Stamp & Race;
  chain?: Stamp & Chain;
  layers?: Stamp & Layers;
  fixed?: Stamp & Fixed;
  together?: Stamp & Together;
}

const s = (value: number | null): string => (value === null ? '?' : value >= 100 ? value.toFixed(0) : value.toFixed(1));
const times = (value: number): string => `${value.toFixed(2)} ×`;
/** `reached` against `goal`; `least`: more is better. `why` is given where it was missed. */
function goal(what: string, goal: number, reached: number, least: boolean, why: string): string {
  const met = least ? reached >= goal : reached <= goal,
    off = Math.abs(reached / goal - 1) * 100;
  return `| ${what} | ${least ? '≥' : '≤'} ${times(goal)} | ${times(reached)} | ${met ? 'yes' : `no, by ${off.toFixed(0)} %. ${why}`} |`;
}
const goals = (rows: readonly string[]): string =>
  `| goal | | reached | met |\n| --- | ---: | ---: | --- |\n${rows.join('\n')}`;
const lap = (race: Race, id: string): Lap | undefined => race.laps.find(each => each.id === id);
const stamp = ({ machine, versions, source }: Stamp): string => `*${machine}; ${versions}. Speech: ${source}.*`;

const table = (race: Race): string => `| | time, s | × real time | first text, s | peak memory, MB | word errors |
| --- | ---: | ---: | ---: | ---: | ---: |
${race.laps.map(each => `| ${each.name} | ${s(each.seconds)} | ${s(race.audioSeconds / each.seconds)} | ${s(each.firstSeconds)} | ${(each.peakBytes / 1024 ** 2).toFixed(0)} | ${each.wordErrorRate === null ? '?' : `${(each.wordErrorRate * 100).toFixed(1)} %`} |`).join('\n')}`;

function shortSection(race: Stamp & Race): string {
  const [each, loop, cold, warm] = ['each', 'loop', 'cold', 'warm'].map(id => lap(race, id));
  return `## Many short recordings

${race.recordings} recordings, ${s(race.audioSeconds)} s together.

${stamp(race)}

${table(race)}

${
  each && loop && cold && warm
    ? goals([
        goal(
          'faster than once per file, from a cold start',
          4,
          each.seconds / cold.seconds,
          true,
          'The start of the daemon and the loads are in it.',
        ),
        goal(
          'faster than once per file, already running',
          4,
          each.seconds / warm.seconds,
          true,
          'Recognition itself takes the rest.',
        ),
        goal(
          'faster than the loop with a kept model, from a cold start',
          1.25,
          loop.seconds / cold.seconds,
          true,
          'The start of the daemon, both loads and the times of words are in it; the loop has no times of words.',
        ),
        goal(
          'faster than the loop with a kept model, already running',
          1.25,
          loop.seconds / warm.seconds,
          true,
          'Earshot also finds the times of words, which the loop leaves out.',
        ),
      ])
    : ''
}
`;
}

function longSection(race: Stamp & Race): string {
  const [all, loop, batched, cold, warm] = ['all', 'loop', 'batched', 'cold', 'warm'].map(id => lap(race, id));
  const rows: string[] = [];
  if (all && loop && batched && cold && warm) {
    rows.push(
      goal(
        'time compared with the loop with a kept model, from a cold start',
        1.03,
        cold.seconds / loop.seconds,
        false,
        'The start of the daemon is in it.',
      ),
      goal(
        'time compared with the loop with a kept model, already running',
        1.03,
        warm.seconds / loop.seconds,
        false,
        '',
      ),
    );
    rows.push(
      goal(
        'time compared with the batched pipeline',
        1,
        warm.seconds / batched.seconds,
        false,
        'Earshot also finds the times of words.',
      ),
    );
    rows.push(
      goal(
        'first text earlier than with tools that write at the end, from a cold start',
        4,
        (all.firstSeconds ?? 0) / (cold.firstSeconds ?? Infinity),
        true,
        '',
      ),
      goal('the same, already running', 4, (all.firstSeconds ?? 0) / (warm.firstSeconds ?? Infinity), true, ''),
    );
  }
  return `## One long recording

${s(race.audioSeconds)} s.

${stamp(race)}

${table(race)}

${rows.length ? goals(rows) : ''}
`;
}

const chainSection = (found: Stamp & Chain): string => `## The four stages

${found.recordings} Spanish recordings, ${s(found.audioSeconds)} s, recognized, repaired, translated into English and
spoken; the models are loaded.

${stamp(found)}

| | s |
| --- | ---: |
| one step at a time | ${s(found.serialSeconds)} |
${STAGES.map(stage => `| of this, ${stage} | ${s(found.stageSeconds[stage])} |`).join('\n')}
| **Earshot** | ${s(found.oursSeconds)} |
| bound of the flow shop (one instance per stage, each as fast as alone) | ${s(found.shopSeconds)} |
| bound by cores (the processor time of one step at a time, shared out) | ${s(found.coresSeconds)} |

${goals([
  goal(
    'compared with the larger bound',
    1.1,
    found.oursSeconds / Math.max(found.shopSeconds, found.coresSeconds),
    false,
    'The flow shop’s bound takes every stage as fast as with all cores to itself, which stages side by side cannot ' +
      'be.',
  ),
])}
`;

const layersSection = (found: Stamp & Layers): string => `## What Earshot’s layers cost

${found.utterances} utterances of ${s(found.audioSeconds)} s: with the engine’s code alone, and through the daemon
with one instance of as many threads. The bare engine’s times include the time that ingest takes to find the first one.

${stamp(found)}

| | bare engine | Earshot |
| --- | ---: | ---: |
| all, s | ${s(found.bareSeconds)} | ${s(found.oursSeconds)} |
| first text, s | ${found.bareFirstSeconds.toFixed(2)} | ${found.oursFirstSeconds.toFixed(2)} |

${goals([
  goal('throughput', 0.97, found.bareSeconds / found.oursSeconds, true, ''),
  goal(
    'first text',
    1.1,
    found.oursFirstSeconds / found.bareFirstSeconds,
    false,
    'The request, the store’s sync and the start of the ingest are in it.',
  ),
])}
`;

function fixedSection(found: Stamp & Fixed): string {
  const own = found.rows.find(row => row.adaptive),
    others = found.rows.filter(row => !row.adaptive);
  return `## Its own choice compared with fixed ones

The same recordings, on daemons that have worked before.

${stamp(found)}

| | short ones, s | long one, s |
| --- | ---: | ---: |
${found.rows.map(row => `| ${row.name} | ${s(row.shortSeconds)} | ${s(row.longSeconds)} |`).join('\n')}

${
  own
    ? goals([
        goal(
          'short ones, compared with the best fixed choice',
          0.95,
          Math.min(...others.map(row => row.shortSeconds)) / own.shortSeconds,
          true,
          '',
        ),
        goal(
          'the long one, compared with the best fixed choice',
          0.95,
          Math.min(...others.map(row => row.longSeconds)) / own.longSeconds,
          true,
          '',
        ),
      ])
    : ''
}
`;
}

const togetherSection = (found: Stamp & Together): string => `## Utterances recognized together

The recognizer takes utterances that follow each other in one go, up to 20 s (the first of a recording stays alone,
so that its text comes at once). Measured with the bare engine, one stretch after the other.

${stamp(found)}

| up to, s | ${found.rows[0]!.languages.map(({ language }) => `${language}: stretches | time, s | word errors`).join(' | ')} |
| --- | ${found.rows[0]!.languages.map(() => '---: | ---: | ---:').join(' | ')} |
${found.rows.map(({ mostMs, languages }) => `| ${mostMs === 0 ? 'each by itself' : mostMs / 1000} | ${languages.map(each => `${each.stretches} | ${s(each.seconds)} | ${each.wordErrorRate === null ? '?' : `${(each.wordErrorRate * 100).toFixed(1)} %`}`).join(' | ')} |`).join('\n')}
`;

export const markdown = (results: Results): string => `# How fast it is

Made by \`npm run bench\`; every figure is the median of at least three runs that took turns. All recognize with the
same weights (Whisper base, int8), the same threads and a given language; Earshot also finds the time of each word.
Memory is that of all processes together, counting shared pages once (proportional set size).

![Times side by side](images/performance.svg)

${[
  results.short && shortSection(results.short),
  results.long && longSection(results.long),
  results.chain && chainSection(results.chain),
  results.layers && layersSection(results.layers),
  results.fixed && fixedSection(results.fixed),
  results.together && togetherSection(results.together),
]
  .filter(Boolean)
  .join('\n')}`;

/** Bars, the shorter the better. */
export function plot(results: Results): string {
  const groups = [
    { title: 'Short recordings, s', race: results.short },
    { title: 'One long recording, s', race: results.long },
  ].flatMap(({ title, race }) => (race ? [{ title, laps: race.laps }] : []));
  const LEFT = 330,
    WIDTH = 330,
    ROW = 24;
  let y = 8;
  const parts: string[] = [];
  for (const { title, laps } of groups) {
    const most = Math.max(...laps.map(each => each.seconds));
    parts.push(`<text x="8" y="${y + 16}" font-weight="bold">${title}</text>`);
    y += ROW;
    for (const each of laps) {
      const ours = each.name.startsWith('**');
      parts.push(
        `<text x="${LEFT - 8}" y="${y + 16}" text-anchor="end">${each.name.replaceAll('*', '')}</text><rect ` +
          `x="${LEFT}" y="${y + 4}" width="${Math.max(2, (each.seconds / most) * WIDTH).toFixed(1)}" height="16" ` +
          `rx="2" fill="${ours ? '#2f6fde' : '#9aa3b2'}"/><text ` +
          `x="${(LEFT + 6 + (each.seconds / most) * WIDTH).toFixed(1)}" y="${y + 16}">${s(each.seconds)}</text>`,
      );
      y += ROW;
    }
    y += 10;
  }
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${LEFT + WIDTH + 70} ${y}" font-family="system-ui, sans-serif" font-size="13" fill="#333"><rect width="100%" height="100%" fill="#fff"/>${parts.join('')}</svg>\n`;
}
