/**
 * A machine's side of the queue: taking a job under a lease, writing what was made of it, giving it back. Every write
 * carries the attempt that it was fetched with and must find it alive: what a late machine writes is refused.
 */
import type { Failure } from '../../schemas/errors.ts';
import type { Returned, WholeFacts } from '../pipeline/elsewhere.ts';
import { MOST_DONE_BYTES, MOST_OUTPUT_BYTES, MOST_REQUEST_BYTES, type StoredResult } from './rows.ts';
import type { Attempt, Pool, Transaction } from './postgres.ts';

export interface Taken extends Attempt {
  job: string;
  name: string;
  /** As they stand in the database: rows.ts reads them. Null: too large to be any. */
  request: unknown;
  sound: unknown;
  /** Of the recording only what begins in [fromMs, toMs), toMs null: to the end; missing: all of it. */
  range?: { fromMs: number; toMs: number | null };
}
export interface ResultRow extends Returned {
  /** Of a spoken utterance: its WAV. */
  blob?: Buffer;
}

/** How far ahead of others a job is whose models are loaded, in minutes of recording. */
const WARMTH_MINUTES = 10,
  OFFERS_AT_ONCE = 50,
  /** What a column holds. */
  LONGEST_MS = 2 ** 31 - 1;
interface JobToTake {
  tag: string;
  name: string;
  request: unknown;
  sound: unknown;
  from_ms: number | null;
  to_ms: number | null;
  done: number;
  progress: number;
}
class Lost extends Error {}

export class Claims {
  private readonly pool: Pool;
  private readonly machine: string;
  private readonly perPerson: number | null;

  constructor(pool: Pool, machine: string, perPerson: number | null) {
    this.pool = pool;
    this.machine = machine;
    this.perPerson = perPerson;
  }

  /** Jobs that nobody stands for yet get their offer: the first machine that sees them makes it. */
  async offer(): Promise<void> {
    const waiting = await this.pool.query<{ class: string }>(
      `select distinct class from fleet.job where state = 'waiting' and offer is null`,
    );
    if (waiting.length === 0) return;
    const classes = waiting.map(each => each.class);
    for (const name of classes) await this.pool.ensureQueue(name);
    for (let more = true; more;)
      more = await this.pool.transaction(async ({ query, insert }) => {
        const jobs = await query<{ id: string; class: string; priority: number; owner: string }>(
          `select id, class, priority, owner from fleet.job
           where state = 'waiting' and offer is null and class = any($1)
           order by created_at limit ${OFFERS_AT_ONCE} for update skip locked`,
          [classes],
        );
        for (const name of new Set(jobs.map(each => each.class))) {
          const some = jobs.filter(each => each.class === name);
          const offers: string[] = await insert(
            name,
            some.map(({ id, owner, priority }) => ({ job: id, owner, priority })),
          );
          await query(
            `update fleet.job j set offer = x.offer from unnest($1::text[], $2::uuid[]) x(id, offer) where j.id = x.id`,
            [some.map(({ id }) => id), offers],
          );
        }
        return jobs.length === OFFERS_AT_ONCE;
      });
  }

  /** Offers of jobs that nobody wants done any more go; a job whose tries are used up is set aside. */
  async sweep(): Promise<void> {
    const unwanted = await this.pool.query<{ class: string; offer: string }>(
      `select j.class, j.offer from fleet.job j join boss.job b on b.name = j.class and b.id = j.offer
       where j.state in ('cancelled', 'paused') and b.state < 'completed' limit 100`,
    );
    for (const { class: name, offer } of unwanted) await this.pool.cancel(name, offer);
    await this.pool.query(
      `with gone as (
         update fleet.job j set state = 'failed', ended_at = now(),
           failure = jsonb_build_object('code', 'fleetGaveUp', 'args', jsonb_build_object('times', b.retry_count + 1))
         from boss.job b
         where b.name = j.class and b.id = j.offer and b.state = 'failed' and j.state in ('waiting', 'running')
         returning j.*
       ), told as (select pg_notify('fleet_home_' || home, id) from gone)
       select count(*) from told`,
    );
    await this.pool.query(
      `select fleet.drop_sound(j.id) from fleet.job j
       where j.ended_at is not null and j.id in (select job from fleet.chunk)`,
    );
  }

