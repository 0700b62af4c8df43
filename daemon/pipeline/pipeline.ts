/**
 * The one writer. Everything that changes a job, an attempt or an instance happens here, one event after the other:
 *
 *   a request, a worker's word, an ingest's utterances, the clock → the store and the work in memory → `plan` → its actions → effects.
 *
 * Handlers below are synchronous and end with `wake`, which has `plan` look at the new state in the next turn of the event loop.
 * Effects (a load, an ingest, writing outputs) go on by themselves; how they end is an event like any other.
 */
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { EarshotError, canHeal, failure, toFailure, type Failure } from '../../schemas/errors.ts';
import type { Job, JobRequest } from '../../schemas/job.ts';
import type { StateEvent } from '../../schemas/rpc.ts';
import type { Settings } from '../../schemas/settings.ts';
import { isFinal, type JobState, type Priority, type Stage } from '../../schemas/words.ts';
import type { Engine } from '../engines/engine.ts';
import type { Home } from '../home.ts';
import { ulid } from '../ids.ts';
import type { startIngest } from '../ingest/ingest.ts';
import type { Metrics } from '../journal/metrics.ts';
import { Instance, type InstanceEvents } from '../instances/instance.ts';
import type { RunRequest, StepOutputs } from '../instances/protocol.ts';
import type { Pool } from '../pool/pool.ts';
import { plan } from '../scheduler/plan.ts';
import { adapt, bottleneck, NOTHING_LEARNED, type Bottleneck, type Learned } from '../scheduler/adaptive.ts';
import type { Action, Plan, Waiting } from '../scheduler/snapshot.ts';
import type { JobRow, NewJournalEntry, Store } from '../store/port.ts';
import type { Catalogue } from './catalogue.ts';
import { jobFiles, stepInput, withoutModel } from './inputs.ts';
import { presentActive, presentStored } from './present.ts';
import { modelsFor, toRow } from './request.ts';
import { Gauge } from './gauge.ts';
import { buildSnapshot } from './snapshot.ts';
import type { Speeds } from './speeds.ts';
import { JobWork, SURE_OF_LANGUAGE, type StageWork } from './work.ts';

export interface Parts {
  home: Home; clock: () => number; settings: () => Settings; store: Store; pool: Pool; catalogue: Catalogue; speeds: Speeds; metrics: Metrics;
  engine(id: string): Engine | undefined;
  ingest: typeof startIngest;
  /** Writes the outputs of a job whose steps are over. */
  deliver(work: JobWork, signal: AbortSignal): Promise<JobRow['outputs']>;
  publish(event: StateEvent): void;
  log(line: string): void;
  /** Pause before the next try after so many, ms. */
  retryPauseMs?: (tries: number) => number;
}

/** 1 s, 3 s, 9 s, … */
const growingPauseMs = (tries: number): number => 1000 * 3 ** (tries - 1);
/** Kills from outside that a step survives without a try being counted. */
const OUTSIDE_KILLS = 10;
const LOADS_BEFORE_GIVING_UP = 3;
/** How often a store that failed is tried again. */
const STALL_PROBE_MS = 2_000;
/** Failures that a device is to blame for: no job loses a try to them. */
const OF_THE_DEVICE: ReadonlySet<Failure['code']> = new Set<Failure['code']>(['outOfMemory', 'deviceLost', 'noRoom']);

export class Pipeline implements InstanceEvents {
  private readonly parts: Parts;
  private readonly jobs = new Map<string, JobWork>();
  readonly instances = new Map<string, Instance>();
  private outlook: Plan = { actions: [], waiting: new Map(), expectedEndAt: new Map(), wakeAt: null };
  private open: boolean;
  private readonly retryPauseMs: (tries: number) => number;
  private lastPosition = 0;
  private leaving: 'no' | 'finish' | 'park' = 'no';
  private turning = false;
  private again = false;
  private woken = false;
  private timer: NodeJS.Timeout | undefined;
  /** Loads that failed in a row, by model and device, and not before when to try again. */
  private readonly loadFailures = new Map<string, { count: number; notBefore: number; last: Failure }>();
  private readonly deliveries = new Map<string, AbortController>();
  private readonly told = new Map<string, string>();
  private readonly gauge: Gauge;
  private learned: Learned = NOTHING_LEARNED;

  constructor(parts: Parts) {
    this.parts = parts;
    this.retryPauseMs = parts.retryPauseMs ?? growingPauseMs;
    this.gauge = new Gauge(parts.clock());
    this.open = parts.store.meta('queue') !== 'paused';
  }

  // ── life ────────────────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Takes up where the last daemon left off: attempts that nobody ended are given up, their steps run again. */
  start(): void {
    const { store, clock } = this.parts;
    store.batch(() => { for (const attempt of store.openAttempts()) store.abandon(attempt.token, failure('cancelled', {}, 'the daemon ended'), clock(), { counts: false, gaveUp: [] }); });
    for (const row of store.activeJobs()) this.adopt(row);
    for (const work of this.jobs.values()) this.advance(work);
    this.wake();
  }

