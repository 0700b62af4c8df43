/** Who speaks: names, colours, and the keys that give utterances to people. */
import { html, nothing, type TemplateResult } from 'lit';
import { percent } from '../format.ts';
import type { SpeakerView, TranscriptShown, UtteranceView } from '../messages.ts';
import { t } from '../page.ts';
import { forgetHeights } from './list.ts';
import { page, state } from './state.ts';

/**
 * 1 to 9 say who speaks, 0 that nobody is named; with Shift, for the whole turn. The keys count, wherever a keyboard
 * has its digits.
 */
export function assign(u: UtteranceView, digit: number, turn: boolean): void {
  const name = digit === 0 ? null : state.shown!.speakers[digit - 1]?.name;
  if (!state.run && name !== undefined && name !== u.speaker) page.send({ type: 'assign', index: u.index, name, turn });
}

const HUES = 6;
/** The class of a speaker's colour; the seventh begins anew. */
export const hue = (name: string | null): string => {
  const n = state.shown!.speakers.findIndex(each => each.name === name);
  return n < 0 ? '' : `who${n % HUES}`;
};
export const shownName = (name: string): string =>
  state.shown!.speakers.find(each => each.name === name)?.shown ?? name;

/** Who speaks from here on: a click or the key S names, changes or clears. */
export const chip = (u: UtteranceView, active: boolean): TemplateResult =>
  html`<button
    type="button"
    class="speaker ${hue(u.speaker)}"
    tabindex=${active ? 0 : -1}
    title=${state.run ? nothing : t('Rename, change or clear the speaker (S)')}
    ?disabled=${state.run !== null}
    aria-label=${t('Speaker: {0}', shownName(u.speaker!))}
    @click=${() => page.send({ type: 'speaker', index: u.index })}
  >
    <span class="dot" aria-hidden="true"></span><span class="name">${shownName(u.speaker!)}</span>
  </button>`;

const renames = (called: string, n: number): string =>
  n < 9
    ? t(
        'Rename {0} everywhere; press {1} to give an utterance to this speaker, Shift+{1} for a whole turn',
        called,
        n + 1,
      )
    : t('Rename {0} everywhere', called);
const labelOf = (called: string, share: number): string =>
  [`${called} ${percent(share)}`, ...(state.run ? [] : [t('Rename {0} everywhere', called)])].join(': ');

/** Everybody with their share of the talk and the key that assigns them. */
export function people(doc: TranscriptShown): TemplateResult | typeof nothing {
  if (!doc.speakers.length) return nothing;
  const spoken = (name: string): number =>
      doc.utterances.reduce((sum, u) => sum + (u.speaker === name ? u.endMs - u.startMs : 0), 0),
    whole = Math.max(
      1,
      doc.speakers.reduce((sum, { name }) => sum + spoken(name), 0),
    );
  const { only } = page.remembered;
  return html`<div class="people" role="group" aria-label=${t('Speakers')}>
    ${doc.speakers.map(
      ({ name, shown: called }: SpeakerView, n) =>
        html`<span class="person ${only === name ? 'only' : ''}"
          ><button
            type="button"
            class="speaker ${hue(name)}"
            ?disabled=${state.run !== null}
            title=${state.run ? nothing : renames(called, n)}
            aria-label=${labelOf(called, spoken(name) / whole)}
            @click=${() => page.send({ type: 'speakerEverywhere', name })}
          >
            <span class="dot" aria-hidden="true"></span><span class="name">${called}</span>
            <small>${percent(spoken(name) / whole)}</small></button
          ><button
            type="button"
            class="filter"
            title=${t('Show only {0}', called)}
            aria-label=${t('Show only {0}', called)}
            aria-pressed=${only === name}
            @click=${() => {
              forgetHeights();
              page.remember({ only: only === name ? null : name });
            }}
          >
            <span
              class="codicon codicon-${only === name ? 'filter-filled' : 'filter'}"
              aria-hidden="true"
            ></span></button
        ></span>`,
    )}
  </div>`;
}