  /** What nobody took, or fetched, for thirty days goes; an offer that was lost is made anew. */
  async expire(): Promise<void> {
    await this.pool.query('select fleet.expire()');
  }

  /** The best job that this machine can place, under a lease. `warm`: needs that loaded models serve. */
  async claim(can: readonly string[], warm: readonly string[]): Promise<Taken | null> {
    const without: string[] = [];
    for (;;) {
      const found = await this.pool.transaction<Taken | 'again' | 'anew' | { without: string } | null>(
        async ({ query, fetch, complete }) => {
          const [peek] = await query<{ class: string | null }>('select fleet.peek($1, $2, $3, $4) as class', [
            can,
            warm,
            WARMTH_MINUTES,
            without,
          ]);
          const name = peek?.class;
          if (!name) return null;
          await this.pool.ensureQueue(name);
          const offer = await fetch(name, this.perPerson);
          if (!offer) return { without: name };
          const [job] = await query<JobToTake>(
            `update fleet.job set state = 'running', machine = $2, attempt = coalesce(attempt, -1) + 1,
             started_at = coalesce(started_at, now())
           where id = $1 and offer = $3 and state in ('waiting', 'running')
           returning tag, name, done, progress, from_ms, to_ms,
             case when octet_length(request::text) <= ${MOST_REQUEST_BYTES} then request end as request,
             case when octet_length(sound::text) <= ${MOST_REQUEST_BYTES} then sound end as sound`,
            [offer.job, this.machine, offer.id],
          );
          const attempt: Attempt = { class: name, id: offer.id, retryCount: offer.retryCount };
          if (job && offer.retryCount > 1 && job.done > job.progress) {
            await complete(attempt);
            await query(`update fleet.job set state = 'waiting', offer = null, progress = done where id = $1`, [
              offer.job,
            ]);
            return 'anew';
          }
          if (!job) {
            // It stands for nothing any more: paused, canceled or offered anew.
            await complete(attempt);
            return 'again';
          }
          await query('update fleet.clock set v = $1 where v < $1', [job.tag]);
          await this.notifyHome(query, offer.job);
          const { name: called, request, sound, from_ms: fromMs, to_ms: toMs } = job,
            range = fromMs === null ? {} : { range: { fromMs, toMs } };
          return { ...attempt, job: offer.job, name: called, request, sound, ...range };
        },
      );
      if (found === 'anew') await this.offer();
      if (found === 'again' || found === 'anew') continue;
      if (found && 'without' in found) {
        // Whoever waits there has as much as they may have at once.
        without.push(found.without);
        continue;
      }
      return found;
    }
  }

  /** What was made of a job before, by whichever machine; without what was spoken. */
  done(job: string): Promise<StoredResult[]> {
    return this.pool.query(
      `select index, stage, output from (
         select index, stage, output, seq, octet_length(output::text) as bytes,
           sum(octet_length(output::text)) over (order by index, seq) as all_bytes
         from fleet.result where job = $1) r
       where bytes <= ${MOST_OUTPUT_BYTES} and all_bytes <= ${MOST_DONE_BYTES} order by index, seq`,
      [job],
    );
  }
  /** Which of its results are there. */
  known(job: string): Promise<{ index: number; stage: string }[]> {
    return this.pool.query('select index, stage from fleet.result where job = $1', [job]);
  }
  async blob(job: string, index: number): Promise<Buffer | null> {
    const [row] = await this.pool.query<{ blob: Buffer | null }>(
      `select blob from fleet.result where job = $1 and index = $2 and stage = 'tts'`,
      [job, index],
    );
    return row?.blob ?? null;
  }
  async chunk(job: string, n: number): Promise<Buffer | null> {
    const [row] = await this.pool.query<{ data: Buffer }>(
      `select c.data from fleet.job j join fleet.chunk c on c.job = coalesce(j.whole, j.id)
       where j.id = $1 and c.n = $2`,
      [job, n],
    );
    return row?.data ?? null;
  }