  private adopt(row: JobRow): JobWork {
    const work = new JobWork(row);
    if (row.state !== 'pending' || row.ingestedMs > 0 || row.ingested) work.restore(this.parts.store.utterances(row.id));
    this.jobs.set(row.id, work);
    return work;
  }

  /** finish: what runs may end; park: it is given up and done again later. Resolves when no worker is left. */
  async stop(how: 'finish' | 'park'): Promise<void> {
    this.leaving = how;
    for (const work of this.jobs.values()) work.ingestAbort?.abort();
    if (how === 'park') for (const work of this.jobs.values()) for (const stage of work.stages) for (const token of [...stage.running.keys()]) this.park(work, stage, token, failure('cancelled', {}, 'the daemon leaves'));
    for (const instance of this.instances.values()) if (how === 'park' || !instance.run) instance.stop(how === 'park' ? 'kill' : 'leave');
    clearTimeout(this.timer);
    await new Promise<void>(resolve => { this.whenEmpty = resolve; this.checkEmpty(); });
    clearTimeout(this.timer);
    this.parts.speeds.save();
  }
  private whenEmpty: (() => void) | null = null;
  private checkEmpty(): void {
    if (this.leaving !== 'no' && this.instances.size === 0 && ![...this.jobs.values()].some(work => work.finishing)) this.whenEmpty?.();
  }

  /** Nothing runs and nothing could. */
  get idle(): boolean { return this.instances.size === 0 && ![...this.jobs.values()].some(work => work.row.state !== 'paused'); }
  get activeJobs(): number { return this.jobs.size; }
  get paused(): boolean { return !this.open; }

  /**
   * The store could not be written: the disk is full, say. Nothing that is in memory alone is worth more than what is on the disk, so this is
   * handled like a crash: everything in work is dropped, and once the store takes a write again we take up from what it knows.
   */
  private stalled(error: unknown): void {
    if (this.stall || this.leaving !== 'no') return;
    const { publish, log } = this.parts;
    log(`the store failed: ${error instanceof Error ? error.stack : String(error)}`);
    publish({ type: 'notice', failure: toFailure(error) });
    for (const work of this.jobs.values()) { work.ingestAbort?.abort(); this.deliveries.get(work.row.id)?.abort(); }
    this.jobs.clear();
    for (const instance of this.instances.values()) instance.stop('kill');
    this.stall = setInterval(() => {
      if (this.instances.size) return;
      try { this.parts.store.setMeta('stalled', String(this.parts.clock())); } catch { return; }
      clearInterval(this.stall!);
      this.stall = null;
      log('the store works again');
      this.start();
    }, STALL_PROBE_MS);
  }
  private stall: NodeJS.Timeout | null = null;

  /** Runs what writes to the store; its failure stalls the pipeline. */
  private guarded(work: () => void): void {
    if (this.stall) return;
    try { work(); } catch (error) { this.stalled(error); }
  }

  // ── requests ────────────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Each request by itself: a bad one does not stop the others. */
  async submit(requests: readonly JobRequest[]): Promise<({ job: Job; existing: boolean } | { failure: Failure })[]> {
    const { store, clock, catalogue } = this.parts;
    type Checked = { failure: Failure } | { row: JobRow; existing: boolean };
    const checked: Checked[] = await Promise.all(requests.map(async request => {
      try { return { row: await toRow(request, ulid(clock()), clock(), catalogue, this.lastPosition = Math.max(clock(), this.lastPosition + 1)), existing: false }; } catch (error) { return { failure: toFailure(error) }; }
    }));
    const fresh: JobRow[] = [];
    const answers = checked.map((each, i): Checked => {
      if ('failure' in each) return each;
      const { fingerprint } = each.row;
      const existing = requests[i]!.onDuplicate === 'create' ? null : store.findDuplicate(fingerprint) ?? fresh.find(other => other.fingerprint === fingerprint);
      if (existing) return { row: existing, existing: true };
      fresh.push(each.row);
      return each;
    });
    try { store.submit(fresh); } catch (error) {
      const why = toFailure(error);
      return answers.map(answer => ('failure' in answer ? answer : answer.existing && !fresh.includes(answer.row) ? { job: this.present(answer.row.id)!, existing: true } : { failure: why }));
    }
    for (const row of fresh) this.tell(this.adopt(row));
    this.wake();
    return answers.map(answer => ('failure' in answer ? answer : { job: this.present(answer.row.id)!, existing: answer.existing }));
  }

  pause(ids: readonly string[]): void {
    for (const work of this.mustBe(ids, ['pending', 'processing'])) this.update(work, { state: 'paused' }, { kind: 'job.paused' });
    this.wake();
  }
  resume(ids: readonly string[]): void {
    for (const work of this.mustBe(ids, ['paused'])) this.update(work, { state: work.row.startedAt === null ? 'pending' : 'processing' }, { kind: 'job.resumed' });
    this.wake();
  }
  cancel(ids: readonly string[]): void {
    for (const work of this.mustBe(ids, ['pending', 'processing', 'paused'])) this.end(work, 'cancelled', null);
    this.wake();
  }

