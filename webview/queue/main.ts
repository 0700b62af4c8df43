/**
 * The queue: every job of this machine in order, as a grid that can be used with the mouse, the keyboard and a screen
 * reader.
 */
import '@vscode-elements/elements/dist/vscode-textfield/index.js';
import '@vscode-elements/elements/dist/vscode-button/index.js';
import '@vscode-elements/elements/dist/vscode-icon/index.js';
import { html, nothing, type TemplateResult } from 'lit';
import { guard } from 'lit/directives/guard.js';
import { repeat } from 'lit/directives/repeat.js';
import { count, left } from '../format.ts';
import type { FromQueue, JobAction, JobRow, ConnectionView, ToQueue } from '../messages.ts';
import { Page, t } from '../page.ts';
import { QUEUE } from '../shapes.ts';
import { reveal, rowAt, tops, visible } from '../virtual.ts';
import {
  arrange,
  drop,
  heightOf,
  sameShape,
  step,
  totals,
  type Filter,
  type Item,
  type Move,
  type Section,
  type Totals,
} from './order.ts';
import { actionsOf, describe, jobRow } from './row.ts';

const SECTION_NAMES: Readonly<Record<Section, () => string>> = {
  running: () => t('Running'),
  waiting: () => t('Waiting'),
  finished: () => t('Finished'),
};
const FILTERS: readonly { id: Filter; name: () => string }[] = [
  { id: 'all', name: () => t('All') },
  { id: 'active', name: () => t('Active') },
  { id: 'failed', name: () => t('Failed') },
  { id: 'done', name: () => t('Done') },
];

let rows = new Map<string, JobRow>();
/** A snapshot on its way: it takes the place of `rows` once its last part is here. */
let coming = new Map<string, JobRow>();
let connection: ConnectionView = { kind: 'starting', text: '' },
  paused = false,
  modelsReady = true,
  known = false;
let items: Item[] = [],
  all = tops(items, heightOf),
  index = new Map<string, number>(),
  sums: Totals = totals([]),
  stale = true,
  uncounted = true;
/** Two seconds without a hover hint would chatter: what the live region says, at most every 5 s. */
let spoken = '',
  spokenAt = 0;
let dragged: string | null = null,
  target: { id: string; below: boolean } | null = null;
let scrollTop = 0,
  viewport = 600,
  tabId: string | null = null;

const page = new Page<ToQueue, FromQueue, { filter: Filter; search: string; scroll: number; focus: string | null }>(
  QUEUE,
  { filter: 'all', search: '', scroll: 0, focus: null },
);

function take(message: ToQueue): boolean {
  if (message.type === 'snapshot') {
    if (message.first) coming = new Map();
    for (const row of message.rows) coming.set(row.id, row);
    if (!message.last) return false;
    rows = coming;
    coming = new Map();
    stale = true;
  } else if (message.type === 'delta') {
    for (const row of message.rows) {
      stale ||= !sameShape(rows.get(row.id), row) || page.remembered.search !== '';
      rows.set(row.id, row);
      const item = items[index.get(row.id) ?? -1];
      if (item?.kind === 'job') item.row = row;
    }
    for (const id of message.removed) stale = rows.delete(id) || stale;
    uncounted = true;
  }
  if (message.type !== 'delta') {
    ({ connection, paused, modelsReady } = message);
    known = true;
  }
  return true;
}

/** What depends on every row is made anew only when rows changed, not for every repaint. */
function refresh(): void {
  if (stale) {
    items = arrange(rows.values(), page.remembered.filter, page.remembered.search.trim());
    all = tops(items, heightOf);
    index = new Map(items.map((item, i) => [item.id, i]));
  }
  if (stale || uncounted) sums = totals(rows.values());
  stale = uncounted = false;
}

const scroller = (): HTMLElement | null => document.querySelector('.scroller');
const send = (message: FromQueue): void => page.send(message);
const act = (row: JobRow, action: JobAction): void => send({ type: 'action', action, ids: [row.id] });
const move = (m: Move | null): void => {
  if (m) send({ type: 'move', ...m });
};

