/**
 * A machine under a virtual clock: devices, workers, recordings, other programs and accidents. It knows nothing of how
 * decisions are made: a planner gets the same snapshot as in the daemon and its actions are applied. Everything that
 * must never happen is counted here.
 *
 * Memory is told twice, as in life: what the plan believes (`need`, which starts from a model's card and follows
 * measured peaks) and what a worker really takes. An attempt whose peak does not fit on the device ends out of memory
 * and is tried again. The same with speed: how much instances on a device really slow each other down is a parameter,
 * and the plan knows of it what was measured from attempts, as in the daemon.
 */
import { DEFAULTS } from '../../schemas/settings.ts';
import { STAGES, type Priority, type Stage } from '../../schemas/words.ts';
import type {
  Action,
  DeviceView,
  InstanceView,
  JobView,
  ModelView,
  Plan,
  Policy,
  Snapshot,
  StageView,
} from '../../daemon/scheduler/snapshot.ts';
import { BusyTimes } from '../../daemon/pipeline/busy-times.ts';
import { Slowdowns } from '../../daemon/pipeline/slowdowns.ts';
import { paceOf } from '../../daemon/scheduler/gains.ts';
import { attemptEstimate } from '../../daemon/scheduler/lanes.ts';
import { Random } from './random.ts';

export const GiB = 1024 ** 3,
  MiB = 1024 ** 2;

export interface DeviceSpec {
  id: string;
  kind: 'gpu' | 'cpu';
  totalBytes: number;
  cores?: number;
}
export interface ModelSpec {
  id: string;
  stage: Stage;
  family?: string;
  size?: number;
  devices?: ('gpu' | 'cpu')[];
  /** What the card says, what a worker takes when loaded, and the most it takes while it runs, bytes. */
  cardBytes: number;
  weightBytes: number;
  peakBytes: number;
  loadMs: number;
  msPerSecond: number;
  maxBatch?: number;
}
export interface JobSpec {
  id: string;
  at: number;
  priority: Priority;
  live?: boolean;
  utteranceSeconds: number[];
  stages: { stage: Stage; model: string }[];
  ingestMs: number;
}
export type Accident =
  | { at: number; type: 'outsider'; device: string; bytes: number }
  | { at: number; type: 'workerKilled' }
  | { at: number; type: 'daemonKilled'; downMs: number }
  | { at: number; type: 'lost'; device: string; forMs: number };

export interface WorldSpec {
  devices: DeviceSpec[];
  models: ModelSpec[];
  jobs: JobSpec[];
  accidents?: Accident[];
  policy?: Partial<Policy>;
  seed: number;
  /**
   * Share of a GPU's compute that instances at work there share: each of n works 1 + sharing × (n − 1) times as long as
   * it would alone. 0: they do not slow each other down; 1: together they do what one does alone.
   */
  sharing?: number;
  /** Spread of run and load times around their mean; 0: exact. */
  jitter?: number;
  /** Estimates follow measured peaks (ours) or stay as the card says. */
  calibrates?: boolean;
  /** Checks run after every plan. */
  onPlan?: (snapshot: Snapshot, plan: Plan, now: number) => void;
  onApplied?: (now: number) => void;
}

export type Planner = (snapshot: Snapshot, now: number) => Plan;

interface Instance {
  view: InstanceView;
  owner: string | null;
  model: ModelSpec;
  realBytes: number;
  run: Run | null;
  endsAt: number;
  token: number;
  attempts: number;
}
interface Run {
  job: Job;
  stage: StageWork;
  from: number;
  to: number;
  /** Work that is left, ms alone on the device, when its pace last changed; null: it will end out of memory. */
  leftMs: number | null;
  pace: number;
  pacedAt: number;
  finish: () => void;
}
interface StageWork {
  view: StageView;
  model: ModelSpec;
  state: Uint8Array;
  done: number;
  doneSeconds: number;
  failures: number;
}
interface Job {
  spec: JobSpec;
  view: JobView;
  stages: StageWork[];
  known: number;
  startedAt: number | null;
  firstTextAt: number | null;
  endedAt: number | null;
  refused: boolean;
  cached: boolean;
}