  /** Failed steps run again, and all that hangs on them; what is done stays. */
  retry(ids: readonly string[]): void {
    const { store, clock } = this.parts;
    for (const id of ids) {
      const row = store.job(id);
      if (!row) throw new EarshotError('unknownJob', { id });
      if (row.state !== 'failed' && row.state !== 'cancelled') throw new EarshotError('wrongState', { id, state: row.state });
      // The sound was thrown away at the end; the same recording gives the same utterances again.
      store.batch(() => {
        store.clearFailures(id);
        store.update(id, { state: 'pending', ingested: false, ingestedMs: 0, crashes: 0, finishedAt: null, warnings: [], outputs: [] }, { kind: 'job.retried', at: clock() });
      });
      this.clearFailureOf(id);
      const work = this.adopt(store.job(id)!);
      work.restore(store.utterances(id));
      this.tell(work);
    }
    this.wake();
  }
  private clearFailureOf(id: string): void {
    for (const key of Object.values(this.parts.store.job(id)?.models ?? {})) for (const known of [...this.loadFailures.keys()]) if (known.startsWith(`${key}@`)) this.loadFailures.delete(known);
  }

  remove(ids: readonly string[]): void {
    const { store, home, publish } = this.parts;
    for (const id of ids) if (this.jobs.has(id)) throw new EarshotError('wrongState', { id, state: this.jobs.get(id)!.row.state });
    store.remove(ids);
    for (const id of ids) { rmSync(join(home.audio, id), { recursive: true, force: true }); publish({ type: 'jobRemoved', id }); }
  }

  move(id: string, place: { priority?: Priority; before?: string; after?: string; to?: 'top' | 'bottom' }): void {
    const [work] = this.mustBe([id], ['pending', 'processing', 'paused']);
    const neighbour = place.before ?? place.after;
    const anchor = neighbour === undefined ? undefined : this.mustBe([neighbour], ['pending', 'processing', 'paused'])[0]!;
    const priority = anchor?.row.priority ?? place.priority ?? work!.row.priority;
    const peers = [...this.jobs.values()].filter(other => other !== work && other.row.priority === priority).sort((a, b) => a.row.position - b.row.position);
    let position = work!.row.position;
    if (anchor) {
      const at = peers.indexOf(anchor), other = peers[place.before ? at - 1 : at + 1];
      position = other ? (anchor.row.position + other.row.position) / 2 : anchor.row.position + (place.before ? -1 : 1);
    } else if (place.to && peers.length) position = place.to === 'top' ? peers[0]!.row.position - 1 : peers.at(-1)!.row.position + 1;
    this.update(work!, { priority, position }, { kind: 'job.moved', data: { priority, position } });
    this.wake();
  }

  setQueue(open: boolean): void {
    this.open = open;
    this.parts.store.setMeta('queue', open ? 'open' : 'paused');
    this.parts.store.journal([{ kind: open ? 'queue.resumed' : 'queue.paused' }], this.parts.clock());
    this.parts.publish({ type: 'queue', paused: !open });
    this.wake();
  }

  unload(id: string): void {
    const instance = this.instances.get(id);
    if (!instance) throw new EarshotError('badRequest', { field: 'id' }, 'no such instance');
    if (instance.run) throw new EarshotError('wrongState', { id, state: 'busy' });
    instance.stop('leave');
  }

  private mustBe(ids: readonly string[], states: readonly JobState[]): JobWork[] {
    return ids.map(id => {
      const work = this.jobs.get(id);
      const state = work?.row.state ?? this.parts.store.job(id)?.state;
      if (!state) throw new EarshotError('unknownJob', { id });
      if (!work || !states.includes(state)) throw new EarshotError('wrongState', { id, state });
      return work;
    });
  }

  // ── what people see ─────────────────────────────────────────────────────────────────────────────────────────────────────────

  present(id: string): Job | null {
    const work = this.jobs.get(id);
    if (work) return this.presentWork(work);
    const row = this.parts.store.job(id);
    return row ? presentStored(row, this.parts.store) : null;
  }
  presentRow(row: JobRow): Job { const work = this.jobs.get(row.id); return work ? this.presentWork(work) : presentStored(row, this.parts.store); }
  private presentWork(work: JobWork): Job {
    const { settings } = this.parts;
    return presentActive(work, { waiting: this.outlook.waiting.get(work.row.id) ?? this.waitingForTools(work), endAt: this.outlook.expectedEndAt.get(work.row.id), attempts: settings().attempts });
  }

  private waitingForTools(work: JobWork): Waiting | undefined {
    const reason = work.ingest === 'waiting' ? this.parts.catalogue.toolsWaiting() : null;
    return reason ? { reason, expectedStartAt: null } : undefined;
  }

