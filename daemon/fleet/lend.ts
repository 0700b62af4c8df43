/**
 * The home's side of the fleet: jobs of this queue that other machines do. The database is told what is wanted of each
 * (submitted, paused, canceled, its rank), and what was made comes back into this queue. Both sides can be away at any
 * time: whatever was missed is found by comparing, whenever the connection is there again.
 */
import { join } from 'node:path';
import type { Logger } from 'pino';
import { EarshotError, toFailure, type Failure } from '../../schemas/errors.ts';
import type { TtsOutput } from '../../schemas/job.ts';
import { reason, type Reason } from '../../schemas/reasons.ts';
import type { StateEvent } from '../../schemas/rpc.ts';
import { isFinal, PRIORITIES, STAGES, type Priority } from '../../schemas/words.ts';
import type { ModelCard } from '../../schemas/model.ts';
import { makeFolder, writeAnew } from '../../client/files.ts';
import type { Home } from '../auth/home.ts';
import type { LentFacts, Store } from '../contracts/store.ts';
import type { LentRow, Returned, WholeFacts } from '../pipeline/elsewhere.ts';
import { jobFiles } from '../pipeline/inputs.ts';
import type { Pipeline } from '../pipeline/pipeline.ts';
import { needsOf, PART_NEED, rootNeed } from './can.ts';
import { bordersOf, idsOf, isDivisible, readId } from './parts.ts';
import type { Query } from './postgres.ts';
import {
  factsOf,
  failureOf,
  MOST_FACTS_BYTES,
  MOST_OUTPUT_BYTES,
  MOST_SPEECH_BYTES,
  returnedOf,
  soundOf,
  type LentRequest,
  type Sound,
  type StoredResult,
} from './rows.ts';
import { rootedSound, sendFile, type Roots } from './sound.ts';

export interface LendDeps {
  /** Of the person's login. @throws while there is no connection */
  query: Query;
  /** What the fleet knows this daemon by. */
  home: string;
  places: Home;
  pipeline: Pipeline;
  store: Store;
  log: Logger;
  card(id: string): ModelCard | undefined;
  roots: () => Roots;
  isChief: () => boolean;
  /** A long recording goes to several machines, each of which has at least so much of it; Infinity: never. */
  partMs: () => number;
  /** By the container's own word; null: it says nothing. */
  length(row: LentRow, signal: AbortSignal): Promise<number | null>;
  /** A large recording's sound as FLAC, in a file that is removed afterwards; null: it is sent as it is. */
  decode(
    row: LentRow,
    signal: AbortSignal,
  ): Promise<{ path: string; warnings: Failure[]; remove(): Promise<void> } | null>;
}

interface FleetJob {
  id: string;
  state: 'sending' | 'waiting' | 'running' | 'paused' | 'completed' | 'failed' | 'cancelled';
  machine: string | null;
  rank: number;
  /** Of its recording; null: its machine does not know yet. */
  length_ms: number | null;
  /** As they stand there: rows.ts reads them. */
  failure: unknown;
  facts: unknown;
  sound: unknown;
}
/** A job of the fleet, and ours that it is, or is a part of. */
interface Ours {
  job: FleetJob;
  row: LentRow;
}
interface FleetRow extends StoredResult {
  job: string;
  seq: string;
  speaks: boolean;
}

const ROWS_AT_ONCE = 2000,
  /** Recordings that wait in the database at a time. */
  SENT_AHEAD = 16,
  /** Jobs that are told why they wait. */
  EXPLAINED = 30,
  EXPLAINED_AT_ONCE = 3;
const COLUMNS = `j.id, j.state, j.rank, j.length_ms, j.failure, j.sound,
  case when octet_length(j.facts::text) <= ${MOST_FACTS_BYTES} then j.facts end as facts,
  (select m.name from fleet.machine m where m.id = j.machine) as machine`;

export class Lend {
  private readonly deps: LendDeps;
  /** By the fleet's ids: something is new there; of all: nothing is known. */
  private readonly updates = new Set<string>();
  private all = true;
  /** By our ids. */
  private readonly changed = new Set<string>();
  /** What was last wanted of each. */
  private readonly wanted = new Map<string, string>();
  private running: Promise<void> | null = null;
  private more = false;
  private sending: Promise<void> | null = null;
  private readonly abort = new AbortController();
  private reachable = false;

  constructor(deps: LendDeps) {
    this.deps = deps;
  }

