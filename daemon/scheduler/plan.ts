/**
 * plan: what happens next. Pure: the same snapshot and time give the same plan.
 *
 * The story: put the jobs in order; refuse what can never fit; decode the next recordings; gather the work that may
 * start into lanes (one a model and stage). Then again and again take the lane whose first job stands furthest in
 * front: if an instance of it is idle, run the job whose turn it is; else look for an instance (seek.ts). When no lane
 * can do more: load what jobs under way will want next, add replicas where work piles up, and let go of what nothing
 * wants. What is left waiting has its reason.
 */
import { neverFits, standIn } from './admit.ts';
import { applied } from './apply.ts';
import { batchEnd, largestBatch, waitsForMore } from './batches.ts';
import { retire } from './evict.ts';
import { forecast, type Forecast } from './forecast.ts';
import { beginIngests } from './ingest.ts';
import {
  addCandidate,
  begun,
  headIndex,
  idleOf,
  Lanes,
  LOOK_AHEAD,
  loadsOf,
  openLedger,
  attemptMs,
  type Candidate,
  type InstanceState,
  type Lane,
  type Ledger,
} from './lanes.ts';
import { LazyMap } from './lazy.ts';
import { orderJobs } from './order.ts';
import { because } from './reasons.ts';
import { isWorth, narrow, prefetch, replicate, thin } from './ahead.ts';
import { devicesOf, seek, soonest, type Scene } from './seek.ts';
import type { Action, JobView, Plan, Policy, Snapshot, Waiting } from './snapshot.ts';
import { calmCores, threadsFor, widen } from './threads.ts';
import { nextTurn } from './turns.ts';
import { explain } from './explain.ts';

/** Jobs under way that prefetching looks at. */
const UNDER_WAY = 16;
/** Jobs that may have lanes of their own, where models are not shared. */
const OWN_LANES = 256;

/** A plan is whole long before this; it bounds the work whatever happens. */
const MOST_ROUNDS = 12;

export function plan(snapshot: Snapshot, now: number): Plan {
  const actions: Action[] = [];
  const policy = effectivePolicy(snapshot.policy);
  const order = snapshot.isFront
    ? snapshot.jobs
    : refuse(snapshot, orderJobs(snapshot.jobs, snapshot.models, policy), actions);
  const moved = new Set<string>();
  // Each round plans from where the one before leaves the machine; the last finds nothing more to do and knows why.
  let last = round({ ...snapshot, policy, jobs: order }, now, moved);
  for (let rounds = 1; last.actions.length && rounds < MOST_ROUNDS; rounds++) {
    actions.push(...last.actions);
    last = round(applied(last.snapshot, last.actions, now), now, moved);
  }
  actions.push(...last.actions);

  const { ledger, lanes, wakeAt, served } = last,
    jobs = last.snapshot.jobs;
  let expected: Forecast | null = null;
  const times = (): Forecast => (expected ??= forecast(jobs, ledger, lanes));
  const ids = (): string[] => jobs.map(job => job.id);
  const why = explain({
    snapshot,
    ledger,
    lanes,
    order: jobs,
    moved,
    only: policy.serial ? (served[0] ?? null) : null,
  });
  return {
    actions: widen(actions, applied(last.snapshot, last.actions, now)),
    order,
    waiting: new LazyMap<Waiting>(ids, place => {
      const reason = why(place);
      return reason ? { reason, expectedStartAt: Math.round(times().startAt[place]!) } : undefined;
    }),
    expectedEndAt: new LazyMap<number>(ids, place => Math.round(times().endAt[place]!)),
    wakeAt: wakeAt === Infinity ? null : Math.ceil(wakeAt),
  };
}

interface Round {
  snapshot: Snapshot;
  served: readonly JobView[];
  ledger: Ledger;
  lanes: Lanes;
  actions: Action[];
  wakeAt: number;
}