  private tell(work: JobWork): void { this.parts.publish({ type: 'job', job: this.presentWork(work) }); }

  /** Jobs whose reason to wait is another one now, or whose arguments changed near the head of the queue. */
  private publishReasons(): void {
    let shown = 0;
    for (const [id, waiting] of this.outlook.waiting) {
      const { code, args } = waiting.reason;
      const text = shown++ < 100 ? `${code} ${JSON.stringify(args)}` : code;
      if (this.told.get(id) === text) continue;
      this.told.set(id, text);
      const work = this.jobs.get(id);
      if (work) this.tell(work);
    }
    for (const id of this.told.keys()) if (!this.outlook.waiting.has(id)) this.told.delete(id);
  }

  private update(work: JobWork, change: Partial<JobRow>, journal?: NewJournalEntry): void {
    this.parts.store.update(work.row.id, change, journal && { ...journal, at: this.parts.clock() });
    Object.assign(work.row, change);
    this.tell(work);
  }

  // ── the loop ────────────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Something happened: plan in the next turn of the event loop. */
  wake(): void {
    if (this.woken) return;
    this.woken = true;
    setImmediate(() => { this.woken = false; void this.turn(); });
  }

  private async turn(): Promise<void> {
    if (this.turning) { this.again = true; return; }
    this.turning = true;
    try {
      do { this.again = false; await this.step(); } while (this.again);
    } catch (error) {
      this.stalled(error);
    } finally { this.turning = false; }
    this.checkEmpty();
    this.setTimer();
  }

  private setTimer(): void {
    if (this.leaving !== 'no') return;
    clearTimeout(this.timer);
    const { clock, settings } = this.parts;
    const tickMs = settings().tickSeconds * 1000;
    const busy = this.instances.size > 0 || this.jobs.size > 0;
    const until = this.outlook.wakeAt === null ? Infinity : Math.max(0, this.outlook.wakeAt - clock());
    const delay = Math.min(busy ? tickMs : Infinity, until);
    if (delay !== Infinity) this.timer = setTimeout(() => this.wake(), Math.max(1, delay));
  }

  private plan(): Plan {
    return plan(buildSnapshot({ ...this.parts, jobs: this.jobs, instances: this.instances, open: this.open && this.leaving === 'no', advice: this.learned.advice, loadFailures: this.loadFailures }), this.parts.clock());
  }

  private async step(): Promise<void> {
    if (this.leaving !== 'no' || this.stall) return;
    let next = this.plan();
    if (next.actions.some(action => action.type === 'load' || action.type === 'unload')) {
      await this.parts.pool.refresh(); // a load is admitted on what the device shows now
      if (this.leaving !== 'no' || this.stall) return;
      next = this.plan();
    }
    this.gauge.observe(this.parts.clock(), this.instances.values(), this.outlook.waiting);
    this.outlook = next;
    const runs = next.actions.filter(action => action.type === 'run');
    // Claims of one turn are one transaction; the workers hear of them when it is on the disk.
    const starts = runs.length ? this.parts.store.batch(() => runs.map(action => this.claim(action)).filter(start => start !== null)) : [];
    for (const start of starts) start();
    for (const action of next.actions) if (action.type !== 'run') this.apply(action);
    this.publishReasons();
  }

  /** Once a minute: what the last one measured narrows what the scheduler may do. */
  adapt(): void {
    if (this.jobs.size === 0) { this.gauge.reset(); return; }
    const { metrics, settings, clock } = this.parts;
    const { learned, changes } = adapt(this.learned, this.gauge.figures(metrics, this.jobs.values()), settings(), clock());
    this.learned = learned;
    for (const change of changes) this.note({ kind: `adaptive.${change.code}`, data: change.args });
    this.gauge.reset();
    this.wake();
  }
  /** What holds the queue up now; null: nothing. */
  bottleneck(): Bottleneck | null { return bottleneck(this.gauge.load(this.parts.metrics, this.jobs.values())); }

  private apply(action: Exclude<Action, { type: 'run' }>): void {
    const work = 'job' in action && action.job !== null ? this.jobs.get(action.job) : undefined;
    switch (action.type) {
      case 'ingest': if (work) this.ingest(work); break;
      case 'load': this.load(action); break;
      case 'unload': this.instances.get(action.instance)?.stop('leave'); this.unloading(action.instance, action.why); break;
      case 'refuse': if (work) this.end(work, 'failed', action.failure); break;
      case 'overtaken': if (work) { work.row.overtaken++; this.parts.store.update(work.row.id, { overtaken: work.row.overtaken }); } break;
    }
  }

  private unloading(id: string, why: string): void {
    const instance = this.instances.get(id);
    if (instance) this.gauge.unloaded(instance.options.card.id, this.parts.clock());
    this.note({ kind: 'instance.unloaded', instance: id, data: { why } });
  }
  private note(entry: NewJournalEntry): void { this.parts.store.journal([entry], this.parts.clock()); }

  // ── ingest ──────────────────────────────────────────────────────────────────────────────────────────────────────────────────