  /** Everything is compared anew. */
  up(): void {
    this.reachable = true;
    this.all = true;
    this.wake();
  }
  down(): void {
    this.reachable = false;
    for (const { id } of this.deps.pipeline.elsewhere.rows())
      this.deps.pipeline.elsewhere.explain(id, reason('fleetUnreachable'));
  }
  heard(id: string): void {
    this.updates.add(id);
    this.wake();
  }
  onEvent(event: StateEvent): void {
    if (event.type !== 'job' || event.job.machine === undefined) return;
    // Its text that comes in changes nothing of what is wanted.
    const { id, state, priority } = event.job,
      wanted = isFinal(state) ? 'over' : `${state === 'paused'} ${priority}`;
    if (this.wanted.get(id) === wanted) return;
    if (isFinal(state)) this.wanted.delete(id);
    else this.wanted.set(id, wanted);
    this.changed.add(id);
    this.wake();
  }
  tick(): void {
    this.all = true;
    this.wake();
  }

  async stop(): Promise<void> {
    this.abort.abort();
    this.reachable = false;
    await Promise.all([this.running, this.sending]);
  }

  private wake(): void {
    if (!this.reachable) return;
    if (this.running) {
      this.more = true;
      return;
    }
    this.running = (async () => {
      // Events of one turn make one round.
      await new Promise<void>(resolve => {
        setImmediate(resolve);
      });
      do {
        this.more = false;
        await this.round();
      } while (this.more && this.reachable);
    })()
      .catch((error: unknown) => {
        this.all = true; // the connection is made anew, and then
        this.deps.log.debug(error as Error, 'fleet: lending');
      })
      .finally(() => {
        this.running = null;
      });
  }

  private async round(): Promise<void> {
    const { query, home, store, pipeline } = this.deps,
      { all } = this,
      updates = new Set(this.updates),
      changed = [...this.changed];
    this.all = false;
    this.updates.clear();
    this.changed.clear();
    for (const id of changed) {
      const fleet = store.job(id)?.fleet;
      if (fleet && !('taken' in fleet)) for (const part of idsOf(fleet)) updates.add(part);
    }
    if (!all && updates.size === 0) return;
    const here = new Map(pipeline.elsewhere.rows().flatMap(row => idsOf(row.fleet).map(id => [id, row])));
    // What changes a part changes its job.
    for (const id of [...updates]) for (const part of idsOf(here.get(id)?.fleet ?? lentFacts(id))) updates.add(part);
    try {
      const jobs = all
        ? await query<FleetJob>(`select ${COLUMNS} from fleet.job j where j.home = $1`, [home])
        : await query<FleetJob>(`select ${COLUMNS} from fleet.job j where j.home = $1 and j.id = any($2)`, [
            home,
            [...updates],
          ]);
      const there = new Set(jobs.map(job => job.id));
      for (const row of new Set(here.values()))
        if ((all || updates.has(row.fleet.id)) && !idsOf(row.fleet).every(id => there.has(id))) await this.submit(row);
      const ours: Ours[] = jobs.flatMap(job => {
        const row = here.get(job.id);
        return row ? [{ job, row }] : [];
      });
      for (const job of jobs) if (!here.has(job.id)) await this.letGo(job);
      for (const { job, row } of ours) if (job.length_ms !== null) pipeline.elsewhere.measured(row.id, job.length_ms);
      await this.read(ours);
      for (const each of ours) await this.agree(each.job, each.row);
      for (const some of Map.groupBy(ours, ({ row }) => row.id).values()) this.name(some);
      const read = ours.filter(({ job, row }) => job.id === readId(row.fleet));
      await this.explain(all ? read : read.slice(0, EXPLAINED_AT_ONCE));
      if (all || jobs.some(job => job.state === 'sending')) this.send();
    } catch (error) {
      for (const id of updates) this.updates.add(id);
      if (all) this.all = true;
      throw error;
    }
  }

