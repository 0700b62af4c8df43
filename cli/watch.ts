/** Follows jobs of this client to their end: text as it settles, the stages as they move, and a question on Ctrl-C. */
import type { Client } from '../client/client.ts';
import { EarshotError, toFailure } from '../schemas/errors.ts';
import type { Job } from '../schemas/job.ts';
import { isFinal } from '../schemas/words.ts';
import { allEnded, applyEvent, emptyWorld, followJob, front, takeSettled, type World } from './follow.ts';
import { createDisplay, type Display } from './display.ts';
import { EXIT, type Session } from './session.ts';
import { clean } from './terminal.ts';
import { onInterrupt } from './interrupt.ts';

/** stopped: the daemon was asked to stop; detached: it goes on without us. */
export interface WatchResult {
  outcome: 'ended' | 'detached' | 'stopped' | 'cancelled';
  jobs: Job[];
}

/** A daemon that ends this often under us is not going to get there. */
const MAX_RECONNECTS = 8;

/** `interrupt`: what Ctrl-C does instead of asking; `meter`: how loud it is, of sound that is recorded here. */
export interface WatchOptions {
  quiet?: boolean;
  meter?: () => string;
  interrupt?: (display: Display, leave: () => void) => () => void;
}

/**
 * `quiet`: stdout is kept for the caller's result. A daemon that crashes is started again: it takes up where it was,
 * and so does this.
 */
export async function watchJobs(
  session: Session,
  first: Client,
  jobs: readonly Job[],
  options: WatchOptions = {},
): Promise<WatchResult> {
  const world = emptyWorld();
  for (const job of jobs) followJob(world, job);
  const { devices } = await first.call('device/list', {}).catch(() => ({ devices: [] }));
  const display = createDisplay(
    session,
    world,
    { device: id => devices.find(each => each.id === id && each.kind === 'gpu')?.name },
    { quiet: options.quiet === true, several: jobs.length > 1, ...(options.meter ? { meter: options.meter } : {}) },
  );
  const { promise, resolve, reject } = Promise.withResolvers<WatchResult['outcome']>();
  let client = first,
    reconnects = 0,
    over = false;
  let stopEvents = (): void => {};
  // Until the first utterances are here, an end would be shown without its text.
  let ready = false;
  const settle = (): void => {
    if (!ready) return;
    advance(world, display);
    if (allEnded(world)) resolve('ended');
  };
  const attach = (next: Client): void => {
    client = next;
    const catchUp = (): void => {
      ready = false;
      subscribe(next, world, display).then(
        () => {
          ready = true;
          settle();
        },
        (error: unknown) => {
          // A connection that ended is seen below.
          if (toFailure(error).code !== 'daemonUnreachable') reject(error);
        },
      );
    };
    stopEvents = next.onEvents(batch => {
      for (const event of batch.events) {
        const elsewhere = applyEvent(world, event);
        display.event(event);
        if (elsewhere) display.elsewhere(elsewhere);
      }
      display.changed();
      settle();
    }, catchUp);
    catchUp();
    void next.closed.then(() => {
      if (!over) return reconnect();
    });
  };
  const reconnect = async (): Promise<void> => {
    stopEvents();
    ready = false;
    world.instances.clear();
    display.changed();
    try {
      const next = reconnects < MAX_RECONNECTS ? await session.again() : null;
      reconnects += 1;
      if (next) attach(next);
      else if (reconnects > MAX_RECONNECTS) reject(new EarshotError('daemonUnreachable'));
      else resolve('stopped');
    } catch (error) {
      reject(error);
    }
  };
  const stopKeys = options.interrupt
    ? options.interrupt(display, () => resolve('detached'))
    : onInterrupt(session, display, {
        detach: () => resolve('detached'),
        cancel: () => {
          const left = [...world.jobs.values()].filter(({ job }) => !isFinal(job.state)).map(({ job }) => job.id);
          if (left.length === 0) return resolve('cancelled');
          // The job may have ended in the meantime: then there is nothing to cancel.
          client.call('job/cancel', { ids: left }).then(
            () => resolve('cancelled'),
            () => resolve('cancelled'),
          );
        },
      });
  try {
    attach(first);
    const outcome = await promise;
    if (outcome === 'cancelled') process.exitCode = EXIT.interrupted;
    return { outcome, jobs: [...world.jobs.values()].map(({ job }) => job) };
  } finally {
    over = true;
    stopEvents();
    stopKeys();
    display.close();
  }
}

/** Why it was left before its end, for people. */
export function sayOutcome(session: Session, outcome: WatchResult['outcome']): void {
  if (outcome === 'detached') session.note(session.t.detached);
  if (outcome === 'stopped') session.note(session.t.stoppedUnder);
}

/** Events from now on, then what was there before: nothing falls between. */
async function subscribe(client: Client, world: World, display: Display): Promise<void> {
  const ids = [...world.jobs.keys()];
  const snapshot = await client.call('state/subscribe', {
    topics: ['jobs', 'instances', 'models', 'engines'],
    utterancesOf: ids,
  });
  for (const instance of snapshot.instances) world.instances.set(instance.id, instance);
  for (const model of snapshot.models) world.models.set(model.card.id, model);
  for (const engine of snapshot.engines) world.engines.set(engine.id, engine);
  for (const job of snapshot.jobs) applyEvent(world, { type: 'job', job });
  // Each answer is applied as it arrives, in its place among the events: what comes later is newer.
  await Promise.all(
    ids.flatMap(id => [
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
    ]),
  );
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
