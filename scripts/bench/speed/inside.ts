/**
 * What goes on inside Earshot: its layers beside the bare engine, the four stages beside one step at a time, and its
 * own choice of instances beside fixed ones.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Job } from '../../../schemas/job.ts';
import type { Settings } from '../../../schemas/settings.ts';
import { isFinal, STAGES, type Stage } from '../../../schemas/words.ts';
import { fasterWhisper } from '../../../daemon/engines/faster-whisper/engine.ts';
import { startIngest } from '../../../daemon/ingest/ingest.ts';
import { Windows } from '../../../daemon/jobs/windows.ts';
import type { UtteranceRow } from '../../../daemon/contracts/store.ts';
import { wordErrors } from '../repair/errors.ts';
import { RealDaemon } from '../../../test/daemon/real.ts';
import { ffmpeg, modelFolder, python, sherpa } from '../../../test/engines/place.ts';
import { THREADS } from './contestants.ts';
import { median, Watch } from './run.ts';
import type { Recording } from './speech.ts';

const engines = join(import.meta.dirname, '..', '..', '..', 'daemon', 'engines');
const RECOGNITION = {
  repair: false,
  language: 'en',
  models: { asr: 'whisper-base' },
  outputs: { formats: [] },
} satisfies Partial<Job['options']>;

interface Pass {
  seconds: number;
  firstSeconds: number;
  jobs: Job[];
}
/** Submits, and waits for the end; times from the request on. */
async function pass(
  daemon: RealDaemon,
  recordings: readonly Recording[],
  options: Partial<Job['options']>,
): Promise<Pass> {
  const began = performance.now();
  let firstSeconds = Infinity;
  const { results } = await daemon.client.call('job/submit', {
    jobs: recordings.map(({ path }) => ({
      recording: path,
      options: { repair: true, ...options },
      onDuplicate: 'create' as const,
    })),
  });
  const jobs = results.map(result => {
    if ('failure' in result) throw new Error(JSON.stringify(result.failure));
    return result.job;
  });
  const open = new Set(jobs.map(job => job.id));
  const over = new Promise<void>(resolve =>
    daemon.client.onEvents(({ events }) => {
      for (const event of events) {
        if (event.type === 'utterance' && event.utterance.asr && jobs.some(job => job.id === event.job))
          firstSeconds = Math.min(firstSeconds, (performance.now() - began) / 1000);
        if (event.type === 'job' && isFinal(event.job.state)) open.delete(event.job.id);
      }
      if (!open.size) resolve();
    }),
  );
  const { jobs: now } = await daemon.client.call('state/subscribe', {
    topics: ['jobs'],
    utterancesOf: jobs.map(job => job.id),
  });
  for (const job of now) if (isFinal(job.state)) open.delete(job.id);
  if (open.size) await over;
  const seconds = (performance.now() - began) / 1000,
    ended = await Promise.all(jobs.map(async ({ id }) => (await daemon.client.call('job/get', { id })).job));
  const failed = ended.find(job => job.state !== 'completed');
  if (failed) throw new Error(`${failed.recording.name}: ${JSON.stringify(failed.failure)}`);
  return { seconds, firstSeconds: Math.min(firstSeconds, seconds), jobs: ended };
}
async function withDaemon<T>(settings: Partial<Settings>, work: (daemon: RealDaemon) => Promise<T>): Promise<T> {
  const daemon = await new RealDaemon({ settings: { formats: [], ...settings } }).start();
  try {
    return await work(daemon);
  } finally {
    await daemon.close();
  }
}

interface Bare {
  seconds: number;
  firstSeconds: number;
  text: string;
}
/** The engine's own code on stretches of PCM, one after the other. */
function bare(pcm: string, stretches: readonly (readonly [number, number])[], language = 'en'): Bare {
  const { stdout, status, stderr } = spawnSync(
    join(python!, 'bin', 'python'),
    [
      join(import.meta.dirname, 'bare.py'),
      [join(engines, 'faster-whisper'), join(engines, 'python')].join(':'),
      modelFolder('whisper-base')!,
      String(THREADS),
      language,
      pcm,
      JSON.stringify(stretches),
    ],
    { encoding: 'utf8' },
  );
  if (status !== 0) throw new Error(stderr);
  const lines = stdout
    .trim()
    .split('\n')
    .filter(line => line.startsWith('{'))
    .map(line => JSON.parse(line) as { at?: number; seconds?: number; text?: string });
  return {
    seconds: lines.at(-1)!.seconds!,
    firstSeconds: lines[0]!.at!,
    text: lines.map(line => line.text ?? '').join(' '),
  };
}
/** What ingest makes of a recording, and when its first utterance was known, s. */
async function cut(recording: Recording, pcmPath: string): Promise<{ rows: UtteranceRow[]; firstSeconds: number }> {
  const began = performance.now(),
    rows: UtteranceRow[] = [];
  let firstSeconds = Infinity;
  await startIngest({
    recording: recording.path,
    audioTrack: 0,
    sandboxed: false,
    prewarmed: undefined,
    pcmPath,
    ffmpeg: ffmpeg!,
    sherpaDirectory: sherpa!,
    node: process.execPath,
    signal: new AbortController().signal,
    onStart: () => {},
    onProgress: () => {},
    onUtterances: more => {
      firstSeconds = Math.min(firstSeconds, (performance.now() - began) / 1000);
      rows.push(...more);
    },
  });
  return { rows, firstSeconds };
}
/** The stretches that are recognized in one go, ms. */
function stretches(rows: readonly UtteranceRow[], mostMs: number): [number, number][] {
  const windows = new Windows(rows, mostMs),
    found: [number, number][] = [];
  for (let at = 0; at < rows.length; at = windows.of(at).end)
    found.push([rows[at]!.startMs, rows[windows.of(at).end - 1]!.endMs]);
  return found;
}