  private async submit(row: LentRow): Promise<void> {
    const { query, home, card, roots, pipeline, store, log } = this.deps;
    try {
      const needs = needsOf(row, card);
      if (!needs) return pipeline.elsewhere.takeBack([row.id]);
      const sound: Sound = (await rootedSound(row, roots())) ?? { kind: 'chunks', name: row.name };
      if (sound.kind === 'root') needs.push(rootNeed(sound.root));
      const request: LentRequest = { options: row.options, models: row.models };
      // Its job may have gone meanwhile.
      if (pipeline.elsewhere.row(row.id)?.fleet.id !== row.fleet.id) return;
      const known = store.utterances(row.id),
        lengthMs = known.length === 0 ? await this.divide(row, needs) : pipeline.elsewhere.expectedMs(row);
      const lent = pipeline.elsewhere.row(row.id);
      if (lent?.fleet.id !== row.fleet.id) return;
      const { parts } = lent.fleet;
      if (parts) needs.push(PART_NEED);
      const asked = [
        row.fleet.id,
        home,
        row.name,
        JSON.stringify(request),
        needs.sort(),
        JSON.stringify(sound),
        Math.max(1, Math.ceil(lengthMs / 1000)),
        this.rankOf(row.priority),
      ];
      if (parts)
        await query('select fleet.submit_parts($1, $2, $3, $4, $5, $6, $7, $8, $9)', [...asked, parts.borders]);
      else await query('select fleet.submit($1, $2, $3, $4, $5, $6, $7, $8)', asked);
      const made = known.flatMap(utterance =>
        STAGES.flatMap(stage => {
          const output = utterance[stage],
            { index, startMs, endMs } = utterance;
          return output && stage !== 'tts' ? [{ index, stage, output: { startMs, endMs, output } }] : [];
        }),
      );
      if (made.length > 0 && !parts) await query('select fleet.seed($1, $2)', [row.fleet.id, JSON.stringify(made)]);
      this.updates.add(row.fleet.id);
      this.more = true;
    } catch (error) {
      const why = toFailure(error);
      if (why.code === 'internal') throw error;
      log.warn({ err: error as Error, job: row.id }, 'fleet: not submitted');
      pipeline.elsewhere.end(row.id, why);
    }
  }

  /** Decides whether several machines do it, before it is there; answers how long it is. */
  private async divide(row: LentRow, needs: readonly string[]): Promise<number> {
    const { query, pipeline, partMs, length, log } = this.deps,
      { elsewhere } = pipeline,
      least = partMs(),
      guess = elsewhere.expectedMs(row);
    // A guess by its size may be wrong by far.
    if (row.fleet.parts || guess < least || !isDivisible(row, elsewhere.isContextual(row.id))) return guess;
    const peers = await query<{ warm: boolean }>('select warm from fleet.idle($1)', [needs]);
    if (peers.length < 2) return guess;
    const known =
      row.durationMs ??
      (await length(row, this.abort.signal).catch((error: unknown) => {
        log.debug(error as Error, 'fleet: how long it is');
        return null; // whoever does it says what is wrong with it
      }));
    const borders = known === null ? [] : bordersOf(known, peers, least);
    if (borders.length > 0) elsewhere.divide(row.id, borders);
    return known ?? guess;
  }

  private rankOf(priority: Priority): number {
    const rank = PRIORITIES.length - 1 - PRIORITIES.indexOf(priority);
    return this.deps.isChief() ? rank : Math.min(rank, 2);
  }

  /** A job that is over here, or done here. */
  private async letGo(job: FleetJob): Promise<void> {
    const { query } = this.deps;
    if (!isFinal(job.state as 'completed')) await query('select fleet.cancel($1)', [job.id]);
    await query('select fleet.forget($1)', [job.id]);
  }

  /** Everything new, in the order that it was committed in. */
  private async read(
    ours: readonly Ours[],
    { anew = false, failed = [] }: { anew?: boolean; failed?: WholeFacts['failed'] } = {},
  ): Promise<void> {
    const { query, pipeline } = this.deps;
    // Of a job in parts the one that comes next.
    const wanted = new Map(
        ours.filter(({ job, row }) => job.id === readId(row.fleet)).map(each => [each.job.id, each]),
      ),
      read = new Map(
        ours.map(({ job, row }) => [job.id, (anew ? null : pipeline.elsewhere.row(row.id)?.fleet.cursor) ?? '0']),
      );
    while (wanted.size > 0) {
      const cursors = [...wanted.keys()].map(id => read.get(id)!);
      const rows = await query<FleetRow>(
        `select r.job, r.seq, r.index, r.stage, r.blob is not null as speaks,
           case when octet_length(r.output::text) <= ${MOST_OUTPUT_BYTES} then r.output end as output
         from unnest($1::text[], $2::bigint[]) x(job, cursor)
         join fleet.result r on r.job = x.job and r.seq > x.cursor order by r.job, r.seq limit ${ROWS_AT_ONCE}`,
        [[...wanted.keys()], cursors],
      );
      for (const [id, some] of Map.groupBy(rows, each => each.job)) {
        const { job, row } = wanted.get(id)!,
          offset = row.fleet.parts?.offset ?? 0;
        try {
          const returned: Returned[] = [];
          // Sound after sound: together they may be more than memory holds.
          for (const each of some) returned.push(await this.returned(row, each, offset));
          pipeline.elsewhere.take(row.id, job.machine, returned, some.at(-1)!.seq, failed);
          read.set(id, some.at(-1)!.seq);
        } catch (error) {
          wanted.delete(id);
          this.refuse(job, row, error);
        }
      }
      if (rows.length < ROWS_AT_ONCE) return;
    }
  }