export interface JobResult {
  id: string;
  arrivedAt: number;
  startedAt: number;
  firstTextAt: number;
  endedAt: number;
  workMs: number;
  largestBytes: number;
  live: boolean;
  priority: Priority;
}
export interface Outcome {
  jobs: JobResult[];
  lost: string[];
  refused: string[];
  makespanMs: number;
  capExceeded: number;
  doubleLoads: number;
  doubleRuns: number;
  orderViolations: number;
  outOfMemory: number;
  loads: number;
  unloads: number;
  plans: number;
  longestPlanMs: number;
  /** Byte-milliseconds that leases held, and the part of it under running attempts. */
  heldByteMs: number;
  usedByteMs: number;
  busyMs: number;
}

const RELEASE_MS = 300,
  RETRY_MS = 2000,
  RESERVE = GiB,
  UTILIZATION = 0.9,
  CALIBRATION = 1.05,
  FLOOR = 64 * MiB,
  FIRST_FACTOR = 1.2;
const ABSENT = 0,
  STARTED = 1,
  DONE = 2;

interface Event {
  at: number;
  order: number;
  act: () => void;
}
class Clock {
  private readonly heap: Event[] = [];
  private made = 0;
  now = 0;
  get pending(): number {
    return this.heap.length;
  }
  at(time: number, act: () => void): void {
    const heap = this.heap;
    heap.push({ at: Math.max(time, this.now), order: this.made++, act });
    for (let i = heap.length - 1; i > 0;) {
      const up = (i - 1) >> 1;
      if (!before(heap[i]!, heap[up]!)) break;
      [heap[i], heap[up]] = [heap[up]!, heap[i]!];
      i = up;
    }
  }
  /** Runs everything that happens at the next time. */
  step(): boolean {
    const next = this.pop();
    if (!next) return false;
    this.now = next.at;
    next.act();
    while (this.heap[0] && this.heap[0].at <= this.now) this.pop()!.act();
    return true;
  }
  private pop(): Event | undefined {
    const heap = this.heap,
      top = heap[0],
      last = heap.pop();
    if (!top || !last || top === last) return top;
    heap[0] = last;
    for (let i = 0; ;) {
      let least = i;
      for (const child of [2 * i + 1, 2 * i + 2])
        if (child < heap.length && before(heap[child]!, heap[least]!)) least = child;
      if (least === i) return top;
      [heap[i], heap[least]] = [heap[least]!, heap[i]!];
      i = least;
    }
  }
}
const before = (a: Event, b: Event): boolean => a.at < b.at || (a.at === b.at && a.order < b.order);

export class World {
  readonly clock = new Clock();
  readonly policy: Policy;
  readonly outcome: Outcome = {
    jobs: [],
    lost: [],
    refused: [],
    makespanMs: 0,
    capExceeded: 0,
    doubleLoads: 0,
    doubleRuns: 0,
    orderViolations: 0,
    outOfMemory: 0,
    loads: 0,
    unloads: 0,
    plans: 0,
    longestPlanMs: 0,
    heldByteMs: 0,
    usedByteMs: 0,
    busyMs: 0,
  };
  private readonly spec: WorldSpec;
  private readonly planner: Planner;
  private readonly random: Random;
  private readonly models = new Map<string, ModelSpec>();
  private readonly views: Record<string, ModelView> = {};
  private readonly peaks = new Map<string, number>();
  private readonly jobs = new Map<string, Job>();
  private active: Job[] = [];
  private instances: Instance[] = [];
  private readonly slowdowns = new Slowdowns({ meta: () => null, setMeta: () => undefined });
  private readonly busyTimes = new BusyTimes();
  private readonly outsiders = new Map<string, number>();
  private readonly lostUntil = new Map<string, number>();
  private downUntil = 0;
  private made = 0;
  private ingests = 0;
  private measuredAt = 0;
  private wakeAt: number | null = null;
  open = true;

