/**
 * A lane is a model at a stage, with the instances that serve it and the jobs that wait for it, in order. Jobs that
 * want the same model share its lane: that is how work is grouped by model. With `modelReuse: never` each job has lanes
 * of its own.
 */
import type { Reason } from '../../schemas/reasons.ts';
import type { Stage } from '../../schemas/words.ts';
import { paceOf } from './gains.ts';
import type { DeviceView, InstanceView, JobView, ModelView, Policy, Snapshot, StageView } from './snapshot.ts';

/** A job with steps that may start now. */
export interface Candidate {
  job: JobView;
  index: number;
  stage: StageView;
  from: number;
}

export interface Lane {
  stage: Stage;
  stageIndex: number;
  model: ModelView;
  job: string | null;
  /** Starting, loading, idle and busy ones; those that go are not of the lane any more. */
  instances: InstanceState[];
  /** By order; the first is the lane's head. Not more than LOOK_AHEAD. */
  waiting: Candidate[];
  /** Ready work and all known work of the jobs that wait, ms on one instance. */
  readyMs: number;
  leftMs: number;
  /** Work of jobs that still wait for their decoding; of the first LOOK_AHEAD of them. */
  comingMs: number;
  /** The first job, by order, that is under way and will want this lane; and whether a live job does. */
  wantedBy: number;
  wantedByLive: boolean;
  /** Jobs that are decoded, or being decoded, and had no turn here yet. */
  decoded: number;
  /** Set when nothing more can start here in this plan. */
  closed: boolean;
  reason: Reason | null;
}

/** What a plan has changed so far is written into these, never into the snapshot. */
export interface InstanceState {
  view: InstanceView;
  state: InstanceView['state'];
  device: DeviceState;
  lane: Lane | null;
  busyUntil: number;
  /** The reservation that lets jobs behind it go on here for the moment. */
  passes: Reservation | null;
}
export interface Reservation {
  job: JobView;
  index: number;
  lane: Lane;
  bytes: number;
  at: number;
  spare: number;
  passesLeft: number;
  /** Near enough that a place for the instance is kept too. */ place: boolean;
}
export interface DeviceState {
  view: DeviceView;
  free: number;
  cores: number;
  loading: boolean;
  loadingModel: string;
  /** Instances at work on it; an engine elsewhere is none. */
  busy: number;
  /** Instances on it, those on their way out too; and bytes and instances that are on their way out. */
  count: number;
  comingBytes: number;
  comingCount: number;
  reservation: Reservation | null;
}
export interface Ledger {
  now: number;
  policy: Policy;
  snapshot: Snapshot;
  devices: DeviceState[];
  byId: Map<string, DeviceState>;
  instances: InstanceState[];
  tasks: number;
  loaded: number;
  comingLoaded: number;
}

export const LOOK_AHEAD = 64;
/** What an utterance lasts when only their number is known. */
const UTTERANCE_SECONDS = 12;
export const STAGE_INDEX: Readonly<Record<Stage, number>> = { asr: 0, repair: 1, nmt: 2, tts: 3, summary: 4 };
export const isRemote = (model: ModelView, device: string): boolean => model.need[device] === 0;

export function openLedger(snapshot: Snapshot, policy: Policy, now: number): Ledger {
  const devices: DeviceState[] = snapshot.devices.map(view => ({
    view,
    free: view.admissible,
    cores: view.cores,
    loading: view.loading,
    loadingModel: '',
    busy: 0,
    count: 0,
    comingBytes: 0,
    comingCount: 0,
    reservation: null,
  }));
  const byId = new Map(devices.map(device => [device.view.id, device]));
  const ledger: Ledger = { now, policy, snapshot, devices, byId, instances: [], tasks: 0, loaded: 0, comingLoaded: 0 };
  for (const view of snapshot.instances) {
    const device = byId.get(view.device);
    if (view.state === 'busy') ledger.tasks++;
    if (!device) continue;
    const going = view.state === 'stopping' || view.state === 'releasing';
    const atWork = view.state === 'busy' || view.state === 'loading' || view.state === 'starting';
    if (atWork) device.cores -= view.threads;
    if (view.state === 'busy' && view.leaseBytes > 0) device.busy++;
    if (view.leaseBytes > 0 || policy.serial) {
      device.count++;
      ledger.loaded++;
      if (view.state === 'loading' || view.state === 'starting') {
        device.loading = true;
        device.loadingModel = view.model;
      }
      if (going) {
        device.comingBytes += view.leaseBytes;
        device.comingCount++;
        ledger.comingLoaded++;
      }
    }
    ledger.instances.push({
      view,
      state: view.state,
      device,
      lane: null,
      busyUntil: view.busyUntil ?? now,
      passes: null,
    });
  }
  return ledger;
}