export interface Layers {
  audioSeconds: number;
  utterances: number;
  bareSeconds: number;
  oursSeconds: number;
  bareFirstSeconds: number;
  oursFirstSeconds: number;
}

/**
 * The same utterances of the long recording, in the same windows: by the engine's own code alone, and by a warm daemon
 * with one instance of as many threads.
 */
export async function layers(long: Recording, rounds: number): Promise<Layers> {
  const folder = mkdtempSync(join(tmpdir(), 'earshot-bench-')),
    pcm = join(folder, 'pcm');
  try {
    const { rows, firstSeconds: firstUtterance } = await cut(long, pcm),
      theirs: Bare[] = [],
      ours: Pass[] = [];
    // One instance: with two narrow ones Earshot would be faster than the bare engine, which is not what is asked here.
    await withDaemon({ instancesPerDevice: 1 }, async daemon => {
      await pass(daemon, [long], RECOGNITION);
      for (let round = 0; round < rounds; round++) {
        theirs.push(bare(pcm, stretches(rows, fasterWhisper.windowMs!)));
        ours.push(await pass(daemon, [long], RECOGNITION));
      }
    });
    return {
      audioSeconds: long.seconds,
      utterances: rows.length,
      bareSeconds: median(theirs.map(each => each.seconds)) + firstUtterance,
      oursSeconds: median(ours.map(each => each.seconds)),
      bareFirstSeconds: median(theirs.map(each => each.firstSeconds)) + firstUtterance,
      oursFirstSeconds: median(ours.map(each => each.firstSeconds)),
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

export interface Together {
  rows: {
    mostMs: number;
    languages: { language: string; stretches: number; seconds: number; wordErrorRate: number | null }[];
  }[];
}

/** Utterances recognized alone and together, by the engine's own code, one after the other. */
export async function together(
  recordings: readonly { language: string; recording: Recording }[],
  rounds: number,
): Promise<Together> {
  const folder = mkdtempSync(join(tmpdir(), 'earshot-bench-')),
    found: Together = { rows: [0, 10_000, 15_000, 20_000, 25_000].map(mostMs => ({ mostMs, languages: [] })) };
  try {
    for (const { language, recording } of recordings) {
      const pcm = join(folder, language),
        { rows } = await cut(recording, pcm),
        runs = found.rows.map(() => [] as Bare[]);
      for (let round = 0; round < rounds; round++)
        for (const [n, { mostMs }] of found.rows.entries()) runs[n]!.push(bare(pcm, stretches(rows, mostMs), language));
      for (const [n, row] of found.rows.entries()) {
        const errors = recording.truth === null ? null : wordErrors(recording.truth, runs[n]![0]!.text);
        row.languages.push({
          language,
          stretches: stretches(rows, row.mostMs).length,
          seconds: median(runs[n]!.map(each => each.seconds)),
          wordErrorRate: errors && errors.errors / errors.words,
        });
        console.log(
          `  ${language}, ${row.mostMs} ms: ${row.languages.at(-1)!.seconds.toFixed(1)} s, ` +
            `${((row.languages.at(-1)!.wordErrorRate ?? 0) * 100).toFixed(1)} %`,
        );
      }
    }
    return found;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

export interface Chain {
  recordings: number;
  audioSeconds: number;
  serialSeconds: number;
  oursSeconds: number;
  stageSeconds: Record<Stage, number>;
  shopSeconds: number;
  coresSeconds: number;
}

/** Spanish recordings into English: recognized, repaired, translated, spoken. */
export async function chain(recordings: readonly Recording[], rounds: number): Promise<Chain> {
  const options = { language: 'es', translateTo: 'en', speak: true, outputs: { formats: [], audio: 'wav' as const } },
    few = recordings.slice(0, 1);
  interface Serial {
    seconds: number;
    cpu: number;
    steps: Map<string, number[]>;
  }
  const serial: Serial[] = [],
    ours: number[] = [];
  for (let round = 0; round < rounds; round++) {
    serial.push(
      await withDaemon({ concurrentTasks: 1, keepAliveSeconds: 3600 }, async daemon => {
        await pass(daemon, few, options); // loads the models
        const watch = new Watch(`EARSHOT_STATE=${daemon.home.state}`);
        watch.sample();
        const before = watch.cpuSeconds,
          { seconds, jobs } = await pass(daemon, recordings, options);
        watch.end();
        // An attempt lasts until the last of its steps is there.
        const attempts = new Map<unknown, { job: string; stage: Stage; ms: number }>(),
          steps = new Map<string, number[]>();
        for (const { job, stage, data } of await daemon.withStore(async store =>
          jobs.flatMap(({ id }) => store.log({ job: id, kind: 'step.finished', limit: 1000 })),
        )) {
          if (job && stage)
            attempts.set(data?.token, {
              job,
              stage,
              ms: Math.max(Number(data?.ms), attempts.get(data?.token)?.ms ?? 0),
            });
        }
        for (const { job, stage, ms } of attempts.values()) {
          const row = steps.get(job) ?? [0, 0, 0, 0];
          row[(STAGES as readonly Stage[]).indexOf(stage)]! += ms / 1000;
          steps.set(job, row);
        }
        return { seconds, cpu: watch.cpuSeconds - before, steps };
      }),
    );
    ours.push(
      await withDaemon({ keepAliveSeconds: 3600 }, async daemon => {
        await pass(daemon, few, options);
        return (await pass(daemon, recordings, options)).seconds;
      }),
    );
    console.log(`  serial ${serial.at(-1)!.seconds.toFixed(1)} s, ours ${ours.at(-1)!.toFixed(1)} s`);
  }
  const middle = serial.toSorted((a, b) => a.seconds - b.seconds)[serial.length >> 1]!,
    rows = [...middle.steps.values()];
  const total = (stage: number): number => rows.reduce((sum, row) => sum + row[stage]!, 0);
  const shop = Math.max(
    ...STAGES.map(
      (_, s) =>
        Math.min(...rows.map(row => row.slice(0, s).reduce((a, b) => a + b, 0))) +
        total(s) +
        Math.min(...rows.map(row => row.slice(s + 1).reduce((a, b) => a + b, 0))),
    ),
  );
  return {
    recordings: recordings.length,
    audioSeconds: recordings.reduce((sum, each) => sum + each.seconds, 0),
    serialSeconds: middle.seconds,
    oursSeconds: median(ours),
    stageSeconds: Object.fromEntries(STAGES.map((stage, s) => [stage, total(s)])) as Record<Stage, number>,
    shopSeconds: shop,
    coresSeconds: middle.cpu / THREADS,
  };
}

export interface Fixed {
  rows: { name: string; adaptive: boolean; shortSeconds: number; longSeconds: number }[];
}

/** Warm daemons, each with its setting, in turns. */
export async function fixed(short: readonly Recording[], long: Recording, rounds: number): Promise<Fixed> {
  const choices: { name: string; adaptive: boolean; settings: Partial<Settings> }[] = [
    { name: 'its own choice', adaptive: true, settings: {} },
    { name: 'one instance with all cores', adaptive: false, settings: { adaptive: false, instancesPerDevice: 1 } },
    ...[2, 3, 4]
      .filter(n => n <= THREADS * 2)
      .map(n => ({
        name: `at most ${n} instances`,
        adaptive: false,
        settings: { adaptive: false, instancesPerDevice: n },
      })),
  ];
  const found = choices.map(() => ({ short: [] as number[], long: [] as number[] }));
  for (let round = 0; round < rounds; round++)
    for (const [n, { name, settings }] of choices.entries())
      await withDaemon(settings, async daemon => {
        await pass(daemon, short.slice(0, 4), RECOGNITION);
        found[n]!.short.push((await pass(daemon, short, RECOGNITION)).seconds);
        found[n]!.long.push((await pass(daemon, [long], RECOGNITION)).seconds);
        console.log(
          `  ${name}: short ${found[n]!.short.at(-1)!.toFixed(1)} s, long ${found[n]!.long.at(-1)!.toFixed(1)} s`,
        );
      });
  return {
    rows: choices.map(({ name, adaptive }, n) => ({
      name,
      adaptive,
      shortSeconds: median(found[n]!.short),
      longSeconds: median(found[n]!.long),
    })),
  };
}
