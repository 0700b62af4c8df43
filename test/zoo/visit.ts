/** One exhibit: made, given to the real ingest, and judged. */
import { execFileSync } from 'node:child_process';
import { appendFileSync, mkdirSync, openSync, closeSync, readSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { UtteranceTimes } from '../../daemon/ingest/cutting.ts';
import { startIngest } from '../../daemon/ingest/ingest.ts';
import { EarshotError } from '../../schemas/errors.ts';
import { BYTES_PER_MS } from '../../schemas/pcm.ts';
import { SIGNAL, type Exhibit, type Workshop } from './exhibits.ts';
import { lateness, makeSignal, wav, type Part, type Signal } from './signal.ts';

/** Times must hold within this. */
export const TOLERANCE_MS = 50;
/** An utterance keeps at most this much around its speech (daemon/ingest/cutting.ts), and a detector's hesitation. */
const MARGIN_MS = 700,
  NOISY_MARGIN_MS = 1100;

export interface Tools {
  ffmpeg: string;
  maker: string;
  sherpa: string;
  samples: string;
}
export interface Zoo extends Workshop {
  tools: Tools;
  folder: string;
  files: string;
}

/** A folder with the signal in it. `maker`: the ffmpeg that makes the exhibits. */
export function openZoo(folder: string, tools: Tools): Zoo {
  const files = join(folder, 'files'),
    at = (name: string): string => join(files, name);
  mkdirSync(files, { recursive: true });
  const signal = makeSignal(tools.maker, tools.samples);
  writeFileSync(at(SIGNAL), wav(signal.samples));
  return {
    at,
    signal,
    tools,
    folder,
    files,
    ffmpeg: (...args) => {
      execFileSync(
        tools.maker,
        [
          '-nostdin',
          '-y',
          '-hide_banner',
          '-loglevel',
          'error',
          '-threads',
          '1',
          ...args.slice(0, -1),
          `file:${args.at(-1)}`,
        ],
        { stdio: ['ignore', 'ignore', 'pipe'] },
      );
    },
  };
}

export interface Visit {
  exhibit: Exhibit;
  bytes: number;
  ms: number;
  outcome:
    | { refused: string }
    | {
        warning: string | null;
        durationMs: number;
        utterances: UtteranceTimes[];
        /** By stretch, ms; null: not there. */ late: (number | null)[];
      };
  /** What is wrong; empty: nothing. */
  wrong: string[];
}

export async function visit(zoo: Zoo, exhibit: Exhibit): Promise<Visit> {
  const path = zoo.at(exhibit.name),
    pcmPath = join(zoo.folder, `pcm ${Math.random().toString(36).slice(2)}`),
    rows: UtteranceTimes[] = [],
    began = performance.now();
  let outcome: Visit['outcome'];
  try {
    const { durationMs, warnings } = await startIngest({
      recording: path,
      audioTrack: exhibit.track ?? null,
      pcmPath,
      ffmpeg: zoo.tools.ffmpeg,
      sherpaDirectory: zoo.tools.sherpa,
      node: process.execPath,
      sandboxed: false,
      prewarmed: undefined,
      signal: new AbortController().signal,
      onStart: () => {
        if (exhibit.grows) appendFileSync(path, Buffer.alloc(32_000));
      },
      onProgress: () => {},
      onUtterances: more => rows.push(...more),
    });
    outcome = {
      warning: warnings[0]?.code ?? null,
      durationMs,
      utterances: rows,
      late: stretches(exhibit, zoo.signal).map(({ part, shiftMs }) => {
        const beginsMs = Math.max(0, Math.floor(part.fromMs + shiftMs) - 1000),
          heard = pcmFrom(pcmPath, beginsMs, part.toMs - part.fromMs + 3000);
        return lateness(zoo.signal, part, heard, shiftMs, beginsMs);
      }),
    };
  } catch (error) {
    if (!(error instanceof EarshotError)) throw error;
    outcome = { refused: error.failure.code };
  } finally {
    rmSync(pcmPath, { force: true });
  }
  const bytes = ((): number => {
    try {
      return statSync(path).size;
    } catch {
      return 0;
    }
  })();
  return { exhibit, bytes, ms: performance.now() - began, outcome, wrong: judge(exhibit, outcome, zoo.signal) };
}

/** The speech that must be heard, and how much later than in the signal, ms. */
function stretches({ expect }: Exhibit, signal: Signal): { part: Part; shiftMs: number }[] {
  if ('refused' in expect) return [];
  const { shiftMs = 0, parts = signal.parts.length, hole = 0, again = [] } = expect;
  return [
    ...signal.parts.slice(0, parts).map((part, n) => ({ part, shiftMs: shiftMs + (n > 0 ? hole : 0) })),
    ...again.flatMap(shiftMs => signal.parts.map(part => ({ part, shiftMs }))),
  ];
}

/** Samples of a part of a PCM file. */
function pcmFrom(path: string, fromMs: number, lengthMs: number): Int16Array {
  const bytes = Buffer.alloc(Math.ceil(lengthMs) * BYTES_PER_MS),
    file = openSync(path, 'r');
  try {
    readSync(file, bytes, 0, bytes.length, fromMs * BYTES_PER_MS);
  } finally {
    closeSync(file);
  }
  return new Int16Array(bytes.buffer, bytes.byteOffset, bytes.length >> 1);
}

function judge(exhibit: Exhibit, outcome: Visit['outcome'], signal: Signal): string[] {
  const { expect } = exhibit;
  if ('refused' in expect)
    return 'refused' in outcome && outcome.refused === expect.refused
      ? []
      : [
          `should be refused as ${expect.refused}, was ` +
            `${'refused' in outcome ? `refused as ${outcome.refused}` : `heard (${outcome.warning ?? 'no warning'})`}`,
        ];
  if ('refused' in outcome) return [`refused as ${outcome.refused}`];
  const wrong: string[] = [],
    { warning = null, noisy = false } = expect,
    margin = noisy ? NOISY_MARGIN_MS : MARGIN_MS;
  if (outcome.warning !== warning) wrong.push(`warning ${outcome.warning ?? 'none'} instead of ${warning ?? 'none'}`);
  if (expect.parts === 0 && outcome.utterances.length)
    wrong.push(`${outcome.utterances.length} utterances where nobody speaks`);
  for (const [n, { part, shiftMs }] of stretches(exhibit, signal).entries()) {
    const late = outcome.late[n];
    if (late === null || late === undefined) {
      wrong.push(`stretch ${n + 1} is not there`);
      continue;
    }
    if (Math.abs(late) > TOLERANCE_MS) wrong.push(`stretch ${n + 1} is ${late} ms late`);
    // The speech proper begins and ends a little inside its stretch.
    const from = part.fromMs + shiftMs,
      to = part.toMs + shiftMs,
      held = outcome.utterances.find(row => row.startMs < to && row.endMs > from);
    if (!held) wrong.push(`no utterance holds stretch ${n + 1}`);
    else if (
      held.startMs > from + 250 ||
      held.startMs < from - margin ||
      held.endMs < to - 250 ||
      held.endMs > to + margin
    )
      wrong.push(`stretch ${n + 1} (${from}–${to} ms) is in ${held.startMs}–${held.endMs}`);
  }
  return wrong;
}