  /** A server that had lost some of it got it again behind what came later: then it is read from the beginning. */
  private async readWhole({ job, row }: Ours, failed: WholeFacts['failed']): Promise<void> {
    const [there] = await this.deps.query<{ n: string }>('select count(*) as n from fleet.result where job = $1', [
      job.id,
    ]);
    const made = this.deps.store
      .utterances(row.id)
      .slice(row.fleet.parts?.offset ?? 0)
      .reduce((sum, utterance) => sum + STAGES.filter(stage => utterance[stage]).length, 0);
    if (Number(there!.n) > made) await this.read([{ job, row }], { anew: true, failed });
  }

  /** What was spoken lies in a file of ours. */
  private async returned({ id }: LentRow, row: FleetRow, offset: number): Promise<Returned> {
    const found = returnedOf(row),
      returned = { ...found, index: found.index + offset };
    if (returned.stage !== 'tts') return returned;
    const [spoken] = await this.deps.query<{ blob: Buffer | null }>(
      `select case when octet_length(blob) <= ${MOST_SPEECH_BYTES} then blob end as blob
       from fleet.result where job = $1 and seq = $2`,
      [row.job, row.seq],
    );
    if (!spoken?.blob)
      throw new EarshotError('badAnswer', { engine: 'fleet', method: 'result' }, 'speech without sound');
    const { speech } = jobFiles(this.deps.places.audio, id),
      path = join(speech, `${returned.index}-fleet.wav`);
    await makeFolder(speech, 0o700);
    await writeAnew(path, spoken.blob, 0o600);
    return { ...returned, output: { ...(returned.output as TtsOutput), path } };
  }

  /** What came back is nothing that a machine of ours would say: the job ends so. */
  private refuse(job: FleetJob, row: LentRow, error: unknown): void {
    const why = toFailure(error);
    if (why.code !== 'badAnswer') throw error;
    this.deps.log.warn({ failure: why, job: row.id, machine: job.machine }, 'fleet: refused');
    this.deps.pipeline.elsewhere.end(row.id, { ...why, args: { ...why.args, engine: job.machine ?? 'fleet' } });
  }

  /** What the fleet knows of a job, and what is wanted of it here. */
  private async agree(job: FleetJob, before: LentRow): Promise<void> {
    const { query, pipeline } = this.deps,
      row = pipeline.elsewhere.row(before.id);
    if (!row || !idsOf(row.fleet).includes(job.id)) return;
    const { parts } = row.fleet;
    // What a part before it did is known already, and of those behind it neither text nor end is.
    if (parts && (job.state === 'completed' || job.state === 'failed') && job.id !== readId(row.fleet)) return;
    if (job.state === 'completed') {
      // What is read next may be there already.
      if (parts) this.heard(job.id);
      try {
        const { failed, ...facts } = factsOf(job.facts),
          sound = soundOf(job.sound),
          heard = sound.kind === 'chunks' ? (sound.decoded?.warnings ?? []) : [],
          without = failed.map(each => ({ ...each, index: each.index + (parts?.offset ?? 0) }));
        await this.readWhole({ job, row }, without);
        return pipeline.elsewhere.complete(row.id, {
          ...facts,
          failed: without,
          warnings: [...heard, ...facts.warnings],
        });
      } catch (error) {
        return this.refuse(job, row, error);
      }
    }
    if (job.state === 'failed' || job.state === 'cancelled')
      return pipeline.elsewhere.end(row.id, job.state === 'failed' ? failureOf(job.failure) : null);
    const paused = row.state === 'paused';
    if (paused && (job.state === 'waiting' || job.state === 'running')) await query('select fleet.pause($1)', [job.id]);
    if (!paused && job.state === 'paused') await query('select fleet.resume($1)', [job.id]);
    const rank = this.rankOf(row.priority);
    if (rank !== job.rank) await query('select fleet.rerank($1, $2)', [job.id, rank]);
  }

