/**
 * `earshot listen`: what is said now, as text while it is said. From a microphone, which ffmpeg records, or from a
 * pipe: PCM, or anything that ffmpeg reads. Ctrl-C, or the end of the pipe, ends the session and waits for the last
 * words; a second Ctrl-C leaves them to the daemon.
 */
import { join, resolve } from 'node:path';
import { toFailure, badRequest } from '../schemas/errors.ts';
import type { Job } from '../schemas/job.ts';
import { LiveFeed } from '../client/live-feed.ts';
import { inputs, loudness, meter, record, type Recording } from '../client/microphone.ts';
import { isLive, type Display } from './display.ts';
import { glossaryFor } from '../client/folder-defaults.ts';
import { EXIT, type Session } from './session.ts';
import { clean } from './terminal.ts';
import { withPreset } from './presets.ts';
import { jobOptions, parseFormats } from './transcribe.ts';
import type { Recipe } from './recipe.ts';
import { sayOutcome, watchJobs, type WatchResult } from './watch.ts';

/** `waits`: it gives no more than is asked for; a microphone does not. */
type Source = Recording & { waits: boolean };

export interface ListenOptions extends Recipe {
  json?: boolean;
  device?: string;
  listDevices?: boolean;
  pcm?: boolean;
  save?: string;
  name?: string;
  partials?: boolean;
}

/** `source`: - for the pipe; missing: a microphone. */
export async function listen(session: Session, source: string | undefined, asked: ListenOptions): Promise<void> {
  const given = await withPreset(asked, () => session.client());
  if (source !== undefined && source !== '-') throw badRequest(source, 'readsPipe');
  const piped = source === '-';
  if (piped && process.stdin.isTTY) throw badRequest('-', 'nothingPiped');
  if (given.output === '-') throw badRequest('--output -', 'textOnStdout');
  const client = await session.client();
  if (given.listDevices) return listDevices(session, (await client.call('live/recorder', {})).ffmpeg);
  const formats = parseFormats(given.format),
    writes = formats !== undefined || given.output !== undefined || given.speak;
  const { outputs, ...options } = await jobOptions(client, given, formats, false);
  // What is spoken here belongs to this folder.
  const { entries } =
    given.glossary === false
      ? { entries: [] }
      : await glossaryFor(join(process.cwd(), 'live'), process.cwd(), options.glossary ?? []);
  const { job } = await client.call('live/open', {
    options: {
      ...options,
      ...(entries.length ? { glossary: entries } : {}),
      ...(outputs || writes
        ? { outputs: { formats: [], ...outputs, directory: outputs?.directory ?? process.cwd() } }
        : {}),
    },
    format: piped && !given.pcm ? 'container' : 'pcm',
    ...(given.priority ? { priority: given.priority } : {}),
    ...(given.name ? { name: given.name } : {}),
    ...(given.save ? { saveTo: resolve(given.save) } : {}),
    // In a pipe nobody would see them.
    partials: given.partials ?? (!session.json && isLive(session.out, session.env)),
  });
  const feed = new LiveFeed(job.id, {
    append: async params => (await session.client()).call('live/append', params),
    close: async params => (await session.client()).call('live/close', params),
  });
  let level = 0;
  const recording: Source = piped
    ? pipe()
    : { ...record((await client.call('live/recorder', {})).ffmpeg, given.device), waits: false };
  const onChunk = (chunk: Buffer): void => {
    if (!piped || given.pcm) level = Math.max(loudness(chunk), level * 0.7);
  };
  // Whatever ends the sound, what was heard until then is not lost.
  let left = false;
  const feeding = pour(recording, feed, onChunk).catch(async error => {
    if (left) return;
    session.fail(toFailure(error));
    await feed.end().catch(() => {});
  });
  const leave = (): void => {
    left = true;
    recording.stop();
    feed.dispose();
  };
  let outcome: WatchResult['outcome'], ended: Job | undefined;
  try {
    ({
      outcome,
      jobs: [ended],
    } = await watchJobs(session, client, [job], {
      meter: () => meter(level),
      interrupt: (display, detach) => onInterrupt(session, display, recording, detach),
    }));
    sayOutcome(session, outcome);
    if (outcome === 'ended') {
      recording.stop();
      await feeding;
    }
  } finally {
    leave();
  }
  if (ended?.state === 'failed') process.exitCode = Math.max(Number(process.exitCode ?? 0), EXIT.failed);
}

async function pour(recording: Source, feed: LiveFeed, onChunk: (chunk: Buffer) => void): Promise<void> {
  const all = (async () => {
    for await (const chunk of recording.sound) {
      onChunk(chunk);
      feed.push(chunk);
      if (recording.waits) await feed.ready();
    }
    await feed.end();
  })();
  await Promise.race([all, feed.failed]).finally(() => recording.stop());
}

/** Standard input as a recording that ends when it is asked to. */
function pipe(): Source {
  let stopped = false;
  async function* sound(): AsyncGenerator<Buffer> {
    try {
      yield* process.stdin as AsyncIterable<Buffer>;
    } catch (error) {
      if (!stopped) throw error;
    }
  }
  return {
    sound: sound(),
    waits: true,
    stop: () => {
      stopped = true;
      process.stdin.destroy();
    },
  };
}

/** The first one ends the session, the second goes without waiting for its last words. */
function onInterrupt(session: Session, display: Display, recording: Recording, leave: () => void): () => void {
  let asked = false;
  const stop = (): void => {
    if (asked) return leave();
    asked = true;
    recording.stop();
    if (!session.json) display.note(session.t.lastWords);
  };
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  for (const signal of signals) process.on(signal, stop);
  return () => {
    for (const signal of signals) process.off(signal, stop);
  };
}

async function listDevices(session: Session, ffmpeg: string): Promise<void> {
  const found = await inputs(ffmpeg);
  if (session.json) {
    for (const input of found) session.emit({ type: 'input', input });
    return;
  }
  if (found.length === 0) session.note(session.t.noInputs);
  for (const { id, name } of found) session.line(`${clean(id)}  ${clean(name)}`);
}
