/**
 * Jobs as this client follows them: the newest value of each, their utterances, and which text may be shown for good.
 * Plain state that events are applied to, so that the display and the tests need no daemon.
 */
import type { Job, Utterance } from '../schemas/job.ts';
import { sourceText } from '../schemas/job.ts';
import type { PartialText } from '../schemas/live.ts';
import type { Engine, Model } from '../schemas/model.ts';
import type { Instance } from '../schemas/device.ts';
import type { StateEvent } from '../schemas/rpc.ts';
import { isFinal, type Stage } from '../schemas/words.ts';

export interface Followed {
  job: Job;
  utterances: Map<number, Utterance>;
  /** What is still being said, until its utterance has its text. */
  partial: PartialText | null;
  /** Utterances below were shown. */
  shown: number;
  /** Its end was shown. */
  ended: boolean;
}

export interface World {
  /** In the order in which they were submitted. */
  jobs: Map<string, Followed>;
  instances: Map<string, Instance>;
  models: Map<string, Model>;
  engines: Map<string, Engine>;
  /** Others' jobs that were seen unfinished, so that their end can be shown. */
  others: Map<string, Job>;
}

export const emptyWorld = (): World => ({
  jobs: new Map(),
  instances: new Map(),
  models: new Map(),
  engines: new Map(),
  others: new Map(),
});

export function followJob(world: World, job: Job): void {
  const known = world.jobs.get(job.id);
  if (known) known.job = job;
  else world.jobs.set(job.id, { job, utterances: new Map(), partial: null, shown: 0, ended: false });
  world.others.delete(job.id);
}

/** Applies one event; answers the job of another window that has just ended, if that is what it was. */
export function applyEvent(world: World, event: StateEvent): Job | null {
  switch (event.type) {
    case 'job': {
      const followed = world.jobs.get(event.job.id);
      if (followed) {
        followed.job = event.job;
        return null;
      }
      const before = world.others.get(event.job.id);
      if (!isFinal(event.job.state)) world.others.set(event.job.id, event.job);
      else if (before) {
        world.others.delete(event.job.id);
        return event.job;
      }
      return null;
    }
    case 'jobRemoved':
      world.others.delete(event.id);
      return null;
    case 'utterance': {
      const followed = world.jobs.get(event.job),
        { utterance } = event;
      followed?.utterances.set(utterance.index, utterance);
      if (followed?.partial && utterance.index >= followed.partial.index) followed.partial = null;
      return null;
    }
    case 'partial': {
      const followed = world.jobs.get(event.job);
      if (followed && !followed.utterances.has(event.partial.index)) followed.partial = event.partial;
      return null;
    }
    case 'instance':
      world.instances.set(event.instance.id, event.instance);
      return null;
    case 'instanceGone':
      world.instances.delete(event.id);
      return null;
    case 'model':
      world.models.set(event.model.card.id, event.model);
      return null;
    case 'engine':
      world.engines.set(event.engine.id, event.engine);
      return null;
    default:
      return null;
  }
}

/** The last stage that changes text: what it made is what is shown. */
const lastText = (job: Job): Stage =>
  job.stages.includes('summary')
    ? 'summary'
    : job.stages.includes('nmt')
      ? 'nmt'
      : job.stages.includes('repair')
        ? 'repair'
        : 'asr';

/** Nothing that comes later changes this utterance's text. */
export function isSettled(followed: Followed, utterance: Utterance): boolean {
  if (isFinal(followed.job.state)) return true;
  if (utterance.failed && utterance.failed.stage !== 'tts') return true;
  return utterance[lastText(followed.job)] !== undefined;
}

/** Takes the utterances that may be shown now, in their order, up to the first that is not settled. */
export function takeSettled(followed: Followed): Utterance[] {
  const settled: Utterance[] = [];
  for (
    let next = followed.utterances.get(followed.shown);
    next && isSettled(followed, next);
    next = followed.utterances.get(followed.shown)
  ) {
    settled.push(next);
    followed.shown += 1;
  }
  return settled;
}

/** Recognized, but a later stage may still change them: shown as work under way. */
export const unsettled = (followed: Followed): Utterance[] =>
  [...followed.utterances.values()]
    .filter(each => each.index >= followed.shown && sourceText(each) !== '')
    .sort((a, b) => a.index - b.index);

/** The job whose text is being shown: the first that is not over. Its text is not mixed with another's. */
export const front = (world: World): Followed | null => [...world.jobs.values()].find(each => !each.ended) ?? null;

export const allEnded = (world: World): boolean => [...world.jobs.values()].every(each => each.ended);