  /** Who is at work on it; of parts also who has done one. */
  private name(some: readonly Ours[]): void {
    const row = this.deps.pipeline.elsewhere.row(some[0]!.row.id);
    if (!row || !some.some(({ job }) => job.id === readId(row.fleet) && !isFinal(job.state as 'completed'))) return;
    const names = some.flatMap(({ job: { state, machine: name } }) =>
        name !== null && (state === 'running' || state === 'completed') ? [name] : [],
      ),
      machine = [...new Set(names)].sort().join(', ') || null;
    if (machine !== null || row.fleet.machine !== null) this.deps.pipeline.elsewhere.begun(row.id, machine);
  }

  private async explain(ours: readonly Ours[]): Promise<void> {
    const { query, pipeline } = this.deps;
    const waiting = ours.filter(({ job }) => job.state === 'waiting').slice(0, EXPLAINED);
    for (const { job, row } of waiting) {
      const [place] = await query<{ ahead: string | null; machines: string[] | null; lacks: string[] | null }>(
        'select * from fleet.place($1)',
        [job.id],
      );
      pipeline.elsewhere.explain(row.id, reasonOf(place));
    }
    for (const { job, row } of ours) {
      if (job.state !== 'running') continue;
      const { startedAt, state } = pipeline.elsewhere.row(row.id) ?? row,
        begins = (startedAt === null || state === 'pending') && job.machine !== null;
      pipeline.elsewhere.explain(row.id, begins ? reason('fleetStarting', { machine: job.machine! }) : null);
    }
  }

  /** Sends what waits to be sent, one recording after the other. */
  private send(): void {
    if (this.sending) return;
    this.sending = this.sendAll()
      .catch((error: unknown) => {
        this.deps.log.debug(error as Error, 'fleet: sending');
      })
      .finally(() => {
        this.sending = null;
      });
  }

  private async sendAll(): Promise<void> {
    const { query, home, pipeline } = this.deps;
    while (this.reachable) {
      const [next] = await query<{ id: string; ahead: string }>(
        `select (select id from fleet.job where home = $1 and state = 'sending'
             and (whole is null or whole = id) order by priority desc, created_at limit 1) as id,
           (select count(distinct coalesce(whole, id)) from fleet.job
             where home = $1 and state = 'waiting' and sound->>'kind' = 'chunks') as ahead`,
        [home],
      );
      if (!next?.id || Number(next.ahead) >= SENT_AHEAD) return;
      const row = pipeline.elsewhere.rows().find(({ fleet }) => fleet.id === next.id);
      if (!row) return; // it is let go in the next round
      try {
        await this.sendOne(row);
      } catch (error) {
        const why = toFailure(error);
        if (why.code === 'internal' || this.abort.signal.aborted) throw error;
        pipeline.elsewhere.end(row.id, why);
      }
    }
  }

  private async sendOne(row: LentRow): Promise<void> {
    const { query, pipeline, decode } = this.deps,
      { id } = row.fleet;
    const gone = (): boolean => pipeline.elsewhere.row(row.id)?.fleet.id !== id;
    pipeline.elsewhere.explain(row.id, reason('fleetSending', { percent: 0 }));
    const decoded = await decode(row, this.abort.signal);
    try {
      const [known] = await query<{ chunks: number[] }>('select fleet.chunks($1) as chunks', [id]);
      const { chunks, sha256 } = await sendFile(decoded?.path ?? row.path, {
        there: new Set(known?.chunks),
        put: async (n, data) => {
          if (gone()) throw new Error('it is not wanted any more');
          await query('select fleet.put_chunk($1, $2, $3)', [id, n, data]);
        },
        progress: fraction =>
          pipeline.elsewhere.explain(row.id, reason('fleetSending', { percent: Math.floor(fraction * 100) })),
        signal: this.abort.signal,
      });
      await query('select fleet.sent($1, $2)', [
        id,
        JSON.stringify({
          chunks,
          sha256,
          ...(decoded ? { name: `${row.name}.flac`, decoded: { warnings: decoded.warnings } } : {}),
        }),
      ]);
      // Now it waits there, and why.
      this.heard(id);
    } finally {
      await decoded?.remove();
    }
  }
}

function reasonOf(
  place: { ahead: string | null; machines: string[] | null; lacks: string[] | null } | undefined,
): Reason | null {
  if (!place) return null;
  if (place.machines) return reason('fleetAhead', { count: Number(place.ahead ?? 0) });
  return reason('noMachineFits', { lacks: place.lacks?.map(lackText).join(', ') || undefined });
}
/** `asr:large-v3@12345678` as people know it. */
const lackText = (need: string): string => need.replace(/@[0-9a-f]+$/, '').replace(/^(asr|repair|nmt|tts):/, '');

/** Of a job that is lent from now on. */
export const lentFacts = (id: string): LentFacts => ({ id, cursor: '0', machine: null });
