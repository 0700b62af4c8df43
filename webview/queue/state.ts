/** What the page knows of the queue: the rows that it was sent, as a list in order, and what is remembered of it. */
import type { ConnectionView, FromQueue, JobAction, JobRow, ToQueue } from '../messages.ts';
import { Page } from '../page.ts';
import { QUEUE } from '../shapes.ts';
import { tops } from '../virtual.ts';
import { arrange, heightOf, sameShape, totals, type Filter, type Item, type Move, type Totals } from './order.ts';

export const page = new Page<
  ToQueue,
  FromQueue,
  { filter: Filter; search: string; scroll: number; focus: string | null }
>(QUEUE, { filter: 'all', search: '', scroll: 0, focus: null });

export const send = (message: FromQueue): void => page.send(message);
export const act = (row: JobRow, action: JobAction): void => send({ type: 'action', action, ids: [row.id] });
export const move = (m: Move | null): void => {
  if (m) send({ type: 'move', ...m });
};

class Queue {
  rows = new Map<string, JobRow>();
  /** A snapshot on its way: it takes the place of `rows` once its last part is here. */
  private coming = new Map<string, JobRow>();
  connection: ConnectionView = { kind: 'starting', text: '' };
  paused = false;
  modelsReady = true;
  /** Something has come from the extension. */
  known = false;
  items: readonly Item[] = [];
  /** The top of each item in px, and after the last the height of all. */
  tops = tops([], heightOf);
  /** Where a row is in `items`. */
  index = new Map<string, number>();
  totals: Totals = totals([]);
  private stale = true;
  private uncounted = true;

  /** False: there is nothing new to paint. */
  receive(message: ToQueue): boolean {
    if (message.type === 'snapshot') {
      if (message.first) this.coming = new Map();
      for (const row of message.rows) this.coming.set(row.id, row);
      if (!message.last) return false;
      this.rows = this.coming;
      this.coming = new Map();
      this.stale = true;
    } else if (message.type === 'delta') {
      for (const row of message.rows) this.put(row);
      for (const id of message.removed) this.stale = this.rows.delete(id) || this.stale;
      this.uncounted = true;
    }
    if (message.type !== 'delta') {
      const { connection, paused, modelsReady } = message;
      Object.assign(this, { connection, paused, modelsReady, known: true });
    }
    return true;
  }

  private put(row: JobRow): void {
    this.stale ||= !sameShape(this.rows.get(row.id), row) || page.remembered.search !== '';
    this.rows.set(row.id, row);
    const item = this.items[this.index.get(row.id) ?? -1];
    if (item?.kind === 'job') item.row = row;
  }

  /** Another filter or search: the list is to be made anew. */
  show(change: { filter: Filter } | { search: string }): void {
    this.stale = true;
    page.remember(change);
  }

  /** What depends on every row is made anew only when rows changed, not for every repaint. */
  refresh(): void {
    if (this.stale) {
      this.items = arrange(this.rows.values(), page.remembered.filter, page.remembered.search.trim());
      this.tops = tops(this.items, heightOf);
      this.index = new Map(this.items.map((item, i) => [item.id, i]));
    }
    if (this.stale || this.uncounted) this.totals = totals(this.rows.values());
    this.stale = this.uncounted = false;
  }
}

export const queue = new Queue();
/** What part of the list is on the screen, in px. */
export const viewport = { top: 0, height: 600 };
export const scroller = (): HTMLElement | null => document.querySelector('.scroller');
