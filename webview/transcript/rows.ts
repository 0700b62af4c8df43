/** The list of utterances, one article each, in chunks. */
import { html, type TemplateResult } from 'lit';
import { guard } from 'lit/directives/guard.js';
import { repeat } from 'lit/directives/repeat.js';
import { isOver } from '../is-over.ts';
import type { UtteranceView } from '../messages.ts';
import { t } from '../page.ts';
import { CHUNK, heightOf, isNear } from './list.ts';
import { chapters, focusIndex, listed, page, state, type View } from './state.ts';
import { utterance } from './utterance.ts';

export function rows(mode: View): TemplateResult {
  const list = listed();
  if (!list.length)
    return html`<p class="none">
      ${
        state.shown!.utterances.length
          ? t('Nothing is said by this speaker.')
          : state.run
            ? isOver(state.run.row)
              ? t('There is no text.')
              : t('The text appears here while it is being recognized.')
            : t('No speech was found in this recording.')
      }
    </p>`;
  const focus = focusIndex(list),
    { editing } = state,
    { doubts } = page.remembered,
    titles = new Map(chapters().map(({ index, title }) => [index, title])),
    chunks: UtteranceView[][] = [];
  for (let i = 0; i < list.length; i += CHUNK) chunks.push(list.slice(i, i + CHUNK));
  return html`<section role="feed" class=${doubts ? 'doubts' : ''} aria-label=${t('Utterances')}>
    ${repeat(
      chunks,
      (_chunk, n) => n,
      (chunk, n) => {
        if (!isNear(n))
          return html`<div class="chunk" data-chunk=${n} .style=${`height:${heightOf(n, chunk.length)}px`}></div>`;
        const before = list[n * CHUNK - 1] ?? null,
          active = chunk.some(u => u.index === focus) ? focus : null,
          edited = editing && chunk.some(u => u.index === editing.index) ? editing : null,
          begun = chunk.flatMap(u => titles.get(u.index) ?? []).join('\n');
        return html`<div class="chunk" data-chunk=${n}>
          ${guard([...chunk, before?.speaker, mode, active, edited, n, list.length, begun, state.shown!.speakers], () =>
            repeat(
              chunk,
              u => u.index,
              (u, i) => {
                const previous = i ? chunk[i - 1]! : before;
                return utterance(u, {
                  view: mode,
                  active: u.index === active,
                  chapter: titles.get(u.index) ?? null,
                  last: n * CHUNK + i === list.length - 1,
                  turn: u.speaker !== null && u.speaker !== (previous?.speaker ?? null),
                  place: n * CHUNK + i + 1,
                  of: list.length,
                });
              },
            ),
          )}
        </div>`;
      },
    )}
  </section>`;
}
