/**
 * State changes on their way to the clients. Every event carries the whole new value of one thing, so of two events
 * about the same thing only the newer one needs to travel: a client gets at most one batch each BATCH_MS, and a slow
 * client gets fewer, larger ones, in bounded memory. Utterances are things too (job and index), so none is ever
 * dropped, only replaced by its own newer value.
 */
import type { StateEvent, StateEvents, Topic } from '../../../schemas/rpc.ts';
import type { ClientConnection, Subscription } from './server.ts';

export const BATCH_MS = 50;
/** Things that may wait for one client; more, and it is given up. A day of recordings has some 20 000 utterances. */
const MAX_WAITING = 100_000;

const TOPIC: Readonly<Record<Exclude<StateEvent['type'], 'utterance' | 'partial'>, Topic>> = {
  job: 'jobs',
  jobRemoved: 'jobs',
  queue: 'jobs',
  notice: 'jobs',
  device: 'devices',
  instance: 'instances',
  instanceGone: 'instances',
  model: 'models',
  engine: 'engines',
  watch: 'watch',
  watchGone: 'watch',
};

/** Whether a subscription wants an event. Notices go to everyone who subscribed to anything. */
export function wants(subscription: Subscription, event: StateEvent): boolean {
  if (event.type === 'utterance' || event.type === 'partial') return subscription.utterancesOf.has(event.job);
  return event.type === 'notice' || subscription.topics.has(TOPIC[event.type]);
}

/** What an event is about; a later event under the same name replaces an earlier one. Null: replaces nothing. */
export function subject(event: StateEvent): string | null {
  switch (event.type) {
    case 'job':
      return `job ${event.job.id}`;
    case 'jobRemoved':
      return `job ${event.id}`;
    case 'utterance':
      return `utterance ${event.job} ${event.utterance.index}`;
    case 'partial':
      return `partial ${event.job}`;
    case 'device':
      return `device ${event.device.id}`;
    case 'instance':
      return `instance ${event.instance.id}`;
    case 'instanceGone':
      return `instance ${event.id}`;
    case 'model':
      return `model ${event.model.card.id}`;
    case 'engine':
      return `engine ${event.engine.id}`;
    case 'watch':
      return `watch ${event.folder.spec.path}`;
    case 'watchGone':
      return `watch ${event.path}`;
    case 'queue':
      return 'queue';
    case 'notice':
      return null;
  }
}

interface Line {
  waiting: Map<string, StateEvent>;
  /** seq of the snapshot or of the last batch sent. */
  sent: number;
  /** When the last batch left, ms of a clock that nobody sets. */
  sentAt: number;
  timer: NodeJS.Timeout | null;
}

export interface Events {
  /** Cheap with nobody listening; otherwise one map entry a client. */
  publish(event: StateEvent): void;
  /**
   * The seq for a snapshot of the state as it is now: the connection gets what is published from here on. Replaces its
   * earlier subscription.
   */
  subscribe(
    connection: ClientConnection,
    wanted: { topics: readonly Topic[]; utterancesOf?: readonly string[] },
  ): number;
  unsubscribe(connection: ClientConnection): void;
  /** Sends what still waits for its batch. */
  flush(): void;
  readonly seq: number;
}

export function createEvents(): Events {
  const lines = new Map<ClientConnection, Line>();
  let seq = 0;

  const flush = (connection: ClientConnection, line: Line): void => {
    line.timer = null;
    // A client that lags gets the rest when its socket drains, in their newest form.
    if (line.waiting.size === 0 || connection.backlogged) return;
    const batch: StateEvents = { seq, previous: line.sent, events: [...line.waiting.values()] };
    line.waiting.clear();
    line.sent = seq;
    line.sentAt = performance.now();
    connection.send(batch);
  };
  const schedule = (connection: ClientConnection, line: Line): void => {
    line.timer ??= setTimeout(flush, Math.max(0, line.sentAt + BATCH_MS - performance.now()), connection, line);
  };
  const unsubscribe = (connection: ClientConnection): void => {
    const line = lines.get(connection);
    if (line?.timer) clearTimeout(line.timer);
    lines.delete(connection);
    connection.subscription = null;
  };

  return {
    get seq() {
      return seq;
    },
    publish: event => {
      seq += 1;
      const name = subject(event) ?? `event ${seq}`;
      for (const [connection, line] of lines) {
        if (!wants(connection.subscription!, event)) continue;
        // Deleted first, so that the newest value stands where it happened: after what came before it.
        line.waiting.delete(name);
        line.waiting.set(name, event);
        if (line.waiting.size > MAX_WAITING) connection.drop('does not read its events');
        else schedule(connection, line);
      }
    },
    subscribe: (connection, wanted) => {
      const known = lines.get(connection);
      if (known) {
        known.waiting.clear();
        known.sent = seq;
      } else {
        const line: Line = { waiting: new Map(), sent: seq, sentAt: -BATCH_MS, timer: null };
        lines.set(connection, line);
        connection.onClose(() => unsubscribe(connection));
        connection.onDrain(() => {
          if (lines.get(connection) === line && line.waiting.size > 0) schedule(connection, line);
        });
      }
      connection.subscription = { topics: new Set(wanted.topics), utterancesOf: new Set(wanted.utterancesOf) };
      return seq;
    },
    unsubscribe,
    flush: () => {
      for (const [connection, line] of lines) {
        if (line.timer) clearTimeout(line.timer);
        flush(connection, line);
      }
    },
  };
}
