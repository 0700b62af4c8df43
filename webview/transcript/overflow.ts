/** Tools in one line. Those for which there is no room are in a menu behind “…”. */
import { html, nothing, type TemplateResult } from 'lit';
import { repeat } from 'lit/directives/repeat.js';
import { t } from '../page.ts';
import { page } from './state.ts';

export interface Action {
  icon: string;
  name: string;
  press: () => void;
  /** Whether it is on; undefined: it is done, not switched. */
  pressed?: boolean | undefined;
}

/** What stands in the line, and what its menu has in its place. */
export interface Tool {
  id: string;
  bar: TemplateResult;
  actions: readonly Action[];
}

/** By id: no room in the line. */
const out = new Set<string>(),
  observed = new WeakSet<Element>();
let observer: IntersectionObserver | undefined;
/** So much of a tool is to be seen, or it is cut off; places are fractions of a pixel. */
const WHOLE = 0.95;

/** Whether a tool was wrapped into a line that is cut off, from its element: nothing is laid out for it. */
function watchTools(): void {
  const root = document.querySelector('.fits');
  if (!root) return;
  if (observer?.root !== root) observer = new IntersectionObserver(onSight, { root, threshold: [0, WHOLE] });
  for (const tool of root.children)
    if (!observed.has(tool)) {
      observed.add(tool);
      observer.observe(tool);
    }
}

function onSight(entries: readonly IntersectionObserverEntry[]): void {
  for (const { target, intersectionRatio } of entries) {
    const id = (target as HTMLElement).dataset.tool!;
    if (intersectionRatio >= WHOLE) out.delete(id);
    else out.add(id);
  }
  page.paint();
}

const menu = (): HTMLElement | null => document.querySelector('#more-tools');

function onToggle(event: ToggleEvent): void {
  if (event.newState === 'open') menu()?.querySelector('button')?.focus();
}

/** Below the button, as far to the right as it is. */
function place(): void {
  const box = document.querySelector('.more')!.getBoundingClientRect(),
    { style } = menu()!;
  style.top = `${box.bottom + 4}px`;
  style.right = `${Math.max(4, innerWidth - box.right)}px`;
}

function onMenuKey(event: KeyboardEvent): void {
  // What is a shortcut in the text is none in here.
  event.stopPropagation();
  const items = [...menu()!.querySelectorAll('button')],
    at = items.indexOf(document.activeElement as HTMLButtonElement),
    to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: -1 }[event.key];
  if (event.key === 'Tab') menu()!.hidePopover();
  if (to === undefined) return;
  event.preventDefault();
  items.at(to % items.length)?.focus();
}

export function overflowing(tools: readonly Tool[]): TemplateResult {
  queueMicrotask(watchTools);
  const hidden = tools.filter(({ id }) => out.has(id));
  return html`<div class="fits">
      ${repeat(
        tools,
        ({ id }) => id,
        ({ id, bar }) => html`<span class="tool ${out.has(id) ? 'out' : ''}" data-tool=${id}>${bar}</span>`,
      )}
    </div>
    <button
      type="button"
      class="more"
      ?hidden=${!hidden.length}
      title=${t('More')}
      aria-label=${t('More')}
      aria-haspopup="menu"
      popovertarget="more-tools"
    >
      <span class="codicon codicon-ellipsis" aria-hidden="true"></span>
    </button>
    <div
      id="more-tools"
      popover
      role="menu"
      aria-label=${t('More')}
      @beforetoggle=${place}
      @toggle=${onToggle}
      @keydown=${onMenuKey}
    >
      ${hidden.flatMap(({ actions }, group) => [
        group ? html`<div class="rule" role="separator"></div>` : nothing,
        ...actions.map(entry),
      ])}
    </div>`;
}

const entry = ({ icon, name, press, pressed }: Action): TemplateResult =>
  html`<button
    type="button"
    role=${pressed === undefined ? 'menuitem' : 'menuitemcheckbox'}
    aria-checked=${pressed ?? nothing}
    @click=${() => {
      menu()!.hidePopover();
      press();
    }}
  >
    <span class="codicon codicon-${pressed ? 'check' : icon}" aria-hidden="true"></span>${name}
  </button>`;
