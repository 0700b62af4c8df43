/** What a person does in the window, as small functions over a playwright page. */
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { THEMES, type Host, type Theme } from './host.ts';
import { fromHost } from './install.ts';
import type { Frame, Locator, Page } from './playwright.d.ts';

/** Looks until something truthy is found. */
export async function until<T>(
  what: string,
  look: () => Promise<T | undefined | null | false> | T | undefined | null | false,
  timeoutMs = 45_000,
): Promise<T> {
  let last: unknown;
  for (const end = Date.now() + timeoutMs; ;) {
    try {
      const found = await look();
      if (found) return found;
    } catch (error) {
      last = error;
    }
    if (Date.now() > end) {
      const why = last instanceof Error ? ` (${last.message})` : '';
      throw new Error(`timed out after ${timeoutMs} ms: ${what}${why}`, { cause: last });
    }
    await sleep(50);
  }
}

/**
 * Opens the workbench and waits until the explorer lists the workspace and the window's extension host listens.
 * For a second window give another page of host.context; to wait for a reload call it again.
 */
export async function openWorkbench(host: Host, page: Page = host.page, explorer = true): Promise<void> {
  const before = host.hosts();
  await page.goto(host.url);
  await page.locator('.monaco-workbench').waitFor({ timeout: 60_000 });
  await page.evaluate(() =>
    (globalThis as { driver?: { whenWorkbenchRestored(): Promise<void> } }).driver?.whenWorkbenchRestored(),
  );
  await until('an extension host', () => host.hosts().some(pid => !before.includes(pid)), 60_000);
  // After a reload the view shows that was shown before.
  if (explorer) await page.locator('.explorer-folders-view .monaco-list-row').first().waitFor({ timeout: 60_000 });
}

/**
 * Runs a command by its title, through the command palette. A webview that finishes loading takes the focus, hence the
 * retries.
 */
export async function runCommand(page: Page, title: string): Promise<void> {
  const input = page.locator('.quick-input-widget input[type="text"]');
  const row = page.locator('.quick-input-list .monaco-list-row', { hasText: title }).first();
  for (let attempt = 0; attempt < 6; attempt++)
    try {
      await page.keyboard.press('F1');
      await input.fill(`>${title}`, { timeout: 3000 });
      await row.click({ timeout: 3000 });
      return;
    } catch {
      await page
        .locator('.part.statusbar')
        .click({ position: { x: 500, y: 8 } })
        .catch(() => {});
    }
  throw new Error(`could not run "${title}"`);
}

/** Shows a view container by its title in the activity bar (clicking the shown one would hide it). */
export async function openView(page: Page, title: string): Promise<void> {
  const item = page.locator(`.activitybar .action-item:has(.action-label[aria-label^="${title}"])`).first();
  await item.waitFor({ timeout: 60_000 });
  if (!/checked/.test((await item.getAttribute('class')) ?? '')) await item.click();
}

/** The row of a file in the explorer. */
export const explorerRow = (page: Page, name: string): Locator =>
  page.locator('.explorer-folders-view .monaco-list-row', { has: page.getByText(name, { exact: true }) }).first();

/** The entries of the context menu now open, in order. */
export async function menuItems(page: Page): Promise<string[]> {
  await page.locator('.monaco-menu .action-label').first().waitFor();
  return (await page.locator('.monaco-menu .action-label:not(.separator)').allTextContents()).map(s => s.trim());
}

/**
 * Right-clicks a file and picks an entry, or an entry of a submenu. Extension entries appear only once the extensions
 * are scanned, hence the retries.
 */
export async function explorerMenu(page: Page, name: string, ...entries: string[]): Promise<void> {
  await until(
    `"${entries.join(' > ')}" in the menu of ${name}`,
    async () => {
      try {
        await explorerRow(page, name).click({ button: 'right', timeout: 3000 });
        // A menu, and a submenu too, ignores a click that comes too soon after it opened.
        for (const entry of entries) {
          await page.waitForTimeout(250);
          await page
            .locator('.monaco-menu .action-item:not(.disabled)', { has: page.getByText(entry, { exact: true }) })
            .last()
            .click({ timeout: 1500 });
        }
        await page.locator('.monaco-menu').first().waitFor({ state: 'detached', timeout: 1500 });
        return true;
      } catch (error) {
        const seen = await inFront(page);
        await page.keyboard.press('Escape');
        await page.keyboard.press('Escape');
        throw new Error(`in front: ${seen}`, { cause: error });
      }
    },
    40_000,
  );
}

