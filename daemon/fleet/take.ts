/**
 * A machine's share of the fleet's work: each job that it takes becomes an ordinary job here, and what that makes goes
 * back under the lease. The lease is renewed by every result; without any, by a beat.
 */
import { readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import { EarshotError, toFailure, type ErrorCode, type Failure } from '../../schemas/errors.ts';
import type { Job, Utterance } from '../../schemas/job.ts';
import type { StateEvent } from '../../schemas/rpc.ts';
import { isFinal, STAGES } from '../../schemas/words.ts';
import type { Home } from '../auth/home.ts';
import type { JobRow, Part, Store, TakenFacts, UtteranceRow } from '../contracts/store.ts';
import { isLeft, isWithin, rangesOf } from '../jobs/part.ts';
import { stagesOf } from '../jobs/request.ts';
import type { WholeFacts } from '../pipeline/elsewhere.ts';
import type { Pipeline } from '../pipeline/pipeline.ts';
import { isUnreachable } from './access.ts';
import { PART_NEED } from './can.ts';
import type { Claims, ResultRow, Taken } from './claims.ts';
import { requestOf, soundOf, usable, type LentRequest, type StoredResult } from './rows.ts';
import { openRooted, receiveFile, type Roots } from './sound.ts';
import { hasRoom } from './where.ts';

export interface TakeDeps {
  claims: Claims;
  pipeline: Pipeline;
  store: Store;
  home: Home;
  clock: () => number;
  log: Logger;
  roots: () => Roots;
  share: () => 'always' | 'idle' | 'never';
  abilities(): { can: string[]; warm: string[] };
  leaseSeconds: number;
  /** What it works on changed. */
  changed(): void;
}

interface Work {
  taken: Taken;
  /** Null: its sound is on the way. */
  local: string | null;
  /** What of the recording is ours; null: all of it. `first`: its first utterance, once it is known. */
  part: Part | null;
  first: number | null;
  /** Something of it was at work: another may be taken. */
  began: boolean;
  sent: Set<string>;
  rows: ResultRow[];
  timer: NodeJS.Timeout | null;
  /** Writes, one after the other. */
  busy: Promise<void>;
  over: boolean;
}

/** Results go in gusts; the first text goes at once. */
const GUST_MS = 100,
  RETRY_MS = 300,
  REST_MS = 60_000,
  /** So many of the newest jobs are looked through for those that ended before a crash. */
  LOOKED_THROUGH = 200;
/** Failures of this machine, which another may not have. */
const OF_THE_MACHINE: ReadonlySet<string> = new Set<ErrorCode>([
  'diskFull',
  'noPython',
  'noFfmpeg',
  'engineMissing',
  'engineInstallFailed',
  'neverFits',
  'noRoom',
  'deviceLost',
  'outOfMemory',
  'modelNotInstalled',
  'modelUnavailable',
  'modelBroken',
  'unknownModel',
  'downloadFailed',
  'offline',
  'storeBusy',
  'storeBroken',
]);

export class Take {
  private readonly deps: TakeDeps;
  private readonly works = new Map<string, Work>();
  private readonly byLocal = new Map<string, Work>();
  private readonly beat: NodeJS.Timeout;
  private pulling: Promise<void> | null = null;
  private more = false;
  private leaving = false;
  private restUntil = -Infinity;

  constructor(deps: TakeDeps) {
    this.deps = deps;
    this.beat = setInterval(() => this.renew(), (deps.leaseSeconds * 1000) / 3);
  }

  get running(): number {
    return this.works.size;
  }

  /** What a daemon before took: an attempt that lives goes on, one that was lost is let go. */
  async resume(): Promise<void> {
    const { store, claims } = this.deps;
    const rows = [
      ...store.activeJobs(),
      ...store.list({ limit: LOOKED_THROUGH }).jobs.filter(row => isFinal(row.state)),
    ];
    for (const row of rows) {
      if (!isTaken(row)) continue;
      const work = this.adopt({ ...row.fleet.taken, job: row.fleet.id } as Taken, row.id);
      work.part = row.fleet.part ?? null;
      work.busy = this.again(work, async () => {
        for (const { index, stage } of await claims.done(work.taken.job)) work.sent.add(key(index, stage));
        return claims.put(work.taken, []);
      });
      await work.busy;
      if (work.over) continue;
      for (const utterance of store.utterances(row.id)) this.collect(work, utterance);
      if (isFinal(row.state)) void this.end(work, row.state);
    }
  }

  /** Something may be there to take. */
  pull(): void {
    if (this.pulling) {
      this.more = true;
      return;
    }
    this.pulling = this.round()
      .catch((error: unknown) => this.deps.log.warn(error as Error, 'fleet: taking'))
      .finally(() => {
        this.pulling = null;
      });
  }

  private async round(): Promise<void> {
    do {
      this.more = false;
      await this.deps.claims.offer();
      while (!this.leaving && this.hasRoom) {
        const { can, warm } = this.deps.abilities(),
          parts = [...this.works.values()].some(each => each.part) ? [] : [PART_NEED];
        const taken = await this.deps.claims.claim([...can, ...parts], [...warm, ...parts]);
        if (!taken) break;
        const work = this.adopt(taken, null);
        if (this.leaving) work.busy = this.return(work);
        else void this.begin(work);
      }
    } while (this.more && !this.leaving);
  }

  private get hasRoom(): boolean {
    if (this.deps.clock() < this.restUntil) return false;
    const unstarted = [...this.works.values()].filter(({ began }) => !began).length;
    return hasRoom(this.deps.share(), {
      own: this.deps.pipeline.elsewhere.here.own,
      taken: this.works.size,
      unstarted,
    });
  }

  private adopt(taken: Taken, local: string | null): Work {
    const work: Work = {
      taken,
      local,
      part: taken.range ? { ...taken.range, done: [] } : null,
      first: null,
      began: local !== null && this.deps.store.job(local)?.startedAt != null,
      sent: new Set(),
      rows: [],
      timer: null,
      busy: Promise.resolve(),
      over: false,
    };
    this.works.set(taken.job, work);
    if (local !== null) this.byLocal.set(local, work);
    this.deps.changed();
    return work;
  }

  /** Of this attempt: one that was lost may be clearing up while the same job is taken again. */
  private folder({ id, retryCount }: Taken): string {
    return join(this.deps.home.state, 'fleet', `${id}-${retryCount}`);
  }

  /** Like a file of a watched folder: the job, whose it is and what was made of it before are one transaction. */
  private async begin(work: Work): Promise<void> {
    const { claims, pipeline, store, clock, roots } = this.deps,
      { taken } = work;
    try {
      const sound = soundOf(taken.sound),
        request = requestOf(taken.request);
      const done = await this.reading(work, () => claims.done(taken.job));
      const recording =
        sound.kind === 'root'
          ? await openRooted(sound, roots())
          : await receiveFile(sound, this.folder(taken), n => this.reading(work, () => claims.chunk(taken.job, n)));
      if (work.over || this.leaving) return;
      for (const { index, stage } of done) work.sent.add(key(index, stage));
      if (taken.range) work.part = { ...taken.range, done: rangesOf(whole(done, request.options)) };
      const { audioTrack, summary: _, ...options } = request.options;
      const [answer] = await pipeline.queue.submit(
        [
          {
            recording,
            options: {
              ...options,
              ...(audioTrack === undefined || (sound.kind === 'chunks' && sound.decoded) ? {} : { audioTrack }),
              outputs: { formats: [] },
            },
            onDuplicate: 'create',
          },
        ],
        ([job]) => {
          if (!job || 'failure' in job) return;
          const fleet: TakenFacts = {
            id: taken.job,
            taken: { class: taken.class, id: taken.id, retryCount: taken.retryCount },
            ...(work.part ? { part: work.part } : {}),
          };
          const { path, bytes } = store.job(job.id)!;
          // A name leads elsewhere by now than when it was looked at.
          if (path !== recording || (sound.kind === 'root' && bytes !== sound.bytes))
            throw new EarshotError('recordingChanged', { path: taken.name });
          // Which utterances those of a part are is known once the recording was heard.
          const made = work.part ? [] : usable(done),
            heard = made.filter(row => row.stage === 'asr');
          store.addUtterances(
            job.id,
            heard.map(({ index, startMs, endMs }) => ({ index, startMs, endMs })),
          );
          store.update(job.id, { fleet, ...(heard.length > 0 ? { ingestedMs: 1 } : {}) });
          for (const { index, stage, output } of made) {
            const { token } = store.claim({
              job: job.id,
              stage,
              from: index,
              to: index + 1,
              instance: 'fleet',
              at: clock(),
            });
            store.finish(token, index, output, clock());
            store.close(token, clock());
          }
          work.local = job.id;
          this.byLocal.set(job.id, work);
        },
        { models: request.models },
      );
      if ('failure' in answer!) await this.fail(work, answer.failure);
      else if (work.over) this.drop(work);
    } catch (error) {
      await this.fail(work, toFailure(error));
    }
  }

  onEvent(event: StateEvent): void {
    if (event.type === 'utterance') {
      const work = this.byLocal.get(event.job);
      if (work) this.collect(work, event.utterance);
    } else if (event.type === 'job') {
      const work = this.byLocal.get(event.job.id);
      if (work && isFinal(event.job.state)) void this.end(work, event.job.state);
      // One that began makes room for the next; its progress changes nothing.
      const began = work !== undefined && !work.began && event.job.startedAt !== null;
      if (began) work.began = true;
      if (began || isFinal(event.job.state)) this.pull();
    }
  }

  private collect(work: Work, utterance: Utterance): void {
    if (work.over || !this.isOurs(work, utterance)) return;
    const { startMs, endMs } = utterance,
      index = utterance.index - (work.first ?? 0);
    for (const stage of STAGES) {
      const output = utterance[stage];
      if (!output || work.sent.has(key(index, stage))) continue;
      work.sent.add(key(index, stage));
      const row: ResultRow = { index, stage, startMs, endMs, output };
      // Read now: its file goes with the job.
      if (stage === 'tts' && 'path' in output) row.blob = readFileSync(output.path);
      work.rows.push(row);
    }
    if (work.rows.length > 0)
      work.timer ??= setTimeout(
        () => {
          work.timer = null;
          this.flush(work);
        },
        work.sent.size <= STAGES.length ? 0 : GUST_MS,
      );
  }

  /** Of a part what is ours is counted from its first. */
  private isOurs(work: Work, row: UtteranceRow): boolean {
    const { part, local } = work;
    if (!part) return true;
    if (!isWithin(part, row)) return false;
    work.first ??= this.deps.store.utterances(local!).find(each => isWithin(part, each))!.index;
    return isLeft(part, row, work.first);
  }

  private flush(work: Work): void {
    if (work.timer) clearTimeout(work.timer);
    work.timer = null;
    const { rows } = work;
    work.rows = [];
    if (rows.length > 0 && !work.over)
      this.write(work, () => this.deps.claims.put(work.taken, rows, this.lengthOf(work)));
  }
  /** By its container's own word, until all of it was heard. */
  private lengthOf({ local }: Work): number | null {
    return local === null ? null : (this.deps.store.job(local)?.durationMs ?? null);
  }

  private renew(): void {
    for (const work of this.works.values())
      if (!work.over) this.write(work, () => this.deps.claims.put(work.taken, []));
  }

  private write(work: Work, what: () => Promise<boolean>): void {
    work.busy = work.busy.then(() => this.again(work, what));
  }

  /** Until it is done, or the lease is known to be lost. */
  private async again(work: Work, what: () => Promise<boolean>): Promise<void> {
    while (!work.over)
      try {
        if (!(await what())) {
          this.deps.log.info(
            { job: work.taken.job, attempt: work.taken.retryCount },
            'fleet: refused, it is not ours now',
          );
          this.drop(work);
        }
        return;
      } catch (error) {
        if (this.leaving) return;
        this.deps.log.debug(error as Error, 'fleet: trying again');
        await sleep(RETRY_MS);
      }
  }

  /** A database that is away for a while fails no job: it is asked again for as long as somebody wants the answer. */
  private async reading<T>(work: Work, read: () => Promise<T>): Promise<T> {
    for (;;)
      try {
        return await read();
      } catch (error) {
        if (work.over || this.leaving || !isUnreachable(error)) throw error;
        await sleep(RETRY_MS);
      }
  }

  private async end(work: Work, state: Job['state']): Promise<void> {
    if (work.over || this.leaving) return;
    this.flush(work);
    const local = work.local!,
      row = this.deps.store.job(local);
    if (!row || state === 'cancelled') {
      // Whoever works at this machine does not want it here.
      this.restUntil = this.deps.clock() + REST_MS;
      this.write(work, () => this.deps.claims.giveBack(work.taken));
    } else if (state === 'failed' && !(row.ingested && this.deps.store.utterances(local).some(each => each.failed))) {
      await this.fail(work, row.failure!);
      return;
    } else this.write(work, () => this.finish(work, row));
    await work.busy;
    this.drop(work);
  }

  /** A server that lost its last seconds, or whose standby had not got them, gets again what it lacks. */
  private async finish(work: Work, row: JobRow): Promise<boolean> {
    const { claims, store } = this.deps;
    work.sent = new Set((await claims.known(work.taken.job)).map(({ index, stage }) => key(index, stage)));
    for (const utterance of store.utterances(row.id)) this.collect(work, utterance);
    if (work.timer) clearTimeout(work.timer);
    work.timer = null;
    const { rows } = work;
    work.rows = [];
    if (rows.length > 0 && !(await claims.put(work.taken, rows))) return false;
    return claims.finish(work.taken, { facts: this.factsOf(work, row) });
  }

  private async fail(work: Work, why: Failure): Promise<void> {
    if (work.over) return;
    const mine = OF_THE_MACHINE.has(why.code);
    this.deps.log.warn({ failure: why, job: work.taken.job }, mine ? 'fleet: given back' : 'fleet: failed');
    if (mine) this.restUntil = this.deps.clock() + REST_MS;
    this.flush(work);
    this.write(work, () =>
      mine ? this.deps.claims.giveBack(work.taken) : this.deps.claims.finish(work.taken, { failure: why }),
    );
    await work.busy;
    this.drop(work);
  }

  private factsOf(work: Work, { id, durationMs, language, models, warnings, options, voices }: JobRow): WholeFacts {
    const utterances = this.deps.store.utterances(id);
    return {
      durationMs,
      language,
      models,
      warnings,
      failed: utterances.flatMap(utterance => {
        const { index, startMs, endMs, failed } = utterance;
        return failed && this.isOurs(work, utterance)
          ? [{ index: index - (work.first ?? 0), startMs, endMs, ...failed }]
          : [];
      }),
      ...(options.speakers && voices
        ? {
            voices,
            speakers: utterances.map(({ speaker }) => speaker ?? null),
            turns: utterances.map(({ turns }) => turns ?? null),
          }
        : {}),
    };
  }

  /** It is canceled, paused or another's by now. */
  onStop(job: string): void {
    const work = this.works.get(job);
    // Whoever may connect may say so of any job: the database knows.
    if (work) this.write(work, () => this.deps.claims.put(work.taken, []));
  }

  /** Nothing of it stays here: neither the recording nor its text. */
  private drop(work: Work): void {
    const { pipeline, store, log } = this.deps,
      { local, taken } = work;
    work.over = true;
    if (work.timer) clearTimeout(work.timer);
    if (this.works.get(taken.job) === work) this.works.delete(taken.job);
    if (local !== null) {
      this.byLocal.delete(local);
      try {
        if (store.job(local) && !isFinal(store.job(local)!.state)) pipeline.queue.cancel([local]);
        pipeline.queue.remove([local]);
      } catch (error) {
        log.warn(error as Error, 'fleet: clearing up');
      }
    }
    void rm(this.folder(taken), { recursive: true, force: true }).catch(() => {});
    this.deps.changed();
    if (!this.leaving) this.pull();
  }

  private async return(work: Work): Promise<void> {
    await work.busy;
    this.flush(work);
    await work.busy;
    if (!work.over) await this.deps.claims.giveBack(work.taken);
    work.over = true;
  }

  /** Gives everything back, with what was made of it; another machine has it at once. */
  async leave(): Promise<void> {
    this.leaving = true;
    clearInterval(this.beat);
    await Promise.all(
      [...this.works.values()].map(async work => {
        await this.return(work).catch((error: unknown) => this.deps.log.warn(error as Error, 'fleet: giving back'));
        this.drop(work);
      }),
    );
    await this.pulling;
  }
}

const key = (index: number, stage: string): string => `${index} ${stage}`;
/** Utterances that every stage is done with. */
function whole(done: readonly StoredResult[], options: LentRequest['options']): number[] {
  const stages = stagesOf(options),
    made = Map.groupBy(done, ({ index }) => index);
  return [...made].flatMap(([index, rows]) =>
    stages.every(stage => rows.some(row => row.stage === stage)) ? [index] : [],
  );
}
const isTaken = (row: JobRow): row is JobRow & { fleet: TakenFacts } => row.fleet != null && 'taken' in row.fleet;
