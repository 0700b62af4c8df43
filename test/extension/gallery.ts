/**
 * Every view in every theme, narrow and wide, for somebody who looks at them: `npm run gallery -- FOLDER [WORD…]`
 * writes the pictures whose names contain a word there, or all of them.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { failure } from '../../schemas/errors.ts';
import type { Transcript } from '../../schemas/job.ts';
import { reason } from '../../schemas/reasons.ts';
import type { Story } from './fake/daemon.ts';
import {
  busyJobs,
  cpu,
  fleet,
  instances,
  manyJobs,
  records,
  sampleDialogue,
  sampleTranscript,
  twoGpus,
  watched,
} from './fake/fixtures.ts';
import { EDITOR, ID, openWindow, root, widenSideBar } from './harness.ts';
import type { Theme } from './host/host.ts';
import { hostUnavailable } from './host/install.ts';
import type { Frame } from './host/playwright.d.ts';
import { openView, setTheme, until, webview } from './host/ui.ts';

const unavailable = await hostUnavailable(),
  [folder, ...words] = process.argv.slice(2);
if (unavailable || !folder) {
  console.error(unavailable ?? 'usage: npm run gallery -- FOLDER [WORD…]');
  process.exit(1);
}
mkdirSync(folder, { recursive: true });

const WIDE = { width: 1280, height: 820 },
  /** The side bar; the editor beside it gets the rest. */
  WIDTHS = { 300: 920, 900: 320 } as const,
  THEMES: Theme[] = ['dark', 'light', 'hcDark', 'hcLight'];
const now = Date.now();
const busy: Story = {
  jobs: busyJobs(now),
  devices: twoGpus(now - 600_000),
  instances: instances(now),
  bottleneck: { code: 'stageBusy', args: { stage: 'nmt', busyShare: 0.94, waitShare: 0.62 } },
};
// As a user has it: in a window under development no notification shows.
const w = await openWindow(busy, { extension: undefined, install: [root], viewport: WIDE, locale: process.env.LOCALE }),
  { host, daemon, workspace } = w,
  { page } = host;

const closeAll = (): Promise<unknown> =>
  host.inHost(vscode => vscode.commands.executeCommand('workbench.action.closeAllEditors').then(() => null));
const command = (id: string, ...args: unknown[]): Promise<unknown> =>
  host.inHost(
    (vscode, name, given) => {
      const paths = given.map(each =>
        typeof each === 'string' && each.startsWith('/') ? vscode.Uri.file(each) : each,
      );
      void vscode.commands.executeCommand(name, ...paths);
      return null;
    },
    id,
    args,
  );
const restart = async (story: Story): Promise<void> => {
  daemon.set(story);
  await daemon.stop();
  await daemon.start();
};
const settle = (ms = 700): Promise<void> => page.waitForTimeout(ms);

/** The view's own pane fills the side bar: the others are folded. */
async function alone(title: string): Promise<void> {
  await openView(page, 'Earshot');
  for (const name of [title, ...['Queue', 'Devices', 'Models', 'Watched Folders'].filter(other => other !== title)]) {
    const header = page.locator('.pane-header', { hasText: name }).first(),
      open = (await header.getAttribute('aria-expanded')) === 'true';
    if (open !== (name === title)) await header.click();
  }
  await page.mouse.move(640, 815);
  await settle(1000);
}