  private ingest(work: JobWork): void {
    const { home, ingest, catalogue, log } = this.parts;
    if (this.parts.clock() < work.ingestNotBefore) return;
    let tools: ReturnType<Catalogue['ingestTools']>;
    try { tools = catalogue.ingestTools(); } catch (error) { this.end(work, 'failed', toFailure(error)); return; }
    if (!tools) return; // being fetched; its end wakes us
    const { id, path, options } = work.row;
    const files = jobFiles(home.audio, id);
    work.ingest = 'running';
    work.ingestAbort = new AbortController();
    this.note({ kind: 'ingest.started', job: id });
    const isNow = (): boolean => this.jobs.get(id) === work && this.leaving === 'no';
    Promise.resolve().then(() => {
      mkdirSync(files.speech, { recursive: true, mode: 0o700 });
      return ingest({
        recording: path, audioTrack: options.audioTrack ?? 0, pcmPath: files.pcm, ...tools, node: process.execPath, expected: { bytes: work.row.bytes, modifiedAt: work.row.modifiedAt },
        onStart: ({ durationMs }) => { if (isNow()) this.guarded(() => this.update(work, { durationMs })); },
        onUtterances: rows => { if (isNow()) this.guarded(() => {
          this.parts.store.addUtterances(id, rows);
          const at = this.parts.clock();
          work.addUtterances(rows);
          this.parts.metrics.known(id, rows, at);
          this.tell(work);
          this.wake();
        }); },
        onProgress: ms => { if (isNow()) { work.row.ingestedMs = ms; this.tell(work); } },
        signal: work.ingestAbort!.signal,
      });
    }).then(({ durationMs, warnings }) => { if (isNow()) this.guarded(() => {
      work.ingest = 'done';
      this.update(work, { ingested: true, durationMs, ingestedMs: durationMs, warnings: [...work.row.warnings, ...warnings] }, { kind: 'ingest.finished', data: { utterances: work.utterances.length, durationMs } });
      this.advance(work);
      this.wake();
    }); }, error => { if (isNow()) this.guarded(() => {
      const why = toFailure(error);
      log(`ingest of ${id}: ${String(error)}`);
      work.ingest = 'waiting';
      if (!canHeal(why.code) || ++work.ingestTries >= this.parts.settings().attempts) this.end(work, 'failed', why);
      else {
        // What is known already stays: the same recording gives the same utterances.
        work.ingestNotBefore = this.parts.clock() + this.retryPauseMs(work.ingestTries);
        this.note({ kind: 'ingest.failed', job: id, data: { failure: why } });
        setTimeout(() => this.wake(), this.retryPauseMs(work.ingestTries));
      }
      this.wake();
    }); });
  }

  // ── instances ───────────────────────────────────────────────────────────────────────────────────────────────────────────────

  private load(action: Extract<Action, { type: 'load' }>): void {
    const { pool, catalogue, engine, clock, home, settings, publish, log } = this.parts;
    const card = catalogue.card(action.model), engineOfModel = card && engine(card.engine);
    if (!card || !engineOfModel) return;
    const id = ulid(clock());
    try {
      const device = this.kindOf(action.device) === 'gpu' ? { kind: 'gpu' as const, uuid: action.device } : { kind: 'cpu' as const };
      const lease = pool.lease({ device: action.device, instance: id, bytes: action.bytes, name: card.name });
      const instance = new Instance({
        id, stage: action.stage, card, engine: engineOfModel, device: action.device, precision: catalogue.precision(card, action.device), lease, threads: action.threads, job: action.job,
        context: { card, runtime: runtime => catalogue.runtimeDirectory(runtime), device, threads: action.threads },
        directory: catalogue.directory(card.id), parameters: catalogue.parameters(card), logPath: join(home.logs, `worker-${card.id}-${id}.log`), lowPriority: settings().lowPriority, clock,
      }, pool, this);
      this.instances.set(id, instance);
      this.gauge.loading(card.id, clock(), settings().keepAliveSeconds * 1000);
      this.note({ kind: 'instance.loading', instance: id, stage: action.stage, ...(action.job ? { job: action.job } : {}), data: { model: card.id, device: action.device, bytes: action.bytes, threads: action.threads } });
      publish({ type: 'instance', instance: instance.word() });
    } catch (error) {
      log(`load of ${action.model}: ${String(error)}`);
      this.loadFailed(action.model, action.device, toFailure(error));
    }
  }

  loaded(instance: Instance): void { this.guarded(() => this.onLoaded(instance)); }
  private onLoaded(instance: Instance): void {
    this.loadFailures.delete(`${instance.options.card.id}@${instance.options.device}`);
    this.note({ kind: 'instance.loaded', instance: instance.id, stage: instance.options.stage, data: { model: instance.options.card.id, ms: instance.loadedAt! - instance.startedAt } });
    this.parts.metrics.load(instance.loadedAt! - instance.startedAt);
    this.changed(instance);
  }