  constructor(spec: WorldSpec, planner: Planner) {
    this.spec = spec;
    this.planner = planner;
    this.random = new Random(spec.seed ^ 0x5bd1e995);
    this.policy = { ...DEFAULTS, ...spec.policy };
    for (const model of spec.models) {
      this.models.set(model.id, model);
      this.views[model.id] = {
        id: model.id,
        engine: 'simulated',
        stages: [model.stage],
        family: model.family ?? model.id,
        size: model.size ?? model.weightBytes,
        devices: model.devices ?? ['gpu', 'cpu'],
        need: Object.fromEntries(spec.devices.map(device => [device.id, this.firstEstimate(model)])),
        loadMs: Object.fromEntries(spec.devices.map(device => [device.id, model.loadMs])),
        msPerSecond: model.msPerSecond,
        maxBatch: model.maxBatch ?? 4,
        waiting: null,
        notBefore: {},
      };
    }
    for (const job of spec.jobs) this.clock.at(job.at, () => this.arrive(job));
    for (const accident of spec.accidents ?? []) this.clock.at(accident.at, () => this.happen(accident));
  }

  /** Runs until nothing happens any more; `limitMs` of virtual time at most. */
  run(limitMs = Infinity): Outcome {
    while (this.clock.now <= limitMs && this.clock.step()) {
      this.measure();
      this.decide();
    }
    for (const job of this.jobs.values()) if (job.endedAt === null && !job.refused) this.outcome.lost.push(job.spec.id);
    return this.outcome;
  }

  private firstEstimate(model: ModelSpec): number {
    return model.cardBytes === 0
      ? 0
      : Math.round(
          model.cardBytes * (this.spec.calibrates === false ? 1 : FIRST_FACTOR) +
            (this.spec.calibrates === false ? 0 : FLOOR),
        );
  }
  private spread(ms: number): number {
    return Math.max(1, Math.round(ms * Math.exp((this.spec.jitter ?? 0.1) * this.random.normal())));
  }

  // what the plan sees

  snapshot(): Snapshot {
    return {
      policy: this.policy,
      open: this.open,
      devices: this.spec.devices.map(device => this.deviceView(device)),
      instances: this.instances.map(instance => instance.view),
      models: this.modelViews(),
      jobs: this.active.map(job => this.jobView(job)),
      ingestsRunning: this.ingests,
    };
  }
  /** With the gains that were measured. */
  private modelViews(): Record<string, ModelView> {
    const measured = (id: string): [string, number[]][] =>
      this.spec.devices.flatMap(device => {
        if (device.kind !== 'gpu' || this.models.get(id)!.cardBytes === 0) return [];
        const gains = this.slowdowns.gains(device.id, id, this.clock.now);
        return gains ? [[device.id, gains] as [string, number[]]] : [];
      });
    return Object.fromEntries(
      Object.entries(this.views).map(([id, view]) => {
        const gains = measured(id);
        return [id, gains.length ? { ...view, gains: Object.fromEntries(gains) } : view];
      }),
    );
  }
  private capOf(device: DeviceSpec): number {
    return Math.floor(device.totalBytes * UTILIZATION);
  }
  private leased(device: string): number {
    return this.instances.reduce((sum, each) => sum + (each.view.device === device ? each.view.leaseBytes : 0), 0);
  }
  private resident(device: string): number {
    return this.instances.reduce((sum, each) => sum + (each.view.device === device ? each.realBytes : 0), 0);
  }
  private deviceView(device: DeviceSpec): DeviceView {
    const here = this.instances.filter(instance => instance.view.device === device.id);
    const leased = this.leased(device.id);
    const notResident = here.reduce((sum, each) => sum + Math.max(0, each.view.leaseBytes - each.realBytes), 0);
    const free = device.totalBytes - this.resident(device.id) - (this.outsiders.get(device.id) ?? 0);
    return {
      id: device.id,
      kind: device.kind,
      name: device.id,
      admissible: Math.min(this.capOf(device) - leased, free - RESERVE - notResident),
      cap: this.capOf(device),
      cores: device.cores ?? Infinity,
      usable: (this.lostUntil.get(device.id) ?? 0) <= this.clock.now,
      loading: here.some(
        each => each.view.leaseBytes > 0 && (each.view.state === 'loading' || each.view.state === 'starting'),
      ),
      releasing: here.some(each => each.view.state === 'releasing'),
      pressed: false,
    };
  }
  private jobView(job: Job): JobView {
    if (job.cached) return job.view;
    job.stages.forEach((stage, place) => {
      const upstream = job.stages[place - 1];
      let next = stage.view.next;
      while (next < job.known && stage.state[next] !== ABSENT) next++;
      let ready = next;
      while (ready < job.known && stage.state[ready] === ABSENT && (!upstream || upstream.state[ready] === DONE))
        ready++;
      const total =
        job.spec.live && job.view.ingest !== 'done'
          ? job.spec.utteranceSeconds.slice(0, job.known).reduce((a, b) => a + b, 0)
          : job.spec.utteranceSeconds.reduce((a, b) => a + b, 0);
      stage.view = {
        ...stage.view,
        next,
        ready,
        leftSeconds: Math.max(0, total - stage.doneSeconds),
        finished: job.view.ingest === 'done' && stage.done === job.spec.utteranceSeconds.length,
      };
    });
    job.view = { ...job.view, stages: job.stages.map(stage => stage.view) };
    job.cached = true;
    return job.view;
  }

