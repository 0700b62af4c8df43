/** Above the text: what is shown of it, and what can be done with all of it. */
import { html, nothing, type TemplateResult } from 'lit';
import { count, duration } from '../format.ts';
import type { TranscriptShown, UtteranceView } from '../messages.ts';
import { t } from '../page.ts';
import { closeFind, openFind } from './find-bar.ts';
import { findState } from './find.ts';
import { openSheet, stepDoubt, stepRepair } from './keys.ts';
import { goTo, positionMs } from './player.ts';
import { chapterAt, chapters, DOUBTFUL, page, state, wordsOf, type View } from './state.ts';

/** Words of an utterance, and those in doubt: counted once for each of its texts. */
const counted = new WeakMap<UtteranceView, { words: number; doubts: number }>();
function counts(u: UtteranceView): { words: number; doubts: number } {
  let found = counted.get(u);
  if (!found) {
    const words = wordsOf(u);
    found = { words: words.length, doubts: words.filter(w => w.sure !== null && w.sure < DOUBTFUL).length };
    counted.set(u, found);
  }
  return found;
}

const iconButton = (icon: string, title: string, press: () => void, pressed?: boolean): TemplateResult =>
  html`<button type="button" title=${title} aria-label=${title} aria-pressed=${pressed ?? nothing} @click=${press}>
    <span class="codicon codicon-${icon}" aria-hidden="true"></span>
  </button>`;

let copiedTimer: ReturnType<typeof setTimeout> | undefined;
const COPIED_MS = 2000;
/** Says so for a moment, where nothing else can be seen of it. */
export function showCopied(): void {
  state.copied = true;
  page.paint();
  clearTimeout(copiedTimer);
  copiedTimer = setTimeout(() => {
    state.copied = false;
    page.paint();
  }, COPIED_MS);
}

function copyAll(times: boolean): void {
  page.send({ type: 'copy', indexes: null, times });
  showCopied();
}

/** What the repair changed and nobody has judged: gone through, kept, or taken back. */
function repairTools(repaired: number): TemplateResult | typeof nothing {
  if (!repaired) return nothing;
  const accept = (): void => page.send({ type: 'accept', index: null }),
    reject = (): void => page.send({ type: 'takeAllBack' });
  return html`<span class="group" role="group" aria-label=${t('Repairs')}>
    <span class="label">${repaired === 1 ? t('one repair') : t('{0} repairs', count(repaired))}</span>
    ${iconButton('arrow-up', t('Previous repair (Shift+R)'), () => stepRepair(-1))}
    ${iconButton('arrow-down', t('Next repair (R)'), () => stepRepair(1))}
    ${
      state.run
        ? nothing
        : html`${iconButton('check-all', t('Accept all repairs'), accept)}
          ${iconButton('discard', t('Revert all repairs'), reject)}`
    }
  </span>`;
}

function doubtTools(doubts: number): TemplateResult | typeof nothing {
  return doubts
    ? html`<span class="group" role="group" aria-label=${t('Doubtful words')}
        ><button
          type="button"
          class="label"
          title=${t('Highlight doubtful words (D)')}
          aria-pressed=${page.remembered.doubts}
          @click=${() => page.remember({ doubts: !page.remembered.doubts })}
        >
          ${doubts === 1 ? t('one doubtful word') : t('{0} doubtful words', count(doubts))}</button
        >${iconButton('arrow-up', t('Previous doubtful word (Shift+F8)'), () => stepDoubt(-1))}${iconButton(
          'arrow-down',
          t('Next doubtful word (F8)'),
          () => stepDoubt(1),
        )}</span
      >`
    : nothing;
}

/** Where it plays, and a jump to anywhere else. */
function chapterTools(): TemplateResult | typeof nothing {
  const all = chapters(),
    now = chapterAt(positionMs());
  if (!all.length) return nothing;
  return html`<select
    id="chapters"
    aria-label=${t('Chapter')}
    title=${t('Go to a chapter')}
    .value=${String(now?.index)}
    @change=${(e: Event) => {
      const chapter = all.find(({ index }) => index === Number((e.target as HTMLSelectElement).value));
      if (chapter) goTo(chapter.index, chapter.startMs);
    }}
  >
    ${all.map(
      ({ index, startMs, title }) =>
        html`<option value=${index} ?selected=${index === now?.index}>${duration(startMs)} ${title}</option>`,
    )}
  </select>`;
}

const toggleFind = (): void => (findState.open ? closeFind() : openFind(false));

export function tools(doc: TranscriptShown): TemplateResult {
  const views: { id: View; name: string }[] = [
    { id: 'original', name: t('Original') },
    { id: 'both', name: t('Both') },
    { id: 'translation', name: t('Translation') },
  ];
  const finds = state.run ? t('Find (Ctrl+F)') : t('Find and replace (Ctrl+F)');
  let words = 0,
    doubts = 0,
    repaired = 0;
  for (const u of doc.utterances) {
    const found = counts(u);
    words += found.words;
    doubts += found.doubts;
    if (u.original !== null) repaired += u.changes.length;
  }
  return html`<div class="tools">
    <span class="about">${doc.name} · ${words === 1 ? t('one word') : t('{0} words', count(words))}</span>
    ${
      doc.translatedTo
        ? html`<div class="views" role="group" aria-label=${t('Show')}>
            ${views.map(
              v =>
                html`<button
                  type="button"
                  class="chip"
                  aria-pressed=${page.remembered.view === v.id ? 'true' : 'false'}
                  @click=${() => page.remember({ view: v.id })}
                >
                  ${v.name}
                </button>`,
            )}
          </div>`
        : nothing
    }
    ${chapterTools()} ${repairTools(repaired)} ${doubtTools(doubts)}
    <span class="group">
      ${iconButton('search', finds, toggleFind, findState.open)}
      ${iconButton(state.copied ? 'check' : 'copy', t('Copy the text'), () => copyAll(false))}
      ${iconButton('list-ordered', t('Copy the text with times'), () => copyAll(true))}
      ${iconButton('keyboard', t('Keyboard shortcuts (?)'), openSheet)}
    </span>
    ${
      state.run
        ? nothing
        : html`<button type="button" class="text-button" @click=${() => page.send({ type: 'export' })}>
            <span class="codicon codicon-export" aria-hidden="true"></span>${t('Export…')}
          </button>`
    }
  </div>`;
}
