/** What every page shares: its words, its line to the extension, and one repaint a frame. */
import { render, type TemplateResult } from 'lit';
import { fits, type Shapes } from './shapes.ts';

interface VsCodeApi<S> {
  postMessage(message: unknown): void;
  getState(): S | undefined;
  setState(state: S): void;
}
declare function acquireVsCodeApi<S>(): VsCodeApi<S>;

const given = JSON.parse(document.body.dataset.page ?? '{}') as { language?: string; strings?: Record<string, string> };
export const language = given.language ?? 'en';
const strings = given.strings ?? {};

/** A sentence in the window's language; {0}, {1} … are replaced. English is the key. */
export const t = (english: string, ...args: (string | number)[]): string =>
  (strings[english] ?? english).replace(/\{(\d+)\}/g, (whole, index: string) => String(args[Number(index)] ?? whole));

const KEEP_MS = 300;

/** A page of the type of its messages and of what it remembers while hidden. */
export class Page<In extends { type: string }, Out, Remembered> {
  readonly #api = acquireVsCodeApi<Remembered>();
  readonly #shapes: Shapes<In>;
  readonly #root: HTMLElement;
  #view: (() => TemplateResult) | null = null;
  #asked = 0;
  #keeping = 0;
  remembered: Remembered;

  constructor(shapes: Shapes<In>, initial: Remembered) {
    this.#shapes = shapes;
    this.#root = document.querySelector('main')!;
    this.remembered = { ...initial, ...this.#api.getState() };
  }

  /** Paints for the first time and listens from then on. `take` answers false when there is nothing new to paint. */
  start(view: () => TemplateResult, take: (message: In) => boolean | void): void {
    this.#view = view;
    addEventListener('message', event => {
      // The editor hands messages on from the frame around this one, which is of the same origin.
      const data: unknown = event.data;
      if (event.origin !== origin || !fits(this.#shapes, data)) return;
      if (take(data) !== false) this.paint();
    });
    addEventListener('pagehide', () => this.#keepNow());
    document.addEventListener('visibilitychange', () => this.#keepNow());
    this.paintNow();
  }

  send(message: Out): void {
    this.#api.postMessage(message);
  }

  remember(change: Partial<Remembered>): void {
    this.remembered = { ...this.remembered, ...change };
    this.#api.setState(this.remembered);
    this.paint();
  }

  /** Remembers what changes all the time (where it plays, where it is scrolled to) and is not painted. */
  keep(change: Partial<Remembered>): void {
    this.remembered = { ...this.remembered, ...change };
    this.#keeping ||= setTimeout(() => this.#keepNow(), KEEP_MS);
  }

  #keepNow(): void {
    clearTimeout(this.#keeping);
    this.#keeping = 0;
    this.#api.setState(this.remembered);
  }

  /** Paints before the next frame; many calls, one painting. */
  paint(): void {
    this.#asked ||= requestAnimationFrame(() => this.paintNow());
  }

  paintNow(): void {
    if (this.#asked) cancelAnimationFrame(this.#asked);
    this.#asked = 0;
    if (!this.#view) return;
    const { activeElement } = document;
    render(this.#view(), this.#root);
    // A row that moves to another place in the list loses the focus. (Giving it to the body itself would only force a
    // layout.)
    if (
      activeElement instanceof HTMLElement &&
      activeElement !== document.body &&
      activeElement.isConnected &&
      document.activeElement === document.body
    )
      activeElement.focus();
  }
}