/** One look at the machine, whose jobs stand in order. */
function round(snapshot: Snapshot, now: number, moved: Set<string>): Round {
  const { policy } = snapshot;
  const ledger = openLedger(snapshot, policy, now);
  const lanes = new Lanes(ledger, (model, stage) => standIn(snapshot, model, stage, now));
  const actions: Action[] = [];
  let wakeAt = Infinity;
  const wake = (at: number): void => {
    if (at > now) wakeAt = Math.min(wakeAt, at);
  };
  const served = policy.serial ? onlyOne(snapshot.jobs) : snapshot.jobs;
  const found = gather(snapshot, served, lanes, now, wake),
    { underWay } = found;
  const scene: Scene = {
    ledger,
    actions,
    wake,
    cpuThreads: threadsHere(ledger, lanes, served),
    turnOf: lane => (lane.waiting.length ? nextTurn(lane.waiting, lane.instances.length, now) : null),
  };

  if (snapshot.open) {
    narrow(scene, lanes.all);
    thin(scene, lanes.all);
    serve(scene, lanes.all, moved, served);
    claimAll(
      underWay.filter(job => moved.has(job.id) && !isUnderWay(job)),
      lanes,
      served,
    );
    prefetch(
      scene,
      lanes,
      underWay.filter(job => moved.has(job.id) || isUnderWay(job)),
      served,
    );
    replicate(scene, lanes.all);
    const decoding = beginIngests(snapshot, served, found, lanes, actions);
    for (const job of decoding) moved.add(job.id);
    claimAll(decoding, lanes, served);
    prefetch(scene, lanes, decoding, served);
  }
  wake(retire(ledger, (snapshot.advice?.keepAliveSeconds ?? policy.keepAliveSeconds) * 1000, actions));
  return { snapshot, served, ledger, lanes, actions, wakeAt };
}

/** Serial mode is the ceilings at one. */
const effectivePolicy = (policy: Policy): Policy =>
  policy.serial ? { ...policy, loadedModels: 1, instancesPerDevice: 1, concurrentTasks: 1 } : policy;

/** Serial mode keeps to the job that has begun. */
function onlyOne(order: readonly JobView[]): JobView[] {
  const job = order.find(each => begun(each)) ?? order.find(each => each.ingest !== 'waiting') ?? order[0];
  return job ? [job] : [];
}

/** Jobs with a stage whose model no device can ever hold are refused; the rest keep their order. */
function refuse(snapshot: Snapshot, order: JobView[], actions: Action[]): JobView[] {
  const failures = new Map<string, ReturnType<typeof neverFits>>();
  for (const model of Object.values(snapshot.models))
    for (const stage of model.stages) {
      const failure = neverFits(snapshot, stage, standIn(snapshot, model, stage, 0));
      if (failure) failures.set(`${model.id} ${stage}`, failure);
    }
  if (!failures.size) return order;
  return order.filter(job => {
    const stage = job.stages.find(each => !each.finished && failures.has(`${each.model} ${each.stage}`));
    if (stage) actions.push({ type: 'refuse', job: job.id, failure: failures.get(`${stage.model} ${stage.stage}`)! });
    return !stage;
  });
}

interface Gathered {
  underWay: JobView[];
  asleep: number[];
  decoding: number;
  live: number;
}

/**
 * Fills the lanes with the work that may start now; returns the first jobs that are under way, and who waits for
 * decoding.
 */
function gather(
  snapshot: Snapshot,
  order: readonly JobView[],
  lanes: Lanes,
  now: number,
  wake: (at: number) => void,
): Gathered {
  const found: Gathered = { underWay: [], asleep: [], decoding: 0, live: 0 };
  const never = snapshot.policy.modelReuse === 'never';
  let looked = 0;
  for (let index = 0; index < order.length; index++) {
    const job = order[index]!;
    if (job.ingest === 'waiting') {
      if (found.asleep.push(index) <= LOOK_AHEAD) expect(job, lanes);
      continue;
    }
    if (job.ingest === 'running') {
      if (job.live) found.live++;
      else found.decoding++;
    }
    if (never && ++looked > OWN_LANES) continue;
    if (found.underWay.length < UNDER_WAY) found.underWay.push(job);
    // Nothing can be ready behind a stage that has not begun.
    if (isUnderWay(job))
      for (let place = 0; place < job.stages.length; place++)
        gatherStage(snapshot, job, index, place, lanes, now, wake);
    else gatherStage(snapshot, job, index, 0, lanes, now, wake);
  }
  return found;
}

