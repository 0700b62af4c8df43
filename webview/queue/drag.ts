/** The list with the mouse: jobs that are dragged within it, recordings that are dropped on it. */
import { drop } from './order.ts';
import { move, page, queue, send } from './state.ts';

/** What is dragged, and the row that it would be dropped at. */
export const drag: { job: string | null; target: { id: string; below: boolean } | null } = { job: null, target: null };

export function startDrag(id: string, name: string, event: DragEvent): void {
  drag.job = id;
  event.dataTransfer?.setData('text/plain', name);
}

export function endDrag(): void {
  drag.job = drag.target = null;
  page.paint();
}

export function onDragOver(event: DragEvent): void {
  event.preventDefault();
  if (!drag.job) return;
  const row = (event.target as HTMLElement).closest<HTMLElement>('[role=row][data-id]'),
    box = row?.getBoundingClientRect();
  const next = row && box ? { id: row.dataset.id!, below: event.clientY > box.top + box.height / 2 } : null;
  if (next?.id !== drag.target?.id || next?.below !== drag.target?.below) {
    drag.target = next;
    page.paint();
  }
}

export function onDrop(event: DragEvent): void {
  event.preventDefault();
  if (drag.job && drag.target) move(drop(queue.items, drag.job, drag.target.id, drag.target.below));
  else if (!drag.job) {
    const data =
      event.dataTransfer?.getData('application/vnd.code.uri-list') ||
      event.dataTransfer?.getData('text/uri-list') ||
      '';
    const uris = data.split(/\r?\n/).filter(line => line && !line.startsWith('#'));
    if (uris.length) send({ type: 'drop', uris });
  }
  endDrag();
}
