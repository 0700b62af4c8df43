/**
 * The text of what is still being said, in live sessions that ask for it: the utterance that has no end yet is heard
 * again and again, fast (greedy, no word times), and what passes agree on is stable (agreement.ts). Where a streaming
 * model is installed for the language (streaming.ts), it is given the new sound instead, and only that.
 *
 * None of this is a step. Nothing is stored, and the plan knows nothing of it: an instance that is busy with a pass
 * counts as idle, and a run that is given to it ends the pass (workers/instance.ts). A pass begins only where nothing
 * that lasts is held up by it: no step waits for its model, and no run needs the cores. One pass at a time for a
 * session, always over all that was said by then; sessions take turns.
 */
import { isFailure, type Failure } from '../../schemas/errors.ts';
import type { AsrOutput } from '../../schemas/job.ts';
import type { PartialText } from '../../schemas/live.ts';
import type { Speaking } from '../ingest/channel.ts';
import { isSummary, type JobWork } from '../jobs/work.ts';
import type { Instance } from '../workers/instance.ts';
import { Agreement } from './agreement.ts';
import type { Core } from './core.ts';
import { jobFiles, partialInput } from './inputs.ts';
import { kindOf } from './speeds.ts';
import type { Streaming } from './streaming.ts';

/** The first pass waits for so much sound, each further one for so much more. */
const FIRST_MS = 500,
  STEP_MS = 200;
/** To a model that is given nothing else. */
const STREAMING_STEP_MS = 200;
/** Of the silence behind the last word, so much is heard: it ends the word. */
const AFTER_MS = 200;
/** In a pause the utterance may end at once: a pass that takes longer would be in the way of the final one. */
const PAUSED_MS = 400;
/** Cores that other programs keep busy on a machine that counts as calm. */
const MOST_OUTSIDE = 0.5;
/** A session whose passes fail gets no more. */
const MOST_FAILURES = 3;

/** An utterance without an end. */
interface Speech {
  index: number;
  startMs: number;
  /** Where the voice was heard last, and where the sound ends. */
  voiceMs: number;
  soundMs: number;
  /** The last pass heard the sound until here. */
  heardMs: number;
  agreement: Agreement;
  /** What clients were given last. */
  given: PartialText | null;
}

interface Session {
  work: JobWork;
  speech: Speech | null;
  passing: boolean;
  /** When the last pass ended, and how long it took, ms. */
  endedAt: number;
  tookMs: number;
  failures: number;
  /** The streaming model failed here: the session's own recognizer goes on. */
  own: boolean;
}

export class Partials {
  private readonly core: Core;
  private readonly open: () => boolean;
  private readonly streaming: Streaming;
  private readonly sessions = new Map<string, Session>();
  private offered = false;
  private later: NodeJS.Timeout | null = null;

  /** `open`: whether anything may start. */
  constructor(core: Core, streaming: Streaming, open: () => boolean) {
    this.core = core;
    this.streaming = streaming;
    this.open = open;
  }

  /** A live session's sound is there up to `soundMs`; `speaking`: the utterance that it is in. */
  heard(work: JobWork, soundMs: number, { index, span }: Speaking): void {
    if (!work.row.live?.partials) return;
    let session = this.sessions.get(work.row.id);
    if (session?.work !== work) {
      session = { work, speech: null, passing: false, endedAt: -Infinity, tookMs: 0, failures: 0, own: false };
      this.sessions.set(work.row.id, session);
    }
    const before = session.speech;
    if (!span) {
      // What was no utterance after all leaves nothing behind; one that has its end waits for the final pass.
      if (before?.index === index && before.given) this.give(work, { ...before.given, stable: '', unstable: '' });
      session.speech = null;
      if (before) this.streaming.forget(this.soundOf(work.row.id));
      return;
    }
    if (before?.index === index && before.startMs === span.startMs) {
      before.voiceMs = span.endMs;
      before.soundMs = soundMs;
    } else
      session.speech = {
        index,
        startMs: span.startMs,
        voiceMs: span.endMs,
        soundMs,
        heardMs: span.startMs,
        agreement: new Agreement(),
        given: null,
      };
    this.offerSoon();
  }

