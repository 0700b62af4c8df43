/** The list: the rows that are on the screen, under their headers. */
import { html, nothing, type TemplateResult } from 'lit';
import { guard } from 'lit/directives/guard.js';
import { repeat } from 'lit/directives/repeat.js';
import { count } from '../format.ts';
import { t } from '../page.ts';
import { visible } from '../virtual.ts';
import { drag, endDrag, onDragOver, onDrop, startDrag } from './drag.ts';
import { focusId, onKey } from './keys.ts';
import { heightOf, type Item, type Section } from './order.ts';
import { describe, jobRow } from './row.ts';
import { act, page, queue, send, viewport } from './state.ts';

const SECTION_NAMES: Readonly<Record<Section, () => string>> = {
  running: () => t('Running'),
  waiting: () => t('Waiting'),
  finished: () => t('Finished'),
};

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
            ? html`<button
                type="button"
                title=${t('Remove all finished jobs from the list')}
                aria-label=${t('Remove all finished jobs from the list')}
                @click=${() => send({ type: 'command', command: 'clearFinished' })}
              >
                <span class="codicon codicon-clear-all"></span>
              </button>`
            : nothing
        }
      </div>
    </div>`;
  const active = item.id === tabId,
    { row } = item,
    drop = drag.target?.id !== row.id ? '' : drag.target.below ? 'drop-below' : 'drop-above';
  const context = JSON.stringify({
    webviewSection: 'job',
    job: row.id,
    jobState: row.state,
    preventDefaultContextMenuItems: true,
  });
  return html` <div
    role="row"
    id=${`row-${row.id}`}
    class="job ${item.section} ${drop} ${drag.job === row.id ? 'dragged' : ''}"
    data-id=${row.id}
    data-vscode-context=${context}
    aria-rowindex=${i + 1}
    aria-label=${describe(row, now)}
    tabindex=${active ? 0 : -1}
    .style=${style}
    draggable=${item.section === 'waiting' ? 'true' : 'false'}
    @focus=${() => {
      if (page.remembered.focus !== row.id) page.remember({ focus: row.id });
    }}
    @dblclick=${() => act(row, 'open')}
    @dragstart=${(e: DragEvent) => startDrag(row.id, row.name, e)}
    @dragend=${endDrag}
  >
    ${jobRow(row, item.section, now, active, { act })}
  </div>`;
}

/** Remaining times are shown in steps of five seconds. */
const CLOCK_MS = 5000;
/** All that a row's picture depends on: while it is the same, scrolling past costs nothing. */
function seen(item: Item, i: number, now: number): unknown[] {
  return item.kind === 'header'
    ? [item.count, queue.tops[i], i]
    : [
        item.row,
        item.section,
        queue.tops[i],
        i,
        item.id === tabId,
        drag.target?.id === item.id && drag.target.below,
        drag.job === item.id,
        Math.floor(now / CLOCK_MS),
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
