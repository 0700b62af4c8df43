/**
 * What `plan` sees and what it answers. Plain data: the simulator and the tests build the same. Bytes and milliseconds
 * are integers.
 */
import type { Failure } from '../../schemas/errors.ts';
import type { Reason } from '../../schemas/reasons.ts';
import type { Settings } from '../../schemas/settings.ts';
import type { DeviceKind, Priority, Stage } from '../../schemas/words.ts';

/** The settings that scheduling reads. */
export type Policy = Pick<
  Settings,
  | 'instancesPerDevice'
  | 'loadedModels'
  | 'concurrentTasks'
  | 'minimumConcurrentTasks'
  | 'serial'
  | 'modelReuse'
  | 'adaptive'
  | 'batchMinimum'
  | 'batchMaximum'
  | 'keepAliveSeconds'
  | 'ageingSeconds'
  | 'overtakes'
  | 'attempts'
  | 'repairOnCpu'
  | 'othersOnCpu'
  | 'smallerModelOnFailure'
  | 'yieldTo'
  | 'pinnedModels'
>;

export interface DeviceView {
  id: string;
  kind: DeviceKind;
  name: string;
  /** min(cap − ours, free now − reserve − ours not yet resident), bytes; may be negative. */
  admissible: number;
  /**
   * cap: what a model may need at most to fit when all else of ours is gone (also min(cap, total − reserve − outsiders)
   * is the pool's business).
   */
  cap: number;
  /** Cores that running attempts share; Infinity for a GPU. */
  cores: number;
  /** Of them, how many other programs keep busy: a model's second thread there would only wait for its first. */
  outsideCores?: number;
  /** False: lost, excluded, or a forced release has not shown yet. */
  usable: boolean;
  /** An instance loads or releases there now. */
  loading: boolean;
  releasing: boolean;
  /** Another program wants memory (yieldTo). */
  pressed: boolean;
}

export interface InstanceView {
  id: string;
  stage: Stage;
  model: string;
  device: string;
  state: 'starting' | 'loading' | 'idle' | 'busy' | 'stopping' | 'releasing';
  leaseBytes: number;
  /** What a run of it needs at least. */
  threads: number;
  /** Those of the run in flight, where it is elastic: more than it needs while cores are free. */
  runThreads?: number;
  /** Its runs take any number of threads. Missing: as its model does. */
  elastic?: boolean;
  /** The job it is loaded for (modelReuse never) or works on. */
  job: string | null;
  idleSince: number | null;
  startedAt: number;
  /** When a running attempt is expected to end. */
  busyUntil: number | null;
}

/** What a stage of a job runs with. */
export interface ModelView {
  id: string;
  engine: string;
  stages: readonly Stage[];
  /** A larger size costs more. Same family: may replace it (smallerModelOnFailure). */
  family: string;
  size: number;
  devices: readonly DeviceKind[];
  /** Estimated peak by device id, bytes. 0: a remote engine that needs nothing here. */
  need: Readonly<Record<string, number>>;
  /** Expected load time by device id, ms. */
  loadMs: Readonly<Record<string, number>>;
  /** ms of work for one second of recording with nothing else at work on the device, measured or assumed. */
  msPerSecond: number;
  /**
   * Throughput of 1, 2, … instances that work at once, by device id, in units of one alone: [1, 1.6] says that two do
   * 1.6 times the work of one. Measured; missing, or more than there are: see gains.ts.
   */
  gains?: Readonly<Record<string, readonly number[]>>;
  maxBatch: number;
  /** Takes any number of threads at any time: loaded with one, its runs get what is free. */
  elastic?: boolean;
  /** null: ready; else what it waits for. */
  waiting: Reason | null;
  /** Loads that failed lately: do not try this device before. */
  notBefore: Readonly<Record<string, number>>;
}

export interface StageView {
  stage: Stage;
  model: string;
  /** Every utterance below was started (or finished, or given up) at this stage. */
  next: number;
  /** Utterances in [next, ready) may start now: the stage before has delivered them. */
  ready: number;
  /** Attempts in flight. */
  running: number;
  /** A step that failed waits in its place: nothing of this stage starts before this time. */
  retryAt: number | null;
  /**
   * Work that is left at this stage, in seconds of recording (known so far; before ingest the recording's length, or a
   * guess from its bytes).
   */
  leftSeconds: number;
  /**
   * When its last attempt here began: jobs that share a model take turns by it. Missing or null: it had no turn yet.
   */
  lastStartAt?: number | null;
  /** Most of its steps need no model: it is loaded ahead when those of the other stages are. */
  seldom?: boolean;
  finished: boolean;
}

export interface JobView {
  id: string;
  priority: Priority;
  position: number;
  createdAt: number;
  /** Ingest has begun (its utterances come by themselves). */
  ingest: 'waiting' | 'running' | 'done';
  stages: readonly StageView[];
  /** Jobs that passed it by way of a loaded model. */
  overtaken: number;
  live: boolean;
  /**
   * Nothing has begun and every stage has these seconds left; `models` is the same list for all jobs with the same
   * ones. It says what `stages` says, in less memory to pass over.
   */
  untouched?: { seconds: number; models: readonly string[] } | undefined;
}

/** What adaptive scheduling narrows (adaptive.ts). Missing: no advice. */
export interface Advice {
  /** Most instances of a stage's model, by stage. */
  replicas?: Readonly<Partial<Record<Stage, number>>>;
  /** Largest batch, by stage. */
  batch?: Readonly<Partial<Record<Stage, number>>>;
  keepAliveSeconds?: number;
}

export interface Snapshot {
  policy: Policy;
  advice?: Advice;
  /** False: the queue is paused; what runs goes on. */
  open: boolean;
  devices: readonly DeviceView[];
  instances: readonly InstanceView[];
  models: Readonly<Record<string, ModelView>>;
  /** Jobs that are neither final nor paused. */
  jobs: readonly JobView[];
  /** They are the front of the queue (front.ts), in the order of an earlier plan, and none of them is refused. */
  isFront?: boolean;
  /** Recordings that are decoded and live ones that are heard, those of paused jobs too. */
  ingestsRunning: number;
}

export type Action =
  /** Decode the recording and cut it into utterances. */
  | { type: 'ingest'; job: string }
  | { type: 'load'; stage: Stage; model: string; device: string; bytes: number; threads: number; job: string | null }
  /** `threads`: more than the instance's own, for an elastic one while cores are free. */
  | { type: 'run'; instance: string; job: string; stage: Stage; from: number; to: number; threads?: number }
  /** Of the run in flight of an elastic instance: another one came or went. */
  | { type: 'threads'; instance: string; threads: number }
  | { type: 'unload'; instance: string; why: 'idle' | 'room' | 'reuse' | 'yield' | 'gain' }
  /** No device can ever hold it: the job fails with this. */
  | { type: 'refuse'; job: string; failure: Failure }
  | { type: 'overtaken'; job: string };

export interface Waiting {
  reason: Reason;
  expectedStartAt: number | null;
}
export interface Plan {
  actions: readonly Action[];
  /** The jobs as they were looked at. */
  order: readonly JobView[];
  /** For each job that does not move now: why. */
  waiting: ReadonlyMap<string, Waiting>;
  expectedEndAt: ReadonlyMap<string, number>;
  /** Something changes by time alone (a retry, a keep-alive): plan again then. */
  wakeAt: number | null;
}