  // what happens

  private arrive(spec: JobSpec): void {
    const job: Job = {
      spec,
      known: 0,
      startedAt: null,
      firstTextAt: null,
      endedAt: null,
      refused: false,
      cached: false,
      stages: spec.stages.map(({ stage, model }) => ({
        view: {
          stage,
          model,
          next: 0,
          ready: 0,
          running: 0,
          retryAt: null,
          leftSeconds: 0,
          finished: false,
          lastStartAt: null,
        },
        model: this.models.get(model)!,
        state: new Uint8Array(spec.utteranceSeconds.length),
        done: 0,
        doneSeconds: 0,
        failures: 0,
      })),
      view: {
        id: spec.id,
        priority: spec.priority,
        position: spec.at,
        createdAt: spec.at,
        ingest: 'waiting',
        stages: [],
        overtaken: 0,
        live: spec.live ?? false,
      },
    };
    this.jobs.set(spec.id, job);
    this.active.push(job);
  }

  private decide(): void {
    if (this.clock.now < this.downUntil) return;
    const snapshot = this.snapshot();
    const began = performance.now();
    const plan = this.planner(snapshot, this.clock.now);
    this.outcome.longestPlanMs = Math.max(this.outcome.longestPlanMs, performance.now() - began);
    this.outcome.plans++;
    this.spec.onPlan?.(snapshot, plan, this.clock.now);
    for (const action of plan.actions) this.apply(action);
    for (const device of this.spec.devices) {
      if (this.leased(device.id) > this.capOf(device)) this.outcome.capExceeded++;
      if (
        this.instances.filter(
          each =>
            each.view.device === device.id &&
            each.view.leaseBytes > 0 &&
            (each.view.state === 'loading' || each.view.state === 'starting'),
        ).length > 1
      )
        this.outcome.doubleLoads++;
    }
    this.spec.onApplied?.(this.clock.now);
    if (plan.wakeAt !== null && plan.wakeAt > this.clock.now && plan.wakeAt !== this.wakeAt && this.active.length) {
      this.wakeAt = plan.wakeAt;
      this.clock.at(plan.wakeAt, () => {
        this.wakeAt = null;
      });
    }
  }

  private apply(action: Action): void {
    switch (action.type) {
      case 'ingest':
        return this.ingest(this.jobs.get(action.job)!);
      case 'load':
        return this.load(action);
      case 'run':
        return this.start(action);
      case 'threads': {
        const instance = this.instances.find(each => each.view.id === action.instance)!;
        instance.view = { ...instance.view, runThreads: action.threads };
        return;
      }
      case 'unload':
        return this.release(this.instances.find(instance => instance.view.id === action.instance)!);
      case 'refuse': {
        const job = this.jobs.get(action.job)!;
        job.refused = true;
        this.active = this.active.filter(each => each !== job);
        this.outcome.refused.push(action.job);
        return;
      }
      case 'overtaken': {
        const job = this.jobs.get(action.job)!;
        job.view = { ...job.view, overtaken: job.view.overtaken + 1 };
      }
    }
  }

