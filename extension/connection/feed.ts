/**
 * One connection to the daemon and one subscription on it, kept alive: it opens when first wanted, comes back when it
 * is lost, and subscribes again after a gap. What arrives is always a snapshot first and then batches in order. A
 * subscription that fails is a lost connection: what was mirrored before it is not to be trusted.
 */
import type { Client } from '../../client/client.ts';
import { EarshotError, toFailure, type Failure } from '../../schemas/errors.ts';
import type { StateEvents, StateSnapshot, Topic } from '../../schemas/rpc.ts';

export interface FeedSink {
  /** `wanted`: what this is a snapshot of, which by now may not be all that is wanted. */
  snapshot(state: StateSnapshot, wanted: Wanted, client: Client): void;
  events(batch: StateEvents): void;
  /** The connection ended, or could not be made; retryMs: when it is tried again, null: only when someone asks. */
  lost(failure: Failure, retryMs: number | null): void;
}

export interface Wanted {
  topics: readonly Topic[];
  utterancesOf: readonly string[];
}

/** A connection with what was last subscribed to on it; null: nothing that holds. */
interface Session {
  client: Client;
  subscribed: Wanted | null;
  subscribing: Promise<void> | null;
}

const FIRST_PAUSE_MS = 250,
  LONGEST_PAUSE_MS = 10_000;
/** Starts in a row that fail before the feed waits to be asked. */
const TRIES = 5;

export class Feed {
  readonly #open: () => Promise<Client>;
  readonly #sink: FeedSink;
  #wanted: Wanted | null = null;
  #client: Promise<Client> | null = null;
  /** Once it is connected and subscribed. */
  #session: Session | null = null;
  /** Counts closings: a start from before the last one is nobody's. */
  #closings = 0;
  #timer: NodeJS.Timeout | null = null;
  #failures = 0;
  #disposed = false;

  constructor(open: () => Promise<Client>, sink: FeedSink) {
    this.#open = open;
    this.#sink = sink;
  }

  /** Null: nothing is wanted any more, and the connection closes. What fails is reported as lost. */
  want(wanted: Wanted | null): void {
    this.#wanted = wanted;
    if (!wanted) this.#close();
    else if (this.#session) this.#resubscribe(this.#session);
    else this.client().catch(reported);
  }

  get wanted(): Wanted | null {
    return this.#wanted;
  }

  /** The connection, made now if there is none. @throws EarshotError when the daemon cannot be reached or started */
  client(): Promise<Client> {
    if (this.#disposed) return Promise.reject(new Error('disposed'));
    if (this.#timer) {
      clearTimeout(this.#timer);
      this.#timer = null;
    }
    return (this.#client ??= this.#connect());
  }

  dispose(): void {
    this.#disposed = true;
    this.#close();
  }

  #close(): void {
    this.#closings += 1;
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
    this.#client = null;
    this.#session?.client.dispose();
    this.#session = null;
  }

  async #connect(): Promise<Client> {
    const closings = this.#closings;
    const wantedStill = (): void => {
      if (this.#closings !== closings) throw new EarshotError('daemonUnreachable', {}, 'no longer wanted');
    };
    let client: Client | null = null;
    try {
      client = await this.#open();
      wantedStill();
      const session: Session = { client, subscribed: null, subscribing: null };
      client.onEvents(
        batch => {
          if (this.#closings === closings) this.#sink.events(batch);
        },
        () => {
          session.subscribed = null;
          if (this.#session === session) this.#resubscribe(session);
        },
      );
      await this.#subscribe(session, wantedStill);
      wantedStill();
      this.#session = session;
      this.#failures = 0;
      // Only now, so that a failed start is reported once, with its own reason.
      void client.closed.then(() =>
        this.#ended(session, new EarshotError('daemonUnreachable', {}, 'the connection ended')),
      );
      if (this.#wanted !== session.subscribed) this.#resubscribe(session);
      return client;
    } catch (error) {
      client?.dispose();
      if (this.#closings === closings) {
        this.#client = null;
        this.#failures += 1;
        this.#lost(error);
      }
      throw error;
    }
  }

  #resubscribe(session: Session): void {
    const current = (): void => {
      if (this.#session !== session) throw new EarshotError('daemonUnreachable', {}, 'no longer wanted');
    };
    this.#subscribe(session, current).catch((error: unknown) => {
      this.#ended(session, error);
      session.client.dispose();
    });
  }

  #ended(session: Session, why: unknown): void {
    if (this.#session !== session) return; // closed by us, or reported already
    this.#client = this.#session = null;
    this.#lost(why);
  }

  /** One request at a time, until what is wanted by then has come. `check` throws where nobody waits for it. */
  #subscribe(session: Session, check: () => void): Promise<void> {
    session.subscribing ??= this.#subscribeAll(session, check).finally(() => {
      session.subscribing = null;
    });
    return session.subscribing;
  }

  async #subscribeAll(session: Session, check: () => void): Promise<void> {
    while (this.#wanted && this.#wanted !== session.subscribed) {
      const wanted = (session.subscribed = this.#wanted),
        { topics, utterancesOf } = wanted;
      const snapshot = await session.client.call('state/subscribe', {
        topics: [...topics],
        utterancesOf: [...utterancesOf],
      });
      check();
      this.#sink.snapshot(snapshot, wanted, session.client);
    }
  }

  #lost(error: unknown): void {
    if (this.#disposed) return;
    const again = this.#wanted !== null && this.#failures < TRIES;
    const pause = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** this.#failures);
    if (again)
      this.#timer = setTimeout(() => {
        this.#timer = null;
        this.client().catch(reported);
      }, pause);
    this.#sink.lost(toFailure(error), again ? pause : null);
  }
}

/** A start that failed was reported to the sink by then. */
const reported = (): void => {};