async function openTranscript(name: string, made: (recording: string) => Transcript): Promise<Frame> {
  const path = join(workspace, `${name}.earshot.json`);
  writeFileSync(path, JSON.stringify(made(join(workspace, 'talk.wav'))));
  await host.inHost(
    (vscode, file) => vscode.commands.executeCommand('vscode.openWith', vscode.Uri.file(file), 'earshot.transcript'),
    path,
  );
  const editor = await webview(page, { extensionId: ID, title: EDITOR });
  await editor.locator('.utterance').first().waitFor();
  return editor;
}
const dialogue = (recording: string): Transcript => {
  const made = sampleDialogue(recording);
  return {
    ...made,
    speakers: { Anna: 'AAAA', Ben: 'BBBB' },
    utterances: made.utterances.map((u, n) => ({
      ...u,
      ...(n === 1 ? { comment: 'Ask Anna whether she means the elder brother.' } : {}),
      speaker: u.speaker === 'S1' ? 'Anna' : 'Ben',
    })),
    summary: {
      text:
        'The reading is about John Dashwood, who considers how much he can prudently do for his family. He is not ' +
        'ill disposed, only cold hearted and rather selfish, and has been made worse by his marriage.',
      language: 'en',
      model: 'Qwen 2.5 1.5B',
    },
  };
};
const chaptered = (recording: string): Transcript => {
  const made = sampleTranscript(recording),
    starts = [0, 6000, 90_000, 99_000];
  return {
    ...made,
    utterances: made.utterances.map((u, i) => ({ ...u, startMs: starts[i]!, endMs: starts[i]! + 5000 })),
  };
};
const running = async (): Promise<Frame> => {
  const before = daemon.jobs.size;
  await command('earshot.transcribe', join(workspace, 'talk.wav'));
  await daemon.until(() => daemon.jobs.size > before);
  const id = [...daemon.jobs.keys()].at(-1)!;
  for (let n = 0; n < 4; n++) daemon.say(id, 9);
  const frame = await webview(page, { extensionId: ID, title: 'talk.wav' });
  await frame.locator('#u3').waitFor();
  return frame;
};
/** One picture of what stands open, in each theme. */
async function themes(name: string, again?: () => Promise<unknown>, only: readonly Theme[] = THEMES): Promise<void> {
  for (const theme of only) {
    await setTheme(host, theme);
    await again?.();
    await settle();
    await page.screenshot({ path: join(folder!, `${name}-${theme}.png`) });
  }
  console.log(name);
  if (again) await page.keyboard.press('Escape');
}
async function both(name: string, side: string | null, again?: () => Promise<unknown>): Promise<void> {
  for (const [width, sideBar] of Object.entries(WIDTHS)) {
    if (side) await alone(side);
    await widenSideBar(host, sideBar);
    await themes(`${name}-${width}`, again);
  }
}
/** A list of the editor over everything: what is narrow then is the window. */
async function list(name: string, shows: string, open: () => Promise<unknown>): Promise<void> {
  const dismiss = async (): Promise<void> => {
    await page.keyboard.press('Escape');
    await page.keyboard.press('Escape');
    await settle(200);
  };
  for (const [width, viewport, only] of [
    ['wide', WIDE, THEMES],
    ['narrow', { width: 480, height: 820 }, ['light']],
  ] as const) {
    await page.setViewportSize(viewport);
    const again = async (): Promise<void> => {
      await dismiss();
      await open();
      await page.locator('.quick-input-title', { hasText: shows }).waitFor();
    };
    await themes(`${name}-${width}`, again, only);
    await dismiss();
  }
  await page.setViewportSize(WIDE);
}

