/** What commands of a row's context menu are told. */
import type { JobRow } from '../messages.ts';
import { isElsewhere } from './row.ts';
import { queue } from './state.ts';

/** `ids`: of all that are selected with it. */
export const contextOf = (row: JobRow, ids: readonly string[] = []): string =>
  JSON.stringify({
    webviewSection: 'job',
    job: row.id,
    jobState: row.state,
    jobElsewhere: isElsewhere(row),
    preventDefaultContextMenuItems: true,
    ...(ids.length > 1 ? { jobs: ids } : {}),
  });

/** Only once somebody asks for the menu: a selection may be of thousands. */
export function nameSelection(row: JobRow, element: EventTarget | null): void {
  const ids = queue.chosen(row).map(({ id }) => id);
  if (element instanceof HTMLElement) element.dataset.vscodeContext = contextOf(row, ids);
}
