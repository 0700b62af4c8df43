/** The keyboard, where nothing is being typed. */
import { startEdit } from './editing.ts';
import { positionMs, seek, toggle } from './player.ts';
import { assign } from './speakers.ts';
import { page, state } from './state.ts';

export function onKey(event: KeyboardEvent): void {
  const target = event.target as HTMLElement;
  if (
    /^(INPUT|TEXTAREA|SELECT|VSCODE-TEXTFIELD)$/.test(target.tagName) ||
    event.ctrlKey ||
    event.metaKey ||
    event.altKey ||
    !state.shown
  )
    return;
  const row = target.closest<HTMLElement>('.utterance'),
    list = state.shown.utterances,
    i = row ? list.findIndex(u => `u${u.index}` === row.id) : -1,
    u = list[i];
  const go = (k: number): void => {
    const to = list[Math.max(0, Math.min(list.length - 1, k))];
    if (to) {
      page.remember({ at: to.index });
      page.paintNow();
      document.getElementById(`u${to.index}`)?.focus();
    }
  };
  const onButton = target.tagName === 'BUTTON',
    digit = /^Digit(\d)$/.exec(event.code)?.[1] ?? /^\d$/.exec(event.key)?.[0];
  const keys: Record<string, (() => void) | undefined> = {
    ' ': onButton ? undefined : toggle,
    ArrowDown: () => go(i + 1),
    ArrowUp: () => go(i < 0 ? 0 : i - 1),
    Home: () => go(0),
    End: () => go(list.length - 1),
    ArrowLeft: () => seek(positionMs() - 5000),
    ArrowRight: () => seek(positionMs() + 5000),
    f: () => {
      state.finding = !state.finding;
      page.paintNow();
      document.querySelector<HTMLElement>('.find vscode-textfield')?.focus();
    },
    ...(u && !onButton
      ? {
          Enter: () => startEdit(u.index, 'text'),
          t: () => {
            if (state.shown?.translatedTo) startEdit(u.index, 'translation');
          },
          p: () => seek(u.startMs, true),
          m: () => page.send({ type: 'merge', index: u.index }),
          s: () => page.send({ type: 'speaker', index: u.index }),
          a: () => page.send({ type: 'accept', index: u.index }),
          Delete: () => {
            if (u.original !== null) page.send({ type: 'takeBack', index: u.index, change: null });
          },
        }
      : {}),
  };
  const does = u && !onButton && digit ? () => assign(u, Number(digit), event.shiftKey) : keys[event.key];
  if (!does) return;
  event.preventDefault();
  does();
}