/** The row that the Tab key reaches: the one last focused, else the first. */
function focusId(): string | null {
  const { focus } = page.remembered;
  if (focus !== null && index.has(focus)) return focus;
  return items.find(item => item.kind === 'job')?.id ?? null;
}

function focusRow(at: number): void {
  const item = items[at];
  if (!item || item.kind !== 'job') return;
  page.remember({ focus: item.id });
  const box = scroller();
  const y = box && reveal(all, at, box.scrollTop, box.clientHeight);
  if (box && y !== null) {
    box.scrollTop = y;
    scrollTop = y;
  }
  page.paintNow();
  document.getElementById(`row-${item.id}`)?.focus();
}

/** The nearest job from `at` in a direction, itself included. */
function jobFrom(at: number, by: 1 | -1): number {
  for (let i = Math.max(0, Math.min(items.length - 1, at)); i >= 0 && i < items.length; i += by)
    if (items[i]!.kind === 'job') return i;
  return -1;
}

function onKey(event: KeyboardEvent): void {
  const row = (event.target as HTMLElement).closest<HTMLElement>('[role=row]');
  const at = row ? (index.get(row.dataset.id ?? '') ?? -1) : -1,
    item = items[at];
  if (item?.kind !== 'job') return;
  const onButton = (event.target as HTMLElement).tagName === 'BUTTON';
  const go = (i: number): void => {
    if (i >= 0) focusRow(i);
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
          : move(step(items, item.id, 1))
        : go(jobFrom(at + 1, 1)),
    ArrowUp: () =>
      event.altKey
        ? event.shiftKey
          ? send({ type: 'move', id: item.id, to: 'top' })
          : move(step(items, item.id, -1))
        : go(jobFrom(at - 1, -1)),
    ArrowRight: () => toButton(1),
    ArrowLeft: () => toButton(-1),
    Home: () => go(jobFrom(0, 1)),
    End: () => go(jobFrom(items.length - 1, -1)),
    PageDown: () => go(jobFrom(rowAt(all, all[at]! + tall), 1)),
    PageUp: () => go(jobFrom(rowAt(all, Math.max(0, all[at]! - tall)), -1)),
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
  const does = keys[event.key];
  if (!does || event.ctrlKey || event.metaKey) return;
  event.preventDefault();
  does();
}

function onDragOver(event: DragEvent): void {
  event.preventDefault();
  if (!dragged) return;
  const row = (event.target as HTMLElement).closest<HTMLElement>('[role=row][data-id]'),
    box = row?.getBoundingClientRect();
  const next = row && box ? { id: row.dataset.id!, below: event.clientY > box.top + box.height / 2 } : null;
  if (next?.id !== target?.id || next?.below !== target?.below) {
    target = next;
    page.paint();
  }
}

function onDrop(event: DragEvent): void {
  event.preventDefault();
  if (dragged && target) move(drop(items, dragged, target.id, target.below));
  else if (!dragged) {
    const data =
      event.dataTransfer?.getData('application/vnd.code.uri-list') ||
      event.dataTransfer?.getData('text/uri-list') ||
      '';
    const uris = data.split(/\r?\n/).filter(line => line && !line.startsWith('#'));
    if (uris.length) send({ type: 'drop', uris });
  }
  dragged = target = null;
  page.paint();
}

function rowView(item: Item, i: number, now: number): TemplateResult {
  const place = `transform: translateY(${all[i]}px); height: ${heightOf(item)}px`;
  if (item.kind === 'header')
    return html` <div role="row" class="header" aria-rowindex=${i + 1} .style=${place}>
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
    drop = target?.id !== row.id ? '' : target.below ? 'drop-below' : 'drop-above';
  const context = JSON.stringify({
    webviewSection: 'job',
    job: row.id,
    jobState: row.state,
    preventDefaultContextMenuItems: true,
  });
  return html` <div
    role="row"
    id=${`row-${row.id}`}
    class="job ${item.section} ${drop} ${dragged === row.id ? 'dragged' : ''}"
    data-id=${row.id}
    data-vscode-context=${context}
    aria-rowindex=${i + 1}
    aria-label=${describe(row, now)}
    tabindex=${active ? 0 : -1}
    .style=${place}
    draggable=${item.section === 'waiting' ? 'true' : 'false'}
    @focus=${() => {
      if (page.remembered.focus !== row.id) page.remember({ focus: row.id });
    }}
    @dblclick=${() => act(row, 'open')}
    @dragstart=${(e: DragEvent) => {
      dragged = row.id;
      e.dataTransfer?.setData('text/plain', row.name);
    }}
    @dragend=${() => {
      dragged = target = null;
      page.paint();
    }}
  >
    ${jobRow(row, item.section, now, active, { act })}
  </div>`;
}

/** Remaining times are shown in steps of five seconds. */
const CLOCK_MS = 5000;
/** All that a row's picture depends on: while it is the same, scrolling past costs nothing. */
function seen(item: Item, i: number, now: number): unknown[] {
  return item.kind === 'header'
    ? [item.count, all[i], i]
    : [
        item.row,
        item.section,
        all[i],
        i,
        item.id === tabId,
        target?.id === item.id && target.below,
        dragged === item.id,
        Math.floor(now / CLOCK_MS),
      ];
}

function list(now: number): TemplateResult {
  tabId = focusId();
  const { from, to } = visible(all, scrollTop, viewport);
  // The focused row stays painted wherever the list is scrolled to, or the focus would be lost.
  const kept = index.get(page.remembered.focus ?? '') ?? -1;
  const shown = items.slice(from, to).map((item, k) => ({ item, i: from + k }));
  if (kept >= 0 && (kept < from || kept >= to)) shown.push({ item: items[kept]!, i: kept });
  return html` <div
    class="scroller"
    @scroll=${(e: Event) => {
      const y = (e.target as HTMLElement).scrollTop;
      scrollTop = y;
      page.paint();
      rememberScroll(y);
    }}
    @keydown=${onKey}
    @dragover=${onDragOver}
    @drop=${onDrop}
  >
    <div role="grid" aria-label=${t('Jobs')} aria-rowcount=${items.length} .style=${`height: ${all.at(-1)}px`}>
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

const button = (
  text: string,
  command: Extract<FromQueue, { type: 'command' }>['command'],
  secondary = false,
): TemplateResult =>
  html`<vscode-button ?secondary=${secondary} @click=${() => send({ type: 'command', command })}
    >${text}</vscode-button
  >`;

/** Teaches: three ways in, the nearest first. */
const empty = (): TemplateResult =>
  html` <section class="empty" @dragover=${onDragOver} @drop=${onDrop}>
    <div class="wave" aria-hidden="true">
      ${[8, 18, 30, 44, 26, 52, 36, 20, 42, 28, 14, 24, 12, 6].map(h => html`<i .style=${`height:${h}px`}></i>`)}
    </div>
    <h2>${t('Turn recordings into text here')}</h2>
    <p>${t('Right-click a recording in the explorer and choose Transcribe, or hold Shift and drop one here.')}</p>
    ${button(t('Choose a recording…'), 'pick')} ${button(t('Try a sample'), 'sample', true)}
    ${
      modelsReady
        ? nothing
        : html`<p class="hint">
            ${t('The speech model is downloaded once, on first use. After that everything runs on this machine.')}
          </p>`
    }
  </section>`;

const trouble = (): TemplateResult =>
  html` <section class="empty" role="alert">
    <span class="codicon codicon-debug-disconnect big" aria-hidden="true"></span>
    <h2>${t('Earshot is not running')}</h2>
    <p>${connection.text}</p>
    ${button(t('Start it'), 'start')} ${button(t('Show the log'), 'log', true)} ${button(t('Doctor'), 'doctor', true)}
  </section>`;

function summary(now: number): TemplateResult {
  const sum = sums;
  const parts = [
    sum.running ? t('{0} running', count(sum.running)) : '',
    sum.waiting ? t('{0} waiting', count(sum.waiting)) : '',
    sum.done ? t('{0} done', count(sum.done)) : '',
    sum.failed ? t('{0} failed', count(sum.failed)) : '',
  ].filter(Boolean);
  const text = parts.join(' · ') || t('Nothing in progress');
  if (text !== spoken && now - spokenAt > 5000) {
    spoken = text;
    spokenAt = now;
  }
  return html` <div class="summary">
      <span
        >${parts.length ? parts.map((part, i) => html`${i ? ' · ' : ''}<i>${part}</i>`) : text}${
          sum.endAt !== null && sum.endAt > now
            ? html`<span class="end">${t('{0} left', left(sum.endAt - now))}</span>`
            : nothing
        }</span
      >
      <button
        type="button"
        aria-pressed=${paused ? 'true' : 'false'}
        title=${paused ? t('Resume the queue') : t('Pause the queue')}
        aria-label=${paused ? t('Resume the queue') : t('Pause the queue')}
        @click=${() => send({ type: 'command', command: paused ? 'resumeQueue' : 'pauseQueue' })}
      >
        <span class="codicon codicon-${paused ? 'play' : 'debug-pause'}"></span>
      </button>
    </div>
    <div class="sr" role="status" aria-live="polite">${spoken}</div>`;
}

function bar(): TemplateResult {
  const { filter, search } = page.remembered;
  return html` <div class="tools">
    <vscode-textfield
      class="search"
      label=${t('Search jobs')}
      placeholder=${t('Search')}
      .value=${search}
      @input=${(e: Event) => {
        stale = true;
        page.remember({ search: (e.target as HTMLInputElement).value });
      }}
    >
      <vscode-icon slot="content-before" name="search"></vscode-icon>
    </vscode-textfield>
    <div class="filters" role="group" aria-label=${t('Show')}>
      ${FILTERS.map(
        f =>
          html`<button
            type="button"
            aria-pressed=${filter === f.id ? 'true' : 'false'}
            @click=${() => {
              stale = true;
              page.remember({ filter: f.id });
            }}
          >
            ${f.name()}
          </button>`,
      )}
    </div>
  </div>`;
}

function view(): TemplateResult {
  refresh();
  const now = Date.now();
  if (connection.kind === 'failed' || (connection.kind === 'off' && known)) return trouble();
  if (!known) return html`<div class="wait"><span class="codicon codicon-loading codicon-modifier-spin"></span></div>`;
  return html` ${
    connection.kind === 'connected'
      ? nothing
      : html`<div class="banner" role="status">
          <span class="codicon codicon-sync codicon-modifier-spin"></span>${connection.text}
        </div>`
  }
  ${
    paused
      ? html`<div class="banner paused">
          <span class="codicon codicon-debug-pause"></span>${t('The queue is paused: nothing new starts.')}
        </div>`
      : nothing
  }
  ${
    rows.size === 0
      ? connection.kind === 'connected'
        ? empty()
        : nothing
      : html`${bar()}${summary(now)} ${items.length ? list(now) : html`<p class="none">${t('No job matches.')}</p>`}`
  }`;
}

page.start(view, take);
new ResizeObserver(() => {
  viewport = innerHeight;
  page.paint();
}).observe(document.body);
// Remaining times move on even when nothing else does.
setInterval(() => page.paint(), 10_000);
addEventListener(
  'message',
  () =>
    requestAnimationFrame(() => {
      // After a reload the list stands where it stood.
      const box = scroller();
      if (box && scrollTop === 0 && page.remembered.scroll > 0) {
        box.scrollTop = page.remembered.scroll;
        page.remembered.scroll = 0;
      }
    }),
  { once: true },
);
send({ type: 'ready' });
