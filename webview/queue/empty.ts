/** What is there instead of a list: ways to begin, or why there is nothing to show. */
import { html, nothing, type TemplateResult } from 'lit';
import type { FromQueue } from '../messages.ts';
import { t } from '../page.ts';
import { onDragOver, onDrop } from './drag.ts';
import { queue, send } from './state.ts';

const button = (
  text: string,
  command: Extract<FromQueue, { type: 'command' }>['command'],
  secondary = false,
): TemplateResult =>
  html`<vscode-button ?secondary=${secondary} @click=${() => send({ type: 'command', command })}
    >${text}</vscode-button
  >`;

/** Teaches: three ways in, the nearest first. */
export const empty = (): TemplateResult =>
  html` <section class="empty" @dragover=${onDragOver} @drop=${onDrop}>
    <div class="wave" aria-hidden="true">
      ${[8, 18, 30, 44, 26, 52, 36, 20, 42, 28, 14, 24, 12, 6].map(h => html`<i .style=${`height:${h}px`}></i>`)}
    </div>
    <h2>${t('Turn recordings into text here')}</h2>
    <p>${t('Right-click a recording in the explorer and choose Transcribe, or hold Shift and drop one here.')}</p>
    ${button(t('Choose a recording…'), 'pick')} ${button(t('Try a sample'), 'sample', true)}
    ${
      queue.modelsReady
        ? nothing
        : html`<p class="hint">
            ${t('The speech model is downloaded once, on first use. After that everything runs on this machine.')}
          </p>`
    }
  </section>`;

export const trouble = (): TemplateResult =>
  html` <section class="empty" role="alert">
    <span class="codicon codicon-debug-disconnect big" aria-hidden="true"></span>
    <h2>${t('Earshot is not running')}</h2>
    <p>${queue.connection.text}</p>
    ${button(t('Start it'), 'start')} ${button(t('Show the log'), 'log', true)} ${button(t('Doctor'), 'doctor', true)}
  </section>`;