  private ingest(job: Job): void {
    job.view = { ...job.view, ingest: 'running' };
    job.cached = false;
    this.ingests++;
    const { utteranceSeconds, live } = job.spec;
    let at = this.clock.now;
    for (let known = job.known; known < utteranceSeconds.length; known++) {
      at += live ? utteranceSeconds[known]! * 1000 : job.spec.ingestMs / utteranceSeconds.length;
      const reached = known + 1;
      this.clock.at(Math.round(at), () => {
        if (job.view.ingest !== 'running' || job.known >= reached) return;
        job.known = reached;
        job.cached = false;
        if (reached < utteranceSeconds.length) return;
        job.view = { ...job.view, ingest: 'done' };
        this.ingests--;
      });
    }
  }

  private load(action: Extract<Action, { type: 'load' }>): void {
    const model = this.models.get(action.model)!;
    const device = this.spec.devices.find(each => each.id === action.device)!;
    const instance: Instance = {
      model,
      owner: action.job,
      realBytes: 0,
      run: null,
      token: ++this.made,
      attempts: 0,
      endsAt: this.clock.now + this.spread(model.loadMs),
      view: {
        id: `i${String(this.made).padStart(6, '0')}`,
        stage: action.stage,
        model: action.model,
        device: action.device,
        state: 'loading',
        leaseBytes: action.bytes,
        threads: action.threads,
        job: action.job,
        idleSince: null,
        startedAt: this.clock.now,
        busyUntil: null,
      },
    };
    this.instances.push(instance);
    this.outcome.loads++;
    this.clock.at(instance.endsAt, () => {
      if (instance.view.state !== 'loading') return;
      if (this.freeOn(device) < model.weightBytes) {
        this.outcome.outOfMemory++;
        this.raise(model, device.id, action.bytes);
        this.views[model.id] = {
          ...this.views[model.id]!,
          notBefore: { ...this.views[model.id]!.notBefore, [device.id]: this.clock.now + RETRY_MS },
        };
        this.clock.at(this.clock.now + RETRY_MS, () => undefined);
        return this.release(instance);
      }
      instance.realBytes = model.weightBytes;
      instance.view = { ...instance.view, state: 'idle', idleSince: this.clock.now };
    });
  }
  private freeOn(device: DeviceSpec): number {
    return device.totalBytes - this.resident(device.id) - (this.outsiders.get(device.id) ?? 0);
  }
  private raise(model: ModelSpec, device: string, leased: number): void {
    if (this.spec.calibrates === false) return;
    const known = Math.max(this.views[model.id]!.need[device]!, leased * 1.1);
    const cap = this.capOf(this.spec.devices.find(each => each.id === device)!);
    this.setNeed(model, device, Math.min(cap, Math.round(known)));
  }
  private setNeed(model: ModelSpec, device: string, bytes: number): void {
    this.views[model.id] = { ...this.views[model.id]!, need: { ...this.views[model.id]!.need, [device]: bytes } };
  }

