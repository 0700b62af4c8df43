/** Pictures for the README and the docs, with real content: `npm run screenshots` writes docs/images. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { sourceText } from '../../schemas/job.ts';
import {
  busyJobs,
  cpu,
  instances,
  job as makeJob,
  manyJobs,
  sampleDialogue,
  sampleTranscript,
  twoGpus,
  watched,
} from './fake/fixtures.ts';
import { recorder } from './fake/place.ts';
import type { Story } from './fake/daemon.ts';
import { EDITOR, ID, openWindow, root, widenSideBar, type Window } from './harness.ts';
import { hostUnavailable } from './host/install.ts';
import { explorerMenu, openView, runCommand, setTheme, until, webview } from './host/ui.ts';

const reason = await hostUnavailable();
if (reason) {
  console.error(reason);
  process.exit(1);
}
process.env.EARSHOT_TEST_FFMPEG ??= recorder();
const images = join(root, 'docs/images');
mkdirSync(images, { recursive: true });
/** A theme, for its pictures of the queue, the devices and the transcript editor; or a chapter of what follows. */
const only = process.argv[2];
const THEMES = ['dark', 'light', 'hcDark', 'hcLight'] as const;

/** The view's own pane fills the side bar: the others are folded. */
async function alone({ host: { page } }: Window, title: string): Promise<void> {
  for (const name of [title, ...['Queue', 'Devices', 'Models', 'Watched Folders'].filter(other => other !== title)]) {
    const header = page.locator('.pane-header', { hasText: name }).first(),
      open = (await header.getAttribute('aria-expanded')) === 'true';
    if (open !== (name === title)) await header.click();
  }
  await page.mouse.move(900, 500);
  await page.waitForTimeout(1500);
}
const restart = async ({ daemon }: Window, story: Story): Promise<void> => {
  daemon.set(story);
  await daemon.stop();
  await daemon.start();
};
const shoot = async ({ host: { page } }: Window, name: string): Promise<void> => {
  await page.screenshot({ path: join(images, `${name}.png`) });
  console.log(name);
};

/** A meeting's notes with a transcript and links into it, and subtitles with what is wrong with them. */
async function documents({ host, workspace }: Window): Promise<void> {
  const { page } = host,
    open = (name: string): Promise<unknown> =>
      host.inHost(
        (vscode, file) => vscode.window.showTextDocument(vscode.Uri.file(file), { preview: false }).then(() => null),
        join(workspace, name),
      );
  /** The hover of a place in the document in front. */
  const hoverAt = (words: string): Promise<unknown> =>
    host.inHost((vscode, text) => {
      const editor = vscode.window.activeTextEditor!,
        at = editor.document.positionAt(editor.document.getText().indexOf(text) + text.length - 1);
      editor.selection = new vscode.Selection(at, at);
      return vscode.commands.executeCommand('editor.action.showHover').then(() => null);
    }, words);
  const sentences = sampleTranscript('').utterances.map(u => sourceText(u)),
    [one, two, three, four] = sentences as [string, string, string, string];
  writeFileSync(join(workspace, 'talk.earshot.json'), JSON.stringify(sampleTranscript(join(workspace, 'talk.wav'))));
  writeFileSync(
    join(workspace, 'meeting.md'),
    '# Reading circle\n\n- The recording: [talk.wav](talk.wav)\n- The [lecture](lecture.mp4) after it\n\n## ' +
      `Sense and Sensibility\n\n[**00:00**](talk.wav#t=0) ${one} ${two}\n\n[**00:15**](talk.wav#t=15) ${three} ` +
      `${four}\n`,
  );
  await openView(page, 'Explorer');
  await widenSideBar(host, 230);
  await host.inHost(vscode =>
    vscode.workspace
      .getConfiguration('editor')
      .update('wordWrap', 'on', true)
      .then(() => vscode.workspace.getConfiguration('editor').update('hover.above', false, true))
      .then(() => null),
  );
  await open('meeting.md');
  await page.locator('.codelens-decoration', { hasText: 'And Mr. John' }).first().waitFor();
  await hoverAt('00:15**](talk');
  await page.locator('.monaco-hover:visible', { hasText: 'Had he married' }).first().waitFor();
  await page.waitForTimeout(600);
  await page.screenshot({ path: join(images, 'markdown.png') });
  const cue = (n: number, from: string, to: string, text: string): string => `${n}\n${from} --> ${to}\n${text}\n`;
  writeFileSync(
    join(workspace, 'lecture.srt'),
    [
      cue(1, '00:00:00,120', '00:00:03,400', 'NARRATOR: And Mr. John Dashwood\nhad then leisure to consider'),
      cue(2, '00:00:03,200', '00:00:05,000', 'how much there might be prudently in his power to do for them.'),
      cue(
        3,
        '00:00:07,500',
        '00:00:10,800',
        '<i>He was not an ill disposed young man,</i>\nunless to be rather cold hearted',
      ),
      cue(3, '00:00:10,900', '00:00:14,400', 'and rather selfish\nis to be ill disposed.'),
      cue(5, '00:00:22,200', '00:00:24,000', 'Mary: He might even have been made\namiable himself.'),
    ].join('\n'),
  );
  await open('lecture.srt');
  await page.locator('.codelens-decoration', { hasText: 'Synchronize with lecture.mp4' }).first().waitFor();
  await page.locator('.squiggly-warning, .squiggly-info').first().waitFor();
  await hoverAt('amiable himself');
  await page.locator('.monaco-hover:visible', { hasText: 'Cue 5 of 5' }).first().waitFor();
  await page.waitForTimeout(600);
  await page.screenshot({ path: join(images, 'subtitles.png') });
  console.log('markdown, subtitles');
  await host.inHost(vscode => vscode.commands.executeCommand('workbench.action.closeAllEditors'));
  await host.inHost(vscode =>
    vscode.workspace
      .getConfiguration('editor')
      .update('wordWrap', undefined, true)
      .then(() => null),
  );
  await openView(page, 'Earshot');
  await widenSideBar(host, 430);
}