  gone(instance: Instance, why: Failure | null): void {
    const { publish } = this.parts;
    this.instances.delete(instance.id);
    publish({ type: 'instanceGone', id: instance.id });
    this.guarded(() => this.onGone(instance, why));
    this.checkEmpty();
    this.wake();
  }
  private onGone(instance: Instance, why: Failure | null): void {
    const { pool, log } = this.parts;
    if (instance.attemptsDone > 0 && instance.peakBytes !== null) this.learn(instance);
    this.note({ kind: 'instance.gone', instance: instance.id, stage: instance.options.stage, data: { model: instance.options.card.id, ...(why ? { failure: why } : {}) } });
    // A run in flight has failed by now; here only the load counts.
    if (why) {
      log(`instance ${instance.id} (${instance.options.card.id}): ${JSON.stringify(why)}`);
      if (instance.loadedAt === null) {
        if (why.code === 'outOfMemory') void pool.outOfMemory(instance.key, instance.options.lease.bytes, instance.options.lease.id);
        this.loadFailed(instance.options.card.id, instance.options.device, why);
      }
    }
  }

  /** A model or what it needs could not be fetched. */
  cannotHave(model: string, why: Failure): void {
    for (const work of [...this.jobs.values()]) if (Object.values(work.row.models).includes(model)) this.end(work, 'failed', why);
    this.wake();
  }

  private loadFailed(model: string, device: string, why: Failure): void {
    const key = `${model}@${device}`;
    const count = (this.loadFailures.get(key)?.count ?? 0) + 1;
    // Somebody who kills a loading worker says nothing about the model.
    const most = why.args.how === 'SIGKILL' ? OUTSIDE_KILLS : LOADS_BEFORE_GIVING_UP;
    if (OF_THE_DEVICE.has(why.code) || (canHeal(why.code) && count < most)) {
      this.loadFailures.set(key, { count, notBefore: this.parts.clock() + this.retryPauseMs(Math.min(count, 5)), last: why });
      return;
    }
    this.loadFailures.delete(key);
    this.cannotHave(model, why);
  }

  changed(instance: Instance): void {
    if (this.instances.has(instance.id)) this.parts.publish({ type: 'instance', instance: instance.word() });
    this.wake();
  }

  /** The peak seen becomes the next estimate; told again when it grew. */
  private readonly peaksTold = new Map<string, number>();
  private learn(instance: Instance): void {
    const peak = instance.peakBytes!;
    if (peak <= (this.peaksTold.get(instance.id) ?? 0) * 1.02) return;
    this.peaksTold.set(instance.id, peak);
    this.parts.pool.measured({ ...instance.key, peakBytes: peak, loadMs: instance.loadedAt === null ? null : instance.loadedAt - instance.startedAt });
  }

  // ── attempts ────────────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Claims the steps; what comes back starts them. Null: the world moved on since the plan. */
  private claim(action: Extract<Action, { type: 'run' }>): (() => void) | null {
    const { store, clock, home, metrics } = this.parts;
    const work = this.jobs.get(action.job), instance = this.instances.get(action.instance), stage = work?.stage(action.stage);
    if (!work || !instance || !stage || instance.state !== 'idle' || work.row.state === 'paused') return null;
    const from = stage.next;
    let to = stage.absentUntil(from, Math.min(action.to, work.ready(work.stages.indexOf(stage))));
    for (let index = from; index < to; index++) if (withoutModel(action.stage, work, index)) to = index;
    if (to <= from) { this.again = true; this.advance(work); return null; }
    const now = clock();
    const attempt = store.claim({ job: action.job, stage: action.stage, from, to, instance: instance.id, at: now });
    stage.start(attempt);
    const files = jobFiles(home.audio, action.job);
    const steps = Array.from({ length: to - from }, (_, i) => ({ index: from + i, input: stepInput(action.stage, work, from + i, files, attempt.token) }));
    const seconds = steps.reduce((sum, step) => sum + this.lengthMs(work, step.index), 0) / 1000;
    const expectedMs = seconds * this.parts.speeds.get(instance.options.card.id, action.stage, this.kindOf(instance.options.device));
    for (const step of steps) metrics.started(action.job, action.stage, step.index, now);
    if (work.row.startedAt === null || work.row.state === 'pending') this.update(work, { state: 'processing', startedAt: work.row.startedAt ?? now }, { kind: 'job.started' });
    return () => {
      instance.start(attempt.token, action.job, from, to, { type: 'run', id: String(attempt.token), stage: action.stage, steps } as RunRequest, timeoutMs(expectedMs), expectedMs);
      this.tell(work);
    };
  }

  private kindOf(device: string): 'cpu' | 'gpu' { return device === 'cpu' ? 'cpu' : 'gpu'; }
  private lengthMs(work: JobWork, index: number): number { const { startMs, endMs } = work.utterances[index]!; return endMs - startMs; }

