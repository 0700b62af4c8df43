/**
 * The part of playwright-core's API that these tests use. The package itself lies in the cache folder (install.ts), not
 * in the project.
 */
export interface Locator {
  click(options?: {
    button?: 'left' | 'right';
    timeout?: number;
    position?: { x: number; y: number };
    modifiers?: string[];
    force?: boolean;
  }): Promise<void>;
  dblclick(options?: { timeout?: number }): Promise<void>;
  fill(text: string, options?: { timeout?: number }): Promise<void>;
  press(key: string): Promise<void>;
  focus(): Promise<void>;
  hover(options?: { timeout?: number }): Promise<void>;
  selectOption(value: string): Promise<string[]>;
  dragTo(target: Locator, options?: { targetPosition?: { x: number; y: number } }): Promise<void>;
  waitFor(options?: { state?: 'attached' | 'detached' | 'visible' | 'hidden'; timeout?: number }): Promise<void>;
  textContent(options?: { timeout?: number }): Promise<string | null>;
  allTextContents(): Promise<string[]>;
  getAttribute(name: string): Promise<string | null>;
  isVisible(): Promise<boolean>;
  count(): Promise<number>;
  first(): Locator;
  last(): Locator;
  nth(index: number): Locator;
  locator(selector: string, options?: LocatorOptions): Locator;
  getByText(text: string | RegExp, options?: { exact?: boolean }): Locator;
  getByRole(role: string, options?: { name?: string | RegExp; exact?: boolean }): Locator;
  boundingBox(): Promise<{ x: number; y: number; width: number; height: number } | null>;
  evaluate<R, A>(fn: (element: HTMLElement, argument: A) => R, argument?: A): Promise<R>;
  screenshot(options?: { path?: string }): Promise<Buffer>;
}
export interface LocatorOptions {
  hasText?: string | RegExp;
  has?: Locator;
  hasNotText?: string;
}
export interface ElementHandle {
  contentFrame(): Promise<Frame | null>;
  getAttribute(name: string): Promise<string | null>;
  isVisible(): Promise<boolean>;
}
export interface JSHandle {
  asElement(): ElementHandle | null;
  evaluate<R>(fn: (value: HTMLElement | null) => R): Promise<R>;
}
export interface Finder {
  locator(selector: string, options?: LocatorOptions): Locator;
  getByText(text: string | RegExp, options?: { exact?: boolean }): Locator;
  getByRole(role: string, options?: { name?: string | RegExp; exact?: boolean }): Locator;
}
export interface Frame extends Finder {
  url(): string;
  parentFrame(): Frame | null;
  frameElement(): Promise<ElementHandle>;
  content(): Promise<string>;
  evaluate<R, A = unknown>(fn: string | ((argument: A) => R), argument?: A): Promise<Awaited<R>>;
  evaluateHandle(fn: () => unknown): Promise<JSHandle>;
  waitForFunction(
    fn: (argument: never) => unknown,
    argument?: unknown,
    options?: { timeout?: number },
  ): Promise<unknown>;
  addScriptTag(options: { content: string }): Promise<unknown>;
}
export interface Page extends Finder {
  keyboard: {
    press(key: string): Promise<void>;
    type(text: string, options?: { delay?: number }): Promise<void>;
    down(key: string): Promise<void>;
    up(key: string): Promise<void>;
  };
  mouse: {
    move(x: number, y: number, options?: { steps?: number }): Promise<void>;
    down(): Promise<void>;
    up(): Promise<void>;
    click(x: number, y: number): Promise<void>;
    wheel(x: number, y: number): Promise<void>;
  };
  goto(url: string, options?: { timeout?: number }): Promise<unknown>;
  frames(): Frame[];
  mainFrame(): Frame;
  evaluate<R, A = unknown>(fn: (argument: A) => R, argument?: A): Promise<Awaited<R>>;
  exposeFunction(name: string, fn: (...args: never[]) => unknown): Promise<void>;
  on(event: 'crash', listener: () => void): void;
  on(event: 'console', listener: (message: { type(): string; text(): string }) => void): void;
  screenshot(options?: {
    path?: string;
    clip?: { x: number; y: number; width: number; height: number };
  }): Promise<Buffer>;
  waitForTimeout(ms: number): Promise<void>;
  setViewportSize(size: { width: number; height: number }): Promise<void>;
  close(): Promise<void>;
  context(): BrowserContext;
}
export interface BrowserContext {
  newPage(): Promise<Page>;
  pages(): Page[];
  browser(): Browser | null;
}
export interface Browser {
  newContext(options: object): Promise<BrowserContext>;
  contexts(): BrowserContext[];
  close(): Promise<void>;
  startTracing(page: Page, options: { categories: string[] }): Promise<void>;
  stopTracing(): Promise<Buffer>;
}
export declare const chromium: { launch(options: object): Promise<Browser> };
