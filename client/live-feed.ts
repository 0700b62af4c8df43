/**
 * Sound on its way into a live session, for the command line and the editor: in order, each byte once, whatever the
 * connection does meanwhile. `push` never waits (a microphone does not); `ready` lets a source that can wait keep pace.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { EarshotError, toFailure, type Failure } from '../schemas/errors.ts';
import { MAX_CHUNK_BYTES } from '../schemas/live.ts';
import type { Params, Result } from '../schemas/rpc.ts';

export interface LiveCalls {
  append(params: Params<'live/append'>): Promise<Result<'live/append'>>;
  close(params: Params<'live/close'>): Promise<Result<'live/close'>>;
}

/** A sign of life is sent this often while there is no sound. */
const ALIVE_MS = 5_000;
const AGAIN_MS = 300;
/** A source that can wait does from here on. */
const FULL_BYTES = 2 * MAX_CHUNK_BYTES;
/** Half an hour of PCM: what a microphone says while the daemon takes nothing. What is beyond that ends the session. */
const MOST_BYTES = 64 * 1024 ** 2;
/** The same may be tried again: the daemon is behind, full, or not there for the moment. */
const AGAIN: ReadonlySet<string> = new Set<Failure['code']>([
  'sessionBehind',
  'diskFull',
  'daemonUnreachable',
  'storeBusy',
]);

export class LiveFeed {
  /** Rejects when the session takes no more before it was closed. */
  readonly failed: Promise<never>;
  readonly #job: string;
  readonly #calls: LiveCalls;
  #waiting: Buffer[] = [];
  #bytes = 0;
  /** Bytes that the daemon has. */
  #sent = 0;
  #over = false;
  readonly #gone = new AbortController();
  #wake: () => void = () => {};
  #drained: () => void = () => {};
  #fail: (error: unknown) => void = () => {};
  readonly #done: Promise<void>;
  readonly #againMs: number;

  constructor(job: string, calls: LiveCalls, { againMs = AGAIN_MS } = {}) {
    this.#againMs = againMs;
    this.#job = job;
    this.#calls = calls;
    this.failed = new Promise((_, reject) => {
      this.#fail = reject;
    });
    this.failed.catch(() => {});
    this.#done = this.#run();
    this.#done.catch(error => this.#fail(error));
  }

  push(chunk: Buffer): void {
    if (this.#over || chunk.length === 0) return;
    if (this.#bytes + chunk.length > MOST_BYTES) {
      this.#fail(new EarshotError('sessionBehind', { seconds: Math.round(this.#bytes / 32_000) }));
      return;
    }
    this.#waiting.push(chunk);
    this.#bytes += chunk.length;
    this.#wake();
  }

  /** Resolves when more may be pushed. */
  async ready(): Promise<void> {
    while (this.#bytes > FULL_BYTES && !this.#over)
      await new Promise<void>(resolve => {
        this.#drained = resolve;
      });
  }

  /**
   * No more comes: what waits is sent, then the session is closed; where it takes no more, what it has is all. @throws
   * what the session failed with
   */
  async end(): Promise<void> {
    this.#over = true;
    this.#wake();
    this.#drained();
    try {
      await Promise.race([this.#done, this.failed]);
    } catch (error) {
      // Nobody waits for a silence that ends it.
      if (!this.#gone.signal.aborted) await this.#calls.close({ id: this.#job }).catch(() => {});
      throw error;
    }
  }

  /** Nobody waits any more: nothing further is sent, what waits is let go. The daemon ends the session by itself. */
  dispose(): void {
    this.#over = true;
    const left = new EarshotError('cancelled');
    this.#gone.abort(left);
    this.#fail(left);
    this.#wake();
    this.#drained();
  }

  async #run(): Promise<void> {
    for (;;) {
      if (this.#bytes === 0) {
        if (this.#over) break;
        if (!(await this.#changed())) await this.#insist(() => this.#append(Buffer.alloc(0)));
        continue;
      }
      await this.#insist(() => this.#append(this.#next()));
    }
    await this.#insist(async () => {
      await this.#calls.close({ id: this.#job });
    });
  }

  /** False: nothing came for a while. */
  #changed(): Promise<boolean> {
    return new Promise(resolve => {
      const timer = setTimeout(() => resolve(false), ALIVE_MS);
      this.#wake = () => {
        clearTimeout(timer);
        resolve(true);
      };
    });
  }

  /** The first of what waits, in one piece. */
  #next(): Buffer {
    let count = 0,
      bytes = 0;
    while (count < this.#waiting.length && (count === 0 || bytes + this.#waiting[count]!.length <= MAX_CHUNK_BYTES))
      bytes += this.#waiting[count++]!.length;
    const chunk = Buffer.concat(this.#waiting.splice(0, count));
    if (chunk.length > MAX_CHUNK_BYTES) {
      this.#waiting.unshift(chunk.subarray(0, MAX_CHUNK_BYTES), chunk.subarray(MAX_CHUNK_BYTES));
      return this.#waiting[0]!;
    }
    this.#waiting.unshift(chunk);
    return chunk;
  }

  async #append(chunk: Buffer): Promise<void> {
    const { received } = await this.#calls.append({
      id: this.#job,
      offset: this.#sent,
      data: chunk.toString('base64'),
    });
    // A daemon that died after it had taken a piece has more than we know of.
    for (let taken = received - this.#sent; taken > 0 && this.#waiting.length;) {
      const first = this.#waiting[0]!,
        part = Math.min(taken, first.length);
      if (part === first.length) this.#waiting.shift();
      else this.#waiting[0] = first.subarray(part);
      taken -= part;
      this.#bytes -= part;
    }
    this.#sent = received;
    this.#drained();
  }

  async #insist(work: () => Promise<void>): Promise<void> {
    for (;;) {
      this.#gone.signal.throwIfAborted();
      try {
        return await work();
      } catch (error) {
        if (!AGAIN.has(toFailure(error).code)) throw error;
      }
      await sleep(this.#againMs, undefined, { signal: this.#gone.signal }).catch(() => {});
    }
  }
}
