/** Above the text: what is shown of it, and what can be done with all of it. */
import { html, nothing, type TemplateResult } from 'lit';
import { count, duration } from '../format.ts';
import type { TranscriptShown, UtteranceView } from '../messages.ts';
import { t } from '../page.ts';
import { accept, revert } from './editing.ts';
import { closeFind, openFind } from './find-bar.ts';
import { findState } from './find.ts';
import { openSheet, stepDoubt, stepRepair } from './keys.ts';
import { overflowing, type Action, type Tool } from './overflow.ts';
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

const iconButton = ({ icon, name, press, pressed }: Action): TemplateResult =>
  html`<button type="button" title=${name} aria-label=${name} aria-pressed=${pressed ?? nothing} @click=${press}>
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
function repairTool(repaired: number): Tool {
  const actions: Action[] = [
    { icon: 'arrow-up', name: t('Previous repair (Shift+R)'), press: () => stepRepair(-1) },
    { icon: 'arrow-down', name: t('Next repair (R)'), press: () => stepRepair(1) },
    ...(state.run
      ? []
      : [
          { icon: 'check-all', name: t('Accept all repairs'), press: () => accept(null) },
          { icon: 'discard', name: t('Revert all repairs'), press: () => revert(null) },
        ]),
  ];
  return {
    id: 'repairs',
    bar: html`<span class="group" role="group" aria-label=${t('Repairs')}>
      <span class="label">${repaired === 1 ? t('one repair') : t('{0} repairs', count(repaired))}</span>
      ${actions.map(iconButton)}
    </span>`,
    actions,
  };
}

function doubtTool(doubts: number): Tool {
  const shown: Action = {
      icon: 'question',
      name: t('Highlight doubtful words (D)'),
      press: () => page.remember({ doubts: !page.remembered.doubts }),
      pressed: page.remembered.doubts,
    },
    steps: Action[] = [
      { icon: 'arrow-up', name: t('Previous doubtful word (Shift+F8)'), press: () => stepDoubt(-1) },
      { icon: 'arrow-down', name: t('Next doubtful word (F8)'), press: () => stepDoubt(1) },
    ];
  return {
    id: 'doubts',
    bar: html`<span class="group" role="group" aria-label=${t('Doubtful words')}
      ><button
        type="button"
        class="label"
        title=${shown.name}
        aria-pressed=${page.remembered.doubts}
        @click=${shown.press}
      >
        ${doubts === 1 ? t('one doubtful word') : t('{0} doubtful words', count(doubts))}</button
      >${steps.map(iconButton)}</span
    >`,
    actions: [shown, ...steps],
  };
}

function viewTool(): Tool {
  const views: { id: View; name: string }[] = [
    { id: 'original', name: t('Original') },
    { id: 'both', name: t('Both') },
    { id: 'translation', name: t('Translation') },
  ];
  const actions = views.map(({ id, name }) => ({
    icon: 'blank',
    name,
    press: () => page.remember({ view: id }),
    pressed: page.remembered.view === id,
  }));
  return {
    id: 'views',
    bar: html`<div class="views" role="group" aria-label=${t('Show')}>
      ${actions.map(
        ({ name, press, pressed }) =>
          html`<button type="button" class="chip" aria-pressed=${pressed ? 'true' : 'false'} @click=${press}>
            ${name}
          </button>`,
      )}
    </div>`,
    actions,
  };
}

/** One button each, so that as many stay as there is room for. */
const iconTool = (action: Action): Tool => ({
  id: action.name,
  bar: html`<span class="group">${iconButton(action)}</span>`,
  actions: [action],
});

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
  let words = 0,
    doubts = 0,
    repaired = 0;
  for (const u of doc.utterances) {
    const found = counts(u);
    words += found.words;
    doubts += found.doubts;
    if (u.original !== null) repaired += u.changes.length;
  }
  const all: Tool[] = [
    ...(doc.translatedTo ? [viewTool()] : []),
    ...(repaired ? [repairTool(repaired)] : []),
    ...(doubts ? [doubtTool(doubts)] : []),
    iconTool({
      icon: 'search',
      name: state.run ? t('Find (Ctrl+F)') : t('Find and replace (Ctrl+F)'),
      press: toggleFind,
      pressed: findState.open,
    }),
    iconTool({ icon: state.copied ? 'check' : 'copy', name: t('Copy the text'), press: () => copyAll(false) }),
    iconTool({ icon: 'list-ordered', name: t('Copy the text with times'), press: () => copyAll(true) }),
    iconTool({ icon: 'keyboard', name: t('Keyboard shortcuts (?)'), press: openSheet }),
    ...(state.run ? [] : [exportTool()]),
  ];
  return html`<div class="tools">
    <span class="about">${doc.name} · ${words === 1 ? t('one word') : t('{0} words', count(words))}</span>
    ${chapterTools()} ${overflowing(all)}
  </div>`;
}

function exportTool(): Tool {
  const action: Action = { icon: 'export', name: t('Export…'), press: () => page.send({ type: 'export' }) };
  return {
    id: 'export',
    bar: html`<button type="button" class="text-button" @click=${action.press}>
      <span class="codicon codicon-${action.icon}" aria-hidden="true"></span>${action.name}
    </button>`,
    actions: [action],
  };
}
