/** How far a job is: a strip of stages that fill, and the time that is left. */
import { html, nothing, type TemplateResult } from 'lit';
import { classMap } from 'lit/directives/class-map.js';
import { duration, left, moment } from './format.ts';
import type { JobRow, StageView } from './messages.ts';
import { t } from './page.ts';

/** A newer daemon may have more of each: those are shown as they are. */
export type Names = Readonly<Partial<Record<string, () => string>>>;
const STAGE_NAMES: Names = {
  asr: () => t('Recognize'),
  repair: () => t('Repair'),
  nmt: () => t('Translate'),
  tts: () => t('Speak'),
  summary: () => t('Summarize'),
} satisfies Record<StageView['stage'], () => string>;
export const nameIn = (names: Names, id: string): string => names[id]?.() ?? id;
const stageName = (stage: string): string => nameIn(STAGE_NAMES, stage);

export function progressText(row: JobRow): string {
  return row.stages.map(s => t('{0}: {1} of {2}', stageName(s.stage), s.done, s.total ?? '…')).join(', ');
}

export const strip = (row: JobRow, labels: boolean): TemplateResult =>
  html` <div class="strip" aria-hidden="true">
    ${row.stages.map(
      stage =>
        html` <div
          class=${classMap({
            stage: true,
            [stage.stage]: true,
            running: stage.running > 0,
            failed: stage.failed > 0,
            done: stage.fraction === 1 && row.state !== 'pending',
          })}
        >
          <div class="bar"><i .style=${`transform: scaleX(${stage.fraction.toFixed(4)})`}></i></div>
          ${
            labels
              ? html`<span
                  ><span class="what">${stageName(stage.stage)}</span
                  >${stage.total ? html`<b>${stage.done}/${stage.total}</b>` : nothing}</span
                >`
              : nothing
          }
        </div>`,
    )}
  </div>`;

export function timing(row: JobRow, now: number, paused: boolean): string {
  if (row.finishedAt !== null) return moment(row.finishedAt, now);
  if (paused) return row.durationMs === null ? '' : duration(row.durationMs);
  if (row.state === 'processing' && row.endAt !== null) return t('{0} left', left(Math.max(0, row.endAt - now)));
  if (row.startAt !== null && row.startAt > now) return t('starts in {0}', left(row.startAt - now));
  return row.durationMs === null ? '' : duration(row.durationMs);
}
