/**
 * What the page of the queue is sent: all jobs as rows, in parts, once it is shown; then what changes, gathered for a
 * moment. Nothing while nobody can see it.
 */
import { modelName, type Change, type MirrorState } from '../connection/mirror.ts';
import type { JobRow, ToQueue } from '../../webview/messages.ts';
import { jobRow } from './rows.ts';

/** Many updates a second become ten repaints. */
const DELTA_MS = 100;
/** Rows in one message: some milliseconds of work on either side. */
const PART = 250;

export interface QueuePage {
  isVisible(): boolean;
  post(message: ToQueue): void;
  /** Of the panel beside the rows. */
  state(): Omit<Extract<ToQueue, { type: 'state' }>, 'type'>;
}

export class QueueUpdates {
  readonly #mirror: () => MirrorState;
  readonly #page: QueuePage;
  readonly #changed = new Set<string>();
  readonly #removed = new Set<string>();
  #isReady = false;
  #timer: NodeJS.Timeout | null = null;
  /** Which snapshot is being sent, if one is: a newer one ends it, and changes meanwhile follow behind it. */
  #sending: symbol | null = null;

  constructor(mirror: () => MirrorState, page: QueuePage) {
    this.#mirror = mirror;
    this.#page = page;
  }

  get #isShown(): boolean {
    return this.#isReady && this.#page.isVisible();
  }

  /** The page can take messages. */
  onReady(): void {
    this.#isReady = true;
    void this.#sendSnapshot();
  }

  onVisibility(): void {
    if (this.#isShown) void this.#sendSnapshot();
  }

  onChange(change: Change): void {
    if (!this.#isShown) return;
    if (change.all) return void this.#sendSnapshot();
    for (const id of change.jobs) {
      this.#changed.add(id);
      this.#removed.delete(id);
    }
    for (const id of change.removed) {
      this.#removed.add(id);
      this.#changed.delete(id);
    }
    if (change.queue) this.sendState();
    if (this.#changed.size || this.#removed.size) this.#timer ??= setTimeout(() => this.#sendDelta(), DELTA_MS);
  }

  sendState(): void {
    if (this.#isShown) this.#page.post({ type: 'state', ...this.#page.state() });
  }

  dispose(): void {
    this.#sending = null;
    this.#isReady = false;
    if (this.#timer) clearTimeout(this.#timer);
  }

  #rows(ids: Iterable<string>): JobRow[] {
    return [...ids]
      .flatMap(id => this.#mirror().jobs.get(id) ?? [])
      .map(job => jobRow(job, id => modelName(this.#mirror(), id)));
  }

  async #sendSnapshot(): Promise<void> {
    const mine = (this.#sending = Symbol('snapshot')),
      ids = [...this.#mirror().jobs.keys()];
    this.#changed.clear();
    this.#removed.clear();
    for (let at = 0; this.#sending === mine; at += PART) {
      const last = at + PART >= ids.length,
        rows = this.#rows(ids.slice(at, at + PART));
      this.#page.post({ type: 'snapshot', rows, first: at === 0, last, ...this.#page.state() });
      if (last) break;
      await new Promise(resolve => setImmediate(resolve));
    }
    if (this.#sending !== mine) return;
    this.#sending = null;
    this.#sendDelta();
  }

  #sendDelta(): void {
    this.#timer = null;
    if (!this.#isShown || this.#sending) return;
    if (this.#changed.size || this.#removed.size) {
      this.#page.post({ type: 'delta', rows: this.#rows(this.#changed), removed: [...this.#removed] });
      this.#changed.clear();
      this.#removed.clear();
    }
  }
}