/** What lies over the editor, in words: for the message of a test that waits in vain. */
const inFront = async (page: Page): Promise<string> =>
  (
    await page
      .locator(
        '.monaco-menu:visible, .monaco-dialog-box:visible, .quick-input-widget:visible, .notification-toast:visible',
      )
      .allTextContents()
  )
    .map(text => text.trim().slice(0, 400))
    .join(' | ') || 'nothing';

/**
 * The document of a visible webview of an extension, by its title when it has several. Ask again after the webview was
 * reloaded.
 */
export function webview(page: Page, { extensionId, title }: { extensionId: string; title?: string }): Promise<Frame> {
  return until(`webview ${title ?? ''} of ${extensionId}`, async () => {
    for (const frame of page.frames()) {
      const outer = frame.parentFrame();
      if (!outer || !new RegExp(`[?&]extensionId=${extensionId}(&|$)`, 'i').test(outer.url())) continue;
      const [element, box] = [await frame.frameElement(), await outer.frameElement()];
      // still loading (pending-frame), or behind another view
      if ((await element.getAttribute('id')) !== 'active-frame' || !(await box.isVisible())) continue;
      if (title === undefined || (await element.getAttribute('title')) === title) return frame;
    }
    return undefined;
  });
}

/** The focused element, followed through shadow roots and frames. */
export async function focused(
  page: Page,
): Promise<{ tag: string; id: string; role: string | null; name: string } | null> {
  for (let frame = page.mainFrame(); ;) {
    const element = await frame.evaluateHandle(() => {
      let e = document.activeElement;
      while (e?.shadowRoot?.activeElement) e = e.shadowRoot.activeElement;
      return e;
    });
    const inner = await element.asElement()?.contentFrame();
    if (!inner)
      return element.evaluate(
        e =>
          e && {
            tag: e.tagName.toLowerCase(),
            id: e.id,
            role: e.getAttribute('role'),
            name: (e.getAttribute('aria-label') ?? e.textContent ?? '').trim().slice(0, 80),
          },
      );
    frame = inner;
  }
}

/** Changes user settings in the running window. (Rewriting settings.json from outside is noticed only sometimes.) */
export const setSettings = (host: Host, settings: Record<string, unknown>): Promise<void> =>
  host.inHost(async (vscode, all) => {
    for (const [key, value] of Object.entries(all))
      await vscode.workspace.getConfiguration().update(key, value, vscode.ConfigurationTarget.Global);
  }, settings);

/** Switches the colour theme live and waits for it. */
export async function setTheme(host: Host, name: Theme): Promise<void> {
  await setSettings(host, { 'workbench.colorTheme': THEMES[name] });
  await host.page
    .locator(`.monaco-workbench.${{ dark: 'vs-dark', light: 'vs', hcDark: 'hc-black', hcLight: 'hc-light' }[name]}`)
    .waitFor({ timeout: 15_000 });
  await host.page.waitForTimeout(300); // webviews repaint after the workbench
}

/** Opens the notification centre and returns its texts. */
export async function notifications(page: Page): Promise<string[]> {
  const centre = page.locator('.notifications-center');
  if (!(await centre.isVisible())) await page.locator('.statusbar-item[id="status.notifications"] a').click();
  await centre.waitFor();
  const texts = await centre.locator('.notification-list-item-message').allTextContents();
  await page.keyboard.press('Escape');
  return texts;
}

export interface Violation {
  id: string;
  impact: string;
  targets: string[];
}

/**
 * Runs axe-core in a webview's frame, or on a part of the workbench that `within` selects. A webview is transparent
 * over the workbench, and axe would measure contrast against white: its real background is painted first.
 */
export async function axe(frame: Frame, within?: string): Promise<{ passes: number; violations: Violation[] }> {
  if (!(await frame.evaluate(() => 'axe' in globalThis)))
    await frame.evaluate(readFileSync(fromHost.resolve('axe-core/axe.min.js'), 'utf8'));
  const colour = /[?&]purpose=webviewView(&|$)/.test(frame.parentFrame()?.url() ?? '') ? 'sideBar' : 'editor';
  return frame.evaluate(
    async ([background, part]) => {
      const { style } = document.documentElement,
        before = style.background;
      if (part === null) style.background = background;
      type Run = { passes: unknown[]; violations: { id: string; impact: string; nodes: { target: unknown[] }[] }[] };
      try {
        const { passes, violations } = await (
          globalThis as unknown as { axe: { run(root: Document | string): Promise<Run> } }
        ).axe.run(part ?? document);
        return {
          passes: passes.length,
          violations: violations.map(v => ({
            id: v.id,
            impact: v.impact,
            targets: v.nodes.map(n => n.target.join(' ')),
          })),
        };
      } finally {
        style.background = before;
      }
    },
    [`var(--vscode-${colour}-background, var(--vscode-editor-background))`, within ?? null] as const,
  );
}