  result(instance: Instance, token: number, index: number, output: StepOutputs[Stage]): void { this.guarded(() => this.onResult(instance, token, index, output)); }
  private onResult(instance: Instance, token: number, index: number, output: StepOutputs[Stage]): void {
    const run = instance.run;
    const work = run && this.jobs.get(run.job), stage = work?.stage(instance.options.stage);
    if (!run || run.token !== token || !work || !stage || !stage.running.has(token)) return; // given up: nobody waits for it
    this.finish(work, stage, token, index, output);
    if (work.row.crashes) this.parts.store.update(work.row.id, { crashes: work.row.crashes = 0 });
    this.advance(work);
    this.tell(work);
    this.wake();
  }

  private finish(work: JobWork, stage: StageWork, token: number, index: number, output: StepOutputs[Stage]): void {
    const now = this.parts.clock();
    if (!this.parts.store.finish(token, index, output, now)) return;
    stage.finish(index, this.lengthMs(work, index));
    Object.assign(work.made[index]!, { [stage.stage]: output });
    this.parts.metrics.finished(work.row.id, stage.stage, index, this.lengthMs(work, index), now);
    work.noteWords(index);
    if (stage.stage === 'asr' && work.row.language === null) this.learnLanguage(work, output as StepOutputs['asr']);
  }

  private learnLanguage(work: JobWork, heard: StepOutputs['asr']): void {
    if (!heard.text.trim() || (heard.languageProbability < SURE_OF_LANGUAGE && work.utterances.length > work.stage('asr')!.done)) return;
    try {
      const models = modelsFor(work.row.options, heard.language, this.parts.catalogue, work.row.models);
      this.update(work, { language: heard.language, models }, { kind: 'job.language', data: { language: heard.language, probability: heard.languageProbability } });
    } catch (error) { this.end(work, 'failed', toFailure(error)); }
  }

  done(instance: Instance, token: number): void { this.guarded(() => this.onDone(instance, token)); }
  private onDone(instance: Instance, token: number): void {
    const { store, clock, speeds } = this.parts;
    for (const work of this.jobs.values()) {
      const stage = work.stage(instance.options.stage), attempt = stage?.running.get(token);
      if (!stage || !attempt) continue;
      store.close(token, clock());
      stage.end(token);
      let seconds = 0;
      for (let index = attempt.from; index < attempt.to; index++) seconds += this.lengthMs(work, index) / 1000;
      this.gauge.ran(stage.stage, attempt.to - attempt.from, seconds, clock() - attempt.claimedAt);
      if (seconds > 0) speeds.measured(instance.options.card.id, stage.stage, this.kindOf(instance.options.device), (clock() - attempt.claimedAt) / seconds);
      this.advance(work);
      break;
    }
    // The peak of this run, before its memory goes again.
    void this.parts.pool.refresh().then(() => {
      if (!this.instances.has(instance.id)) return; // it has gone, and was learned from then
      instance.measure();
      this.parts.pool.ranWell(instance.key);
      if (instance.peakBytes !== null) this.learn(instance);
    });
    this.changed(instance);
  }

  failed(instance: Instance, token: number, why: Failure, index: number | undefined): void { this.guarded(() => this.onFailed(instance, token, why, index)); }
  private onFailed(instance: Instance, token: number, why: Failure, index: number | undefined): void {
    const run = [...this.jobs.values()].find(work => work.stage(instance.options.stage)?.running.has(token));
    if (run) this.attemptFailed(run, run.stage(instance.options.stage)!, token, why, index, instance.options.card.id);
    if (why.code === 'outOfMemory') {
      void this.parts.pool.outOfMemory(instance.key, instance.options.lease.bytes, instance.options.lease.id);
      this.parts.metrics.outOfMemory(instance.options.stage);
      instance.stop('kill'); // it holds what it grabbed; its memory comes back only this way
    }
    if (why.code === 'deviceLost') instance.stop('kill', why);
    this.changed(instance);
  }

  /** A device fell off the bus: what ran on it runs elsewhere, or when it is back. */
  deviceLost(device: string): void {
    for (const instance of this.instances.values()) if (instance.options.device === device) instance.stop('kill', failure('deviceLost', { device }));
    this.wake();
  }

  private park(work: JobWork, stage: StageWork, token: number, why: Failure): void {
    this.parts.store.abandon(token, why, this.parts.clock(), { counts: false, gaveUp: [] });
    stage.end(token);
  }

