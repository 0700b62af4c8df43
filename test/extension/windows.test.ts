/**
 * Windows: the transcript editor, two of them on one daemon, a reload, Chinese, an untrusted folder, and the packaged
 * extension with the real daemon.
 */
import assert from 'node:assert/strict';
import { readFileSync, rmSync, mkdtempSync, mkdirSync, cpSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { makePackage } from '../../scripts/package.ts';
import {
  busyJobs,
  cpu,
  id,
  job as makeJob,
  sampleDialogue,
  sampleTranscript,
  twoGpus,
  instances,
  watched,
} from './fake/fixtures.ts';
import { EDITOR, ID, openWindow, root } from './harness.ts';
import { openHost } from './host/host.ts';
import { hostUnavailable } from './host/install.ts';
import {
  axe,
  explorerMenu,
  explorerRow,
  menuItems,
  openView,
  openWorkbench,
  runCommand,
  setTheme,
  until,
  webview,
} from './host/ui.ts';

const unavailable = await hostUnavailable();
if (unavailable) console.log(`Not run: ${unavailable}`);

describe('windows', { skip: unavailable ?? false, timeout: 280_000 }, () => {
  it('the transcript editor plays, mends, takes repairs back, and undoes; axe finds nothing', async () => {
    const w = await openWindow({ jobs: [] });
    try {
      const { page } = w.host,
        path = join(w.workspace, 'talk.earshot.json');
      writeFileSync(path, JSON.stringify(sampleTranscript(join(w.workspace, 'talk.wav'))));
      // As a link to a moment opens it: the player stands there, the utterance has the focus.
      await w.host.inHost(
        (vscode, recording) => vscode.commands.executeCommand('earshot.openAt', recording, 16_000),
        join(w.workspace, 'talk.wav'),
      );
      const editor = await webview(page, { extensionId: ID, title: EDITOR });
      await editor.locator('.utterance').first().waitFor();
      await until('the moment', () =>
        editor.evaluate(
          () =>
            document.querySelector<HTMLMediaElement>('#player')!.currentTime === 16 &&
            document.activeElement?.id === 'u2',
        ),
      );
      await w.host.inHost(
        (vscode, recording) => vscode.commands.executeCommand('earshot.openAt', recording, 23_000),
        join(w.workspace, 'talk.wav'),
      );
      await until('another moment of the open page', () =>
        editor.evaluate(
          () =>
            document.querySelector<HTMLMediaElement>('#player')!.currentTime === 23 &&
            document.activeElement?.id === 'u3',
        ),
      );
      const text = (): Promise<string> =>
        w.host.inHost(
          (vscode, file) => vscode.workspace.textDocuments.find(d => d.uri.fsPath === file)!.getText(),
          path,
        );
      // A click with Ctrl on a word plays from it, and the word lights up.
      await editor.locator('#w1-2').click({ modifiers: ['Control'] });
      await editor.locator('#u1 .now').waitFor();
      await until('the sound moves on', () =>
        editor.evaluate(() => document.querySelector<HTMLMediaElement>('#player')!.currentTime > 8),
      );
      await page.keyboard.press('Space');
      await until('it pauses', () =>
        editor.evaluate(() => document.querySelector<HTMLMediaElement>('#player')!.paused),
      );
      // By keyboard: to the next utterance, edit, save.
      await editor.locator('#u3').focus();
      await page.keyboard.press('Enter');
      await editor.locator('textarea').fill('He might even have been kind.');
      await page.keyboard.press('Enter');
      await until('the edit is in the file', async () =>
        /"repair":\{"text":"He might even have been kind\."/.test(await text()),
      );
      await editor.getByRole('button', { name: 'Revert to the original: dash-wood' }).click();
      await until('the repair is taken back', async () => !/John Dashwood had/.test(await text()));
      await w.host.inHost(vscode => vscode.commands.executeCommand('undo'));
      await until('undo brings it again', async () => /John Dashwood had/.test(await text()));
      await editor.locator('#u0').focus();
      await page.keyboard.press('m');
      await until('merged', async () => !/"index":1,/.test(await text()));
      for (const theme of ['dark', 'light', 'hcDark', 'hcLight'] as const) {
        await setTheme(w.host, theme);
        assert.deepEqual(
          { theme, found: (await axe(await webview(page, { extensionId: ID, title: EDITOR }))).violations },
          { theme, found: [] },
        );
      }
    } finally {
      assert.deepEqual(await w.close(), []);
    }
  });

  it('what is found opens in the transcript editor at its word', async () => {
    const now = Date.now(),
      w = await openWindow({ jobs: [] });
    try {
      const { page } = w.host,
        path = join(w.workspace, 'talk.earshot.json');
      writeFileSync(path, JSON.stringify(sampleTranscript(join(w.workspace, 'talk.wav'))));
      w.daemon.transcribed(
        makeJob(
          { n: 1, name: 'talk.wav', state: 'completed', minutes: 0.5, outputs: [{ kind: 'json', path, bytes: 1 }] },
          now,
        ),
        sampleTranscript('talk.wav').utterances,
      );
      const find = async (words: string): Promise<void> => {
        // A page that takes the focus closes the list: then it is opened again.
        await until(`${words} in the list`, async () => {
          await runCommand(page, 'Earshot: Find in Transcripts');
          try {
            await page.locator('.quick-input-widget input[type="text"]').fill(words, { timeout: 5000 });
            await page
              .locator('.quick-input-list .monaco-list-row', { hasText: words })
              .first()
              .click({ timeout: 5000 });
            return true;
          } catch {
            await page.keyboard.press('Escape');
            return false;
          }
        });
      };
      const position = async (): Promise<number> =>
        (await webview(page, { extensionId: ID, title: EDITOR })).evaluate(
          () => document.querySelector<HTMLMediaElement>('#player')!.currentTime,
        );
      // Its second utterance begins at 7.5 s, its third at 15 s.
      await find('still more respectable');
      await until(
        'the editor at the utterance',
        async () =>
          (await (
            await webview(page, { extensionId: ID, title: EDITOR })
          ).evaluate(() => document.activeElement?.id)) === 'u2',
      );
      await until('the sound at the word', async () => Math.abs((await position()) - 15) < 0.5);
      await find('unless to be rather');
      await until('the sound at the word', async () => Math.abs((await position()) - 7.5) < 0.5);
    } finally {
      assert.deepEqual(await w.close(), []);
    }
  });

  it('two windows show one queue, and a reload finds it again', async () => {
    const w = await openWindow({ jobs: busyJobs(Date.now()), devices: [cpu(Date.now())] });
    try {
      const second = await w.host.context.newPage();
      await openWorkbench(w.host, second);
      const [a, b] = [
        await w.panel('Queue'),
        await (async () => {
          await openView(second, 'Earshot');
          return webview(second, { extensionId: ID, title: 'Queue' });
        })(),
      ];
      await b.locator(`#row-${id(4)}`).hover();
      await b.locator(`#row-${id(4)} button[data-action=pause]`).click();
      await a.locator(`#row-${id(4)} .icon.paused`).waitFor();
      await openWorkbench(w.host, w.host.page, false);
      await (await w.panel('Queue')).locator(`#row-${id(4)} .icon.paused`).waitFor();
      await second.close();
    } finally {
      assert.deepEqual(await w.close(), []);
    }
  });

  it('speaks Chinese, with no English left over', async () => {
    const now = Date.now(),
      w = await openWindow(
        { jobs: busyJobs(now), devices: twoGpus(now), instances: instances(now) },
        { locale: 'zh-cn' },
      );
    try {
      const { page } = w.host;
      await openView(page, 'Earshot');
      const queue = await webview(page, { extensionId: ID, title: '队列' }),
        devices = await webview(page, { extensionId: ID, title: '设备' });
      await queue.locator('.job').first().waitFor();
      await devices.locator('.device').first().waitFor();
      assert.equal(await queue.evaluate(() => document.documentElement.lang), 'zh-cn');
      // Names of files, models, devices and what was said stay as they are; everything else is Chinese.
      const ours = async (frame: typeof queue, selectors: string): Promise<string[]> =>
        frame.evaluate(
          s => [...document.querySelectorAll<HTMLElement>(s)].map(e => e.innerText.trim()).filter(Boolean),
          selectors,
        );
      const labels = [
        ...(await ours(queue, 'h2, .filters button, .summary span, .stage span, .time, .priority, .note.reason')),
        ...(await ours(devices, '.headline, h3, dt, .health, .instance small, .key')),
      ];
      assert.ok(labels.length > 20);
      const names =
        /Whisper large v3 turbo|NLLB 3\.3B|NVIDIA[\w ]*|blender|M2M100|int8_float16|int8|q4_k_m|\b(?:GB|MB|MHz|[AP]M)\b|[\d:.,/%°·\s]+/g;
      assert.deepEqual(
        labels.filter(label => /[A-Za-z]{2,}/.test(label.replace(names, ''))),
        [],
      );
      // The trees, whole; names of models and files, and licenses, stay as they are.
      w.daemon.watched(watched(join(w.workspace, '访谈'), now));
      for (const view of ['模型', '监视的文件夹'])
        await page.locator('.pane-header', { hasText: view }).first().click();
      await page.locator('.monaco-list-row[aria-label^="访谈"]').click();
      await page.locator('.monaco-list-row', { hasText: 'interview 7' }).waitFor();
      // Languages have their codes beside them.
      const left = (texts: string[], but: RegExp): string[] =>
        [...new Set(texts)].filter(
          text => !/^[a-z]{2,3}(-\w+)?$/.test(text) && /[A-Za-z]{2,}/.test(text.replace(but, '').replace(names, '')),
        );
      const lines = await page.locator('.part.sidebar .monaco-list-row').allTextContents();
      assert.ok(lines.length > 8, lines.join());
      assert.deepEqual(
        left(
          lines,
          /[\w -]+\.(?:wav|mp4|m4a)|Whisper (?:large v3 turbo|\w+)|Qwen [\d.]+B?|Piper Joe \(en-US\)|MIT|Apache-2\.0|CC0-1\.0|recorder/g,
        ),
        [],
      );
      // The sheets and lists of the commands.
      const list = page.locator('.quick-input-widget');
      for (const [command, shows] of [
        ['earshot.transcribeWith', 'talk.wav'],
        ['earshot.transcribeTranslate', 'talk.wav'],
        ['earshot.watchFolder', ''],
      ] as const) {
        await w.host.inHost(
          (vscode, name, file) => void vscode.commands.executeCommand(name, vscode.Uri.file(file)),
          command,
          join(w.workspace, shows),
        );
        await list.locator('.monaco-list-row').first().waitFor();
        await list.locator('.quick-input-title', { hasText: shows || 'recordings' }).waitFor();
        const offered = await list
          .locator('.quick-input-title, .monaco-list-row .label-name, .monaco-list-row .label-description')
          .allTextContents();
        assert.deepEqual(
          { command, left: left(offered, /talk\.wav|recordings|json|srt|Earshot|Markdown/g) },
          { command, left: [] },
        );
        await page.keyboard.press('Escape');
        await list.waitFor({ state: 'hidden' });
      }
      // The transcript editor whole: what stands there, what is said of it, and the list of shortcuts.
      const path = join(w.workspace, 'meeting.earshot.json');
      writeFileSync(path, JSON.stringify(sampleDialogue(join(w.workspace, 'talk.wav'))));
      await w.host.inHost(
        (vscode, file) =>
          vscode.commands.executeCommand('vscode.openWith', vscode.Uri.file(file), 'earshot.transcript'),
        path,
      );
      const editor = await webview(page, { extensionId: ID, title: EDITOR });
      await editor.locator('#u0').focus();
      await page.keyboard.press('Control+h');
      await editor.locator('.find').getByRole('textbox').first().fill('disposed');
      await editor.locator('.find .previews li').first().waitFor();
      const said = await editor.evaluate(() => {
        document.querySelector<HTMLDialogElement>('dialog.sheet')!.showModal();
        const texts: string[] = [];
        for (const each of document.querySelectorAll<HTMLElement>('main *')) {
          if (!each.matches('.utterance'))
            for (const name of ['title', 'aria-label', 'placeholder']) texts.push(each.getAttribute(name) ?? '');
          // What somebody said, and names of keys.
          if (each.closest('.text, .translation, .repairs, .previews span, kbd, .speaker .name')) continue;
          for (const node of each.childNodes) if (node.nodeType === Node.TEXT_NODE) texts.push(node.textContent ?? '');
        }
        return [...new Set(texts.map(text => text.trim()))].filter(text => /[A-Za-z]{2,}/.test(text));
      });
      const keys = /talk\.wav|dash-wood|aimable|\b(?:Ctrl|Shift|Enter|Escape|Space|Delete|Alt|F\d+)\b/g;
      assert.deepEqual(
        said.filter(text => /[A-Za-z]{2,}/.test(text.replace(keys, ''))),
        [],
      );
      await editor.evaluate(() => document.querySelector<HTMLDialogElement>('dialog.sheet')!.close());
      await openView(page, 'Explorer');
      await explorerMenu(page, 'talk.wav', '转写');
      await w.daemon.until(() => w.daemon.asked('job/submit').length === 1);
    } finally {
      assert.deepEqual(await w.close(), []);
    }
  });

  it('an untrusted folder transcribes nothing, but the queue can be seen', async () => {
    // What the folder wants of its own: none of it counts.
    const wanted = mkdtempSync(join(tmpdir(), 'earshot-untrusted-'));
    mkdirSync(join(wanted, '.vscode'));
    mkdirSync(join(wanted, '.earshot'));
    writeFileSync(
      join(wanted, '.vscode', 'settings.json'),
      JSON.stringify({
        'earshot.watchedFolders': [{ path: '.', moveTo: '/tmp' }],
        'earshot.glossary': [{ term: 'Theirs' }],
        'earshot.prompt': 'theirs',
        'earshot.models': { asr: 'theirs' },
      }),
    );
    writeFileSync(join(wanted, '.earshot', 'glossary.csv'), 'Theirs,,\n');
    writeFileSync(join(wanted, '.earshot', 'speakers.json'), JSON.stringify({ speakers: { Theirs: 'AAAA' } }));
    cpSync(join(root, 'samples/sense-and-sensibility.flac'), join(wanted, 'talk.wav'));
    const w = await openWindow(
      { jobs: busyJobs(Date.now()), devices: [cpu(Date.now())] },
      { restricted: true, workspace: wanted },
    );
    try {
      const { page } = w.host;
      await (await w.panel('Queue')).locator('.job').first().waitFor();
      await openView(page, 'Explorer');
      await explorerRow(page, 'talk.wav').click({ button: 'right' });
      await menuItems(page);
      const entry = page.locator('.monaco-menu .action-item', { has: page.getByText('Transcribe', { exact: true }) });
      if (await entry.count()) assert.match((await entry.first().getAttribute('class')) ?? '', /disabled/);
      assert.equal(w.daemon.asked('job/submit').length, 0);
      // Another extension may call the command: even so nothing begins.
      await page.keyboard.press('Escape');
      await w.host.inHost(
        (vscode, recording) => vscode.commands.executeCommand('earshot.transcribe', vscode.Uri.file(recording)),
        join(wanted, 'talk.wav'),
      );
      assert.deepEqual(w.daemon.asked('job/submit'), []);
      // The panel has been connected for long: its folders were told by now, had they been.
      assert.deepEqual([w.daemon.folders.size, w.daemon.asked('watch/add').length], [0, 0]);
    } finally {
      assert.deepEqual(await w.close(), []);
      rmSync(wanted, { recursive: true, force: true });
    }
  });

  it('the packaged extension starts its own daemon in a clean host, and it comes back when it is killed', async () => {
    const scratch = mkdtempSync(join(tmpdir(), 'earshot-vsix-test-'));
    try {
      const vsix = await makePackage(`${process.platform}-${process.arch}`, scratch),
        workspace = join(scratch, 'ws'),
        state = join(scratch, 'state');
      assert.ok(readFileSync(vsix).length < 15e6);
      mkdirSync(workspace);
      cpSync(join(root, 'samples/sense-and-sensibility.flac'), join(workspace, 'talk.flac'));
      const host = await openHost({
        install: [vsix],
        workspace,
        env: { EARSHOT_STATE: state, EARSHOT_DATA: join(scratch, 'data') },
        settings: { 'earshot.machine.offline': true, 'earshot.machine.idleExitSeconds': 1 },
      });
      try {
        await openWorkbench(host);
        await openView(host.page, 'Earshot');
        const queue = await webview(host.page, { extensionId: ID, title: 'Queue' });
        await queue.getByText('Turn recordings into text here').waitFor({ timeout: 30_000 });
        const daemons = (): { pid: number; command: string }[] =>
          host.processes().filter(p => /earshotd\.mjs/.test(p.command));
        const [daemon] = await until('the daemon', () => daemons().length === 1 && daemons());
        process.kill(daemon!.pid, 'SIGKILL');
        await until('another daemon', () => daemons().some(p => p.pid !== daemon!.pid), 30_000);
        await runCommand(host.page, 'Earshot: Doctor: Check This Machine');
        await host.page.locator('.tab.active', { hasText: 'Earshot Doctor' }).waitFor();
        const { activatedInMs, activationCpuMs } = await host.inHost(vscode => {
          const { activatedInMs: ms, activationCpuMs: cpuMs } = vscode.extensions.getExtension('earshot.earshot')!
            .exports as Record<string, number>;
          return { activatedInMs: ms!, activationCpuMs: cpuMs! };
        });
        console.log(
          `packaged: activated in ${activatedInMs.toFixed(1)} ms, of them ${activationCpuMs.toFixed(1)} ms of ` +
            'the processor',
        );
        assert.ok(activationCpuMs < 50);
        await runCommand(host.page, 'Earshot: Stop the Daemon');
        await until('no daemon', () => daemons().length === 0, 15_000);
      } finally {
        assert.deepEqual((await host.close()).strays, []);
      }
    } finally {
      rmSync(scratch, { recursive: true, force: true });
    }
  });
});
