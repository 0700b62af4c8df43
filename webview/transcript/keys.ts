/** The keyboard, where nothing is being typed; and the sheet that lists it. */
import { html, type TemplateResult } from 'lit';
import type { UtteranceView } from '../messages.ts';
import { t } from '../page.ts';
import { accept, insertAfter, joinNext, removeRow, revert, splitAt, startEdit } from './editing.ts';
import { openFind } from './find-bar.ts';
import { findState, step } from './find.ts';
import { focusRow } from './list.ts';
import { faster, following, here, positionMs, seek, setLoop, stepWord, toggle } from './player.ts';
import { assign } from './speakers.ts';
import { DOUBTFUL, listed, page, state, wordsOf } from './state.ts';
import { zoom, zoomTo } from './timeline.ts';

/** Something is being typed, here or in a component's inside. */
const typing = (event: KeyboardEvent): boolean =>
  event.isComposing ||
  event
    .composedPath()
    .some(
      each =>
        each instanceof HTMLElement &&
        (each.isContentEditable ||
          /^(TEXTAREA|SELECT)$/.test(each.tagName) ||
          (each instanceof HTMLInputElement && !/^(checkbox|radio|button)$/.test(each.type))),
    );

/** The utterance that a key acts on: the one in focus, else the one that plays. */
function subject(target: HTMLElement): UtteranceView | undefined {
  const row = target.closest<HTMLElement>('.utterance');
  return row ? state.shown?.utterances[state.places.get(Number(row.id.slice(1))) ?? -1] : undefined;
}

export function stepRepair(by: 1 | -1): void {
  stepTo(by, u => u.original !== null && u.changes.length > 0);
}

function stepTo(by: 1 | -1, wanted: (u: UtteranceView) => boolean): void {
  const list = listed(),
    at = list.findIndex(u => u.index === page.remembered.at);
  for (let n = 1; n <= list.length; n++) {
    const u = list[(at + by * n + list.length * 2) % list.length]!;
    if (wanted(u)) return focusRow(u.index);
  }
}

/** The next word that the recognizer was not sure of, from where it plays on: it lights up, ready to be played. */
export function stepDoubt(by: 1 | -1): void {
  const at = here(),
    list = listed();
  if (!list.length) return;
  if (!page.remembered.doubts) page.remember({ doubts: true });
  const from = Math.max(0, at ? list.findIndex(u => u.index === at.u.index) : 0);
  for (let n = 0; n <= list.length; n++) {
    const u = list[(from + by * n + list.length * 2) % list.length]!,
      words = wordsOf(u),
      same = n === 0 && at?.u.index === u.index;
    const found = words
      .map((word, k) => ({ word, k }))
      .filter(({ word, k }) => word.sure !== null && word.sure < DOUBTFUL && (!same || (k - at.k) * by > 0))
      .at(by > 0 ? 0 : -1);
    if (!found) continue;
    focusRow(u.index);
    return seek(found.word.startMs);
  }
}

export function loopHere(whole: boolean): void {
  if (state.loop) return setLoop(null);
  const at = here();
  if (!at) return;
  const { startMs, endMs } = whole || !at.word ? at.u : at.word;
  setLoop({ startMs, endMs: Math.max(endMs, startMs + 200) });
}

/** Where the sound is, in the text: the place before the word. */
export function splitAtSound(u: UtteranceView): void {
  const at = here(),
    words = wordsOf(u);
  if (at?.u.index !== u.index) return;
  splitAt(
    u,
    words.slice(0, at.k).reduce((sum, word) => sum + word.text.length, 0),
  );
}

function commandKey(event: KeyboardEvent, u: UtteranceView | undefined): (() => void) | undefined {
  switch (event.key) {
    case 'f':
      return () => openFind(false);
    case 'h':
      return () => openFind(true);
    case 'ArrowRight':
      return () => stepWord(1);
    case 'ArrowLeft':
      return () => stepWord(-1);
    case 'Enter':
      return u && (() => splitAtSound(u));
    case 'Delete':
    case 'Backspace':
      return u && (() => removeRow(u.index));
    default:
      return undefined;
  }
}