/** Who says what: turns with names, and the list in which one is typed. */
async function speakers({ host, workspace }: Window): Promise<void> {
  const { page } = host,
    path = join(workspace, 'reading.earshot.json'),
    talk = sampleDialogue(join(workspace, 'talk.wav')),
    called = ['Anna', 'Anna', 'Ben', 'S3'];
  writeFileSync(
    path,
    JSON.stringify({
      ...talk,
      translatedTo: null,
      speakers: { Anna: 'AAAA', Ben: 'BBBB', S3: 'CCCC' },
      utterances: talk.utterances.map(({ nmt: _, ...u }, n) => ({ ...u, speaker: called[n] })),
    }),
  );
  for (const theme of ['light', 'hcDark', 'dark'] as const) {
    await setTheme(host, theme);
    await host.inHost(
      (vscode, file) => vscode.commands.executeCommand('vscode.openWith', vscode.Uri.file(file), 'earshot.transcript'),
      path,
    );
    const editor = await webview(page, { extensionId: ID, title: EDITOR });
    await editor.locator('.utterance .speaker').first().waitFor();
    await page.waitForTimeout(900);
    if (theme !== 'dark') {
      await page.screenshot({ path: join(images, `speakers-${theme}.png`) });
      continue;
    }
    await editor.locator('#u3 .speaker').click();
    await page.locator('.quick-input-title', { hasText: 'Who says' }).waitFor();
    await page.keyboard.type('Clara');
    await page.waitForTimeout(600);
    await page.screenshot({ path: join(images, 'speakers.png') });
    await page.keyboard.press('Escape');
  }
  console.log('speakers');
  await setTheme(host, 'dark');
  await host.inHost(vscode => vscode.commands.executeCommand('workbench.action.closeAllEditors'));
}

