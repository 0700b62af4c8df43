/** The bar that finds and replaces, laid out as the editor's own. */
import { html, nothing, type TemplateResult } from 'lit';
import { repeat } from 'lit/directives/repeat.js';
import { count, duration } from '../format.ts';
import { t } from '../page.ts';
import { findState, previews, search, searchAnew, step, toReplace, type Hit } from './find.ts';
import { focusRow } from './list.ts';
import { page, state, utteranceOf } from './state.ts';

const MOST_PREVIEWS = 100;
/** So much of a text stands before a hit in the preview, UTF-16 units. */
const BEFORE = 40;

export function openFind(replacing: boolean): void {
  const selected = String(getSelection()).trim();
  findState.open = true;
  findState.replacing ||= replacing && !state.run;
  if (selected && !selected.includes('\n')) findState.find = selected;
  search();
  page.paintNow();
  const input = document.querySelector<HTMLInputElement>('.find input');
  input?.focus();
  input?.select();
}

export function closeFind(): void {
  findState.open = false;
  const at = findState.hits[findState.at]?.index ?? page.remembered.at;
  search();
  page.paintNow();
  if (utteranceOf(at)) focusRow(at);
}

function replace(): void {
  const { find, replacement, matchCase, wholeWord, except } = findState;
  if (toReplace().length) page.send({ type: 'replace', find, replacement, matchCase, wholeWord, except: [...except] });
}

function onKey(event: KeyboardEvent): void {
  const inReplacement = (event.target as HTMLElement).classList.contains('replacement');
  if (event.key === 'Escape') closeFind();
  else if (event.key === 'Enter' && !event.isComposing && (event.target as HTMLElement).tagName === 'INPUT') {
    if (inReplacement && (event.ctrlKey || event.metaKey)) replace();
    else step(event.shiftKey ? -1 : 1);
  } else return;
  event.preventDefault();
  event.stopPropagation();
}

const option = (icon: string, title: string, pressed: boolean, press: () => void): TemplateResult =>
  html`<button type="button" class="option" title=${title} aria-label=${title} aria-pressed=${pressed} @click=${press}>
    <span class="codicon codicon-${icon}" aria-hidden="true"></span>
  </button>`;
const button = (icon: string, title: string, able: boolean, press: () => void): TemplateResult =>
  html`<button type="button" title=${title} aria-label=${title} ?disabled=${!able} @click=${press}>
    <span class="codicon codicon-${icon}" aria-hidden="true"></span>
  </button>`;

export function findBar(): TemplateResult | typeof nothing {
  if (!findState.open) return nothing;
  const { hits, at, find, replacement, replacing, matchCase, wholeWord } = findState,
    set = (change: Partial<typeof findState>): void => {
      Object.assign(findState, change);
      searchAnew();
    };
  const found = !find
    ? ''
    : !hits.length
      ? t('No results')
      : at < 0
        ? count(hits.length)
        : t('{0} of {1}', count(at + 1), count(hits.length));
  return html`<div class="find" role="search" aria-label=${t('Find')} @keydown=${onKey}>
    <button
      type="button"
      class="unfold"
      ?hidden=${state.run !== null}
      title=${t('Toggle Replace')}
      aria-label=${t('Toggle Replace')}
      aria-expanded=${replacing}
      @click=${() => {
        findState.replacing = !replacing;
        page.paint();
      }}
    >
      <span class="codicon codicon-chevron-${replacing ? 'down' : 'right'}" aria-hidden="true"></span>
    </button>
    <div class="fields">
      <div class="line">
        <span class="field ${find && !hits.length ? 'vain' : ''}"
          ><input
            type="text"
            spellcheck="false"
            aria-label=${t('Find')}
            placeholder=${t('Find')}
            maxlength="200"
            .value=${find}
            @input=${(e: Event) => set({ find: (e.target as HTMLInputElement).value })}
          />${option('case-sensitive', t('Match Case'), matchCase, () => set({ matchCase: !matchCase }))}${option(
            'whole-word',
            t('Match Whole Word'),
            wholeWord,
            () => set({ wholeWord: !wholeWord }),
          )}</span
        >
        <span class="found" role="status">${found}</span>
        ${button('arrow-up', t('Previous Match (Shift+Enter)'), hits.length > 0, () => step(-1))}
        ${button('arrow-down', t('Next Match (Enter)'), hits.length > 0, () => step(1))}
        ${button('close', t('Close (Escape)'), true, closeFind)}
      </div>
      ${
        replacing
          ? html`<div class="line">
                <span class="field"
                  ><input
                    class="replacement"
                    type="text"
                    spellcheck="false"
                    aria-label=${t('Replace with')}
                    placeholder=${t('Replace with')}
                    maxlength="200"
                    .value=${replacement}
                    @input=${(e: Event) => {
                      findState.replacement = (e.target as HTMLInputElement).value;
                      page.paint();
                    }}
                /></span>
                <button
                  type="button"
                  class="primary"
                  title=${t('Replace all that are ticked (Ctrl+Enter)')}
                  ?disabled=${!toReplace().length}
                  @click=${replace}
                >
                  ${t('Replace {0}', count(toReplace().length))}
                </button>
              </div>
              ${preview()}`
          : nothing
      }
    </div>
  </div>`;
}

/** What every text will read once the words in it are replaced; what is not ticked stays. */
function preview(): TemplateResult | typeof nothing {
  const { except, replacement } = findState,
    list = previews(MOST_PREVIEWS),
    all = new Set(findState.hits.map(hit => hit.index)).size;
  if (!list.length) return nothing;
  return html`<ul class="previews" aria-label=${t('Preview')}>
    ${repeat(
      list,
      each => each.index,
      ({ index, text, hits }) =>
        html`<li>
          <label
            ><input
              type="checkbox"
              .checked=${!except.has(index)}
              @change=${() => {
                if (!except.delete(index)) except.add(index);
                page.paint();
              }}
            /><small>${duration(utteranceOf(index)?.startMs ?? 0)}</small
            ><span dir="auto">${replaced(text, hits, replacement)}</span></label
          >
        </li>`,
    )}
    ${all > list.length ? html`<li class="more">${t('and {0} more', count(all - list.length))}</li>` : nothing}
  </ul>`;
}

function replaced(text: string, hits: readonly Hit[], replacement: string): (TemplateResult | string)[] {
  const parts: (TemplateResult | string)[] = [];
  let at = Math.max(0, hits[0]!.from - BEFORE);
  if (at > 0) parts.push('…');
  for (const { from, to } of hits) {
    parts.push(text.slice(at, from), html`<del>${text.slice(from, to)}</del>`);
    if (replacement) parts.push(html`<ins>${replacement}</ins>`);
    at = to;
  }
  return [...parts, text.slice(at)];
}
