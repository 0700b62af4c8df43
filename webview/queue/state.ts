/** What the page knows of the queue: the rows that it was sent, as a list in order, and what is remembered of it. */
import type { ConnectionView, FromQueue, JobAction, JobRow, ToQueue } from '../messages.ts';
import { Asked } from '../asked.ts';
import { Page } from '../page.ts';
import { QUEUE } from '../shapes.ts';
import { tops } from '../virtual.ts';
import {
  arrange,
  between,
  heightOf,
  sameShape,
  totals,
  twins,
  type Filter,
  type Item,
  type Move,
  type Totals,
} from './order.ts';

export const page = new Page<
  ToQueue,
  FromQueue,
  { filter: Filter; search: string; scroll: number; focus: string | null }
>(QUEUE, { filter: 'all', search: '', scroll: 0, focus: null });

export const send = (message: FromQueue): void => page.send(message);
/** On the row, or on all that are selected with it and for which it is meant. */
export function act(row: JobRow, action: JobAction, can: (row: JobRow) => readonly JobAction[]): void {
  const rows = action === 'open' ? [row] : queue.chosen(row).filter(each => can(each).includes(action));
  if (!rows.length) return;
  const ids = rows.map(({ id }) => id);
  if (action !== 'open') queue.asked.add(ids);
  send({ type: 'action', action, ids });
}
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
  /** Recordings of several rows. */
  twins: ReadonlySet<string> = new Set();
  readonly selected = new Set<string>();
  /** Something was asked for of these jobs, and has not happened yet. */
  readonly asked = new Asked<string>(() => page.paint());
  private readonly turned = new Asked<'queue'>(() => page.paint());
  /** Where a range of the selection begins. */
  private anchor: string | null = null;
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
      for (const id of message.removed) {
        this.stale = this.rows.delete(id) || this.stale;
        this.asked.delete(id);
      }
      this.uncounted = true;
    }
    if (message.type !== 'delta') {
      const { connection, paused, modelsReady } = message;
      this.stale ||= paused !== this.paused;
      if (paused !== this.paused) this.turned.clear();
      Object.assign(this, { connection, paused, modelsReady, known: true });
    }
    return true;
  }

  /** The queue was asked to pause, or to go on. */
  get turning(): boolean {
    return this.turned.has('queue');
  }
  turn(): void {
    this.turned.add(['queue']);
    send({ type: 'command', command: this.paused ? 'resumeQueue' : 'pauseQueue' });
  }

  private put(row: JobRow): void {
    const before = this.rows.get(row.id);
    if (before?.state !== row.state || before.machine !== row.machine) this.asked.delete(row.id);
    this.stale ||= !sameShape(before, row) || page.remembered.search !== '';
    this.rows.set(row.id, row);
    const item = this.items[this.index.get(row.id) ?? -1];
    if (item?.kind === 'job') item.row = row;
  }

  /** The row, or the whole selection where it is part of one. */
  chosen(row: JobRow): JobRow[] {
    if (!this.selected.has(row.id)) return [row];
    return [...this.selected].flatMap(id => this.rows.get(id) ?? []);
  }
  /** `toggle`: one more or less; `range`: all from where the selection began; else none but the focused one. */
  select(id: string, how: 'only' | 'toggle' | 'range'): void {
    if (how === 'range') {
      const ids = between(this.items, this.anchor ?? id, id);
      this.selected.clear();
      for (const each of ids) this.selected.add(each);
    } else {
      if (how === 'only') this.selected.clear();
      else if (this.selected.size === 0 && this.anchor !== null && this.rows.has(this.anchor))
        this.selected.add(this.anchor);
      if (how === 'toggle' && !this.selected.delete(id)) this.selected.add(id);
      this.anchor = id;
    }
    page.paint();
  }
  selectAll(): void {
    for (const item of this.items) if (item.kind === 'job') this.selected.add(item.id);
    page.paint();
  }
  selectNone(): void {
    this.selected.clear();
    page.paint();
  }

  /** Another filter or search: the list is to be made anew. */
  show(change: { filter: Filter } | { search: string }): void {
    this.stale = true;
    page.remember(change);
  }

  /** What depends on every row is made anew only when rows changed, not for every repaint. */
  refresh(): void {
    if (this.stale) {
      this.items = arrange(this.rows.values(), page.remembered.filter, page.remembered.search.trim(), this.paused);
      this.twins = twins(this.rows.values());
      for (const id of this.selected) if (!this.rows.has(id)) this.selected.delete(id);
      this.tops = tops(this.items, heightOf);
      this.index = new Map(this.items.map((item, i) => [item.id, i]));
    }
    if (this.stale || this.uncounted) this.totals = totals(this.rows.values(), this.paused);
    this.stale = this.uncounted = false;
  }
}

export const queue = new Queue();
/** What part of the list is on the screen, in px. */
export const viewport = { top: 0, height: 600 };
export const scroller = (): HTMLElement | null => document.querySelector('.scroller');
