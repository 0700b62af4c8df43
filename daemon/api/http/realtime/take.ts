/**
 * One live session of a realtime connection: the sound between two commits, as a job, and its text as items.
 *
 * Where the server finds the turns, each utterance is an item: its text comes as it is spoken (what is stable of it),
 * then whole. Where the client commits, all of it is one item, whose text comes utterance by utterance once it is
 * committed.
 */
import { LiveFeed } from '../../../../client/live-feed.ts';
import { EarshotError, failure, thrown, type Failure } from '../../../../schemas/errors.ts';
import type { Job, Utterance } from '../../../../schemas/job.ts';
import type { PartialText } from '../../../../schemas/live.ts';
import type { StateEvent } from '../../../../schemas/rpc.ts';
import { isFinal } from '../../../../schemas/words.ts';
import { errorBody, problemOf } from '../problem.ts';
import type { RequestContext } from '../request-context.ts';
import { piece, said } from '../shapes.ts';
import { lengthMs, streamHeader } from './sound.ts';
import type { RealtimeWanted } from './wanted.ts';

export interface TakeEvents {
  /** An item has begun; answers its id. */
  started(startMs: number | null): string;
  /** Its sound is complete. */
  committed(item: string, endMs: number | null): void;
  delta(item: string, delta: string): void;
  completed(item: string, transcript: string, seconds: number): void;
  failed(item: string, error: object): void;
  /** The session could not be had, or takes no more; nothing else comes. */
  broken(why: unknown): void;
}

interface Item {
  id: string;
  /** What was sent of its text. */
  sent: string;
  startMs: number;
}

export class Take {
  /** Resolves when its job has ended, or could not begin. */
  readonly ended: Promise<void>;
  private readonly context: RequestContext;
  private readonly wanted: RealtimeWanted;
  private readonly events: TakeEvents;
  private readonly feed: LiveFeed;
  private readonly opened: Promise<Job>;
  private readonly early: StateEvent[] = [];
  private readonly stopListening: () => void;
  private id: string | null = null;
  private bytes = 0;
  private over = false;
  private committed = false;
  /** Of utterances by their numbers, where each is one; else all of it is `whole`. */
  private readonly items = new Map<number, Item>();
  private whole: Item | null = null;
  /** Text of the utterances below `next`. */
  private text = '';
  private next = 0;
  private end: () => void = () => {};

  constructor(context: RequestContext, wanted: RealtimeWanted, events: TakeEvents) {
    this.context = context;
    this.wanted = wanted;
    this.events = events;
    this.ended = new Promise(resolve => {
      this.end = resolve;
    });
    this.stopListening = context.listen(event => this.on(event));
    this.opened = context.live.open({
      options: wanted.options,
      format: 'container',
      name: 'Realtime',
      partials: wanted.turns === 'server',
    });
    this.opened.then(
      job => this.begin(job),
      error => this.break(error),
    );
    this.feed = new LiveFeed('', {
      append: async params => context.live.append((await this.opened).id, params.offset, params.data),
      close: async () => ({ job: context.live.close((await this.opened).id) }),
    });
    this.feed.failed.catch(error => this.break(error));
    this.feed.push(streamHeader(wanted.sound));
  }

  get soundMs(): number {
    return lengthMs(this.bytes, this.wanted.sound);
  }

  push(bytes: Buffer): void {
    this.bytes += bytes.length;
    this.feed.push(bytes);
  }

  /** Resolves when more may be pushed. */
  ready(): Promise<void> {
    return this.feed.ready();
  }

  /** No more sound comes; what was said until now is text by the time that `ended` resolves. */
  commit(): void {
    this.committed = true;
    if (this.wanted.turns === 'client') {
      this.whole = { id: this.events.started(null), sent: '', startMs: 0 };
      this.events.committed(this.whole.id, null);
      this.say(this.whole, this.text);
    }
    this.feed.end().catch(error => this.break(error));
  }

  /** Nobody waits for it any more. */
  cancel(): void {
    if (this.over) return;
    this.close();
    this.feed.dispose();
    this.opened.then(
      ({ id }) => {
        // It may have ended in this moment.
        try {
          this.context.queue.cancel([id]);
        } catch {
          /* it has */
        }
      },
      () => {},
    );
  }

  private close(): void {
    this.over = true;
    this.stopListening();
    this.end();
  }

  private break(error: unknown): void {
    if (this.over) return;
    this.cancel();
    this.events.broken(error);
  }

  private begin(job: Job): void {
    this.id = job.id;
    for (const event of this.early.splice(0)) this.on(event);
    const now = this.context.present(job.id);
    if (now && isFinal(now.state)) this.finish(now);
  }

  private on(event: StateEvent): void {
    if (this.over) return;
    if (this.id === null) {
      if (event.type === 'job' || event.type === 'utterance' || event.type === 'partial') this.early.push(event);
      return;
    }
    if (event.type === 'partial' && event.job === this.id) this.hear(event.partial);
    else if (event.type === 'utterance' && event.job === this.id) this.take(event.utterance);
    else if (event.type === 'job' && event.job.id === this.id && isFinal(event.job.state)) this.finish(event.job);
    else if (event.type === 'jobRemoved' && event.id === this.id) this.break(new EarshotError('cancelled'));
  }

  private itemOf(index: number, startMs: number): Item {
    let item = this.items.get(index);
    if (!item) {
      item = { id: this.events.started(startMs), sent: '', startMs };
      this.items.set(index, item);
    }
    return item;
  }

  /** Sends what is new of a text that only grows. */
  private say(item: Item, text: string): void {
    if (text.length <= item.sent.length || !text.startsWith(item.sent)) return;
    this.events.delta(item.id, text.slice(item.sent.length));
    item.sent = text;
  }

  private hear({ index, startMs, stable }: PartialText): void {
    // What may be no speech at all begins no item.
    if (this.wanted.turns === 'server' && index >= this.next && stable) this.say(this.itemOf(index, startMs), stable);
  }

  private take(utterance: Utterance): void {
    const { index, startMs, endMs, failed } = utterance;
    if (index !== this.next || !(utterance.asr || failed)) return;
    this.next++;
    const text = said(utterance, false);
    if (this.wanted.turns === 'client') {
      this.text += piece(this.text, text);
      if (this.whole) this.say(this.whole, this.text);
      return;
    }
    const item = this.itemOf(index, startMs);
    this.items.delete(index);
    this.events.committed(item.id, endMs);
    if (failed) {
      this.events.failed(item.id, reasonOf(failed.failure));
      return;
    }
    this.say(item, text);
    this.events.completed(item.id, text, (endMs - startMs) / 1000);
  }

  private finish(job: Job): void {
    if (this.over) return;
    const complete = job.state === 'completed' || (job.state === 'failed' && job.progress.utterances > 0);
    if (!this.committed) {
      // Somebody else ended it.
      this.break(new EarshotError('cancelled'));
      return;
    }
    this.close();
    const why = complete ? null : (job.failure ?? failure('cancelled'));
    for (const item of this.items.values()) {
      this.events.committed(item.id, this.soundMs);
      if (why) this.events.failed(item.id, reasonOf(why));
      else this.events.completed(item.id, '', 0); // it was no speech after all
    }
    if (!this.whole) return;
    if (why && !this.text) this.events.failed(this.whole.id, reasonOf(why));
    else this.events.completed(this.whole.id, this.text, this.soundMs / 1000);
  }
}

/** A failure in the shape that OpenAI's clients read. */
const reasonOf = (why: Failure): object => errorBody(problemOf(thrown(why))).error;
