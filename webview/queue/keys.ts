/** The list with the keyboard: where the focus goes, and what a key does to the focused job. */
import type { JobAction, JobRow } from '../messages.ts';
import { reveal, rowAt } from '../virtual.ts';
import { nameSelection } from './context.ts';
import { step } from './order.ts';
import { actionsOf } from './row.ts';
import { act as actOn, move, page, queue, scroller, send, viewport } from './state.ts';

const act = (row: JobRow, action: JobAction): void => actOn(row, action, each => actionsOf(each).map(a => a.action));

/** The row that the Tab key reaches: the one last focused, else the first. */
export function focusId(): string | null {
  const { focus } = page.remembered;
  if (focus !== null && queue.index.has(focus)) return focus;
  return queue.items.find(item => item.kind === 'job')?.id ?? null;
}

function focusRow(at: number): void {
  const item = queue.items[at];
  if (!item || item.kind !== 'job') return;
  page.remember({ focus: item.id });
  const box = scroller();
  const y = box && reveal(queue.tops, at, box.scrollTop, box.clientHeight);
  if (box && y !== null) {
    box.scrollTop = y;
    viewport.top = y;
  }
  page.paintNow();
  document.getElementById(`row-${item.id}`)?.focus();
}

/** The nearest job from `at` in a direction, itself included. */
function jobFrom(at: number, by: 1 | -1): number {
  for (let i = Math.max(0, Math.min(queue.items.length - 1, at)); i >= 0 && i < queue.items.length; i += by)
    if (queue.items[i]!.kind === 'job') return i;
  return -1;
}

export function onKey(event: KeyboardEvent): void {
  const row = (event.target as HTMLElement).closest<HTMLElement>('[role=row]');
  const at = row ? (queue.index.get(row.dataset.id ?? '') ?? -1) : -1,
    item = queue.items[at];
  if (item?.kind !== 'job') return;
  const onButton = (event.target as HTMLElement).tagName === 'BUTTON';
  const go = (i: number): void => {
    if (i >= 0) focusRow(i);
  };
  /** One row on; with Shift the selection comes along. */
  const extend = (i: number, by: 1 | -1, selects: boolean): void => {
    const next = jobFrom(i, by);
    if (next < 0) return;
    if (selects && queue.selected.size === 0) queue.select(item.id, 'toggle');
    focusRow(next);
    if (selects) queue.select(queue.items[next]!.id, 'range');
  };
  const toButton = (by: 1 | -1): void => {
    const stops = [row!, ...row!.querySelectorAll('button')],
      here = stops.indexOf(event.target as HTMLElement);
    stops[(here + by + stops.length) % stops.length]!.focus();
  };
  const tall = scroller()?.clientHeight ?? 400;
  const can = new Set(actionsOf(item.row).map(a => a.action));
  const first = (...actions: JobAction[]): void => {
    const found = actions.find(a => can.has(a));
    if (found) act(item.row, found);
  };
  const keys: Record<string, () => void> = {
    ArrowDown: () =>
      event.altKey
        ? event.shiftKey
          ? send({ type: 'move', id: item.id, to: 'bottom' })
          : move(step(queue.items, item.id, 1))
        : extend(at + 1, 1, event.shiftKey),
    ArrowUp: () =>
      event.altKey
        ? event.shiftKey
          ? send({ type: 'move', id: item.id, to: 'top' })
          : move(step(queue.items, item.id, -1))
        : extend(at - 1, -1, event.shiftKey),
    ArrowRight: () => toButton(1),
    ArrowLeft: () => toButton(-1),
    Home: () => go(jobFrom(0, 1)),
    End: () => go(jobFrom(queue.items.length - 1, -1)),
    PageDown: () => go(jobFrom(rowAt(queue.tops, queue.tops[at]! + tall), 1)),
    PageUp: () => go(jobFrom(rowAt(queue.tops, Math.max(0, queue.tops[at]! - tall)), -1)),
    ...(onButton
      ? {}
      : {
          Enter: () => act(item.row, 'open'),
          ' ': () => first('pause', 'resume', 'retry'),
          Delete: () => first('cancel', 'remove'),
          r: () => first('retry'),
          1: () => send({ type: 'move', id: item.id, priority: 'urgent' }),
          2: () => send({ type: 'move', id: item.id, priority: 'high' }),
          3: () => send({ type: 'move', id: item.id, priority: 'normal' }),
          4: () => send({ type: 'move', id: item.id, priority: 'low' }),
        }),
  };
  if (event.key === 'ContextMenu' || (event.key === 'F10' && event.shiftKey)) return nameSelection(item.row, row);
  const control = event.ctrlKey || event.metaKey;
  if (control && (event.key === 'a' || event.key === ' ')) {
    event.preventDefault();
    if (event.key === 'a') queue.selectAll();
    else queue.select(item.id, 'toggle');
    return;
  }
  if (event.key === 'Escape' && queue.selected.size > 0) {
    event.preventDefault();
    queue.selectNone();
    return;
  }
  const does = keys[event.key];
  if (!does || control) return;
  event.preventDefault();
  does();
}
