/** One job as a row: its state, its name, a strip of stages that fill, and one line in words. */
import { html, nothing, type TemplateResult } from 'lit';
import { moment } from '../format.ts';
import type { JobAction, JobRow } from '../messages.ts';
import { t } from '../page.ts';
import { nameIn, progressText, strip, timing, type Names } from '../progress.ts';
import { sectionOf, type Section } from './order.ts';

const STATE_NAMES: Names = {
  pending: () => t('Queued'),
  loading: () => t('Loading a model'),
  processing: () => t('Running'),
  paused: () => t('Paused'),
  completed: () => t('Done'),
  failed: () => t('Failed'),
  cancelled: () => t('Canceled'),
} satisfies Record<JobRow['state'], () => string>;
const PRIORITY_NAMES: Names = { urgent: () => t('Urgent'), high: () => t('High'), low: () => t('Low') };
const stateName = (row: JobRow): string => nameIn(STATE_NAMES, row.state);
const priorityName = (priority: string): string => nameIn(PRIORITY_NAMES, priority);
const STATE_ICONS: Readonly<Partial<Record<string, string>>> = {
  pending: 'clock',
  loading: 'loading',
  processing: 'sync',
  paused: 'debug-pause',
  completed: 'pass-filled',
  failed: 'error',
  cancelled: 'circle-slash',
} satisfies Record<JobRow['state'], string>;

export interface RowAction {
  action: JobAction;
  icon: string;
  label: string;
}

/** It waits for another machine of the fleet, or is done there. */
export const isElsewhere = (row: JobRow): boolean => row.machine !== undefined && row.finishedAt === null;

/** What can be done with a job now, the likeliest first. */
export function actionsOf(row: JobRow): RowAction[] {
  const actions: Record<JobAction, RowAction> = {
    open: { action: 'open', icon: 'go-to-file', label: t('Open Transcript') },
    pause: { action: 'pause', icon: 'debug-pause', label: t('Pause') },
    resume: { action: 'resume', icon: 'play', label: t('Resume') },
    here: { action: 'here', icon: 'device-desktop', label: t('Run here') },
    cancel: { action: 'cancel', icon: 'close', label: t('Cancel') },
    retry: { action: 'retry', icon: 'refresh', label: t('Retry') },
    remove: { action: 'remove', icon: 'trash', label: t('Remove from the list') },
  };
  const names: JobAction[] =
    row.state === 'completed'
      ? ['open', 'remove']
      : row.state === 'failed' || row.state === 'cancelled'
        ? ['retry', 'open', 'remove']
        : row.state === 'paused'
          ? ['resume', 'cancel']
          : row.state === 'processing'
            ? ['open', 'pause', 'cancel']
            : ['pause', 'cancel'];
  if (isElsewhere(row)) names.splice(names.indexOf('cancel'), 0, 'here');
  return names.map(name => actions[name]);
}

/** It had begun, and waits until the queue goes on. */
const isHeld = (row: JobRow, paused: boolean): boolean =>
  row.state === 'processing' && sectionOf(row, paused) === 'waiting';

/** For a screen reader: all that the row shows, as one sentence. */
export const describe = (row: JobRow, now: number, paused: boolean): string =>
  [
    row.name,
    isHeld(row, paused) ? t('Paused') : stateName(row),
    row.state === 'processing' ? progressText(row) : '',
    row.machine ? t('on {0}', row.machine) : '',
    row.note?.text ?? '',
    timing(row, now, paused),
  ]
    .filter(Boolean)
    .join('. ');

export interface RowLook {
  act(row: JobRow, action: JobAction): void;
  /** The queue is. */
  paused: boolean;
  /** Other rows are of the same recording. */
  twin: boolean;
  /** Something was asked for of it, and has not happened yet. */
  asked: boolean;
}

export function jobRow(
  row: JobRow,
  section: Section,
  now: number,
  active: boolean,
  { act, paused, twin, asked }: RowLook,
): TemplateResult {
  const note =
    row.note ?? (row.lastWords && section !== 'waiting' ? { kind: 'words' as const, text: row.lastWords } : null);
  const priority = priorityName(row.priority),
    held = isHeld(row, paused),
    shown = held ? 'paused' : row.state,
    made = [row.model, moment(row.createdAt, now)].filter(Boolean).join(' · '),
    time = timing(row, now, paused);
  return html` <div role="gridcell" class="cell">
    <div class="line">
      <span
        class="icon codicon ${
          asked ? 'codicon-loading codicon-modifier-spin asked' : `codicon-${STATE_ICONS[shown] ?? 'question'} ${shown}`
        }"
        title=${held ? t('Paused') : stateName(row)}
      ></span>
      <span class="name" dir="auto" title=${`${row.folder}/${row.name}`}>${row.name}</span>
      ${
        row.priority === 'normal' || section === 'finished'
          ? nothing
          : html`<span class="priority ${row.priority}" title=${priority}>${priority}</span>`
      }
      <span class="time" title=${time}>${time}</span>
      <span class="actions">
        ${actionsOf(row).map(
          a =>
            html`<button
              type="button"
              tabindex=${active ? 0 : -1}
              title=${a.label}
              aria-label=${`${a.label}: ${row.name}`}
              data-action=${a.action}
              @click=${(e: Event) => {
                e.stopPropagation();
                act(row, a.action);
              }}
            >
              <span class="codicon codicon-${a.icon}"></span>
            </button>`,
        )}
      </span>
    </div>
    ${section === 'running' ? strip(row, true) : nothing}
    <div class="line under">
      ${
        section === 'waiting' && row.stages.some(s => s.done > 0)
          ? html`<span class="mini">${strip(row, false)}</span>`
          : nothing
      }
      ${
        note
          ? html`<span class="note ${note.kind}" title=${note.text}
              >${note.kind === 'words' ? html`<bdi>${note.text}</bdi>` : note.text}</span
            >`
          : html`<span class="note">${row.folder}</span>`
      }
      ${twin ? html`<span class="tag twin" title=${made}>${made}</span>` : nothing}
      ${
        row.machine
          ? html`<span class="tag machine" title=${t('on {0}', row.machine)}
              ><span class="codicon codicon-server" aria-hidden="true"></span>${row.machine}</span
            >`
          : nothing
      }
      ${row.languages ? html`<span class="tag">${row.languages}</span>` : nothing}
    </div>
  </div>`;
}
