/**
 * `npm run test:live [SECONDS]`: live sessions at the pace of real time, written to docs/live.md. Ten at once on the
 * fake recognizer for ten minutes, and one at a time on Whisper base with the recordings in samples/. Ends badly when
 * the order of anything was wrong or the backlog grew beyond its bound.
 */
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect } from '../../client/client.ts';
import type { JobOptions, Utterance } from '../../schemas/job.ts';
import { MOST_BEHIND_MS, type PartialText } from '../../schemas/live.ts';
import { BYTES_PER_MS } from '../../schemas/pcm.ts';
import type { ModelCard } from '../../schemas/model.ts';
import type { Settings } from '../../schemas/settings.ts';
import { fakeModel } from '../../test/daemon/harness.ts';
import { RealDaemon, SAMPLES } from '../../test/daemon/real.ts';
import { machine, spread, type Spread } from './spread.ts';
import { wrapped } from '../wrap.ts';

const PIECE_MS = 50;

export interface Report {
  sessions: number;
  seconds: number;
  utterances: number;
  /** Utterances whose text came after that of a later one, and jobs that did not complete with all of it. */
  outOfOrder: number;
  unfinished: number;
  /** Most sound that waited for its text, ms; utterances that stayed unrepaired. */
  mostBehindMs: number;
  unrepaired: number;
  /**
   * From the end of an utterance (its last sample was sent) to its text here; the recognizer's own time; one over the
   * other.
   */
  latency: Spread;
  asr: Spread;
  ratio: Spread;
  /** To the repaired text; null: without repair. */
  repaired: Spread | null;
  /**
   * From the end of a word (its last sample was sent) until it stands on the screen as it does in the end, and until it
   * is stable or in its utterance's text; words that were stable and another in the end. Null: without partial text.
   */
  words: { shown: Spread; settled: Spread; count: number; wrong: number } | null;
}

export interface Setup {
  recordings: readonly string[];
  sessions: number;
  seconds: number;
  options: Partial<JobOptions>;
  models?: readonly ModelCard[];
  settings?: Partial<Settings>;
  partials?: boolean;
}

