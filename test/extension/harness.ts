/** A window with the extension under development, a workspace with recordings, and the scripted daemon behind it. */
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildBundles } from './bundles.ts';
import { FakeDaemon, type Story } from './fake/daemon.ts';
import { fakeHome } from './fake/place.ts';
import { openHost, type Host, type HostOptions, type Running } from './host/host.ts';
import { openView, openWorkbench, webview } from './host/ui.ts';
import type { Frame } from './host/playwright.d.ts';

export const root = join(import.meta.dirname, '../..');
export const ID = 'earshot.earshot';
/** What VS Code calls the frame of every custom editor. */
export const EDITOR = 'undefined';

export interface Window {
  host: Host;
  daemon: FakeDaemon;
  workspace: string;
  panel(title: string): Promise<Frame>;
  close(): Promise<Running[]>;
}

export async function openWindow(story: Story, options: Partial<HostOptions> = {}): Promise<Window> {
  buildBundles();
  const scratch = mkdtempSync(join(tmpdir(), 'earshot-ui-')),
    workspace = join(scratch, 'recordings'),
    env = fakeHome(scratch);
  mkdirSync(workspace);
  for (const name of ['talk.wav', 'lecture.mp4'])
    cpSync(join(root, 'samples/sense-and-sensibility.flac'), join(workspace, name));
  writeFileSync(join(workspace, 'notes.md'), '# Notes\n\n');
  const daemon = new FakeDaemon(env.EARSHOT_STATE, story);
  await daemon.start();
  try {
    const host = await openHost({ extension: root, workspace, ...options, env: { ...env, ...options.env } });
    try {
      await openWorkbench(host);
    } catch (error) {
      await host.close();
      throw error;
    }
    return {
      host,
      daemon,
      workspace,
      panel: async title => {
        await openView(host.page, 'Earshot');
        return webview(host.page, { extensionId: ID, title });
      },
      close: async () => {
        const { strays } = await host.close();
        await daemon.stop();
        rmSync(scratch, { recursive: true, force: true });
        return strays;
      },
    };
  } catch (error) {
    await daemon.stop();
    rmSync(scratch, { recursive: true, force: true });
    throw error;
  }
}

/** Makes the side bar this wide by dragging its edge. */
export async function widenSideBar({ page }: Host, width: number): Promise<void> {
  const box = await page.locator('.part.sidebar').boundingBox();
  if (!box) return;
  await page.mouse.move(box.x + box.width, 400);
  await page.mouse.down();
  await page.mouse.move(box.x + width, 400, { steps: 4 });
  await page.mouse.up();
  await page.mouse.move(900, 500);
  await page.waitForTimeout(400);
}
