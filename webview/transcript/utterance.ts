/** One utterance: its time, who speaks, its texts, what the repair changed, and what somebody noted about it. */
import { html, nothing, type TemplateResult } from 'lit';
import { duration } from '../format.ts';
import type { UtteranceView } from '../messages.ts';
import { t } from '../page.ts';
import { accept, caretAt, endEdit, joinNext, onEditKey, startEdit } from './editing.ts';
import { seek } from './player.ts';
import { chip, hue, shownName } from './speakers.ts';
import { DOUBTFUL, page, state, wordId, wordsOf, type Field, type View } from './state.ts';

/** What a row is shown with beside its utterance. */
export interface RowView {
  view: View;
  /** The Tab key reaches it. */
  active: boolean;
  last: boolean;
  /** A chapter begins here, and is called so. */
  chapter: string | null;
  /** Somebody begins to speak here; what follows until somebody else does reads as one. */
  turn: boolean;
  /** From 1. */
  place: number;
  of: number;
}

/** The blank before a word is no part of what lights up. */
const textOf = (u: UtteranceView): TemplateResult =>
  html`${wordsOf(u).map(({ text, sure }, k) => {
    const word = text.trimStart();
    return html`${text.slice(0, text.length - word.length)}<span
        id=${wordId(u.index, k)}
        class=${sure !== null && sure < DOUBTFUL ? 'doubt' : nothing}
        >${word}</span
      >`;
  })}`;

/** The word under the pointer. */
function wordAt(event: MouseEvent, u: UtteranceView): { startMs: number } | undefined {
  const k = /^w\d+-(\d+)$/.exec((event.target as HTMLElement).id)?.[1];
  return k === undefined ? undefined : wordsOf(u)[Number(k)];
}

/**
 * A click puts the cursor into the text, and the sound at the word: from there it plays on. With Ctrl (⌘) it plays and
 * nothing is edited. What is selected is for copying.
 */
function onText(event: MouseEvent, u: UtteranceView, field: Field): void {
  if (String(getSelection())) return;
  const word = field === 'text' ? wordAt(event, u) : undefined;
  if (event.ctrlKey || event.metaKey) return seek((word ?? u).startMs, true);
  const caret = caretAt(event.currentTarget as HTMLElement, event.clientX, event.clientY);
  if (word) seek(word.startMs);
  startEdit(u.index, field, caret);
}

const editor = (value: string, label: string): TemplateResult =>
  html`<textarea
    dir="auto"
    rows="1"
    aria-label=${label}
    .value=${value}
    @keydown=${onEditKey}
    @blur=${() => endEdit(true, false)}
  ></textarea>`;

function field(u: UtteranceView, name: 'text' | 'translation'): TemplateResult {
  const value = name === 'text' ? u.text : (u.translation ?? ''),
    label =
      name === 'text'
        ? t('Text of the utterance at {0}', duration(u.startMs))
        : t('Translation of the utterance at {0}', duration(u.startMs));
  if (state.editing?.index === u.index && state.editing.field === name) return editor(value, label);
  return html`<p class=${name} dir="auto" @click=${(e: MouseEvent) => onText(e, u, name)}>
    ${
      u.failed && !value
        ? html`<em title=${u.failed}>${t('not understood')}</em>`
        : !value
          ? html`<em class="empty-text">${t('empty')}</em>`
          : name === 'text'
            ? textOf(u)
            : value
    }
  </p>`;
}

function comment(u: UtteranceView): TemplateResult | typeof nothing {
  const edited = state.editing?.index === u.index && state.editing.field === 'comment';
  if (u.comment === null && !edited) return nothing;
  return html`<div class="comment">
    <span class="codicon codicon-comment" aria-hidden="true"></span>
    ${
      edited
        ? editor(u.comment ?? '', t('Comment on the utterance at {0}', duration(u.startMs)))
        : html`<button
            type="button"
            dir="auto"
            title=${t('Edit the comment (C)')}
            .textContent=${u.comment}
            @click=${() => startEdit(u.index, 'comment')}
          ></button>`
    }
  </div>`;
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
                ?hidden=${state.run !== null}
                title=${t('Revert to the original')}
                aria-label=${`${t('Revert to the original')}: ${c.before}`}
                @click=${() => page.send({ type: 'takeBack', index: u.index, change: i })}
              >
                <span class="codicon codicon-discard"></span>
              </button>
            </li>`,
        )}
        <li ?hidden=${state.run !== null}>
          <button type="button" class="text-button" @click=${() => accept(u.index)}>
            <span class="codicon codicon-check-all" aria-hidden="true"></span>${t('Accept the repair')}
          </button>
        </li>
      </ul>`;

const rowButton = (icon: string, name: string, key: string, active: boolean, press: () => void): TemplateResult =>
  html`<button type="button" tabindex=${active ? 0 : -1} title=${`${name} (${key})`} aria-label=${name} @click=${press}>
    <span class="codicon codicon-${icon}"></span>
  </button>`;

function classesOf(u: UtteranceView, turn: boolean): string {
  const spoken = u.speaker === null ? '' : `spoken ${hue(u.speaker)} ${turn ? 'turn' : 'goes-on'}`;
  return `utterance ${spoken} ${state.editing?.index === u.index ? 'typed' : ''}`;
}

export const utterance = (
  u: UtteranceView,
  { view, active, last, chapter, turn, place, of }: RowView,
): TemplateResult =>
  html` <article
    id=${`u${u.index}`}
    class=${classesOf(u, turn)}
    tabindex=${active ? 0 : -1}
    aria-posinset=${place}
    aria-setsize=${of}
    aria-label=${`${u.speaker === null ? '' : `${shownName(u.speaker)}, `}${duration(u.startMs)} ${u.text}`}
    data-vscode-context=${JSON.stringify({
      webviewSection: 'utterance',
      utterance: u.index,
      repaired: u.original !== null && u.changes.length > 0,
    })}
    @focus=${() => {
      page.send({ type: 'focus', index: u.index });
      if (page.remembered.at !== u.index) page.remember({ at: u.index });
    }}
  >
    <button
      type="button"
      class="stamp"
      tabindex="-1"
      title=${t('Play from here (P)')}
      aria-label=${t('Play from {0}', duration(u.startMs))}
      @click=${() => seek(u.startMs, true)}
    >
      ${duration(u.startMs)}
    </button>
    <div class="said">
      ${chapter === null ? nothing : html`<h2 class="chapter" dir="auto">${chapter}</h2>`}
      ${turn ? chip(u, active) : nothing}
      <div class="texts ${view}">
        ${
          view === 'translation' && u.translation !== null ? nothing : html`<div>${field(u, 'text')}${repairs(u)}</div>`
        }
        ${
          view !== 'original' && u.translation !== null
            ? html`<div class="translated" lang=${state.shown?.translatedTo ?? nothing}>
                ${field(u, 'translation')}
              </div>`
            : nothing
        }
      </div>
      ${comment(u)}
    </div>
    <div class="row-actions" ?hidden=${state.run !== null}>
      ${
        turn
          ? nothing
          : rowButton('account', t('Who speaks?'), 'S', active, () => page.send({ type: 'speaker', index: u.index }))
      }
      ${rowButton('edit', t('Edit'), 'Enter', active, () => startEdit(u.index, 'text'))}
      ${rowButton('comment', t('Comment'), 'C', active, () => startEdit(u.index, 'comment'))}
      ${last ? nothing : rowButton('fold-down', t('Merge with the next'), 'M', active, () => joinNext(u.index))}
    </div>
  </article>`;