  /** After what came in at the same time was planned for. */
  private offerSoon(): void {
    if (this.offered) return;
    this.offered = true;
    setImmediate(() => {
      this.offered = false;
      this.core.guard.run(() => this.offer());
    });
  }

  /** Begins the passes that there is room for. */
  offer(): void {
    if (this.sessions.size === 0) return;
    for (const [id, { work }] of this.sessions)
      if (this.core.jobs.get(id) !== work) {
        this.sessions.delete(id);
        this.streaming.forget(this.soundOf(id));
      }
    if (this.core.leaving !== 'no' || this.core.guard.stalled || !this.open()) return;
    const now = this.core.deps.clock();
    let restMs = Infinity;
    const due = [...this.sessions.values()].flatMap(session => {
      if (!session.speech || session.passing) return [];
      const way = this.wayOf(session);
      if (!isDue(session, way)) return [];
      const rest = session.endedAt + (this.isCalm(session.work, way) ? 0 : session.tookMs) - now;
      if (rest > 0) restMs = Math.min(restMs, rest);
      return rest > 0 ? [] : [{ session, way }];
    });
    if (this.later) clearTimeout(this.later);
    this.later = restMs < Infinity ? setTimeout(() => this.offerSoon(), restMs).unref() : null;
    // Who has waited longest is first.
    for (const { session, way } of due.sort((a, b) => a.session.endedAt - b.session.endedAt)) {
      const instance = this.instanceFor(session.work, way);
      if (instance) this.begin(session, session.speech!, instance, way);
    }
  }

  /** Nobody else wants the cores, here or outside: a pass follows the other. Else passes take half of the time. */
  private isCalm(work: JobWork, { instances }: Way): boolean {
    const [first] = instances;
    if (!first || this.othersOf(work) !== 'none') return false;
    const view = this.core.deps.pool.views().find(each => each.id === first.options.device);
    return (view?.outsideCores ?? 0) < MOST_OUTSIDE && ![...this.core.instances.values()].some(({ run }) => run);
  }

  /** By the streaming model that is loaded; while there is none, by the session's own recognizer. */
  private wayOf({ work, own }: Session): Way {
    const card = !own ? this.streaming.modelFor(work) : undefined;
    if (card) {
      const instances = this.streaming.instancesOf(card);
      if (instances.length > 0) return { streams: true, instances };
      // A session's own recognizer is loaded for it anyway.
      if (card.id !== work.row.models.asr) void this.streaming.load(card);
    }
    const instances = [...this.core.instances.values()].filter(
      ({ options }) =>
        options.card.id === work.row.models.asr && (options.engine.partials || options.engine.streams?.(options.card)),
    );
    const [first] = instances;
    return { streams: first?.options.engine.streams?.(first.options.card) ?? false, instances };
  }

  private instanceFor(work: JobWork, { instances }: Way): Instance | undefined {
    const idle = instances.filter(
      ({ state, passing, options }) =>
        state === 'idle' &&
        !passing &&
        options.stage === 'asr' &&
        (options.job === null || options.job === work.row.id),
    );
    if (!idle.length) return undefined;
    const others = this.othersOf(work);
    if (others === 'waiting') return undefined;
    return idle.find(instance => this.hasRoom(instance, work, others === 'none'));
  }

  /** What there is to do beside a session's own later stages. `waiting`: steps wait for its recognizer. */
  private othersOf(work: JobWork): 'none' | 'some' | 'waiting' {
    let some = false;
    for (const other of this.core.jobs.values()) {
      if (other.row.state === 'paused' || other.finishing || isSummary(other)) continue;
      for (const [position, stage] of other.stages.entries()) {
        const waits = other.row.models[stage.stage] !== undefined && other.ready(position) > stage.next;
        if (waits && other.row.models[stage.stage] === work.row.models.asr) return 'waiting';
        if (other !== work) some ||= waits || stage.running.size > 0;
      }
    }
    return some ? 'some' : 'none';
  }