export class Lanes {
  readonly all: Lane[] = [];
  private readonly shared = new Map<string, Lane[]>();
  private readonly own = new Map<string, Lane>();
  private readonly stands: (model: ModelView, stage: Stage) => ModelView;
  private readonly ledger: Ledger;

  constructor(ledger: Ledger, standIn: (model: ModelView, stage: Stage) => ModelView) {
    this.ledger = ledger;
    this.stands = standIn;
    for (const instance of ledger.instances) {
      if (instance.state === 'stopping' || instance.state === 'releasing') continue;
      const model = ledger.snapshot.models[instance.view.model];
      if (!model) continue;
      const lane =
        ledger.policy.modelReuse === 'never'
          ? this.ownLane(instance.view.job ?? '', instance.view.stage, model)
          : this.lane(instance.view.stage, model);
      instance.lane = lane;
      lane.instances.push(instance);
    }
  }

  /** The lane that serves this stage of this job; null where its model is not known. */
  of(job: JobView, stage: StageView): Lane | null {
    const known = this.shared.get(stage.model)?.[STAGE_INDEX[stage.stage]];
    if (known) return known;
    const asked = this.ledger.snapshot.models[stage.model];
    if (!asked) return null;
    const model = this.stands(asked, stage.stage);
    if (this.ledger.policy.modelReuse === 'never') return this.ownLane(job.id, stage.stage, model);
    // Look-ups by the model that was asked for find its stand-in.
    return this.remember(stage.model, this.lane(stage.stage, model));
  }

  private lane(stage: Stage, model: ModelView): Lane {
    return this.shared.get(model.id)?.[STAGE_INDEX[stage]] ?? this.remember(model.id, this.create(stage, model, null));
  }
  private remember(model: string, lane: Lane): Lane {
    const row = this.shared.get(model) ?? [];
    row[lane.stageIndex] = lane;
    this.shared.set(model, row);
    return lane;
  }
  private ownLane(job: string, stage: Stage, model: ModelView): Lane {
    const key = `${job} ${stage}`;
    const lane = this.own.get(key) ?? this.create(stage, model, job);
    this.own.set(key, lane);
    return lane;
  }
  private create(stage: Stage, model: ModelView, job: string | null): Lane {
    const lane: Lane = {
      stage,
      stageIndex: STAGE_INDEX[stage],
      model,
      job,
      instances: [],
      waiting: [],
      readyMs: 0,
      leftMs: 0,
      comingMs: 0,
      wantedBy: Infinity,
      wantedByLive: false,
      decoded: 0,
      closed: false,
      reason: null,
    };
    this.all.push(lane);
    return lane;
  }
}

export function addCandidate(lane: Lane, job: JobView, index: number, stage: StageView): void {
  const left = stage.leftSeconds * lane.model.msPerSecond;
  lane.leftMs += left;
  lane.readyMs += Math.min(stage.leftSeconds, (stage.ready - stage.next) * UTTERANCE_SECONDS) * lane.model.msPerSecond;
  if (lane.waiting.length < LOOK_AHEAD) lane.waiting.push({ job, index, stage, from: stage.next });
}

export const headIndex = (lane: Lane): number => lane.waiting[0]?.index ?? Infinity;
export const begun = (job: JobView): boolean => (job.stages[0]?.next ?? 0) > 0 || (job.stages[0]?.running ?? 0) > 0;
export const idleOf = (lane: Lane): InstanceState[] =>
  lane.instances.filter(instance => instance.state === 'idle' && instance.device.view.usable);
export const loadsOf = (lane: Lane): InstanceState[] =>
  lane.instances.filter(instance => instance.state === 'loading' || instance.state === 'starting');
/** Expected length of an attempt of `count` utterances with nothing beside it, ms. */
export const attemptEstimate = (model: ModelView | undefined, stage: StageView, count: number): number =>
  Math.min(stage.leftSeconds, count * UTTERANCE_SECONDS) * (model?.msPerSecond ?? 0);
/** The same beside what works on the device now. */
export const attemptMs = (lane: Lane, device: DeviceState, stage: StageView, count: number): number =>
  attemptEstimate(lane.model, stage, count) / paceOf(lane.model.gains?.[device.view.id], device.busy + 1);
