/**
 * One text at a time, where it stands, as in any editor: a click puts the cursor there. Enter keeps it, Escape leaves
 * it as it was; at its ends it joins its neighbours, and it can be parted at the cursor.
 */
import type { UtteranceView } from '../messages.ts';
import { toggle } from './player.ts';
import { focusRow, rowOf } from './list.ts';
import { listed, page, patch, relist, state, utteranceOf, type Field } from './state.ts';

const area = (): HTMLTextAreaElement | null => document.querySelector('.utterance textarea');
const valueOf = (u: UtteranceView, field: Field): string =>
  (field === 'text' ? u.text : field === 'translation' ? u.translation : u.comment) ?? '';

/** `caret`: UTF-16 units from the beginning, or Infinity for the end. */
export function startEdit(index: number, field: Field, caret = Infinity): void {
  if (state.editing) endEdit(true, false);
  if (state.run || !rowOf(index)) return;
  page.remember({ at: index });
  state.editing = { index, field, caret };
  page.paintNow();
  const box = area();
  if (!box) return;
  box.focus({ preventScroll: true });
  box.setSelectionRange(Math.min(caret, box.value.length), Math.min(caret, box.value.length));
  box.scrollIntoView({ block: 'nearest' });
}

/** What is typed is kept or not; `back`: the row has the focus then. */
export function endEdit(save: boolean, back = true): void {
  const was = state.editing,
    value = area()?.value.trim() ?? '';
  if (!was) return;
  state.editing = null;
  const u = utteranceOf(was.index);
  if (save && u && value !== valueOf(u, was.field)) {
    if (was.field === 'text') patch(was.index, { text: value, changes: [] });
    else if (was.field === 'translation') patch(was.index, { translation: value });
    else patch(was.index, { comment: value || null });
    page.send({ type: was.field, index: was.index, text: value });
  }
  page.paintNow();
  if (back) rowOf(was.index)?.focus({ preventScroll: true });
}

/** Parts the text at the cursor, with what was typed before. */
function splitHere(box: HTMLTextAreaElement, u: UtteranceView): void {
  const lead = box.value.length - box.value.trimStart().length,
    text = box.value.trim();
  state.editing = null;
  splitAt(u, Math.max(0, box.selectionStart - lead), text === u.text ? null : text);
}

/** The second part has the focus, once it is there. */
export function splitAt(u: UtteranceView, at: number, text: string | null = null): void {
  if (state.run) return;
  arriving = { after: u.index, known: new Set(state.places.keys()), edit: false };
  page.send({ type: 'split', index: u.index, at, text });
  page.paint();
}

/** The repair of an utterance stays, or all do. It shows at once; the file follows. */
export function accept(index: number | null): void {
  if (state.run || !state.shown) return;
  relist(
    state.shown.utterances.map(u =>
      u.changes.length > 0 && (index === null || u.index === index) ? { ...u, changes: [] } : u,
    ),
  );
  page.send({ type: 'accept', index });
  page.paint();
}

/** The same for going back to what was recognized. */
export function revert(index: number | null): void {
  if (state.run || !state.shown) return;
  relist(
    state.shown.utterances.map(u =>
      u.original !== null && (index === null ? u.changes.length > 0 : u.index === index)
        ? { ...u, text: u.original, original: null, changes: [] }
        : u,
    ),
  );
  page.send(index === null ? { type: 'takeAllBack' } : { type: 'takeBack', index, change: null });
  page.paint();
}

export function insertAfter(index: number): void {
  if (state.run) return;
  arriving = { after: index, known: new Set(state.places.keys()), edit: true };
  page.send({ type: 'insert', index });
}

/** An utterance that was asked for; its number is known when it comes. */
let arriving: { after: number; known: ReadonlySet<number>; edit: boolean } | null = null;
export function onArrival(): void {
  const wanted = arriving,
    place = wanted === null ? undefined : state.places.get(wanted.after);
  if (!wanted || place === undefined) return;
  const next = state.shown?.utterances[place + 1];
  if (!next || wanted.known.has(next.index)) return;
  arriving = null;
  if (wanted.edit) startEdit(next.index, 'text');
  else focusRow(next.index);
}

/** To the next or previous text, its cursor at the end that is nearer. */
function move(by: 1 | -1): void {
  const was = state.editing!,
    list = listed(),
    to = list[list.findIndex(u => u.index === was.index) + by];
  endEdit(true, !to);
  if (to) startEdit(to.index, was.field, by > 0 ? 0 : Infinity);
}

/** Joins an utterance with the next one. */
export function joinNext(index: number): void {
  const list = state.shown?.utterances ?? [],
    next = list[(state.places.get(index) ?? list.length) + 1];
  if (!next || state.run) return;
  const u = list[state.places.get(index)!]!,
    join = (a: string | null, b: string | null): string => [a, b].filter(Boolean).join(' ');
  relist(
    list
      .filter(each => each.index !== next.index)
      .map(each =>
        each.index === index
          ? {
              ...u,
              endMs: Math.max(u.endMs, next.endMs),
              text: join(u.text, next.text),
              translation:
                u.translation === null && next.translation === null ? null : join(u.translation, next.translation),
              heard: [...u.heard, ...next.heard],
            }
          : each,
      ),
  );
  page.send({ type: 'merge', index });
  page.paint();
}

export function removeRow(index: number): void {
  if (state.run) return;
  const list = listed(),
    at = list.findIndex(each => each.index === index),
    next = list[at + 1] ?? list[at - 1];
  relist(state.shown!.utterances.filter(each => each.index !== index));
  page.send({ type: 'remove', index });
  if (next) focusRow(next.index);
}

export function onEditKey(event: KeyboardEvent): void {
  event.stopPropagation();
  const box = event.target as HTMLTextAreaElement,
    was = state.editing,
    u = was && utteranceOf(was.index);
  if (!was || !u || event.isComposing) return;
  const command = event.ctrlKey || event.metaKey,
    start = box.selectionStart === 0 && box.selectionEnd === 0,
    end = box.selectionStart === box.value.length && box.selectionEnd === box.value.length;
  const done = (what: () => void): void => {
    event.preventDefault();
    what();
  };
  const join = (index: number): void => {
    endEdit(true);
    joinNext(index);
  };
  if (event.key === 'Escape') done(() => endEdit(false));
  else if (event.key === 'Enter' && command && was.field === 'text') done(() => splitHere(box, u));
  else if (event.key === 'Enter' && !event.shiftKey) done(() => endEdit(true));
  else if (event.key === ' ' && event.ctrlKey) done(toggle);
  else if (event.key === 'Tab' && was.field !== 'comment') done(() => move(event.shiftKey ? -1 : 1));
  else if (event.key === 'ArrowUp' && start) done(() => move(-1));
  else if (event.key === 'ArrowDown' && end) done(() => move(1));
  else if (event.key === 'Backspace' && start && was.field === 'text') {
    const before = state.shown!.utterances[state.places.get(u.index)! - 1];
    if (before)
      done(() => {
        join(before.index);
        focusRow(before.index);
      });
  } else if (event.key === 'Delete' && end && was.field === 'text') done(() => join(u.index));
}

/** The place in a text that was clicked, UTF-16 units from its beginning. */
export function caretAt(paragraph: HTMLElement, x: number, y: number): number {
  const range = document.caretRangeFromPoint(x, y);
  if (!range || !paragraph.contains(range.startContainer)) return Infinity;
  const before = document.createRange();
  before.setStart(paragraph, 0);
  before.setEnd(range.startContainer, range.startOffset);
  // The template's own line ends around the text do not count.
  return before.toString().replace(/^\n\s*/, '').length;
}