  private start(action: Extract<Action, { type: 'run' }>): void {
    const instance = this.instances.find(each => each.view.id === action.instance);
    const job = this.jobs.get(action.job)!;
    const stage = job.stages.find(each => each.view.stage === action.stage)!;
    if (!instance || instance.view.state !== 'idle') {
      this.outcome.doubleRuns++;
      return;
    }
    const view = this.jobView(job).stages.find(each => each.stage === action.stage)!;
    if (action.from !== view.next || action.to > view.ready || action.to <= action.from) this.outcome.orderViolations++;
    let seconds = 0;
    for (let index = action.from; index < action.to; index++) {
      if (stage.state[index] !== ABSENT) this.outcome.orderViolations++;
      stage.state[index] = STARTED;
      seconds += job.spec.utteranceSeconds[index]!;
    }
    job.startedAt ??= this.clock.now;
    job.cached = false;
    stage.view = { ...stage.view, next: action.to, running: stage.view.running + 1, lastStartAt: this.clock.now };
    const length = this.spread(seconds * instance.model.msPerSecond),
      beganAt = this.clock.now;
    const run: Run = {
      job,
      stage,
      from: action.from,
      to: action.to,
      leftMs: length,
      pace: 1,
      pacedAt: beganAt,
      finish: () => this.finish(instance, run, seconds, this.clock.now - beganAt, peak),
    };
    instance.run = run;
    instance.endsAt = this.clock.now + length;
    const expectedMs =
      attemptEstimate(this.views[instance.model.id], stage.view, action.to - action.from) /
      this.expectedPace(instance.model.id, instance.view.device);
    instance.view = {
      ...instance.view,
      state: 'busy',
      runThreads: action.threads ?? instance.view.threads,
      busyUntil: this.clock.now + expectedMs,
      idleSince: null,
      job: instance.view.job ?? action.job,
    };
    const device = this.spec.devices.find(each => each.id === instance.view.device)!;
    const peak = Math.round(instance.model.peakBytes * (0.97 + 0.03 * this.random.next()));
    const full = instance.model.weightBytes > 0 && this.freeOn(device) < peak - instance.realBytes;
    if (!full) instance.realBytes = peak;
    if (full) {
      run.leftMs = null;
      this.clock.at(this.clock.now + Math.min(length, 200), () => {
        if (instance.run !== run) return;
        this.outcome.outOfMemory++;
        this.raise(instance.model, device.id, instance.view.leaseBytes);
        this.giveUp(instance);
        this.release(instance);
      });
    } else this.endLater(instance, run);
    if (device.kind === 'gpu' && instance.model.cardBytes > 0)
      this.busyTimes.begin(instance.view.id, device.id, this.clock.now);
    this.paceAnew(device.id);
  }
  private expectedPace(model: string, device: string): number {
    const gains = this.slowdowns.gains(device, model, this.clock.now);
    return paceOf(gains, this.busyTimes.busy(device) + 1);
  }
  private endLater(instance: Instance, run: Run): void {
    const { endsAt } = instance;
    this.clock.at(endsAt, () => {
      if (instance.run === run && instance.endsAt === endsAt) run.finish();
    });
  }
  /** Another number of instances works on the device: those that do end sooner or later. */
  private paceAnew(device: string): void {
    const now = this.clock.now,
      pace = 1 / (1 + (this.spec.sharing ?? 0) * Math.max(0, this.busyTimes.busy(device) - 1));
    for (const instance of this.instances) {
      const { run } = instance;
      if (instance.view.device !== device || instance.model.cardBytes === 0 || !run || run.leftMs === null) continue;
      if (run.pace === pace) continue;
      run.leftMs -= (now - run.pacedAt) * run.pace;
      run.pacedAt = now;
      run.pace = pace;
      instance.endsAt = now + Math.max(0, Math.ceil(run.leftMs / pace));
      this.endLater(instance, run);
    }
  }

