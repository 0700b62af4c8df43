/** Follows jobs of this client to their end: text as it settles, the stages as they move, and a question on Ctrl-C. */
import type { Client } from '../../schemas/client.ts';
import type { Job } from '../../schemas/job.ts';
import { isFinal } from '../../schemas/words.ts';
import { allEnded, applyEvent, emptyWorld, followJob, front, takeSettled, type World } from './follow.ts';
import { createDisplay, type Display } from './display.ts';
import { EXIT, type Session } from './session.ts';
import { clean } from './terminal.ts';
import { onInterrupt } from './interrupt.ts';

export interface WatchResult { outcome: 'ended' | 'detached' | 'cancelled'; jobs: Job[] }

/** `quiet`: stdout is kept for the caller's result. */
export async function watchJobs(session: Session, client: Client, jobs: readonly Job[], options: { quiet?: boolean } = {}): Promise<WatchResult> {
  const world = emptyWorld();
  for (const job of jobs) followJob(world, job);
  const { devices } = await client.call('device/list', {}).catch(() => ({ devices: [] }));
  const display = createDisplay(session, world, { device: (id) => devices.find((each) => each.id === id && each.kind === 'gpu')?.name }, { quiet: options.quiet === true, several: jobs.length > 1 });
  const { promise, resolve, reject } = Promise.withResolvers<WatchResult['outcome']>();
  // Until the first utterances are here, an end would be shown without its text.
  let ready = false;
  const settle = (): void => {
    if (!ready) return;
    advance(world, display);
    if (allEnded(world)) resolve('ended');
  };
  const stopEvents = client.onEvents((batch) => {
    for (const event of batch.events) {
      const over = applyEvent(world, event);
      display.event(event);
      if (over) display.elsewhere(over);
    }
    display.changed();
    settle();
  }, () => { void catchUp(); });
  const catchUp = async (): Promise<void> => {
    ready = false;
    try {
      await subscribe(client, world, display);
      ready = true;
      settle();
    } catch (error) {
      reject(error);
    }
  };
  const stopKeys = onInterrupt(session, display, {
    detach: () => resolve('detached'),
    cancel: () => {
      const left = [...world.jobs.values()].filter(({ job }) => !isFinal(job.state)).map(({ job }) => job.id);
      if (left.length === 0) return resolve('cancelled');
      // The job may have ended in the meantime: then there is nothing to cancel.
      client.call('job/cancel', { ids: left }).then(() => resolve('cancelled'), () => resolve('cancelled'));
    },
  });
  try {
    void catchUp();
    const outcome = await Promise.race([promise, client.closed.then(() => 'detached' as const)]);
    if (outcome === 'cancelled') process.exitCode = EXIT.interrupted;
    return { outcome, jobs: [...world.jobs.values()].map(({ job }) => job) };
  } finally {
    stopEvents();
    stopKeys();
    display.close();
  }
}

/** Events from now on, then what was there before: nothing falls between. */
async function subscribe(client: Client, world: World, display: Display): Promise<void> {
  const ids = [...world.jobs.keys()];
  const snapshot = await client.call('state/subscribe', { topics: ['jobs', 'instances', 'models', 'engines'], utterancesOf: ids });
  for (const instance of snapshot.instances) world.instances.set(instance.id, instance);
  for (const model of snapshot.models) world.models.set(model.card.id, model);
  for (const engine of snapshot.engines) world.engines.set(engine.id, engine);
  for (const job of snapshot.jobs) applyEvent(world, { type: 'job', job });
  // Each answer is applied as it arrives, in its place among the events: what comes later is newer.
  await Promise.all(ids.flatMap((id) => [
    client.call('job/get', { id }).then(({ job }) => {
      followJob(world, job);
      display.event({ type: 'job', job });
    }),
    client.call('job/utterances', { id }).then(({ utterances }) => {
      for (const utterance of utterances) {
        applyEvent(world, { type: 'utterance', job: id, utterance });
        display.event({ type: 'utterance', job: id, utterance });
      }
    }),
  ]));
  display.changed();
}

/** Shows what has settled, job after job in their order. */
function advance(world: World, display: Display): void {
  for (let current = front(world); current; current = front(world)) {
    for (const utterance of takeSettled(current)) display.utterance(current.job, utterance);
    if (!isFinal(current.job.state)) return;
    current.ended = true;
    display.ended(current.job, current.utterances.size);
  }
}

/** One line a job, for those who go on without watching. */
export function listJobs(session: Session, jobs: readonly Job[]): void {
  for (const job of jobs) {
    if (session.json) session.emit({ type: 'job', job });
    else session.line(`${job.id}  ${clean(job.recording.name)}`);
  }
}
