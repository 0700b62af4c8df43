/**
 * Live sessions: jobs whose recording arrives while they run.
 *
 *   open → append … append → close → the job goes on to its end like any other
 *
 * What is appended is written to the session's input file before the answer leaves, so that it outlives the daemon; the
 * ingest child reads that file as it grows. Nothing else is kept: after a restart an open session is its row and its
 * file, and the client goes on from the file's length. A client is there while it appends; one that sends nothing for
 * too long is taken for gone, and its session closes with all that it has.
 */
import { statSync } from 'node:fs';
import { mkdir, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { openOwn } from '../../client/files.ts';
import { EarshotError, isDiskFull, toFailure } from '../../schemas/errors.ts';
import type { Job } from '../../schemas/job.ts';
import { MAX_CHUNK_BYTES, MAX_SESSION_BYTES, MOST_BEHIND_MS, type LiveRequest } from '../../schemas/live.ts';
import { BYTES_PER_MS } from '../../schemas/pcm.ts';
import { fromBase64 } from '../system/base64.ts';
import { ulid } from '../system/ids.ts';
import type { LiveFacts } from '../contracts/store.ts';
import type { Core } from './core.ts';
import { jobFiles } from './inputs.ts';
import { behindMs, firstWaiting, isBehind, lateMs, LEAVE_REPAIR_MS, warnedOf } from './overload.ts';
import { toLiveRow } from '../jobs/request.ts';
import type { JobWork } from '../jobs/work.ts';

/** Appends wait this long for the text to catch up before they are refused. */
const HOLD_MS = 5_000;
const LOOK_MS = 100,
  SWEEP_MS = 500;

interface Session {
  id: string;
  format: LiveFacts['format'];
  path: string;
  file: FileHandle | null;
  received: number;
  saidAt: number;
  /** Appends one after the other. */ turn: Promise<unknown>;
}

/** Where a session's sound lies as it came: PCM is what the recognizer reads, anything else is decoded into that. */
export const liveInput = (audio: string, job: string, format: LiveFacts['format']): string =>
  format === 'pcm' ? jobFiles(audio, job).pcm : join(audio, job, 'sound');

const sizeOf = (path: string): number => {
  try {
    return statSync(path).size;
  } catch {
    return 0;
  }
};

export class Live {
  private readonly core: Core;
  private readonly sessions = new Map<string, Session>();
  private sweeper: NodeJS.Timeout | null = null;

  constructor(core: Core) {
    this.core = core;
  }

  /** @throws tooManySessions, badRequest, and what modelsFor throws */
  async open(request: LiveRequest): Promise<Job> {
    const { store, clock, catalogue, home, settings } = this.core.deps;
    const limit = settings().liveSessions,
      now = clock(),
      id = ulid(now);
    const full = (): boolean => [...this.core.jobs.values()].filter(work => work.row.live?.open).length >= limit;
    if (full()) throw new EarshotError('tooManySessions', { limit });
    const row = await toLiveRow(request, id, now, catalogue, liveInput(home.audio, id, request.format));
    await mkdir(join(home.audio, id), { recursive: true, mode: 0o700 });
    if (full()) throw new EarshotError('tooManySessions', { limit });
    store.turn(() => store.submit([row]));
    const work = this.core.jobs.adopt(row);
    this.core.publication.job(work);
    this.follow(work);
    this.core.wake();
    await store.synced();
    return this.core.publication.presentRow(row);
  }

  /** After a start or a stall: sessions that were open still are, for a client that comes back in time. */
  restore(): void {
    for (const work of this.core.jobs.values()) {
      if (work.row.live?.open && !this.sessions.has(work.row.id)) this.follow(work);
      if (work.row.live) this.watch();
    }
  }

  private follow({ row }: JobWork): void {
    const path = liveInput(this.core.deps.home.audio, row.id, row.live!.format);
    this.sessions.set(row.id, {
      id: row.id,
      format: row.live!.format,
      path,
      file: null,
      received: sizeOf(path),
      saidAt: this.core.deps.clock(),
      turn: Promise.resolve(),
    });
    this.watch();
  }

  private watch(): void {
    this.sweeper ??= setInterval(() => this.core.guard.run(() => this.sweep()), SWEEP_MS);
  }

  /** @throws unknownJob, wrongState, badRequest (with `expected` where the place is wrong), sessionBehind, diskFull */
  async append(id: string, offset: number, data: string): Promise<{ received: number; behindMs: number }> {
    const session = this.sessionOf(id);
    session.saidAt = this.core.deps.clock();
    const bytes = decode(data);
    const answer = session.turn.then(() => this.take(session, offset, bytes));
    session.turn = answer.catch(() => {});
    return answer;
  }

  private async take(session: Session, offset: number, bytes: Buffer): Promise<{ received: number; behindMs: number }> {
    if (offset > session.received)
      throw new EarshotError(
        'badRequest',
        { field: 'offset', expected: session.received },
        'sound is missing before this',
      );
    const fresh = bytes.subarray(session.received - offset);
    if (fresh.length > 0) {
      await this.room(session);
      this.sessionOf(session.id); // it may have ended meanwhile
      if (session.received + fresh.length > MAX_SESSION_BYTES) {
        this.close(session.id);
        throw new EarshotError('wrongState', { id: session.id, state: 'closed' }, 'as long as a session may be');
      }
      await write(session, fresh);
      this.core.jobs.get(session.id)?.liveIngest?.grown(session.received, false);
    }
    return { received: session.received, behindMs: this.behind(session) };
  }

  private behind(session: Session): number {
    const work = this.core.jobs.get(session.id);
    if (!work) return 0;
    // How long the sound in a container is, only the decoder knows; what it has not looked at yet counts like PCM.
    const receivedMs =
      session.format === 'pcm'
        ? session.received / BYTES_PER_MS
        : work.row.ingestedMs + (session.received - work.ingestedBytes) / BYTES_PER_MS;
    return Math.round(behindMs(work, receivedMs));
  }

  /** Until the text has caught up so far that more sound may come. */
  private async room(session: Session): Promise<void> {
    const { clock } = this.core.deps;
    for (const until = clock() + HOLD_MS; this.behind(session) > MOST_BEHIND_MS;) {
      if (clock() >= until)
        throw new EarshotError('sessionBehind', { seconds: Math.round(this.behind(session) / 1000) });
      await sleep(LOOK_MS);
    }
  }

  /** Again: nothing. @throws unknownJob */
  close(id: string, why: 'asked' | 'silent' = 'asked'): Job {
    const job = this.core.publication.present(id),
      work = this.core.jobs.get(id);
    if (!job || (!work && !job.live)) throw new EarshotError('unknownJob', { id });
    const session = this.sessions.get(id);
    if (session) {
      this.sessions.delete(id);
      // What is being written still counts.
      session.turn = session.turn
        .then(() => {
          this.core.jobs.get(id)?.liveIngest?.grown(session.received, true);
          return session.file?.close();
        })
        .catch(() => {});
    }
    if (work?.row.live?.open)
      this.core.jobs.update(
        work,
        { live: { ...work.row.live, open: false } },
        { kind: 'live.closed', data: { why, ...(session ? { bytes: session.received } : {}) } },
      );
    this.core.wake();
    return work ? this.core.publication.presentRow(work.row) : job;
  }

  private sessionOf(id: string): Session {
    const session = this.sessions.get(id),
      work = this.core.jobs.get(id);
    if (session && (work || this.core.guard.stalled)) return session;
    if (this.core.leaving !== 'no')
      throw new EarshotError('daemonUnreachable', {}, 'the daemon leaves; the session goes on with the next');
    const state = work?.row.state ?? this.core.deps.store.job(id)?.state;
    if (!state) throw new EarshotError('unknownJob', { id });
    throw new EarshotError('wrongState', { id, state: work ? 'closed' : state });
  }

  private sweep(): void {
    const { clock, settings } = this.core.deps,
      now = clock();
    for (const session of [...this.sessions.values()]) {
      const work = this.core.jobs.get(session.id);
      if (!work && !this.core.guard.stalled) {
        this.sessions.delete(session.id);
        void session.turn.then(() => session.file?.close()).catch(() => {});
      } // it was cancelled, or failed
      else if (work && now - session.saidAt > settings().liveTimeoutSeconds * 1000) this.close(session.id, 'silent');
    }
    let live = this.sessions.size > 0;
    for (const work of this.core.jobs.values())
      if (work.row.live) {
        live = true;
        this.review(work, now);
      }
    if (live || !this.sweeper) return;
    clearInterval(this.sweeper);
    this.sweeper = null;
  }

  /**
   * Warns once when the text falls behind, and how far it came; utterances that wait too long for repair go on without.
   */
  private review(work: JobWork, now: number): void {
    const first = firstWaiting(work),
      late = first === null ? 0 : lateMs(work, first, now),
      warned = work.behindSince !== null;
    if (first !== null && late > LEAVE_REPAIR_MS) {
      this.core.steps.advance(work);
      this.core.wake();
    }
    if (isBehind(late, warned)) {
      work.behindSince ??= now;
      const warnings = warnedOf(work, late);
      if (warnings)
        this.core.jobs.update(work, { warnings }, warned ? undefined : { kind: 'live.behind', data: { ms: late } });
    } else if (warned) {
      this.core.note({ kind: 'live.caughtUp', job: work.row.id, data: { ms: now - work.behindSince! } });
      work.behindSince = null;
    }
  }

  /** Sessions stay open for the next daemon. */
  async stop(): Promise<void> {
    if (this.sweeper) clearInterval(this.sweeper);
    this.sweeper = null;
    for (const session of this.sessions.values()) await session.turn.then(() => session.file?.close()).catch(() => {});
    this.sessions.clear();
  }
}

/** @throws badRequest: no base64, or too much of it */
function decode(data: string): Buffer {
  const bytes = fromBase64(data);
  if (!bytes || bytes.length > MAX_CHUNK_BYTES)
    throw new EarshotError(
      'badRequest',
      { method: 'live/append', field: 'data' },
      bytes ? `more than ${MAX_CHUNK_BYTES} bytes` : 'not base64',
    );
  return bytes;
}

/** Appends to the session's file; what was written of a chunk that failed is written again. @throws diskFull */
async function write(session: Session, bytes: Buffer): Promise<void> {
  try {
    session.file ??= await openOwn(session.path, 0o600);
    for (let at = 0; at < bytes.length;)
      at += (await session.file.write(bytes, at, bytes.length - at, session.received + at)).bytesWritten;
    session.received += bytes.length;
  } catch (error) {
    throw isDiskFull(error)
      ? new EarshotError('diskFull', { path: session.path })
      : new EarshotError('internal', {}, toFailure(error).detail);
  }
}