  private finish(instance: Instance, run: Run, seconds: number, length: number, peak: number): void {
    const { job, stage } = run,
      now = this.clock.now;
    for (let index = run.from; index < run.to; index++) {
      stage.state[index] = DONE;
      stage.done++;
    }
    stage.doneSeconds += seconds;
    stage.failures = 0;
    stage.view = { ...stage.view, running: stage.view.running - 1, retryAt: null };
    const span = this.busyTimes.end(instance.view.id, now),
      { device } = instance.view;
    if (span && ++instance.attempts > 1) {
      const work = `${stage.view.stage} ${run.to - run.from}`;
      this.slowdowns.measured({ device, model: instance.model.id, work, seconds, ...span }, now);
    }
    this.outcome.busyMs += length;
    job.firstTextAt ??= now;
    job.cached = false;
    instance.run = null;
    this.paceAnew(device);
    instance.view = { ...instance.view, state: 'idle', idleSince: now, busyUntil: null, job: instance.owner };
    if (this.spec.calibrates !== false && instance.model.cardBytes > 0) {
      const key = `${instance.model.id} ${instance.view.device}`;
      const most = Math.max(this.peaks.get(key) ?? 0, peak);
      this.peaks.set(key, most);
      this.setNeed(instance.model, instance.view.device, Math.round(most * CALIBRATION + FLOOR));
    }
    if (job.view.ingest !== 'done' || !job.stages.every(each => each.done === job.spec.utteranceSeconds.length)) return;
    job.endedAt = now;
    this.active = this.active.filter(each => each !== job);
    this.outcome.makespanMs = Math.max(this.outcome.makespanMs, now);
    const total = job.spec.utteranceSeconds.reduce((a, b) => a + b, 0);
    this.outcome.jobs.push({
      id: job.spec.id,
      arrivedAt: job.spec.at,
      startedAt: job.startedAt!,
      firstTextAt: job.firstTextAt!,
      endedAt: now,
      live: job.spec.live ?? false,
      priority: job.spec.priority,
      workMs: job.stages.reduce((sum, each) => sum + total * each.model.msPerSecond, 0),
      largestBytes: Math.max(...job.stages.map(each => each.model.peakBytes)),
    });
  }

  /** The attempt is over without an answer: its steps are to be done again, in their place, after a pause. */
  private giveUp(instance: Instance, pauseMs = RETRY_MS): void {
    const run = instance.run;
    if (!run) return;
    const { job, stage } = run;
    for (let index = run.from; index < run.to; index++) stage.state[index] = ABSENT;
    const retryAt = this.clock.now + pauseMs * 2 ** Math.min(5, stage.failures++);
    stage.view = { ...stage.view, next: Math.min(stage.view.next, run.from), running: stage.view.running - 1, retryAt };
    job.cached = false;
    instance.run = null;
    this.busyTimes.end(instance.view.id, this.clock.now);
    this.paceAnew(instance.view.device);
    this.clock.at(retryAt, () => undefined);
  }

  private release(instance: Instance): void {
    this.outcome.unloads++;
    instance.view = { ...instance.view, state: 'releasing', busyUntil: null, idleSince: null };
    this.clock.at(this.clock.now + this.spread(RELEASE_MS), () => {
      this.instances = this.instances.filter(each => each !== instance);
    });
  }

  private happen(accident: Accident): void {
    const now = this.clock.now;
    switch (accident.type) {
      case 'outsider':
        this.outsiders.set(accident.device, Math.max(0, (this.outsiders.get(accident.device) ?? 0) + accident.bytes));
        return;
      case 'lost':
        this.lostUntil.set(accident.device, now + accident.forMs);
        this.clock.at(now + accident.forMs, () => undefined);
        return;
      case 'workerKilled': {
        const alive = this.instances.filter(
          each => each.view.state === 'busy' || each.view.state === 'idle' || each.view.state === 'loading',
        );
        if (alive.length) {
          const victim = this.random.pick(alive);
          this.giveUp(victim);
          this.release(victim);
        }
        return;
      }
      case 'daemonKilled': {
        for (const instance of this.instances) {
          this.giveUp(instance, 0);
          instance.view = { ...instance.view, state: 'releasing' };
        }
        this.instances = [];
        this.ingests = 0;
        for (const job of this.active)
          if (job.view.ingest === 'running') {
            job.view = { ...job.view, ingest: 'waiting' };
            job.cached = false;
          }
        this.downUntil = now + accident.downMs;
        this.clock.at(this.downUntil, () => undefined);
      }
    }
  }

  private measure(): void {
    const span = this.clock.now - this.measuredAt;
    this.measuredAt = this.clock.now;
    if (span <= 0) return;
    for (const { view, run, realBytes } of this.instances) {
      this.outcome.heldByteMs += view.leaseBytes * span;
      if (run) this.outcome.usedByteMs += realBytes * span;
    }
  }
}

export const ALL_STAGES: readonly Stage[] = STAGES;
