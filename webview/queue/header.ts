/** What stands above the list: search and filters, and how much there is to do. */
import { html, nothing, type TemplateResult } from 'lit';
import { count, left } from '../format.ts';
import { t } from '../page.ts';
import type { Filter } from './order.ts';
import { page, queue } from './state.ts';

const FILTERS: readonly { id: Filter; name: () => string }[] = [
  { id: 'all', name: () => t('All') },
  { id: 'active', name: () => t('Active') },
  { id: 'failed', name: () => t('Failed') },
  { id: 'done', name: () => t('Done') },
];

/** Two seconds without a hover hint would chatter: what the live region says, at most every 5 s. */
let spoken = '',
  spokenAt = 0;

export function summary(now: number): TemplateResult {
  const sum = queue.totals;
  const parts = [
    sum.running ? t('{0} running', count(sum.running)) : '',
    sum.waiting ? t('{0} queued', count(sum.waiting)) : '',
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
        aria-pressed=${queue.paused ? 'true' : 'false'}
        title=${queue.paused ? t('Resume the queue') : t('Pause the queue')}
        aria-label=${queue.paused ? t('Resume the queue') : t('Pause the queue')}
        @click=${() => queue.turn()}
      >
        <span
          class="codicon codicon-${
            queue.turning ? 'loading codicon-modifier-spin' : queue.paused ? 'play' : 'debug-pause'
          }"
        ></span>
      </button>
    </div>
    <div class="sr" role="status" aria-live="polite">${spoken}</div>`;
}

export function bar(): TemplateResult {
  const { filter, search } = page.remembered;
  return html` <div class="tools">
    <vscode-textfield
      class="search"
      label=${t('Search jobs')}
      placeholder=${t('Search')}
      .value=${search}
      @input=${(e: Event) => queue.show({ search: (e.target as HTMLInputElement).value })}
    >
      <vscode-icon slot="content-before" name="search"></vscode-icon>
    </vscode-textfield>
    <div class="filters" role="group" aria-label=${t('Show')}>
      ${FILTERS.map(
        f =>
          html`<button
            type="button"
            aria-pressed=${filter === f.id ? 'true' : 'false'}
            @click=${() => queue.show({ filter: f.id })}
          >
            ${f.name()}
          </button>`,
      )}
    </div>
  </div>`;
}