  /** Runs keep their cores. Only where nobody else waits may a session's passes slow down its own repair. */
  private hasRoom(instance: Instance, work: JobWork, alone: boolean): boolean {
    const { pool, settings } = this.core.deps,
      { concurrentTasks, serial } = settings();
    const busy = [...this.core.instances.values()].filter(each => each.run || each.passing);
    if (busy.length >= (serial ? 1 : concurrentTasks)) return false;
    const { device, engine } = instance.options;
    if (engine.remote) return true;
    const there = busy.filter(each => each.options.device === device && !each.options.engine.remote);
    if (kindOf(device) === 'gpu') return !there.some(each => each.options.stage === 'asr');
    const counts = there.filter(({ run, options }) => !(alone && options.stage !== 'asr' && run?.job === work.row.id));
    const cores = pool.views().find(view => view.id === device)?.cores ?? 0;
    return counts.reduce((sum, { threads }) => sum + threads, instance.threads) <= cores;
  }

  private begin(session: Session, speech: Speech, instance: Instance, { streams }: Way): void {
    const { work } = session,
      began = performance.now(),
      endMs = endOf(speech, streams);
    session.passing = true;
    speech.heardMs = endMs;
    instance.pass(
      {
        index: speech.index,
        input: partialInput(work, jobFiles(this.core.deps.home.audio, work.row.id), speech.startMs, endMs),
      },
      (output, why) => {
        session.passing = false;
        session.endedAt = this.core.deps.clock();
        session.tookMs = performance.now() - began;
        this.core.guard.run(() => {
          if (output) this.take(session, speech, endMs, output, streams);
          else if (why && why.code !== 'cancelled') this.failed(session, instance, why, streams);
          // It gave way: the same is heard again when there is room.
          else speech.heardMs = speech.startMs;
        });
        this.offerSoon();
      },
    );
  }

  private take({ work }: Session, speech: Speech, endMs: number, output: AsrOutput, streams: boolean): void {
    const { index, startMs, given } = speech;
    // The utterance has its text by now, or was none.
    if (this.core.jobs.get(work.row.id) !== work || work.stage('asr')!.isOver(index)) return;
    const { agreement } = speech,
      { stable, unstable } = streams ? agreement.grow(output.text) : agreement.hear(output.text, endMs);
    if (!stable && !unstable && !given) return;
    // Between two of its pieces a streaming model says the same.
    if (streams && given?.stable === stable && given.unstable === unstable) return;
    this.give(work, (speech.given = { index, startMs, endMs, stable, unstable }));
  }

  private soundOf(job: string): string {
    return jobFiles(this.core.deps.home.audio, job).pcm;
  }

  /** Straight to the clients: nothing of it has to be on the disk first. */
  private give(work: JobWork, partial: PartialText): void {
    this.core.deps.publish({ type: 'partial', job: work.row.id, partial });
  }

  private failed(session: Session, instance: Instance, why: Failure, streams: boolean): void {
    session.failures++;
    if (streams && session.failures >= MOST_FAILURES && instance.options.card.id !== session.work.row.models.asr) {
      session.own = true;
      session.failures = 0;
    }
    const { log } = this.core.deps;
    log.warn({ job: session.work.row.id, instance: instance.id, failure: why }, 'partial text failed');
    // Its memory comes back only this way.
    if (isFailure(why, 'outOfMemory') || isFailure(why, 'deviceLost')) instance.stop('kill', why);
  }
}

/** Who hears a session's passes. `streams`: it goes on from what it heard. */
interface Way {
  streams: boolean;
  instances: readonly Instance[];
}

/** A model that streams is given the silence too: its last word comes out behind it. */
const endOf = ({ soundMs, voiceMs }: Speech, streams: boolean): number =>
  streams ? soundMs : Math.min(soundMs, voiceMs + AFTER_MS);

/** Whether there is enough new sound, or the end of a word. */
function isDue({ work, speech, passing, tookMs, failures }: Session, { streams }: Way): boolean {
  if (!speech || passing || failures >= MOST_FAILURES || work.row.state === 'paused') return false;
  const endMs = endOf(speech, streams);
  if (streams) return endMs - speech.heardMs >= STREAMING_STEP_MS;
  const pauses = speech.soundMs - speech.voiceMs >= AFTER_MS;
  if (endMs - speech.startMs < FIRST_MS || (pauses && tookMs > PAUSED_MS)) return false;
  return endMs - speech.heardMs >= (pauses ? 1 : STEP_MS);
}