/** `sessions` at once, each `seconds` long, of the recordings in turn and from another place in them. */
export async function live({
  recordings,
  sessions,
  seconds,
  options,
  models,
  settings,
  partials = false,
}: Setup): Promise<Report> {
  const daemon = new RealDaemon({ ...(models ? { models } : {}), ...(settings ? { settings } : {}) });
  try {
    const { client } = await daemon.start();
    const { ffmpeg } = await client.call('live/recorder', {});
    const sounds = recordings.map(
      path =>
        spawnSync(ffmpeg, ['-v', 'error', '-i', path, '-ar', '16000', '-ac', '1', '-f', 's16le', '-'], {
          maxBuffer: 1e9,
        }).stdout,
    );
    const speakers = await Promise.all(
      Array.from({ length: sessions }, async (_, n) => {
        const { job } = await client.call('live/open', {
            options: { repair: false, ...options },
            format: 'pcm',
            partials,
          }),
          sound = sounds[n % sounds.length]!;
        const from = Math.floor((n * sound.length) / sessions / 2) * 2;
        return {
          job,
          sound: Buffer.concat([sound.subarray(from), sound.subarray(0, from)]),
          sentAt: [] as number[],
          heard: new Map<number, number>(),
          repaired: new Map<number, number>(),
          order: [] as number[],
          partials: [] as { at: number; partial: PartialText }[],
          mostBehindMs: 0,
        };
      }),
    );
    const byJob = new Map(speakers.map(speaker => [speaker.job.id, speaker]));
    // A connection of its own: what it subscribes to stays.
    const reader = await connect({
      socket: daemon.home.socket,
      token: readFileSync(daemon.home.token, 'utf8'),
      client: 'reader',
      version: '0.0.0',
    });
    reader.onEvents(({ events }) => {
      const now = performance.now();
      for (const event of events) {
        if (event.type === 'partial') byJob.get(event.job)!.partials.push({ at: now, partial: event.partial });
        if (event.type !== 'utterance') continue;
        const speaker = byJob.get(event.job)!,
          { index, asr, repair } = event.utterance;
        if (asr && !speaker.heard.has(index)) {
          speaker.heard.set(index, now);
          speaker.order.push(index);
        }
        if (repair && !speaker.repaired.has(index)) speaker.repaired.set(index, now);
      }
    });
    await reader.call('state/subscribe', { topics: [], utterancesOf: [...byJob.keys()] });
    const began = performance.now(),
      pieces = Math.floor((seconds * 1000) / PIECE_MS),
      size = PIECE_MS * BYTES_PER_MS;
    await Promise.all(
      speakers.map(async (speaker, n) => {
        for (let piece = 0; piece < pieces; piece++) {
          // A microphone gives a piece when it is full. They do not all speak at the same moment.
          await sleep(Math.max(0, began + (n * PIECE_MS) / sessions + (piece + 1) * PIECE_MS - performance.now()));
          speaker.sentAt.push(performance.now());
          const { behindMs } = await client.call('live/append', {
            id: speaker.job.id,
            offset: piece * size,
            data: looped(speaker.sound, piece * size, size).toString('base64'),
          });
          speaker.mostBehindMs = Math.max(speaker.mostBehindMs, behindMs);
        }
        await client.call('live/close', { id: speaker.job.id });
      }),
    );
    const ended = await daemon.ended(speakers.map(({ job }) => job));
    await until(() =>
      speakers.every(
        ({ heard, repaired }, n) =>
          heard.size === ended[n]!.progress.stages.asr!.done && (!options.repair || repaired.size === heard.size),
      ),
    );
    reader.dispose();
    const latency: number[] = [],
      asrMs: number[] = [],
      ratio: number[] = [],
      repaired: number[] = [];
    const shown: number[] = [],
      settled: number[] = [];
    let wrong = 0;
    let utterances = 0,
      outOfOrder = 0,
      unfinished = 0,
      unrepaired = 0;
    for (const [n, speaker] of speakers.entries()) {
      const made = (await client.call('job/utterances', { id: speaker.job.id })).utterances,
        { entries } = await client.call('job/log', { id: speaker.job.id, limit: 10_000 });
      const took = new Map(
        entries
          .filter(({ kind, stage }) => kind === 'step.finished' && stage === 'asr')
          .map(({ index, data }) => [index, Number(data.ms)]),
      );
      utterances += made.length;
      outOfOrder += speaker.order.filter((index, place) => index !== place).length;
      if (ended[n]!.state !== 'completed' || made.some(({ asr }) => !asr) || made.length !== speaker.heard.size)
        unfinished++;
      for (const utterance of made) {
        const seen = wordTimes(utterance, speaker.partials),
          final = speaker.heard.get(utterance.index)!;
        wrong += seen.wrong;
        for (const word of seen.words) {
          const sent = speaker.sentAt[Math.ceil(word.endMs / PIECE_MS) - 1]!;
          shown.push(Math.min(final, word.shownAt) - sent);
          settled.push(Math.min(final, word.stableAt) - sent);
        }
      }
      for (const { index, endMs, repair } of made) {
        // The last one ends with the session, not with a pause; it was sent when the session was closed.
        const sent = speaker.sentAt[Math.ceil(endMs / PIECE_MS) - 1]!,
          ms = speaker.heard.get(index)! - sent,
          own = took.get(index)!;
        latency.push(ms);
        asrMs.push(own);
        ratio.push(ms / own);
        if (repair) repaired.push(speaker.repaired.get(index)! - sent);
        if (repair?.refused === 'late') unrepaired++;
      }
    }
    return {
      sessions,
      seconds,
      utterances,
      outOfOrder,
      unfinished,
      unrepaired,
      mostBehindMs: Math.max(...speakers.map(({ mostBehindMs }) => mostBehindMs)),
      latency: spread(latency),
      asr: spread(asrMs),
      ratio: spread(ratio),
      repaired: repaired.length ? spread(repaired) : null,
      words: partials ? { shown: spread(shown), settled: spread(settled), count: shown.length, wrong } : null,
    };
  } finally {
    await daemon.close();
  }
}

const bare = (text: string): string[] =>
  text
    .toLowerCase()
    .split(/\s+/)
    .map(word => word.replace(/[^\p{L}\p{N}]/gu, ''))
    .filter(Boolean);

/** When each word of an utterance stood there for the first time with all before it, and when it was stable. */
function wordTimes(
  { index, asr }: Utterance,
  heard: readonly { at: number; partial: PartialText }[],
): { words: { endMs: number; shownAt: number; stableAt: number }[]; wrong: number } {
  const final = asr!.words.flatMap(({ text, endMs }) => bare(text).map(word => ({ word, endMs }))),
    words = final.map(({ endMs }) => ({ endMs, shownAt: Infinity, stableAt: Infinity }));
  let stable: string[] = [];
  for (const { at, partial } of heard) {
    if (partial.index !== index) continue;
    stable = bare(partial.stable);
    const all = bare(partial.stable + partial.unstable);
    for (let n = 0; n < words.length && all[n] === final[n]!.word; n++) {
      words[n]!.shownAt = Math.min(words[n]!.shownAt, at);
      if (n < stable.length) words[n]!.stableAt = Math.min(words[n]!.stableAt, at);
    }
  }
  return { words, wrong: stable.filter((word, n) => word !== final[n]?.word).length };
}

/** The last events are on their way. */
async function until(look: () => boolean): Promise<void> {
  for (const end = Date.now() + 5_000; !look() && Date.now() < end;) await sleep(20);
}