  /**
   * Results, under the lease that they renew; `lengthMs`: of the whole recording, as far as it is known. False: the
   * lease is lost, or the job was canceled; nothing was written.
   */
  put(taken: Taken, rows: readonly ResultRow[], lengthMs: number | null = null): Promise<boolean> {
    return this.fenced(taken, async ({ query }) => {
      if (rows.length > 0) await this.write(query, taken.job, rows, lengthMs);
    });
  }

  finish(taken: Taken, end: { facts: WholeFacts } | { failure: Failure }): Promise<boolean> {
    return this.fenced(taken, async ({ query, complete }) => {
      await query(
        `update fleet.job set state = $2, facts = coalesce($3, facts), failure = $4, ended_at = now() where id = $1`,
        [
          taken.job,
          'facts' in end ? 'completed' : 'failed',
          'facts' in end ? JSON.stringify(end.facts) : null,
          'failure' in end ? JSON.stringify(end.failure) : null,
        ],
      );
      await query('select fleet.drop_sound($1)', [taken.job]);
      await complete(taken);
      await this.notifyHome(query, taken.job);
    });
  }

  /** Not here after all: the next machine has it at once, with what was made of it, and it costs no try. */
  giveBack(taken: Taken): Promise<boolean> {
    return this.fenced(taken, async ({ query, complete }) => {
      await complete(taken);
      await query(`update fleet.job set state = 'waiting', offer = null, machine = null where id = $1`, [taken.job]);
      await query('notify fleet_work');
      await this.notifyHome(query, taken.job);
    });
  }

  private async write(
    query: Transaction['query'],
    job: string,
    rows: readonly ResultRow[],
    lengthMs: number | null,
  ): Promise<void> {
    const outputs = rows.map(({ startMs, endMs, output }) => JSON.stringify({ startMs, endMs, output })),
      bytes = rows.reduce((sum, { blob }, i) => sum + outputs[i]!.length + (blob?.length ?? 0), 0);
    await query(
      `insert into fleet.result (job, index, stage, output, blob, machine)
       select $1, x.index, x.stage, x.output, x.blob, $2
       from unnest($3::int[], $4::text[], $5::json[], $6::bytea[]) x(index, stage, output, blob)
       on conflict (job, index, stage) do nothing`,
      [
        job,
        this.machine,
        rows.map(row => row.index),
        rows.map(row => row.stage),
        outputs,
        rows.map(row => row.blob ?? null),
      ],
    );
    await query(
      `update fleet.job set done = done + $2, result_bytes = result_bytes + $3, length_ms = coalesce($4, length_ms)
       where id = $1`,
      [job, rows.length, bytes, lengthMs === null ? null : Math.min(Math.round(lengthMs), LONGEST_MS)],
    );
    await this.notifyHome(query, job);
  }

  private async notifyHome(query: Transaction['query'], job: string): Promise<void> {
    await query('select fleet.notify_home(j) from fleet.job j where id = $1', [job]);
  }

  private async fenced(taken: Taken, work: (transaction: Transaction) => Promise<void>): Promise<boolean> {
    try {
      await this.pool.transaction(async transaction => {
        // Its row lock holds off the sweep and every other claim until we commit: one job has one writer.
        const alive = await transaction.touch(taken);
        const [live] = await transaction.query(
          `select id from fleet.job where id = $1 and state = 'running' and offer = $2 for no key update`,
          [taken.job, taken.id],
        );
        if (!alive || !live) throw new Lost();
        await work(transaction);
      });
      return true;
    } catch (error) {
      if (error instanceof Lost) return false;
      throw error;
    }
  }
}
