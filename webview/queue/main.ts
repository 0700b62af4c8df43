/**
 * The queue: every job of this machine in order, as a grid that can be used with the mouse, the keyboard and a screen
 * reader.
 */
import '@vscode-elements/elements/dist/vscode-textfield/index.js';
import '@vscode-elements/elements/dist/vscode-button/index.js';
import '@vscode-elements/elements/dist/vscode-icon/index.js';
import { html, nothing, type TemplateResult } from 'lit';
import { t } from '../page.ts';
import { empty, trouble } from './empty.ts';
import { bar, summary } from './header.ts';
import { list } from './list.ts';
import { page, queue, scroller, send, viewport } from './state.ts';

function view(): TemplateResult {
  queue.refresh();
  const now = Date.now();
  if (queue.connection.kind === 'failed' || (queue.connection.kind === 'off' && queue.known)) return trouble();
  if (!queue.known)
    return html`<div class="wait"><span class="codicon codicon-loading codicon-modifier-spin"></span></div>`;
  return html` ${
    queue.connection.kind === 'connected'
      ? nothing
      : html`<div class="banner" role="status">
          <span class="codicon codicon-sync codicon-modifier-spin"></span>${queue.connection.text}
        </div>`
  }
  ${
    queue.paused
      ? html`<div class="banner paused">
          <span class="codicon codicon-debug-pause"></span>${
            queue.totals.running === 0
              ? t('The queue is paused: nothing new starts.')
              : queue.totals.running === 1
                ? t('The queue is paused: what runs of one job is finished, nothing new starts.')
                : t('The queue is paused: what runs of {0} jobs is finished, nothing new starts.', queue.totals.running)
          }
        </div>`
      : nothing
  }
  ${
    queue.rows.size === 0
      ? queue.connection.kind === 'connected'
        ? empty()
        : nothing
      : html`${bar()}${summary(now)}
        ${queue.items.length ? list(now) : html`<p class="none">${t('No job matches.')}</p>`}`
  }`;
}

page.start(view, message => queue.receive(message));
new ResizeObserver(() => {
  viewport.height = innerHeight;
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
      if (box && viewport.top === 0 && page.remembered.scroll > 0) {
        box.scrollTop = page.remembered.scroll;
        page.remembered.scroll = 0;
      }
    }),
  { once: true },
);
send({ type: 'ready' });