const scenes: Record<string, () => Promise<void>> = {
  // The side bar and the editor share each picture: one is narrow where the other is wide.
  async 'queue+transcript'() {
    const editor = await openTranscript('talk', sampleTranscript);
    await editor.locator('#w2-3').click({ modifiers: ['Control'] });
    await page.keyboard.press('Space');
    await both('queue+transcript', 'Queue');
  },
  async 'devices+speakers'() {
    await openTranscript('reading', dialogue);
    await both('devices+speakers', 'Devices');
  },
  async 'models+find'() {
    const editor = await openTranscript('found', sampleTranscript);
    await editor.locator('#u0').focus();
    await page.keyboard.press('Control+h');
    await editor.locator('.find').getByRole('textbox', { name: 'Find' }).fill('disposed');
    await editor.locator('.find').getByRole('textbox', { name: 'Replace with' }).fill('inclined');
    await both('models+find', 'Models');
  },
  async 'watched+running'() {
    daemon.watched(watched(join(workspace, 'interviews'), now));
    await running();
    await alone('Watched Folders');
    await page.locator('.monaco-list-row', { hasText: 'interviews' }).first().click();
    await page.locator('.monaco-list-row', { hasText: 'interview 7' }).first().waitFor();
    await both('watched+running', null);
  },
  async 'fleet+failed'() {
    await restart({ ...busy, fleet: fleet(now) });
    await running();
    const id = [...daemon.jobs.keys()].at(-1)!;
    daemon.update(id, {
      state: 'failed',
      failure: failure('diskFull', { path: workspace }),
      waiting: null,
      finishedAt: Date.now(),
    });
    await both('fleet+failed', 'Devices');
    daemon.remove(id);
    await restart(busy);
  },
  async 'empty+chapters'() {
    await restart({
      jobs: [],
      devices: [cpu(now, { memory: { ...cpu(now).memory, holders: [], leased: 0 } })],
      estimates: [],
    });
    await openTranscript('chapters', chaptered);
    await both('empty+chapters', 'Queue');
    await restart(busy);
  },
  async 'many+keys'() {
    await restart({ jobs: manyJobs(1000, now), devices: [cpu(now)] });
    const editor = await openTranscript('keys', sampleTranscript);
    await editor.locator('#u0').focus();
    await page.keyboard.press('?');
    await editor.locator('dialog[open]').waitFor();
    await both('many+keys', 'Queue');
    await page.keyboard.press('Escape');
    await restart(busy);
  },
  async 'cpu+doctor'() {
    await restart({ jobs: [], devices: [cpu(now)], estimates: [] });
    await command('earshot.doctor');
    await until('the report', async () => {
      for (const frame of page.frames()) if (/ffmpeg/.test(await frame.content().catch(() => ''))) return true;
      return undefined;
    });
    await both('cpu+doctor', 'Devices');
    await restart(busy);
  },
  async 'queue+report'() {
    daemon.records = records(now);
    await alone('Queue');
    await (await w.panel('Queue')).locator('.job').first().waitFor();
    await command('earshot.job.log', [...daemon.jobs.keys()][0]);
    await until('the page', async () => {
      for (const frame of page.frames()) if (/job\.submitted/.test(await frame.content().catch(() => ''))) return true;
      return undefined;
    });
    await both('queue+report', 'Queue');
  },
  async walkthrough() {
    await host.inHost(vscode =>
      vscode.commands.executeCommand('workbench.action.openWalkthrough', 'earshot.earshot#start').then(() => null),
    );
    await page.locator('.gettingStarted .getting-started-step').first().waitFor();
    await both('walkthrough', 'Queue');
  },
  async 'transcribe-with'() {
    await list('transcribe-with', 'talk.wav', () => command('earshot.transcribeWith', join(workspace, 'talk.wav')));
  },
  async 'first-run'() {
    daemon.set({
      ...busy,
      jobs: [],
      models: [...daemon.models.values()].map(model => ({ ...model, state: 'absent' })),
    });
    await restart(daemon.story);
    await settle(1500);
    await list('first-run', 'Which speech model', () => command('earshot.transcribe', join(workspace, 'talk.wav')));
    await restart(busy);
  },
  async export() {
    const path = join(workspace, 'talk.earshot.json');
    await openTranscript('talk', sampleTranscript);
    await list('export', 'Export talk.wav', () => command('earshot.exportTranscript', path));
  },
  async presets() {
    await list('presets', '', () => command('earshot.transcribePreset', join(workspace, 'talk.wav')));
  },
  async notifications() {
    const before = daemon.jobs.size;
    await command('earshot.transcribe', join(workspace, 'talk.wav'));
    await daemon.until(() => daemon.jobs.size > before);
    const id = [...daemon.jobs.keys()].at(-1)!,
      [model] = [...daemon.models.values()];
    daemon.model({ ...model!, state: 'downloading', progress: { bytes: 121e6, total: 484e6 } });
    daemon.update(id, {
      models: { asr: model!.card.id },
      waiting: reason('modelDownloading', { model: model!.card.name, percent: 25 } as never),
    });
    await page.locator('.notification-toast', { hasText: 'Setting up Earshot' }).waitFor();
    await both('notifications', 'Queue');
    daemon.update(id, { state: 'cancelled' });
  },
  async 'status-bar'() {
    await openView(page, 'Earshot');
    await themes('status-bar', async () => {
      await page.mouse.move(640, 400);
      await page
        .locator('.statusbar-item', { hasText: /recordings|%/ })
        .first()
        .hover();
      await settle(900);
    });
  },
};

try {
  await openView(page, 'Earshot');
  for (const [name, scene] of Object.entries(scenes)) {
    if (words.length && !words.some(word => name.includes(word))) continue;
    try {
      await scene();
    } catch (error) {
      console.error(name, error);
      await page.screenshot({ path: join(folder, `${name}-FAILED.png`) });
      process.exitCode = 1;
    }
    await page.keyboard.press('Escape');
    await closeAll();
  }
} finally {
  await w.close();
}