/** What a recording is about, above what was said in it. */
async function summary({ host, workspace }: Window): Promise<void> {
  const { page } = host,
    path = join(workspace, 'chapter.earshot.json'),
    talk = sampleDialogue(join(workspace, 'talk.wav'));
  writeFileSync(
    path,
    JSON.stringify({
      ...talk,
      translatedTo: null,
      speakers: { Anna: 'AAAA', Ben: 'BBBB' },
      utterances: talk.utterances.map(({ nmt: _nmt, ...u }) => ({
        ...u,
        speaker: u.speaker === 'S1' ? 'Anna' : 'Ben',
      })),
      summary: {
        text:
          'The reading is about John Dashwood, who considers how much he can prudently do for his family. He is ' +
          'not ill disposed, only cold hearted and rather selfish, and has been made worse by his marriage. With ' +
          'a more amiable wife he might have become more respectable, and even amiable himself.',
        language: 'en',
        model: 'Qwen 2.5 1.5B',
      },
    }),
  );
  for (const theme of ['light', 'hcDark', 'dark'] as const) {
    await setTheme(host, theme);
    await host.inHost(
      (vscode, file) => vscode.commands.executeCommand('vscode.openWith', vscode.Uri.file(file), 'earshot.transcript'),
      path,
    );
    const editor = await webview(page, { extensionId: ID, title: EDITOR });
    await editor.locator('.summary p').waitFor();
    await page.mouse.move(200, 500);
    await page.waitForTimeout(900);
    await page.screenshot({ path: join(images, `summary${theme === 'dark' ? '' : `-${theme}`}.png`) });
  }
  console.log('summary');
  await host.inHost(vscode => vscode.commands.executeCommand('workbench.action.closeAllEditors'));
}

/** The transcript editor, on a real recording with two repairs and a translation; where its file is. */
async function transcripts(w: Window): Promise<string> {
  const { host, workspace } = w,
    { page } = host,
    path = join(workspace, 'talk.earshot.json');
  writeFileSync(path, JSON.stringify(sampleTranscript(join(workspace, 'talk.wav'))));
  await openView(page, 'Explorer');
  await widenSideBar(host, 230);
  for (const theme of THEMES) {
    if (only && only !== 'transcripts' && only !== theme) continue;
    await setTheme(host, theme);
    await host.inHost(
      (vscode, file) => vscode.commands.executeCommand('vscode.openWith', vscode.Uri.file(file), 'earshot.transcript'),
      path,
    );
    const editor = await webview(page, { extensionId: ID, title: EDITOR });
    await editor.locator('.utterance').first().waitFor();
    await editor.locator('#w2-3').click({ modifiers: ['Control'] });
    await page.waitForTimeout(900);
    await page.keyboard.press('Space');
    await page.waitForTimeout(600);
    await shoot(w, `transcript-${theme}`);
  }
  return path;
}

/** A sound file stands in for the microphone. */
async function dictation(w: Window): Promise<void> {
  const { page } = w.host;
  await w.host.inHost(
    async (vscode, device) => {
      await vscode.workspace
        .getConfiguration('earshot')
        .update('dictation.device', device, vscode.ConfigurationTarget.Global);
      const document = await vscode.workspace.openTextDocument({
          language: 'markdown',
          content: '# Minutes\n\nRead aloud: ',
        }),
        editor = await vscode.window.showTextDocument(document);
      editor.selection = new vscode.Selection(2, 12, 2, 12);
      await vscode.commands.executeCommand('earshot.dictate');
    },
    `file:${join(w.workspace, 'talk.wav')}`,
  );
  const dictated = [...w.daemon.jobs.keys()].at(-1)!;
  for (let i = 0; i < 3; i++) {
    w.daemon.say(dictated);
    await page.waitForTimeout(400);
  }
  await w.daemon.until(() => w.daemon.heard.get(dictated)! > 64_000);
  w.daemon.publishPartial(dictated, {
    index: 3,
    startMs: 17_000,
    endMs: 20_000,
    stable: 'Had he married a more amiable',
    unstable: ' woman he might',
  });
  await page.waitForTimeout(300);
  await shoot(w, 'dictate');
  const stopped = w.host.inHost(vscode => vscode.commands.executeCommand('earshot.stopDictation'));
  await w.daemon.until(() => w.daemon.asked('live/close').length === 1);
  w.daemon.finish(dictated);
  await stopped;
  await w.host.inHost(vscode => vscode.commands.executeCommand('workbench.action.revertAndCloseActiveEditor'));
}

const now = Date.now();
const busy: Story = {
  jobs: busyJobs(now),
  devices: twoGpus(now - 600_000),
  instances: instances(now),
  bottleneck: { code: 'stageBusy', args: { stage: 'nmt', busyShare: 0.94, waitShare: 0.62 } },
};
const w = await openWindow(busy, { viewport: { width: 1280, height: 820 } });
try {
  if (only === 'documents') await documents(w);
  else if (only === 'transcripts') {
    await transcripts(w);
    await speakers(w);
    await summary(w);
  } else if (only === 'speakers') await speakers(w);
  else if (only === 'summary') await summary(w);
  else if (only === 'dictation') await dictation(w);
  else await everything();
} finally {
  await w.close();
}

