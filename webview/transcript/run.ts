/** The job whose transcript is being made: how far it is, what stands in its way, and what can be done about it. */
import { html, nothing, type TemplateResult } from 'lit';
import { isOver } from '../is-over.ts';
import type { RunView } from '../messages.ts';
import { t } from '../page.ts';
import { progressText, strip, timing } from '../progress.ts';
import type { RunAction } from './state.ts';

const ICONS: Readonly<Partial<Record<string, string>>> = {
  failed: 'error',
  cancelled: 'circle-slash',
  completed: 'pass-filled',
  paused: 'debug-pause',
  pending: 'clock',
};

/** What is going on, in a few words; a newer daemon's states are shown as they are. */
const headings: Readonly<Partial<Record<string, () => string>>> = {
  pending: () => t('Queued'),
  loading: () => t('Loading a model…'),
  processing: () => t('Transcribing…'),
  paused: () => t('Paused'),
  completed: () => t('Done'),
  failed: () => t('Failed'),
  cancelled: () => t('Canceled'),
};

const ACTIONS: Readonly<Record<RunAction, { icon: string; name: () => string }>> = {
  cancel: { icon: 'close', name: () => t('Cancel') },
  pause: { icon: 'debug-pause', name: () => t('Pause') },
  resume: { icon: 'play', name: () => t('Resume') },
  here: { icon: 'device-desktop', name: () => t('Run here') },
  retry: { icon: 'refresh', name: () => t('Retry') },
  open: { icon: 'edit', name: () => t('Open for Editing') },
};

function actionsOf({ row, canOpen, gone }: RunView): RunAction[] {
  if (gone) return [];
  if (canOpen) return ['open'];
  if (row.state === 'failed' || row.state === 'cancelled') return ['retry'];
  if (isOver(row)) return [];
  return row.state === 'paused' ? ['resume', 'cancel'] : ['pause', 'cancel'];
}

/** `asked`: whether it was pressed already, and is on its way. */
export function runBar(
  run: RunView,
  asked: (action: RunAction) => boolean,
  act: (action: RunAction) => void,
): TemplateResult {
  const { row, paused, note, gone } = run,
    over = gone || isOver(row),
    state = gone ? 'cancelled' : paused && !over ? 'paused' : row.state,
    icon = ICONS[state] ?? 'loading codicon-modifier-spin',
    heading = (gone && note) || (headings[state]?.() ?? state),
    // A note that only says the heading again is none.
    beside = note !== null && note !== heading ? note : null;
  return html`<section class="run ${state}" aria-label=${t('Progress')}>
    <span class="codicon codicon-${icon}" aria-hidden="true"></span>
    <span class="what"
      ><b role="status">${heading}</b
      >${beside === null ? nothing : html`<span class="why" dir="auto">${beside}</span>`}</span
    >
    ${
      over
        ? nothing
        : html`<span class="sr">${progressText(row)}</span>${strip(row, true)}<span class="left"
              >${row.state === 'processing' ? timing(row, Date.now(), paused) : nothing}</span
            >`
    }
    <span class="does"
      >${actionsOf(run).map(
        action =>
          html`<button type="button" class="text-button" data-action=${action} @click=${() => act(action)}>
            <span
              class="codicon codicon-${asked(action) ? 'loading codicon-modifier-spin' : ACTIONS[action].icon}"
              aria-hidden="true"
            ></span
            >${ACTIONS[action].name()}
          </button>`,
      )}</span
    >
  </section>`;
}