  /** An attempt ended without all its results: try again in its place, or give the step up. */
  private attemptFailed(work: JobWork, stage: StageWork, token: number, why: Failure, index: number | undefined, model: string): void {
    const { store, clock, settings, metrics } = this.parts;
    const job = work.row.id, attempt = stage.running.get(token)!;
    const now = clock(), limit = settings().attempts;
    const missing = Array.from({ length: attempt.to - attempt.from }, (_, i) => attempt.from + i).filter(index => !stage.isOver(index));
    const crashed = why.code === 'workerCrashed' || why.code === 'workerSilent' || why.code === 'workerTimeout';
    const killed = why.code === 'workerCrashed' && why.args.how === 'SIGKILL' && ++stage.outsideKills <= OUTSIDE_KILLS;
    if (why.code === 'cancelled' || OF_THE_DEVICE.has(why.code) || killed || missing.length === 0) this.park(work, stage, token, why);
    else if (missing.length > 1 && index === undefined) { stage.soloUntil = attempt.to; this.park(work, stage, token, why); } // one of them is at fault: find out which
    else {
      const culprit = index ?? missing[0]!, tries = store.tries(job, stage.stage, culprit) + 1;
      const giveUp = !canHeal(why.code) || tries >= limit;
      store.abandon(token, why, now, { counts: true, gaveUp: giveUp ? [culprit] : [] });
      stage.end(token);
      metrics.retried(stage.stage, giveUp);
      if (giveUp) this.giveUp(work, stage, culprit, why);
      else stage.retry = { at: now + this.retryPauseMs(tries), attempt: tries + 1 };
      if (crashed) {
        work.row.crashes++;
        store.update(job, { crashes: work.row.crashes });
        if (work.row.crashes >= limit) { this.end(work, 'failed', failure('setAside', { times: work.row.crashes, model }, why.detail)); return; }
      }
    }
    this.advance(work);
    this.tell(work);
    this.wake();
  }

  private giveUp(work: JobWork, stage: StageWork, index: number, why: Failure): void {
    stage.fail(index);
    work.skipAfter(stage.stage, index);
    work.made[index]!.failed = { stage: stage.stage, failure: why };
  }

  // ── moving on ───────────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** After any news of a job: steps that need no model, delivery in order, and the end. */
  private advance(work: JobWork): void {
    const { store, clock, publish } = this.parts;
    for (const [position, stage] of work.stages.entries()) {
      for (; stage.next < work.ready(position); ) {
        const index = stage.next, output = withoutModel(stage.stage, work, index);
        if (!output) break;
        store.batch(() => {
          const attempt = store.claim({ job: work.row.id, stage: stage.stage, from: index, to: index + 1, instance: 'none', at: clock() });
          stage.start(attempt);
          this.finish(work, stage, attempt.token, index, output);
          store.close(attempt.token, clock());
          stage.end(attempt.token);
        });
      }
      for (; stage.delivered < work.utterances.length && stage.isOver(stage.delivered); stage.delivered++)
        publish({ type: 'utterance', job: work.row.id, utterance: work.made[stage.delivered]! });
    }
    if (work.allOver && !work.finishing && work.row.state !== 'paused') this.complete(work);
  }

  /** Writes what was asked for, then ends the job. Doing it again after a crash writes the same. */
  private complete(work: JobWork): void {
    work.finishing = true;
    const anyFailed = work.anyFailed;
    const abort = new AbortController();
    this.deliveries.set(work.row.id, abort);
    const stillOurs = (): boolean => this.jobs.get(work.row.id) === work;
    this.parts.deliver(work, abort.signal).then(
      outputs => { if (stillOurs()) this.guarded(() => {
        work.row.outputs = outputs;
        const failed = work.made.filter(utterance => utterance.failed);
        this.end(work, anyFailed ? 'failed' : 'completed', anyFailed ? failed[0]!.failed!.failure : null);
      }); },
      error => { if (stillOurs()) this.guarded(() => this.end(work, 'failed', toFailure(error))); },
    ).finally(() => { work.finishing = false; this.deliveries.delete(work.row.id); this.checkEmpty(); this.wake(); });
  }

  private end(work: JobWork, state: 'completed' | 'failed' | 'cancelled', why: Failure | null): void {
    const { store, clock, home, publish, metrics } = this.parts;
    if (this.jobs.get(work.row.id) !== work || isFinal(work.row.state)) return;
    const now = clock();
    work.ingestAbort?.abort();
    this.deliveries.get(work.row.id)?.abort();
    store.batch(() => {
      for (const stage of work.stages) for (const token of [...stage.running.keys()]) this.park(work, stage, token, why ?? failure('cancelled'));
      store.update(work.row.id, { state, failure: why, finishedAt: now, outputs: work.row.outputs }, { kind: `job.${state}`, at: now, data: why ? { failure: why } : {} });
    });
    for (const instance of this.instances.values()) if (instance.run?.job === work.row.id) instance.cancel();
    Object.assign(work.row, { state, failure: why, finishedAt: now });
    this.jobs.delete(work.row.id);
    metrics.ended(work.row.id, state);
    const files = jobFiles(home.audio, work.row.id);
    // A failed job keeps what was spoken, for the retry of what is missing; the sound itself can be had again.
    if (state === 'failed') rmSync(files.pcm, { force: true }); else rmSync(join(home.audio, work.row.id), { recursive: true, force: true });
    publish({ type: 'job', job: this.presentWork(work) });
  }
}

/** A run may take this much longer than expected before its worker is given up, ms. */
const timeoutMs = (expectedMs: number): number => 60_000 + 20 * expectedMs;