async function everything(): Promise<void> {
  const { page } = w.host;
  await w.panel('Queue');
  await widenSideBar(w.host, 430);
  // Some minutes of history for the charts.
  for (let i = 120; i >= 0; i--) {
    const wave = Math.sin(i / 9) * 0.2 + Math.sin(i / 3.1) * 0.06;
    for (const device of twoGpus(now - i * 4000))
      w.daemon.device({
        ...device,
        utilization: Math.min(1, Math.max(0.02, (device.utilization ?? 0.4) + wave)),
        memory: { ...device.memory, free: Math.round(device.memory.free + (i > 70 ? 2.4e9 : i > 30 ? 1e9 : 0)) },
      });
    await page.waitForTimeout(60);
  }
  for (const theme of THEMES) {
    if (only && only !== theme) continue;
    await setTheme(w.host, theme);
    await alone(w, 'Queue');
    await shoot(w, `queue-${theme}`);
    await alone(w, 'Devices');
    await shoot(w, `devices-${theme}`);
  }
  const path = await transcripts(w);
  if (THEMES.some(theme => theme === only)) return;
  await speakers(w);
  await summary(w);
  // Words found in what was transcribed, over the transcript that they stand in.
  await setTheme(w.host, 'dark');
  w.daemon.transcribed(
    makeJob(
      { n: 40, name: 'talk.wav', state: 'completed', minutes: 0.5, outputs: [{ kind: 'json', path, bytes: 1 }] },
      now,
    ),
    sampleTranscript(path).utterances,
  );
  await runCommand(page, 'Earshot: Find in Transcripts');
  await page.locator('.quick-input-widget input[type="text"]').fill('made');
  await page.locator('.quick-input-list .monaco-list-row', { hasText: 'amiable' }).first().waitFor();
  await page.waitForTimeout(600);
  await shoot(w, 'find');
  await page.keyboard.press('Escape');
  await w.host.inHost(vscode => vscode.commands.executeCommand('workbench.action.closeAllEditors'));
  await setTheme(w.host, 'dark');
  await documents(w);
  // A transcript that is being made, beside the queue.
  const before = w.daemon.jobs.size;
  await openView(page, 'Explorer');
  await explorerMenu(page, 'talk.wav', 'Transcribe');
  await w.daemon.until(() => w.daemon.jobs.size > before);
  const job = [...w.daemon.jobs.keys()].at(-1)!;
  for (let i = 0; i < 5; i++) {
    w.daemon.say(job, 8);
    await page.waitForTimeout(150);
  }
  const running = await webview(page, { extensionId: ID, title: 'talk.wav' });
  await running.locator('.utterance', { hasText: 'amiable' }).first().waitFor();
  await openView(page, 'Earshot');
  await alone(w, 'Queue');
  await shoot(w, 'streaming');
  await dictation(w);
  await openView(page, 'Earshot');
  await alone(w, 'Models');
  await shoot(w, 'models');
  w.daemon.watched(watched(join(w.workspace, 'interviews'), now));
  await alone(w, 'Watched Folders');
  await page.locator('.monaco-list-row', { hasText: 'interviews' }).first().click();
  await page.locator('.monaco-list-row', { hasText: 'interview 7' }).first().waitFor();
  await shoot(w, 'watched');
  await w.host.inHost(vscode => vscode.commands.executeCommand('workbench.action.revertAndCloseActiveEditor'));
  await restart(w, { jobs: manyJobs(1000, now), devices: [cpu(now)] });
  await alone(w, 'Queue');
  const queue = await w.panel('Queue');
  await until('the jobs', async () => /998 queued/.test((await queue.locator('.summary').textContent()) ?? ''));
  await shoot(w, 'queue-1000');
  await restart(w, {
    jobs: [],
    devices: [cpu(now, { memory: { ...cpu(now).memory, holders: [], leased: 0 } })],
    estimates: [],
  });
  await page.waitForTimeout(800);
  await shoot(w, 'queue-empty');
  await alone(w, 'Devices');
  await shoot(w, 'devices-no-gpu');
}
