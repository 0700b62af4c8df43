/** One text at a time under the cursor: Enter saves it, Escape leaves it as it was. */
import { page, state, type Field } from './state.ts';

export function startEdit(index: number, field: Field): void {
  state.editing = { index, field };
  page.paintNow();
  const area = document.querySelector<HTMLTextAreaElement>('textarea');
  area?.focus();
  if (area) fit(area);
}

export const fit = (area: HTMLTextAreaElement): void => {
  area.style.height = 'auto';
  area.style.height = `${area.scrollHeight + 2}px`;
};

export function endEdit(save: boolean): void {
  const area = document.querySelector<HTMLTextAreaElement>('textarea'),
    was = state.editing;
  if (!was) return;
  state.editing = null;
  const u = state.shown?.utterances.find(one => one.index === was.index),
    value = area?.value.trim() ?? '';
  if (save && u && value !== (was.field === 'text' ? u.text : (u.translation ?? '')))
    page.send({ type: was.field, index: was.index, text: value });
  page.paintNow();
  document.getElementById(`u${was.index}`)?.focus();
}

export function onEditKey(event: KeyboardEvent): void {
  event.stopPropagation();
  if (event.key === 'Escape') {
    event.preventDefault();
    endEdit(false);
  }
  if (event.key === 'Enter' && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    endEdit(true);
  }
}
