/** The list: the rows that are on the screen, under their headers. */
import { html, nothing, type TemplateResult } from 'lit';
import { guard } from 'lit/directives/guard.js';
import { repeat } from 'lit/directives/repeat.js';
import { count } from '../format.ts';
import { t } from '../page.ts';
import { visible } from '../virtual.ts';
import { contextOf, nameSelection } from './context.ts';
import { drag, endDrag, onDragOver, onDrop, startDrag } from './drag.ts';
import { focusId, onKey } from './keys.ts';
import { heightOf, pathOf, type Item, type Section } from './order.ts';
import { actionsOf, describe, jobRow } from './row.ts';
import type { JobAction, JobRow, PanelCommand } from '../messages.ts';
import { act as actOn, page, queue, send, viewport } from './state.ts';

const act = (row: JobRow, action: JobAction): void => actOn(row, action, each => actionsOf(each).map(a => a.action));

const SECTION_NAMES: Readonly<Record<Section, () => string>> = {
  running: () => t('Running'),
  waiting: () => t('Queued'),
  finished: () => t('Finished'),
};

const headerButton = (command: PanelCommand, icon: string, label: string): TemplateResult =>
  html`<button type="button" title=${label} aria-label=${label} @click=${() => send({ type: 'command', command })}>
    <span class="codicon codicon-${icon}"></span>
  </button>`;
/** What is cancelled with one button is what runs and what waits. */
const firstUnfinished = (): Section => (queue.totals.running > 0 ? 'running' : 'waiting');

/** A click opens what has text, as lists do it; with Ctrl or Shift it selects. */
function onClick(row: JobRow, event: MouseEvent): void {
  if (event.ctrlKey || event.metaKey) return queue.select(row.id, 'toggle');
  if (event.shiftKey) return queue.select(row.id, 'range');
  queue.select(row.id, 'only');
  if (actionsOf(row).some(each => each.action === 'open')) act(row, 'open');
}

/** The row that the Tab key reaches. */
let tabId: string | null = null;

function rowView(item: Item, i: number, now: number): TemplateResult {
  const style = `transform: translateY(${queue.tops[i]}px); height: ${heightOf(item)}px`;
  if (item.kind === 'header')
    return html` <div role="row" class="header" aria-rowindex=${i + 1} .style=${style}>
      <div role="gridcell">
        <h2>${SECTION_NAMES[item.section]()}</h2>
        <span class="count">${count(item.count)}</span> ${
          item.section === 'finished'
            ? html`${
                queue.totals.failed > 0 ? headerButton('retryFailed', 'refresh', t('Retry all failed jobs')) : nothing
              }${headerButton('clearFinished', 'clear-all', t('Remove all finished jobs from the list'))}`
            : item.section === firstUnfinished()
              ? headerButton('cancelAll', 'close-all', t('Cancel all jobs'))
              : nothing
        }
      </div>
    </div>`;
  const active = item.id === tabId,
    { row } = item,
    isSelected = queue.selected.has(row.id),
    drop = drag.target?.id !== row.id ? '' : drag.target.below ? 'drop-below' : 'drop-above';
  return html` <div
    role="row"
    id=${`row-${row.id}`}
    class="job ${item.section} ${drop} ${drag.job === row.id ? 'dragged' : ''} ${isSelected ? 'selected' : ''}"
    aria-selected=${isSelected ? 'true' : 'false'}
    data-id=${row.id}
    data-vscode-context=${contextOf(row)}
    @pointerdown=${(e: PointerEvent) => {
      if (e.button === 2) nameSelection(row, e.currentTarget);
    }}
    aria-rowindex=${i + 1}
    aria-label=${describe(row, now, queue.paused)}
    tabindex=${active ? 0 : -1}
    .style=${style}
    draggable=${item.section === 'waiting' ? 'true' : 'false'}
    @focus=${() => {
      if (page.remembered.focus !== row.id) page.remember({ focus: row.id });
    }}
    @click=${(e: MouseEvent) => onClick(row, e)}
    @dragstart=${(e: DragEvent) => startDrag(row.id, row.name, e)}
    @dragend=${endDrag}
  >
    ${jobRow(row, item.section, now, active, {
      act,
      paused: queue.paused,
      twin: queue.twins.has(pathOf(row)),
      asked: queue.asked.has(row.id),
    })}
  </div>`;
}

/** Remaining times are shown in steps of five seconds. */
const CLOCK_MS = 5000;
/** All that a row's picture depends on: while it is the same, scrolling past costs nothing. */
function seen(item: Item, i: number, now: number): unknown[] {
  return item.kind === 'header'
    ? [item.count, queue.tops[i], i, queue.totals.failed > 0, queue.totals.running > 0]
    : [
        item.row,
        item.section,
        queue.tops[i],
        i,
        item.id === tabId,
        drag.target?.id === item.id && drag.target.below,
        drag.job === item.id,
        Math.floor(now / CLOCK_MS),
        queue.paused,
        queue.twins.has(pathOf(item.row)),
        queue.asked.has(item.row.id),
        queue.selected.has(item.id),
      ];
}

export function list(now: number): TemplateResult {
  tabId = focusId();
  const { from, to } = visible(queue.tops, viewport.top, viewport.height);
  // The focused row stays painted wherever the list is scrolled to, or the focus would be lost.
  const kept = queue.index.get(page.remembered.focus ?? '') ?? -1;
  const shown = queue.items.slice(from, to).map((item, k) => ({ item, i: from + k }));
  if (kept >= 0 && (kept < from || kept >= to)) shown.push({ item: queue.items[kept]!, i: kept });
  return html` <div
    class="scroller"
    @scroll=${(e: Event) => {
      const y = (e.target as HTMLElement).scrollTop;
      viewport.top = y;
      page.paint();
      rememberScroll(y);
    }}
    @keydown=${onKey}
    @dragover=${onDragOver}
    @drop=${onDrop}
  >
    <div
      role="grid"
      aria-multiselectable="true"
      aria-label=${t('Jobs')}
      aria-rowcount=${queue.items.length}
      .style=${`height: ${queue.tops.at(-1)}px`}
    >
      ${repeat(
        shown,
        s => s.item.id,
        s => guard(seen(s.item, s.i, now), () => rowView(s.item, s.i, now)),
      )}
    </div>
  </div>`;
}

let scrollTimer = 0;
function rememberScroll(y: number): void {
  clearTimeout(scrollTimer);
  scrollTimer = window.setTimeout(() => page.remember({ scroll: y }), 250);
}