/** Many short recordings are much work although few are decoded at a time. */
function expect(job: JobView, lanes: Lanes): void {
  const stage = job.stages[0],
    lane = stage && lanes.of(job, stage);
  if (lane) lane.comingMs += (job.untouched?.seconds ?? stage.leftSeconds) * lane.model.msPerSecond;
}

function gatherStage(
  snapshot: Snapshot,
  job: JobView,
  index: number,
  place: number,
  lanes: Lanes,
  now: number,
  wake: (at: number) => void,
): void {
  const stage = job.stages[place];
  if (!stage || stage.finished) return;
  const lane = lanes.of(job, stage);
  if (!lane || lane.model.waiting) return;
  if (place === 0 && !begun(job)) lane.decoded++;
  if (stage.retryAt !== null && stage.retryAt > now) return wake(stage.retryAt);
  if (isUnderWay(job)) claimFor(job, lane, index);
  const more = place === 0 ? job.ingest !== 'done' : !job.stages[place - 1]!.finished;
  if (stage.ready > stage.next && !waitsForMore(stage, job.live ? 1 : snapshot.policy.batchMinimum, more))
    addCandidate(lane, job, index, stage);
}

const isUnderWay = (job: JobView): boolean => begun(job) || job.ingest === 'running';

/** Jobs that this plan lets begin will want their later stages. */
function claimAll(jobs: readonly JobView[], lanes: Lanes, order: readonly JobView[]): void {
  for (const job of jobs)
    for (const stage of job.stages) if (!stage.finished) claimFor(job, lanes.of(job, stage), order.indexOf(job));
}

/** A job under way will want the lane. */
function claimFor(job: JobView, lane: Lane | null, index: number): void {
  if (!lane) return;
  lane.wantedBy = Math.min(lane.wantedBy, index);
  if (job.live) lane.wantedByLive = true;
}

/**
 * By the work in sight, that of jobs that have not begun too: what is loaded for the first stage must leave room for
 * the next ones.
 */
function threadsHere(ledger: Ledger, lanes: Lanes, served: readonly JobView[]): number {
  const cpu = ledger.devices.find(device => device.view.kind === 'cpu');
  if (!cpu) return 1;
  const used = new Set<Lane>();
  let long = false;
  for (const job of served.slice(0, UNDER_WAY))
    for (const stage of job.stages) {
      const lane = stage.finished ? null : lanes.of(job, stage);
      if (
        !lane ||
        !devicesOf(ledger, lane).some(
          device => device.view.kind === 'cpu' && (lane.model.need[device.view.id] ?? 0) > 0,
        )
      )
        continue;
      used.add(lane);
      long ||=
        !lane.model.elastic &&
        !job.live &&
        isWorth(stage.leftSeconds * lane.model.msPerSecond, 2, lane.model.loadMs[cpu.view.id] ?? 0);
    }
  const jobs = ledger.snapshot.jobs.length;
  return threadsFor({
    cores: calmCores(cpu.view),
    jobs,
    lanes: used.size,
    mostInstances: ledger.policy.instancesPerDevice,
    long,
  });
}

