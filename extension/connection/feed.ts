/**
 * One connection to the daemon and one subscription on it, kept alive: it opens when first wanted, comes back when it
 * is lost, and subscribes again after a gap. What arrives is always a snapshot first and then batches in order.
 */
import type { Client } from '../../client/client.ts';
import { EarshotError, toFailure, type Failure } from '../../schemas/errors.ts';
import type { StateEvents, StateSnapshot, Topic } from '../../schemas/rpc.ts';

export interface FeedSink {
  snapshot(state: StateSnapshot, client: Client): void;
  events(batch: StateEvents): void;
  /** The connection ended, or could not be made; retryMs: when it is tried again, null: only when someone asks. */
  lost(failure: Failure, retryMs: number | null): void;
}

export interface Wanted {
  topics: readonly Topic[];
  utterancesOf: readonly string[];
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
  #current: Client | null = null;
  #timer: NodeJS.Timeout | null = null;
  #failures = 0;
  #disposed = false;

  constructor(open: () => Promise<Client>, sink: FeedSink) {
    this.#open = open;
    this.#sink = sink;
  }

  /** Null: nothing is wanted any more, and the connection closes. */
  want(wanted: Wanted | null): void {
    this.#wanted = wanted;
    if (!wanted) return this.#close();
    if (this.#client) void this.#client.then(client => this.#subscribe(client)).catch(() => {});
    else void this.client().catch(() => {});
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
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
    const client = this.#client;
    this.#client = this.#current = null;
    void client?.then(c => c.dispose()).catch(() => {});
  }

  async #connect(): Promise<Client> {
    let client: Client | null = null;
    try {
      const opened = (client = await this.#open());
      if (this.#disposed) throw new Error('disposed');
      client.onEvents(
        batch => this.#sink.events(batch),
        () => void this.#subscribe(opened).catch(() => {}),
      );
      await this.#subscribe(client);
      // Only now, so that a failed start is told once, with its own reason.
      void client.closed.then(() => this.#ended(opened));
      this.#failures = 0;
      this.#current = client;
      return client;
    } catch (error) {
      client?.dispose();
      this.#client = null;
      this.#failures += 1;
      this.#lost(error);
      throw error;
    }
  }

  #ended(client: Client): void {
    if (this.#current !== client) return; // closed by us, or another took its place
    this.#client = this.#current = null;
    this.#lost(new EarshotError('daemonUnreachable', {}, 'the connection ended'));
  }

  async #subscribe(client: Client): Promise<void> {
    if (!this.#wanted) return;
    const { topics, utterancesOf } = this.#wanted;
    this.#sink.snapshot(
      await client.call('state/subscribe', { topics: [...topics], utterancesOf: [...utterancesOf] }),
      client,
    );
  }

  #lost(error: unknown): void {
    if (this.#disposed) return;
    const again = this.#wanted !== null && this.#failures < TRIES;
    const pause = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** this.#failures);
    if (again)
      this.#timer = setTimeout(() => {
        this.#timer = null;
        void this.client().catch(() => {});
      }, pause);
    this.#sink.lost(toFailure(error), again ? pause : null);
  }
}