/** `size` bytes of a sound that begins anew when it ends. */
function looped(sound: Buffer, at: number, size: number): Buffer {
  const from = at % sound.length,
    first = sound.subarray(from, from + size);
  return first.length === size ? first : Buffer.concat([first, sound.subarray(0, size - first.length)]);
}

const samples = (): string[] =>
  readdirSync(SAMPLES)
    .filter(name => name.endsWith('.flac'))
    .map(name => join(SAMPLES, name));

/** The fake recognizer takes a tenth of the sound, as Whisper base does on a few cores; three of them fit. */
export const fakes = (sessions: number, seconds: number): Setup => ({
  recordings: samples(),
  sessions,
  seconds,
  options: { language: 'en', repair: true },
  models: [
    fakeModel('fake-asr', 'asr', { ms: 100, msPerSecond: 100 }),
    fakeModel('fake-repair', 'repair', { ms: 100 }),
  ],
  settings: { cpuThreads: 8, loadedModels: 8, instancesPerDevice: 8, memoryReserveBytes: 0 },
});

const HEARD = [
    ...['sessions at once', 'length each', 'utterances', 'latency', "recognizer's own time", 'ratio'],
    'repaired after',
  ],
  HELD = [
    ...['sessions at once', 'text out of order', 'incomplete sessions', 'most sound waiting', 'left unrepaired'],
    'load',
  ];

async function page(seconds: number): Promise<void> {
  const rows: [name: string, report: Report, load: number][] = [];
  const measure = async (name: string, setup: Setup): Promise<void> => {
    // What the machine does besides, as it was while nothing of this ran.
    const [load = 0] = loadavg();
    rows.push([name, await live(setup), load]);
  };
  const whisper = (path: string, more: Partial<JobOptions> = {}, partials = false): Setup => ({
    recordings: [path],
    sessions: 1,
    seconds: Math.min(seconds, 60),
    options: { language: /-es/.test(path) ? 'es' : 'en', models: { asr: 'whisper-base' }, ...more },
    partials,
  });
  await measure('10 on the fake recognizer, with repair', fakes(10, seconds));
  for (const path of samples()) await measure(`1 on Whisper base: ${basename(path)}`, whisper(path, {}, true));
  const english = samples().find(path => !/-es/.test(path))!;
  await measure('1 on Whisper base, repaired', whisper(english, { repair: true }));
  const secs = ({ median, p95, worst }: Spread): string =>
    [median, p95, worst].map(ms => (ms / 1000).toFixed(2)).join(' / ');
  const table = (head: readonly string[], lines: readonly (readonly string[])[]): string =>
    [head, head.map((_, n) => (n === 0 ? '---' : '---:')), ...lines].map(line => `| ${line.join(' | ')} |`).join('\n');
  const heard = rows.map(([name, r]) => [
    name,
    `${r.seconds} s`,
    String(r.utterances),
    secs(r.latency),
    secs(r.asr),
    [r.ratio.median, r.ratio.p95, r.ratio.worst].map(each => each.toFixed(2)).join(' / '),
    r.repaired ? secs(r.repaired) : '',
  ]);
  const held = rows.map(([name, r, load]) => [
    name,
    String(r.outOfOrder),
    String(r.unfinished),
    `${(r.mostBehindMs / 1000).toFixed(1)} s (bound ${MOST_BEHIND_MS / 1000} s)`,
    String(r.unrepaired),
    load.toFixed(1),
  ]);
  const spoken = rows.flatMap(([name, { words }]) =>
    words ? [[name, `${words.count}`, secs(words.shown), secs(words.settled), `${words.wrong}`]] : [],
  );
  const text = `# Live sessions

Made by \`npm run test:live\` on ${machine()}. Recorded speech is sent as PCM in real time, in pieces of ${PIECE_MS} ms,
to a daemon with the real voice detector. Seconds: median / 95th percentile / worst. Latency runs from when the last
sample of an utterance was sent to when its text arrives; it includes the pause that marks the end of an utterance (a
third of a second) and the wait for the recognizer. Utterances are short, so that text comes soon.

${table(HEARD, heard)}

Load is the processes that wanted a processor, of this machine's other work, when the session began.

${table(HELD, held)}

## Words while they are spoken

From when the last sample of a word was sent until it stands on the screen as it does in the end, and until it is stable
or in the text of its utterance; words that were stable and are other ones in the end.

${table(['session', 'words', 'shown after', 'stable after', 'stable and wrong'], spoken)}
`;
  writeFileSync(join(import.meta.dirname, '..', '..', 'docs', 'live.md'), wrapped(text));
  console.log(text);
  if (
    rows.some(([, r]) => r.outOfOrder || r.unfinished || r.mostBehindMs > MOST_BEHIND_MS + 1000 || r.utterances === 0)
  )
    process.exitCode = 1;
}

if (import.meta.main) await page(Number(process.argv[2] ?? 600));