/** Runs and loads, furthest in front first, until nothing more can start. */
function serve(scene: Scene, lanes: readonly Lane[], moved: Set<string>, order: readonly JobView[]): void {
  const { ledger } = scene;
  for (;;) {
    let lane: Lane | null = null;
    // Of one job the later stage goes first: what is begun comes out before more is begun.
    for (const each of lanes) {
      if (each.closed || !each.waiting.length) continue;
      if (
        !lane ||
        headIndex(each) < headIndex(lane) ||
        (headIndex(each) === headIndex(lane) && each.stageIndex > lane.stageIndex)
      )
        lane = each;
    }
    if (!lane) return;
    const idle = idleOf(lane);
    if (idle.length) {
      // A ceiling on attempts does not hold up loads: what is loaded meanwhile is there when its turn comes.
      if (ledger.tasks >= ledger.policy.concurrentTasks) {
        close(lane, because.taskLimit(ledger.policy.concurrentTasks));
        continue;
      }
      if (!runOne(scene, lane, idle, moved)) lane.closed = true;
      continue;
    }
    if (lane.instances.length) {
      const loading = loadsOf(lane)[0];
      const busyUntil = Math.min(
        ...lane.instances.filter(instance => instance.state === 'busy').map(instance => instance.busyUntil),
      );
      close(
        lane,
        busyUntil < Infinity || !loading
          ? because.instanceBusy(lane.stage, lane.model.id, busyUntil)
          : because.modelLoading(
              lane.stage,
              lane.model.id,
              loading.device.view.name,
              Math.max(ledger.now, loading.busyUntil),
            ),
      );
      continue;
    }
    if (!seek(scene, lane, headIndex(lane), isStuck(lane, lanes, order))) lane.closed = true;
    else {
      const instance = lane.instances[0]!;
      close(lane, because.modelLoading(lane.stage, lane.model.id, instance.device.view.name, instance.busyUntil));
    }
  }
}

function close(lane: Lane, reason: Lane['reason']): void {
  lane.closed = true;
  lane.reason = reason;
}

/**
 * Starts the job whose turn it is on the best idle instance that it may have. False: none can take it now, and the lane
 * has its reason.
 */
function runOne(scene: Scene, lane: Lane, idle: readonly InstanceState[], moved: Set<string>): boolean {
  const { ledger, actions } = scene;
  const candidate = scene.turnOf(lane)!;
  const usable = [...idle].sort(
    (a, b) =>
      Number(b.device.view.kind === 'gpu') - Number(a.device.view.kind === 'gpu') ||
      b.view.threads - a.view.threads ||
      (b.view.idleSince ?? 0) - (a.view.idleSince ?? 0) ||
      (a.view.id < b.view.id ? -1 : 1),
  );
  const instance = usable.find(each => each.view.threads <= each.device.cores);
  if (!instance) {
    const { device, view } = usable[0]!;
    lane.reason = because.cores(device.view.name, view.threads, soonest(ledger, device));
    device.cores = Math.min(device.cores, 0); // kept for this lane: narrower ones behind it must not starve it
    return false;
  }
  const reservation = instance.passes;
  if (reservation && reservation.lane !== lane && candidate.index > reservation.index && !begun(candidate.job)) {
    actions.push({ type: 'overtaken', job: reservation.job.id });
  }
  const to = batchEnd(
    candidate.from,
    candidate.stage.ready,
    largestBatch(ledger.policy, lane.model, lane.stage, ledger.snapshot.advice),
    idle.length,
  );
  actions.push({
    type: 'run',
    instance: instance.view.id,
    job: candidate.job.id,
    stage: lane.stage,
    from: candidate.from,
    to,
  });
  moved.add(candidate.job.id);
  instance.state = 'busy';
  instance.busyUntil = ledger.now + attemptMs(lane, instance.device, candidate.stage, to - candidate.from);
  if (instance.view.leaseBytes > 0) instance.device.busy++;
  if (instance.device.view.kind === 'cpu') instance.device.cores -= instance.view.threads;
  ledger.tasks++;
  candidate.from = to;
  if (candidate.stage === candidate.job.stages[0] && !begun(candidate.job) && candidate.stage.next === 0 && to === 1)
    lane.decoded--; // it had its first turn
  if (candidate.from >= candidate.stage.ready) lane.waiting = lane.waiting.filter(each => each !== candidate);
  return true;
}

/** True: nothing of the lane's first job runs or could run before this lane gets its turn. */
function isStuck(lane: Lane, lanes: readonly Lane[], order: readonly JobView[]): boolean {
  const head: Candidate = lane.waiting[0]!;
  if (head.job.stages.some(stage => stage.running > 0)) return false;
  if (head.job.ingest === 'running' && !head.job.live) return false;
  return !lanes.some(
    other => other !== lane && !other.closed && other.waiting.some(each => each.job === order[head.index]),
  );
}
