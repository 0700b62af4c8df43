/** One utterance: its time, who speaks, its texts, and what the repair changed. */
import { html, nothing, type TemplateResult } from 'lit';
import { duration } from '../format.ts';
import type { UtteranceView } from '../messages.ts';
import { t } from '../page.ts';
import { endEdit, fit, onEditKey, startEdit } from './editing.ts';
import { seek } from './player.ts';
import { chip, hue, shownName } from './speakers.ts';
import { page, state, wordId, wordsOf, type Field, type View } from './state.ts';

const textOf = (u: UtteranceView): TemplateResult =>
  html`${wordsOf(u).map((word, k) => html`<span id=${wordId(u.index, k)}>${word.text}</span>`)}`;

/** A click on a word plays from it. */
function onText(event: MouseEvent): void {
  const id = (event.target as HTMLElement).id,
    word = state.words.find(w => w.id === id);
  if (word && !String(getSelection())) seek(word.startMs, true);
}

function field(u: UtteranceView, name: Field): TemplateResult {
  const value = name === 'text' ? u.text : (u.translation ?? ''),
    label =
      name === 'text'
        ? t('Text of the utterance at {0}', duration(u.startMs))
        : t('Translation of the utterance at {0}', duration(u.startMs));
  if (state.editing?.index === u.index && state.editing.field === name)
    return html`<textarea
      dir="auto"
      aria-label=${label}
      .value=${value}
      @keydown=${onEditKey}
      @blur=${() => endEdit(true)}
      @input=${(e: Event) => fit(e.target as HTMLTextAreaElement)}
    ></textarea>`;
  return html`<p
    class=${name}
    dir="auto"
    @dblclick=${() => startEdit(u.index, name)}
    @click=${name === 'text' ? onText : nothing}
  >
    ${
      u.failed && !value ? html`<em title=${u.failed}>${t('not understood')}</em>` : name === 'text' ? textOf(u) : value
    }
  </p>`;
}

const repairs = (u: UtteranceView): TemplateResult | typeof nothing =>
  u.original === null || !u.changes.length
    ? nothing
    : html` <ul class="repairs">
        ${u.changes.map(
          (c, i) =>
            html`<li>
              <del>${c.before || '∅'}</del><span class="codicon codicon-arrow-small-right" aria-hidden="true"></span
              ><ins>${c.after || '∅'}</ins>
              <button
                type="button"
                title=${t('Take the original back')}
                aria-label=${`${t('Take the original back')}: ${c.before}`}
                @click=${() => page.send({ type: 'takeBack', index: u.index, change: i })}
              >
                <span class="codicon codicon-discard"></span>
              </button>
            </li>`,
        )}
        <li>
          <button type="button" class="text-button" @click=${() => page.send({ type: 'accept', index: u.index })}>
            <span class="codicon codicon-check-all" aria-hidden="true"></span>${t('Keep the repair')}
          </button>
        </li>
      </ul>`;

/** `turn`: somebody begins to speak here; what follows until somebody else does reads as one. */
export const utterance = (
  u: UtteranceView,
  both: View,
  active: boolean,
  last: boolean,
  turn: boolean,
): TemplateResult =>
  html` <article
    id=${`u${u.index}`}
    class="utterance ${u.speaker === null ? '' : `spoken ${hue(u.speaker)} ${turn ? 'turn' : 'goes-on'}`}"
    tabindex=${active ? 0 : -1}
    aria-label=${`${u.speaker === null ? '' : `${shownName(u.speaker)}, `}${duration(u.startMs)} ${u.text}`}
    @focus=${() => {
      if (page.remembered.at !== u.index) page.remember({ at: u.index });
    }}
  >
    <button
      type="button"
      class="stamp"
      tabindex="-1"
      aria-label=${t('Play from {0}', duration(u.startMs))}
      @click=${() => seek(u.startMs, true)}
    >
      ${duration(u.startMs)}
    </button>
    <div class="said">
      ${turn ? chip(u, active) : nothing}
      <div class="texts ${both}">
        ${
          both === 'translation' && u.translation !== null ? nothing : html`<div>${field(u, 'text')}${repairs(u)}</div>`
        }
        ${
          both !== 'original' && u.translation !== null
            ? html`<div class="translated" lang=${state.shown?.translatedTo ?? nothing}>
                ${field(u, 'translation')}
              </div>`
            : nothing
        }
      </div>
    </div>
    <div class="row-actions">
      ${
        turn
          ? nothing
          : html`<button
              type="button"
              tabindex=${active ? 0 : -1}
              title=${t('Who speaks? (S)')}
              aria-label=${t('Who speaks?')}
              @click=${() => page.send({ type: 'speaker', index: u.index })}
            >
              <span class="codicon codicon-account"></span>
            </button>`
      }
      <button
        type="button"
        tabindex=${active ? 0 : -1}
        title=${t('Edit')}
        aria-label=${t('Edit')}
        @click=${() => startEdit(u.index, 'text')}
      >
        <span class="codicon codicon-edit"></span>
      </button>
      ${
        last
          ? nothing
          : html`<button
              type="button"
              tabindex=${active ? 0 : -1}
              title=${t('Merge with the next')}
              aria-label=${t('Merge with the next')}
              @click=${() => page.send({ type: 'merge', index: u.index })}
            >
              <span class="codicon codicon-fold-down"></span>
            </button>`
      }
    </div>
  </article>`;
