/**
 * The messages between the daemon and the process of an ingest: one JSON value a line, on a pipe of its own. Node's
 * own channel would take in anything before anybody could look at it, and this process opens strangers' media.
 */
import type { Duplex } from 'node:stream';
import type { Failure } from '../../schemas/errors.ts';
import type { Permissions } from '../workers/sandbox/permissions.ts';
import type { ChildProcess } from '../workers/spawn.ts';
import { LineSplitter } from '../system/lines.ts';
import type { UtteranceTimes } from './cutting.ts';
import type { RecordingFacts } from './recording.ts';

/** What decoded sound may take. */
export interface SoundLimits {
  /** Of one recording; more is `tooMuchSound`. */
  hours: number;
  /** What the disk keeps for others, the database first of all; less is `diskFull`. */
  freeBytes: number;
}

/** Two days of sound are 5.5 GB. A few kilobytes can say that they hold years of it. */
export const LIMITS: SoundLimits = { hours: 48, freeBytes: 256 * 1024 ** 2 };

/** `live`: the sound comes with time, as bytes in `inputPath`; for PCM that is the PCM file itself. */
export interface ChildRequest {
  recording: string;
  /** Null: there is no file of it (live). */ expected: RecordingFacts | null;
  /** Taken from this process before anything is opened; null: it keeps them. */ permissions: Permissions | null;
  /** A link to the recording as ffmpeg gets it, with its ending; null: there is none. */ link: string | null;
  /** null: the one that is marked as the one to play, or another where somebody speaks. */
  audioTrack: number | null;
  pcmPath: string;
  ffmpeg: string;
  sherpaDirectory: string;
  /** LIMITS where it is missing. */
  limits?: SoundLimits;
  live?: { format: 'pcm' | 'container'; inputPath: string };
}
/** Comes before the request, where a process is made ready: load the library now. */
export interface Prepare {
  type: 'prepare';
  sherpaDirectory: string;
}
/**
 * The utterance of a live session that has no end yet, or the next one: its number, and from where until where its
 * voice is heard; null: nobody speaks.
 */
export interface Speaking {
  index: number;
  span: { startMs: number; endMs: number } | null;
}
export interface Grown {
  type: 'grown';
  bytes: number;
  ended: boolean;
}
export type FromChild =
  | { type: 'started'; durationMs: number | null }
  | { type: 'utterances'; rows: UtteranceTimes[] }
  /** `taken`: bytes of a live session's input that were looked at. */
  | { type: 'progress'; ms: number; taken: number; speaking?: Speaking }
  | { type: 'done'; durationMs: number; warnings: Failure[] }
  | { type: 'failed'; failure: Failure };

/** The pipe's descriptor in the child. */
export const CHANNEL = 3;
/** Far more than it says at once, and little of the daemon's memory. */
const MAX_ANSWER_BYTES = 8 * 1024 ** 2;

export const channelOf = (child: ChildProcess): Duplex => child.stdio[CHANNEL] as Duplex;

/** Whether it can still receive messages. */
export const listens = (child: ChildProcess): boolean =>
  child.exitCode === null && child.signalCode === null && channelOf(child).writable;

/** A message that cannot be delivered is dropped: the child has ended, which its exit reports. */
export function send(child: ChildProcess, message: ChildRequest | Grown | Prepare): void {
  if (listens(child)) channelOf(child).write(`${JSON.stringify(message)}\n`);
}

/** `listener` gets each value as it came, unchecked; undefined: no JSON, or a line without end. */
export function onMessage(child: ChildProcess, listener: (message: unknown) => void): void {
  const lines = new LineSplitter(line => {
    let message: unknown;
    try {
      message = JSON.parse(line.toString('utf8'));
    } catch {
      /* undefined */
    }
    listener(message);
  }, MAX_ANSWER_BYTES);
  channelOf(child).on('data', (chunk: Buffer) => {
    if (!lines.push(chunk)) {
      channelOf(child).destroy();
      listener(undefined);
    }
  });
}