export function onKey(event: KeyboardEvent): void {
  const target = event.target as HTMLElement;
  if (!state.shown) return;
  // Also from within the fields of the bar.
  if (event.key === 'F3' && findState.open) {
    event.preventDefault();
    return step(event.shiftKey ? -1 : 1);
  }
  const command = (event.ctrlKey || event.metaKey) && !event.altKey;
  if (command && /^[fh]$/.test(event.key)) {
    event.preventDefault();
    return openFind(event.key === 'h');
  }
  if (event.key === 'F8') {
    event.preventDefault();
    return stepDoubt(event.shiftKey ? -1 : 1);
  }
  if (typing(event) || event.altKey) return;
  const list = listed(),
    u = subject(target),
    i = u ? list.indexOf(u) : list.findIndex(each => each.index === page.remembered.at);
  const go = (k: number): void => {
    const to = list[Math.max(0, Math.min(list.length - 1, k))];
    if (to) focusRow(to.index);
  };
  const onButton = /^(BUTTON|LABEL|INPUT)$/.test(target.tagName) || target.closest('dialog') !== null,
    digit = /^Digit(\d)$/.exec(event.code)?.[1] ?? /^\d$/.exec(event.key)?.[0];
  const keys: Record<string, (() => void) | undefined> = {
    ' ': onButton ? undefined : toggle,
    ArrowDown: () => go(u ? i + 1 : Math.max(0, i)),
    ArrowUp: () => go(u ? i - 1 : Math.max(0, i)),
    Home: () => go(0),
    End: () => go(list.length - 1),
    ArrowLeft: () => seek(positionMs() - (event.shiftKey ? 1000 : 5000)),
    ArrowRight: () => seek(positionMs() + (event.shiftKey ? 1000 : 5000)),
    '[': () => faster(-1),
    ']': () => faster(1),
    '+': () => zoom(0.5),
    '=': () => zoom(0.5),
    '-': () => zoom(2),
    '?': openSheet,
    f: () => openFind(false),
    g: () => following(!page.remembered.follow),
    l: () => loopHere(true),
    L: () => loopHere(false),
    d: () => page.remember({ doubts: !page.remembered.doubts }),
    r: () => stepRepair(1),
    R: () => stepRepair(-1),
    ...(u && !onButton
      ? {
          Enter: () => startEdit(u.index, 'text'),
          t: () => {
            if (state.shown?.translatedTo) startEdit(u.index, 'translation');
          },
          c: () => startEdit(u.index, 'comment'),
          p: () => seek(u.startMs, true),
          m: () => joinNext(u.index),
          i: () => insertAfter(u.index),
          z: () => zoomTo(u.startMs, u.endMs),
          ...(state.run
            ? {}
            : {
                s: () => page.send({ type: 'speaker', index: u.index }),
                a: () => accept(u.index),
                Delete: () => {
                  if (u.original !== null) revert(u.index);
                },
              }),
        }
      : {}),
  };
  const does = command
    ? onButton
      ? undefined
      : commandKey(event, u)
    : event.ctrlKey || event.metaKey
      ? undefined
      : u && !onButton && digit
        ? () => assign(u, Number(digit), event.shiftKey)
        : keys[event.key];
  if (!does) return;
  event.preventDefault();
  does();
}

export const openSheet = (): void => document.querySelector<HTMLDialogElement>('dialog.sheet')?.showModal();

const mac = /Mac/.test(navigator.platform);
const ctrl = mac ? '⌘' : 'Ctrl';

/** Every shortcut, by what one is doing. */
export function sheet(): TemplateResult {
  const groups: { title: string; keys: [string, string][] }[] = [
    {
      title: t('Play'),
      keys: [
        ['Space', t('Play or pause')],
        [`${ctrl}+Space`, t('Play or pause while typing')],
        ['← →', t('5 seconds back or on (with Shift: one)')],
        [`${ctrl}+← →`, t('Previous or next word')],
        ['P', t('Play from this utterance')],
        [t('{0}+click', ctrl), t('Play from a word')],
        ['[ ]', t('Slower, faster')],
        ['L, Shift+L', t('Loop the utterance, the word')],
        ['G', t('The text follows the sound')],
        ['+ −', t('Zoom the waveform')],
        ['Z', t('Zoom to the utterance')],
      ],
    },
    {
      title: t('Edit'),
      keys: [
        ['Enter', t('Edit the text; keep it')],
        ['T', t('Edit the translation')],
        [`${ctrl}+Enter`, t('Split at the cursor, or where it plays')],
        ['M', t('Merge with the next')],
        ['I', t('Insert an utterance')],
        [`${ctrl}+Delete`, t('Delete the utterance')],
        ['C', t('Comment')],
        [`${ctrl}+Z`, t('Undo')],
      ],
    },
    {
      title: t('Review'),
      keys: [
        ['↑ ↓', t('Previous or next utterance')],
        ['F8, Shift+F8', t('Next or previous doubtful word')],
        ['D', t('Highlight doubtful words')],
        ['R, Shift+R', t('Next or previous repair')],
        ['A', t('Accept the repair')],
        ['Delete', t('Revert to the original')],
      ],
    },
    {
      title: t('Find and speakers'),
      keys: [
        [`${ctrl}+F`, t('Find')],
        [`${ctrl}+H`, t('Replace')],
        ['F3, Shift+F3', t('Next or previous match')],
        ['S', t('Who speaks?')],
        ['1 … 9, 0', t('Give the utterance to a speaker, to nobody (with Shift: the whole turn)')],
        ['?', t('Keyboard shortcuts')],
      ],
    },
  ];
  return html`<dialog
    class="sheet"
    aria-labelledby="sheet-title"
    @click=${(e: MouseEvent) => {
      if (e.target === e.currentTarget) (e.currentTarget as HTMLDialogElement).close();
    }}
  >
    <div class="sheet-head">
      <h2 id="sheet-title">${t('Keyboard shortcuts')}</h2>
      <button
        type="button"
        title=${t('Close (Escape)')}
        aria-label=${t('Close (Escape)')}
        @click=${(e: Event) => (e.target as HTMLElement).closest('dialog')?.close()}
      >
        <span class="codicon codicon-close" aria-hidden="true"></span>
      </button>
    </div>
    <div class="groups">
      ${groups.map(
        ({ title, keys }) =>
          html`<section>
            <h3>${title}</h3>
            <dl>
              ${keys.map(
                ([key, what]) =>
                  html`<div>
                    <dt><kbd>${key}</kbd></dt>
                    <dd>${what}</dd>
                  </div>`,
              )}
            </dl>
          </section>`,
      )}
    </div>
  </dialog>`;
}
