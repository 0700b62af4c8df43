/**
 * What people do beside the main job, in a real window with the scripted daemon: choosing everything, models, the
 * transcript editor by keyboard, a video, the walkthrough, paste, the doctor.
 */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { ffmpeg, make } from '../engines/place.ts';
import { packets } from '../fixtures/packets.ts';
import type { Transcript } from '../../schemas/job.ts';
import type { Params } from '../../schemas/rpc.ts';
import { isFinal } from '../../schemas/words.ts';
import { toJson } from '../../text/transcripts/json.ts';
import { cpu, job as makeJob, sampleDialogue, sampleTranscript } from './fake/fixtures.ts';
import { EDITOR, ID, openWindow, root, type Window } from './harness.ts';
import { breakOut, postToExtension, postToPage } from './intrusion.ts';
import type { Frame } from './host/playwright.d.ts';
import { hostUnavailable } from './host/install.ts';
import {
  axe,
  explorerMenu,
  explorerRow,
  menuItems,
  notifications,
  openView,
  runCommand,
  setSettings,
  setTheme,
  until,
  webview,
} from './host/ui.ts';

const unavailable = await hostUnavailable();
if (unavailable) console.log(`Not run: ${unavailable}`);

describe('what people do', { skip: unavailable ?? false, timeout: 240_000 }, () => {
  let w: Window;
  before(async () => {
    // Texts stream into documents here; transcript.test.ts has the transcript editor.
    w = await openWindow(
      { jobs: [], devices: [cpu(Date.now())] },
      { settings: { 'earshot.document.open': 'untitled' } },
    );
  });
  after(async () => {
    assert.deepEqual((await w?.close()) ?? [], []);
  });

  const submitted = (): Params<'job/submit'>['jobs'][number] =>
    (w.daemon.asked('job/submit').at(-1) as Params<'job/submit'>).jobs[0]!;
  const asking = async (work: () => Promise<void>): Promise<void> => {
    const before = w.daemon.asked('job/submit').length;
    await work();
    await w.daemon.until(() => w.daemon.asked('job/submit').length > before);
  };
  const quick = () => w.host.page.locator('.quick-input-widget');
  const title = (text: string): Promise<void> => quick().locator('.quick-input-title', { hasText: text }).waitFor();
  /** Types what narrows the list until that line is the one that Enter takes. */
  const take = async (text: string): Promise<void> => {
    await w.host.page.keyboard.type(text);
    await quick()
      .locator('.monaco-list-row.focused', { hasText: new RegExp(text, 'i') })
      .waitFor();
    await w.host.page.keyboard.press('Enter');
  };
  /** Nothing streams any more, nothing is asked. */
  const closeEditors = async (): Promise<void> => {
    for (const [id, job] of w.daemon.jobs) if (!isFinal(job.state)) w.daemon.update(id, { state: 'cancelled' });
    await w.host.inHost(async vscode => {
      const { tabGroups } = vscode.window;
      while (tabGroups.all.some(group => group.tabs.length > 0)) {
        await vscode.commands.executeCommand('earshot.stopStreaming');
        await vscode.commands.executeCommand('workbench.action.revertAndCloseActiveEditor');
      }
    });
  };
  const transcript = async (
    name: string,
    made = sampleTranscript,
  ): Promise<{ editor: Frame; text: () => Promise<string>; path: string }> => {
    const path = join(w.workspace, `${name.replace(/\.[^.]+$/, '')}.earshot.json`);
    writeFileSync(path, JSON.stringify(made(join(w.workspace, name))));
    await w.host.inHost(
      (vscode, file) => vscode.commands.executeCommand('vscode.openWith', vscode.Uri.file(file), 'earshot.transcript'),
      path,
    );
    const editor = await webview(w.host.page, { extensionId: ID, title: EDITOR });
    await editor.locator('.utterance').first().waitFor();
    return {
      editor,
      path,
      text: () =>
        w.host.inHost(
          (vscode, file) => vscode.workspace.textDocuments.find(d => d.uri.fsPath === file)!.getText(),
          path,
        ),
    };
  };

  it('Transcribe With…: every choice on one sheet, by keyboard, and remembered', async () => {
    const { page } = w.host;
    await openView(page, 'Explorer');
    await explorerMenu(page, 'talk.wav', 'Earshot', 'Transcribe With…');
    await title('Transcribe talk.wav with…');
    await take('Translate into');
    await title('Translate into which language?');
    await take('German');
    await title('Transcribe talk.wav with…');
    assert.match((await quick().textContent()) ?? '', /Translate into\s*German/);
    await take('Identify speakers');
    await title('How many speakers are there?');
    await take('3 voices');
    await title('Transcribe talk.wav with…');
    await take('Repair misheard');
    await until('no repair', async () => /Repair misheard words\s*no/.test((await quick().textContent()) ?? ''));
    await take('Priority');
    await until('low', async () => /Priority\s*Low/.test((await quick().textContent()) ?? ''));
    await take('Files beside');
    await title('Files beside the recording');
    await quick().locator('.monaco-list-row', { hasText: 'srt' }).click();
    await page.keyboard.press('Enter');
    await title('Transcribe talk.wav with…');
    await asking(async () => {
      await page.keyboard.press('Home');
      await quick().locator('.monaco-list-row', { hasText: 'Transcribe' }).first().click();
    });
    const { options, priority } = submitted();
    assert.deepEqual(
      {
        repair: options.repair,
        speakers: options.speakers,
        to: options.translateTo,
        files: options.outputs?.formats?.toSorted(),
        priority,
      },
      { repair: false, speakers: { count: 3 }, to: 'de', files: ['json', 'srt'], priority: 'low' },
    );
    await closeEditors();
    await explorerMenu(page, 'lecture.mp4', 'Earshot', 'Transcribe With…');
    await title('Transcribe lecture.mp4 with…');
    await asking(() => page.keyboard.press('Enter'));
    assert.deepEqual(
      [submitted().options.translateTo, submitted().options.repair, submitted().options.speakers, submitted().priority],
      ['de', false, { count: 3 }, 'low'],
    );
    await closeEditors();
  });

  it('Transcribe, Translate and Speak… asks for the language only', async () => {
    const { page } = w.host;
    await explorerMenu(page, 'talk.wav', 'Earshot', 'Transcribe, Translate and Speak…');
    await title('Translate talk.wav into which language?');
    await asking(() => take('Spanish'));
    assert.deepEqual([submitted().options.translateTo, submitted().options.speak], ['es', true]);
    await closeEditors();
  });

  it('the models view installs with progress, stops it, and removes', async () => {
    const { page } = w.host;
    await openView(page, 'Earshot');
    const header = page.locator('.pane-header', { hasText: 'Models' }).first();
    if ((await header.getAttribute('aria-expanded')) !== 'true') await header.click();
    const row = (name: string) =>
      page.locator('.pane:has(.pane-header[aria-label*="Models"]) .monaco-list-row', { hasText: name }).first();
    const press = async (name: string, action: string): Promise<void> => {
      await row(name).hover();
      await row(name).locator(`.action-label[aria-label^="${action}"]`).click();
    };
    await row('Whisper small').waitFor();
    await press('Whisper small', 'Install');
    await w.daemon.until(() => w.daemon.asked('model/install').length === 1);
    const model = w.daemon.models.get('whisper-small')!;
    w.daemon.model({ ...model, state: 'downloading', progress: { bytes: 121e6, total: 484e6 } });
    await row('25%').waitFor();
    await press('Whisper small', 'Cancel');
    await w.daemon.until(() => w.daemon.asked('model/cancelInstall').length === 1);
    w.daemon.model({ ...model, state: 'installed', progress: null, diskBytes: 484e6 });
    await until(
      'installed',
      async () => (await row('Whisper small').locator('.action-label[aria-label^="Remove"]').count()) > 0,
    );
    await press('Whisper small', 'Remove');
    await page
      .locator('.monaco-dialog-box', { hasText: 'Remove Whisper small' })
      .getByRole('button', { name: 'Remove' })
      .click();
    await w.daemon.until(() => w.daemon.models.get('whisper-small')!.state === 'absent');
    await header.click();
  });

  it('the transcript editor fixes a word everywhere, judges repairs by keyboard, and exports', async () => {
    const { page } = w.host,
      { editor, text, path } = await transcript('talk.wav');
    await editor.locator('#u0').focus();
    await page.keyboard.press('a');
    await until(
      'the repair is kept and asked about no more',
      async () => /John Dashwood had/.test(await text()) && !/"after":"Dashwood"/.test(await text()),
    );
    await editor.locator('#u2').focus();
    await page.keyboard.press('Delete');
    await until(
      'the other one is taken back',
      async () => /more aimable/.test(await text()) && !/more amiable woman/.test(await text()),
    );
    await page.keyboard.press('Control+h');
    await editor.locator('.find').getByRole('textbox', { name: 'Find' }).fill('disposed');
    await editor.locator('.find').getByRole('textbox', { name: 'Replace with' }).fill('inclined');
    await editor.locator('.found', { hasText: '1 of 2' }).waitFor();
    await page.keyboard.press('Control+Enter');
    await until(
      'both places',
      async () => (await text()).match(/"repair":\{"text":"[^"]*ill inclined young[^"]*ill inclined\./) !== null,
    );
    await editor.getByRole('button', { name: 'Export…' }).click();
    await title('Export talk.wav');
    await take('Format');
    await title('Export as…');
    await take('SubRip');
    await title('Export talk.wav');
    await quick().locator('.monaco-list-row', { hasText: 'Line length' }).waitFor();
    await take('Export');
    await until('a place for the file', async () =>
      (
        await quick()
          .locator('input[type=text]')
          .first()
          .evaluate(e => (e as HTMLInputElement).value)
      ).endsWith('talk.srt'),
    );
    await page.keyboard.press('Enter');
    const file = path.replace('.earshot.json', '.srt');
    await until('the file', () => existsSync(file) && readFileSync(file, 'utf8').startsWith('1\n00:00:00,120 --> '));
    assert.match(readFileSync(file, 'utf8'), /ill inclined/);
    await closeEditors();
  });

  it('how a watched folder is transcribed is changed on a sheet, without JSON; what the sheet does not know stays', async () => {
    const setting = (): Promise<unknown> =>
      w.host.inHost(vscode => vscode.workspace.getConfiguration('earshot').inspect('watchedFolders')!.globalValue);
    await setSettings(w.host, {
      'earshot.watchedFolders': [{ path: w.workspace, translateTo: 'de', settleSeconds: 9 }],
    });
    await w.daemon.until(() => w.daemon.folders.has(w.workspace), 60_000);
    const changed = w.host.inHost(
      (vscode, folder) => vscode.commands.executeCommand('earshot.watch.change', { folder }).then(() => null),
      w.daemon.folders.get(w.workspace)!,
    );
    await title('recordings');
    assert.match((await quick().textContent()) ?? '', /Translate into\s*German/);
    await take('Include subfolders');
    await until('no subfolders', async () => /Include subfolders\s*no/.test((await quick().textContent()) ?? ''));
    await take('Save');
    await changed;
    assert.deepEqual(await setting(), [{ path: w.workspace, translateTo: 'de', subfolders: false, settleSeconds: 9 }]);
    await w.daemon.until(() => w.daemon.folders.get(w.workspace)?.spec.subfolders === false, 60_000);
    await w.host.inHost(vscode =>
      vscode.workspace
        .getConfiguration('earshot')
        .update('watchedFolders', undefined, vscode.ConfigurationTarget.Global)
        .then(() => null),
    );
    await w.daemon.until(() => w.daemon.folders.size === 0, 60_000);
  });

  it('a file that was changed by hand does not follow the transcript until somebody decides, once', async () => {
    const { page } = w.host,
      path = join(w.workspace, 'followed.earshot.json'),
      made = sampleTranscript(join(w.workspace, 'talk.wav')),
      stored = (): Transcript => JSON.parse(readFileSync(path, 'utf8')) as Transcript,
      usual = w.daemon.exported;
    writeFileSync(path, toJson({ ...made, exports: [{ path: 'followed.srt', format: 'srt' }] }));
    w.daemon.exported = () => [
      {
        path: join(w.workspace, 'followed.srt'),
        format: 'srt',
        state: stored().exports![0]!.ifEdited ? 'written' : 'edited',
        bytes: null,
        canMerge: true,
      },
    ];
    await w.host.inHost(async (vscode, file) => {
      const document = await vscode.workspace.openTextDocument(vscode.Uri.file(file)),
        edit = new vscode.WorkspaceEdit();
      edit.insert(document.uri, document.positionAt(document.getText().indexOf('Dashwood')), 'Q. ');
      await vscode.workspace.applyEdit(edit);
      await document.save();
    }, path);
    await until('the question', async () =>
      (await notifications(page)).some(each => each.startsWith('followed.srt was changed by hand')),
    );
    await page.locator('.statusbar-item[id="status.notifications"] a').click();
    const asked = page.locator('.notifications-center .notification-list-item', { hasText: 'followed.srt' });
    await asked.getByRole('button', { name: 'Merge Both' }).click();
    await until('the decision is saved', () => stored().exports![0]!.ifEdited === 'merge');
    assert.match(JSON.stringify(stored()), /Q\. Dashwood/);
    w.daemon.exported = usual;
    await closeEditors();
  });

  it('speakers have names: renamed everywhere, one utterance given away, cleared, undone, remembered when saved', async () => {
    // As on the desktop; in a browser the editor saves by itself a second after a change.
    await setSettings(w.host, { 'files.autoSave': 'off' });
    const { page } = w.host,
      { editor, text, path } = await transcript('talk.wav', sampleDialogue);
    const job = makeJob(
      { n: 41, name: 'talk.wav', state: 'completed', outputs: [{ kind: 'json', path, bytes: 1 }] },
      Date.now(),
    );
    w.daemon.transcribed(job, sampleDialogue(path).utterances);
    const speakers = async (): Promise<(string | undefined)[]> =>
        (JSON.parse(await text()) as Transcript).utterances.map(u => u.speaker),
      are = (what: string, ...names: (string | undefined)[]): Promise<true> =>
        until(what, async () => isDeepStrictEqual(await speakers(), names) || undefined);
    assert.deepEqual(
      (await editor.locator('.utterance .speaker').allTextContents()).map(name => name.trim()),
      ['Speaker 1', 'Speaker 2', 'Speaker 1'],
      'a turn has one name',
    );
    assert.match((await editor.locator('.people').textContent()) ?? '', /Speaker 1\s*72%\s*Speaker 2\s*28%/);
    // By mouse: what is typed renames everywhere.
    await editor.locator('#u0 .speaker').click();
    await title('Who says “And Mr. John');
    await take('Anna');
    await are('Anna everywhere', 'Anna', 'Anna', 'S2', 'Anna');
    // By keyboard: a digit gives an utterance to somebody, 0 to nobody, S asks.
    await editor.locator('#u1').focus();
    await page.keyboard.press('2');
    await are("the second is the other's", 'Anna', 'S2', 'S2', 'Anna');
    await page.keyboard.press('0');
    await are("nobody's", 'Anna', undefined, 'S2', 'Anna');
    await w.host.inHost(vscode => vscode.commands.executeCommand('undo'));
    await are('undone', 'Anna', 'S2', 'S2', 'Anna');
    // With Shift the whole turn, and so on its list; one undo takes either back.
    const undone = async (): Promise<void> => {
      await w.host.inHost(vscode => vscode.commands.executeCommand('undo'));
      await are('undone again', 'Anna', 'S2', 'S2', 'Anna');
    };
    await editor.locator('#u2').focus();
    await page.keyboard.press('Shift+Digit1');
    await are("Anna's from the first to the last", 'Anna', 'Anna', 'Anna', 'Anna');
    await undone();
    await editor.locator('#u1 .speaker').click();
    await title('Who says “He was not');
    await quick().locator('.monaco-list-row', { hasText: 'Anna (the whole turn)' }).click();
    await are('the whole turn', 'Anna', 'Anna', 'Anna', 'Anna');
    await undone();
    await editor.locator('#u3').focus();
    await page.keyboard.press('s');
    await title('Who says “He might even');
    await page.keyboard.type('Clara');
    await quick().locator('.monaco-list-row', { hasText: 'Clara (this utterance only)' }).click();
    await are('somebody new', 'Anna', 'S2', 'S2', 'Clara');
    await editor.locator('.people .speaker', { hasText: 'Speaker 2' }).click();
    await title('Who is Speaker 2?');
    await take('Ben');
    await are('Ben', 'Anna', 'Ben', 'Ben', 'Clara');
    const place = join(w.workspace, '.earshot/speakers.json');
    assert.ok(!existsSync(place), 'before it is saved');
    await w.host.inHost(vscode => vscode.commands.executeCommand('workbench.action.files.save'));
    await w.daemon.until(() => w.daemon.asked('job/speakers').length === 1);
    assert.deepEqual(w.daemon.asked('job/speakers')[0], { id: job.id, names: { S1: 'Anna', S2: 'Ben' } });
    assert.deepEqual(JSON.parse(readFileSync(place, 'utf8')), { speakers: { Anna: 'AAAA', Ben: 'BBBB' } });
    for (const theme of ['dark', 'light', 'hcDark', 'hcLight'] as const) {
      await setTheme(w.host, theme);
      assert.deepEqual(
        { theme, found: (await axe(await webview(page, { extensionId: ID, title: EDITOR }))).violations },
        { theme, found: [] },
      );
    }
    await setTheme(w.host, 'dark');
    await setSettings(w.host, { 'files.autoSave': 'afterDelay' });
    await closeEditors();
  });

  it('a transcript has its summary: asked for, stopped, folded, copied, made anew while somebody mends the text', async () => {
    const { page } = w.host,
      { editor, text, path } = await transcript('summed.wav'),
      block = editor.locator('.summary'),
      ask = editor.getByRole('button', { name: 'Summarize', exact: true });
    const asked = (): unknown[] => w.daemon.asked('job/summary'),
      newest = (): string => [...w.daemon.jobs.keys()].at(-1)!,
      before = asked().length;
    /** As the daemon does it: into the file, then the job ends. */
    const made = (said: string): void => {
      const now = JSON.parse(readFileSync(path, 'utf8')) as Transcript,
        id = newest();
      writeFileSync(path, JSON.stringify({ ...now, summary: { text: said, language: 'en', model: 'Qwen 2.5 1.5B' } }));
      w.daemon.utterances.set(id, [{ index: 0, startMs: 0, endMs: 1000, summary: { text: said } }]);
      w.daemon.finish(id);
    };
    await ask.click();
    await w.daemon.until(() => asked().length === before + 1);
    assert.deepEqual(asked().at(-1), { of: path });
    w.daemon.update(newest(), {
      state: 'processing',
      waiting: null,
      progress: {
        utterances: 5,
        ingested: true,
        ingestedMs: 1,
        stages: { summary: { done: 2, failed: 0, running: 1 } },
      },
    });
    await block.getByText('2 of 5').waitFor();
    assert.equal(await ask.count(), 0);
    // Whoever pressed the button is at the next one: Enter stops it, and again at the first.
    await until('the focus went along', () =>
      block.getByRole('button', { name: 'Stop' }).evaluate(e => e === document.activeElement),
    );
    await page.keyboard.press('Enter');
    await w.daemon.until(() => w.daemon.jobs.get(newest())!.state === 'cancelled');
    await until('it can be asked for again', () => ask.evaluate(e => e === document.activeElement));
    await page.keyboard.press('Enter');
    await w.daemon.until(() => asked().length === before + 2);
    made('About a brother & his <money>.');
    await block.getByText('About a brother & his <money>.').waitFor();
    assert.match((await block.textContent()) ?? '', /By Qwen 2\.5 1\.5B, a language model/);
    await block.getByRole('button', { name: 'Copy the summary' }).click();
    await editor.locator('[role=status]', { hasText: 'Copied' }).waitFor();
    await until(
      'on the clipboard',
      async () => (await w.host.inHost(vscode => vscode.env.clipboard.readText())) === 'About a brother & his <money>.',
    );
    const fold = block.locator('.fold');
    for (const open of ['true', 'false'] as const) {
      if (open === 'false') {
        await fold.focus();
        await page.keyboard.press('Space');
      }
      await until(
        'folded or not',
        async () =>
          (await fold.getAttribute('aria-expanded')) === open &&
          (await block.locator('#summary-body').isVisible()) === (open === 'true'),
      );
      for (const theme of ['dark', 'light', 'hcDark', 'hcLight'] as const) {
        await setTheme(w.host, theme);
        assert.deepEqual(
          { theme, open, found: (await axe(await webview(page, { extensionId: ID, title: EDITOR }))).violations },
          { theme, open, found: [] },
        );
      }
    }
    assert.ok(
      await editor.evaluate(() => document.querySelector<HTMLMediaElement>('#player')?.paused ?? true),
      'the space key folds, and plays nothing',
    );
    await setTheme(w.host, 'dark');
    await block.getByRole('button', { name: 'Summarize again' }).click();
    await w.daemon.until(() => asked().length === before + 3);
    await editor.locator('#u0').focus();
    await page.keyboard.press('a');
    await until('repaired meanwhile', async () => !/"after":"Dashwood"/.test(await text()));
    made('About money.');
    await until('both are in the file', () => {
      const now = JSON.parse(readFileSync(path, 'utf8')) as Transcript;
      return now.summary?.text === 'About money.' && now.utterances[0]!.repair?.changes.length === 0;
    });
    await until('nothing is unsaved', () =>
      w.host.inHost((vscode, file) => !vscode.workspace.textDocuments.find(d => d.uri.fsPath === file)!.isDirty, path),
    );
    assert.equal((JSON.parse(await text()) as Transcript).summary?.text, 'About money.');
    await closeEditors();
  });

  it('the transcript editor hears nobody but the extension, runs no script but its own, and changes a file only as agreed', async () => {
    const { editor, text, path } = await transcript('guarded.wav'),
      before = await text();
    await postToPage(
      editor,
      {
        type: 'document',
        name: 'forged',
        durationMs: null,
        language: null,
        translatedTo: null,
        utterances: [],
        speakers: [],
        media: 'https://evil.example/a.wav',
        video: false,
        missing: null,
        error: null,
      },
      'https://evil.example',
    );
    for (const data of [{ type: 'document', utterances: [] }, { type: 'goto', index: '0' }, { type: 'run' }])
      await postToPage(editor, data, null);
    await editor.evaluate(() => new Promise(requestAnimationFrame));
    assert.ok((await editor.locator('.utterance').count()) > 0);
    const { done, refusedBy } = await breakOut(editor);
    assert.deepEqual(done, []);
    for (const rule of ['script-src-elem', 'script-src-attr', 'script-src', 'img-src', 'connect-src', 'media-src'])
      assert.ok(refusedBy.includes(rule), `${rule} of ${refusedBy.join(' ')}`);
    for (const message of [
      { type: 'text', index: -1, text: 'forged' },
      { type: 'text', index: 0, text: { forged: 1 } },
      { type: 'text', index: 0, text: 'x'.repeat(20_001) },
      { type: 'replace', find: '', replacement: 'forged' },
      { type: 'write', path: '/etc/passwd' },
      { type: 'text', index: 0, text: 'forged', more: 1 },
    ])
      await postToExtension(editor, message);
    await postToExtension(editor, { type: 'text', index: 0, text: 'agreed on' });
    await until('the change', async () => (await text()).includes('agreed on'));
    assert.doesNotMatch(await text(), /forged/);
    assert.notEqual(await text(), before);
    assert.equal(readFileSync(path, 'utf8'), before, 'nothing is saved unasked');
    await closeEditors();
  });

  it(
    'a video plays with its subtitles',
    { skip: ffmpeg ? false : 'no ffmpeg to make one with: npm start installs it' },
    async () => {
      make([
        '-f',
        'lavfi',
        '-i',
        'testsrc=size=160x120:rate=10',
        '-i',
        join(root, 'samples/sense-and-sensibility.flac'),
        '-t',
        '20',
        '-c:v',
        'libvpx',
        '-b:v',
        '100k',
        '-c:a',
        'libopus',
        join(w.workspace, 'film.webm'),
      ]);
      const { editor } = await transcript('film.webm');
      await editor.locator('#w1-2').click({ modifiers: ['Control'] });
      await until('the picture moves', () =>
        editor.evaluate(() => {
          const v = document.querySelector<HTMLVideoElement>('video#player')!;
          return v.videoWidth === 160 && v.currentTime > 8;
        }),
      );
      await until('with its subtitle', async () =>
        /ill disposed young man/.test((await editor.locator('#caption').textContent()) ?? ''),
      );
      await w.host.page.keyboard.press('Space');
      await closeEditors();
    },
  );

  it('a recording copied in the explorer and pasted into Markdown is a link; pasted as one, its transcript', async () => {
    const { page } = w.host;
    await openView(page, 'Explorer');
    await explorerRow(page, 'talk.wav').click();
    await page.keyboard.press('Control+c');
    await explorerRow(page, 'notes.md').dblclick();
    await page.locator('.tab.active', { hasText: 'notes.md' }).waitFor();
    await page.locator('.editor-instance .view-lines').first().click();
    await page.keyboard.press('Control+End');
    const before = w.daemon.jobs.size;
    await page.keyboard.press('Control+v');
    const lines = page.locator('.editor-instance .view-lines').first();
    await until('the link', async () => (await lines.textContent())?.includes('[talk.wav](<talk.wav>)'), 90_000);
    assert.equal(w.daemon.jobs.size, before);
    // Who would rather have the transcript says so once.
    const prefer = (kinds: string[] | undefined): Promise<void> =>
      w.host.inHost(
        async (vscode, to) =>
          vscode.workspace
            .getConfiguration('editor')
            .update('pasteAs.preferences', to, vscode.ConfigurationTarget.Global),
        kinds,
      );
    await prefer(['earshot.transcript']);
    await page.keyboard.press('Control+z');
    await asking(() => page.keyboard.press('Control+v'));
    await prefer(undefined);
    w.daemon.say([...w.daemon.jobs.keys()].at(-1)!);
    await page.locator('.editor-instance .view-line', { hasText: 'Mr. John Dashwood' }).first().waitFor();
    await closeEditors();
  });

  it('recordings dropped on the queue are transcribed', async () => {
    const queue = await w.panel('Queue'),
      uris = await w.host.inHost(
        (vscode, files) => files.map(file => vscode.Uri.file(file).toString()),
        ['talk.wav', 'lecture.mp4'].map(name => join(w.workspace, name)),
      );
    await queue.locator('.scroller, .empty').first().waitFor();
    await asking(() =>
      queue.evaluate(list => {
        const data = new DataTransfer();
        data.setData('application/vnd.code.uri-list', list);
        (document.querySelector('.scroller') ?? document.querySelector('.empty'))!.dispatchEvent(
          new DragEvent('drop', { dataTransfer: data, bubbles: true, cancelable: true }),
        );
      }, uris.join('\r\n')),
    );
    const { jobs } = w.daemon.asked('job/submit').at(-1) as Params<'job/submit'>;
    assert.deepEqual(
      jobs.map(({ recording }) => basename(recording)),
      ['talk.wav', 'lecture.mp4'],
    );
    // That both are done is said once, and leads to both.
    const ids = [...w.daemon.jobs.keys()].slice(-2),
      { page } = w.host,
      said = page.locator('.notifications-center .notification-list-item', { hasText: 'have been transcribed' });
    for (const id of ids) {
      w.daemon.say(id);
      const { path } = w.daemon.jobs.get(id)!.recording,
        outputs = [{ kind: 'json' as const, path: `${path}.earshot.json`, bytes: 1 }];
      w.daemon.finish(id, { outputs });
    }
    await until('the news', async () =>
      (await notifications(page)).some(each => each.startsWith('2 recordings have been transcribed.')),
    );
    await page.locator('.statusbar-item[id="status.notifications"] a').click();
    await said.locator('.monaco-button', { hasText: 'Open Transcripts' }).click();
    await page.locator('.tab.active', { hasText: 'transcripts.md' }).waitFor();
    assert.deepEqual(
      [...readFileSync(join(w.workspace, 'transcripts.md'), 'utf8').matchAll(/^\| \[(.*?)\]/gm)].map(
        ([, name]) => name,
      ),
      ['talk.wav', 'lecture.mp4'],
    );
    for (const id of ids) w.daemon.utterances.delete(id);
    await closeEditors();
  });

  it('the status bar says what runs and how far, and opens the queue', async () => {
    const { page } = w.host,
      job = [...w.daemon.jobs.keys()].at(-1)!;
    for (const other of w.daemon.jobs.keys()) if (other !== job) w.daemon.update(other, { state: 'cancelled' });
    w.daemon.say(job, 8);
    w.daemon.say(job, 8);
    const item = page.locator('.statusbar-item', { hasText: /lecture\.mp4 25%/ });
    await item.waitFor();
    await openView(page, 'Explorer');
    await item.locator('a').click();
    await (
      await webview(page, { extensionId: ID, title: 'Queue' })
    )
      .locator('.job.running', { hasText: 'lecture.mp4' })
      .waitFor();
    w.daemon.finish(job);
    await item.waitFor({ state: 'detached' });
  });

  it('dictation shows what is being said in gray, in no document, until its sentence is there', async () => {
    const { page } = w.host,
      before = new Set(w.daemon.jobs.keys());
    await w.host.inHost(
      async (vscode, device) => {
        await vscode.workspace
          .getConfiguration('earshot')
          .update('dictation.device', device, vscode.ConfigurationTarget.Global);
        const document = await vscode.workspace.openTextDocument({ language: 'markdown', content: 'Said:' }),
          editor = await vscode.window.showTextDocument(document);
        editor.selection = new vscode.Selection(0, 5, 0, 5);
        await vscode.commands.executeCommand('earshot.dictate');
      },
      `file:${join(w.workspace, 'talk.wav')}`,
    );
    const [job] = [...w.daemon.jobs.keys()].filter(id => !before.has(id));
    assert.equal((w.daemon.asked('live/open').at(-1) as Params<'live/open'>).partials, true);
    const text = (): Promise<string> =>
      w.host.inHost(async vscode => vscode.window.activeTextEditor!.document.getText());
    /** What the editor draws that is in no document. */
    const gray = (): Promise<string> =>
      page.evaluate(() =>
        [...document.querySelectorAll('.editor-instance .view-line span span')]
          .flatMap(span => ['::before', '::after'].map(place => getComputedStyle(span, place).content))
          .filter(content => content !== 'none' && content !== 'normal')
          .map(content => content.slice(1, -1).replaceAll('\u00a0', ' '))
          .join(''),
      );
    const partial = { index: 0, startMs: 0, endMs: 2000, stable: 'And Mr. John', unstable: ' Dash "wood' };
    // Its utterances may not be subscribed to yet.
    await until('what is being said', async () => {
      w.daemon.publishPartial(job!, partial);
      return /^And Mr\. John Dash \\?"wood/.test(await gray());
    });
    assert.equal(await text(), 'Said:');
    w.daemon.say(job!);
    await until('the sentence', async () => (await text()).startsWith('Said: And Mr. John Dashwood had'));
    await until('nothing gray', async () => (await gray()) === '');
    const stopped = w.host.inHost(vscode => vscode.commands.executeCommand('earshot.stopDictation'));
    await w.daemon.until(() => w.daemon.asked('live/close').length > 0);
    w.daemon.finish(job!);
    await stopped;
    await closeEditors();
  });

  it('the walkthrough ends with a transcribed sample', async () => {
    const { page } = w.host;
    await w.host.inHost(vscode =>
      vscode.commands.executeCommand('workbench.action.openWalkthrough', 'earshot.earshot#start'),
    );
    const step = (name: string) => page.locator('.gettingStarted .getting-started-step', { hasText: name });
    const press = async (name: string, button: string): Promise<void> => {
      await step(name).waitFor();
      if (!/expanded/.test((await step(name).getAttribute('class')) ?? '')) await step(name).click();
      await step(name).locator('.monaco-button', { hasText: button }).click();
    };
    const done = (name: string): Promise<void> =>
      step(name).locator('.codicon-getting-started-step-checked').first().waitFor();
    await press('Install a speech model', 'Choose models');
    await page.locator('.pane-header[aria-expanded=true]', { hasText: 'Models' }).waitFor();
    await done('Install a speech model');
    await asking(() => press('Transcribe a sample', 'Try the sample'));
    assert.match(submitted().recording, /sense-and-sensibility\.flac$/);
    const job = [...w.daemon.jobs.keys()].at(-1)!;
    for (let n = 0; n < 4; n++) w.daemon.say(job, 4);
    w.daemon.finish(job);
    await page.locator('.editor-instance .view-line', { hasText: 'made amiable himself' }).first().waitFor();
    await w.host.inHost(vscode =>
      vscode.commands.executeCommand('workbench.action.openWalkthrough', 'earshot.earshot#start'),
    );
    await done('Transcribe a sample');
    await press('Watch the queue', 'Show the queue');
    await done('Watch the queue');
    await closeEditors();
  });

  it('the doctor says what is fine and what to do', async () => {
    await runCommand(w.host.page, 'Earshot: Doctor: Check This Machine');
    const page = await until('the report', async () => {
      for (const frame of w.host.page.frames())
        if (/Everything works; some things could be better/.test(await frame.content().catch(() => ''))) return frame;
      return undefined;
    });
    assert.match(await page.content(), /✅[^]*ffmpeg[^]*⚠️/);
    await closeEditors();
  });

  it('a recording that is no file on this machine is refused in plain words', async () => {
    await w.host.inHost(vscode => {
      void vscode.commands.executeCommand(
        'earshot.transcribe',
        vscode.Uri.parse('vscode-vfs://github/someone/talks/talk.wav'),
      );
    });
    await until('the reason', async () =>
      (await notifications(w.host.page)).some(text => /talk\.wav is in a virtual workspace/.test(text)),
    );
  });

  /** Runs *Transcribe* on a selection in the workspace, and does not wait for it. */
  const transcribe = (...names: string[]): Promise<unknown> =>
    w.host.inHost(
      (vscode, files) => {
        const uris = files.map(file => vscode.Uri.file(file));
        void vscode.commands.executeCommand('earshot.transcribe', uris[0], uris);
        return null;
      },
      names.map(name => join(w.workspace, name)),
    );
  const names = (): string[] =>
    (w.daemon.asked('job/submit').at(-1) as Params<'job/submit'>).jobs.map(({ recording }) => basename(recording));
  const put = (folder: string, files: Record<string, string | Uint8Array>): void => {
    mkdirSync(join(w.workspace, folder));
    for (const [name, content] of Object.entries(files)) writeFileSync(join(w.workspace, folder, name), content);
  };
  const messages = async (): Promise<string[]> => {
    const all = await notifications(w.host.page);
    await w.host.inHost(vscode => vscode.commands.executeCommand('notifications.clearAll').then(() => null));
    return all;
  };

  it('of files whose names sources have too, recordings alone are taken, and the menus know which is which', async () => {
    const { page } = w.host;
    put('mixed', {
      'app.ts': 'export const answer = 42;\n',
      'module.mts': 'export {};\n',
      'broadcast.ts': packets(188),
      'film.srt': '1\n00:00:01,000 --> 00:00:02,000\nHello.\n',
      'talk.earshot.json': toJson(sampleTranscript(join(w.workspace, 'talk.wav'))),
    });
    await asking(async () => void (await transcribe('mixed/app.ts', 'mixed/broadcast.ts', 'talk.wav')));
    assert.deepEqual(names(), ['broadcast.ts', 'talk.wav']);
    await asking(async () => void (await transcribe('mixed')));
    assert.deepEqual(names(), ['broadcast.ts']);
    await closeEditors();
    const before = w.daemon.asked('job/submit').length;
    await messages();
    await transcribe('mixed/app.ts');
    await until('why a source is not taken', async () => (await messages()).some(text => text.includes('app.ts')));
    assert.equal(w.daemon.asked('job/submit').length, before);
    await w.host.inHost(vscode => void vscode.commands.executeCommand('earshot.transcribe'));
    await title('Which recording?');
    const offered = await until('recordings to choose from', async () => {
      const all = await quick().locator('.monaco-list-row .label-name').allTextContents();
      return all.includes('talk.wav') && all;
    });
    assert.deepEqual(
      offered.filter(name => /\.m?ts$|\.srt$|\.json$|\.md$/.test(name)),
      [],
    );
    await page.keyboard.press('Escape');
    await quick().waitFor({ state: 'hidden' });
    await openView(page, 'Explorer');
    const ours = async (name: string): Promise<string> => {
      await explorerRow(page, name).click({ button: 'right' });
      const items = await menuItems(page);
      await page.keyboard.press('Escape');
      await page.locator('.monaco-menu').first().waitFor({ state: 'detached' });
      return items
        .filter(item => /transcri|Earshot|Subtitles|Summary|Export|Watch|Synchron|Convert/i.test(item))
        .join();
    };
    const offers: Record<string, string> = {
      mixed: 'Transcribe,Earshot,Watch This Folder…',
      'app.ts': '',
      'film.srt': 'Synchronize Subtitles With the Recording,Convert Subtitles…,Translate Subtitles…',
    };
    await explorerRow(page, 'mixed').click();
    for (const [name, entries] of Object.entries(offers))
      await until(`${name} offers ${entries || 'nothing'}`, async () => {
        const seen = await ours(name);
        if (seen !== entries) throw new Error(`it offers ${seen}`);
        return true;
      });
    await closeEditors();
  });

  it('what fails of one action is one message; more than 20 recordings are asked about', async () => {
    const { page } = w.host,
      dialog = page.locator('.monaco-dialog-box', { hasText: 'Transcribe 21 recordings?' });
    put('gone', { 'missing 1.wav': 'RIFF', 'missing 2.wav': 'RIFF' });
    await messages();
    await asking(async () => void (await transcribe('gone/missing 1.wav', 'gone/missing 2.wav', 'talk.wav')));
    const said = await until('what failed', async () => {
      const all = await messages();
      return all.length > 0 && all;
    });
    assert.equal(said.length, 1, said.join('\n'));
    assert.match(said[0]!, /^2 recordings could not be queued: .*missing 1\.wav/);
    put('many', Object.fromEntries(Array.from({ length: 21 }, (_, n) => [`r${n + 10}.wav`, 'RIFF'])));
    const before = w.daemon.asked('job/submit').length;
    await transcribe('many');
    await dialog.waitFor();
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'detached' });
    assert.equal(w.daemon.asked('job/submit').length, before, 'nothing begins');
    await transcribe('many');
    await asking(() => dialog.getByRole('button', { name: 'Transcribe All' }).click());
    assert.equal(names().length, 21);
    rmSync(join(w.workspace, 'many', 'r10.wav'));
    await asking(async () => void (await transcribe('many')));
    assert.equal(names().length, 20, 'as many as somebody may have meant are taken at once');
    await closeEditors();
  });

  it('the settings page edits every setting but watched folders, and no other command has one of our shortcuts', async () => {
    const { page } = w.host,
      list = page.locator('.settings-editor .settings-tree-container .monaco-list').first(),
      known = new Map<string, { inJson: boolean; refused: string }>();
    const wanted = await w.host.inHost(vscode =>
      (
        vscode.extensions.getExtension('earshot.earshot')!.packageJSON as {
          contributes: { configuration: { properties: object }[] };
        }
      ).contributes.configuration.flatMap(({ properties }) => Object.keys(properties)),
    );
    // All of the page at once: it holds what is on the screen only.
    await page.setViewportSize({ width: 1280, height: 12_000 });
    try {
      // A window on another machine has most of that machine's settings in a tab of their own.
      for (const command of ['workbench.action.openRemoteSettings', 'workbench.action.openSettings']) {
        await w.host.inHost(
          (vscode, id) => void vscode.commands.executeCommand(id, { query: '@ext:earshot.earshot' }),
          command,
        );
        const last = command.includes('Remote') ? 'earshot.machine.idleExitSeconds' : 'earshot.statusBar';
        await list.locator(`[data-key="${last}"]`).first().waitFor();
        const shown = await list.evaluate(e =>
          [...e.querySelectorAll<HTMLElement>('.setting-item-contents')].map(item => ({
            name: item.dataset.key!,
            inJson: item.querySelector('.edit-in-settings-button:not(.setting-item-hidden)') !== null,
            refused: item.classList.contains('invalid-input')
              ? (item.querySelector('.setting-item-validation-message')?.textContent ?? 'refused')
              : '',
          })),
        );
        for (const { name, ...found } of shown) known.set(name, found);
      }
    } finally {
      await page.setViewportSize({ width: 1280, height: 800 });
    }
    assert.deepEqual(
      wanted.filter(name => !known.has(name)),
      [],
    );
    assert.deepEqual(
      wanted.filter(name => known.get(name)!.inJson),
      ['earshot.watchedFolders'],
    );
    assert.deepEqual(
      wanted.filter(name => known.get(name)!.refused),
      [],
      'what stands there is what may stand there',
    );
    const taken = await w.host.inHost(async vscode => {
      const { keybindings } = (
          vscode.extensions.getExtension('earshot.earshot')!.packageJSON as {
            contributes: { keybindings: { key: string }[] };
          }
        ).contributes,
        ours = new Set(keybindings.map(({ key }) => key).filter(key => key.includes('+')));
      const defaults = await vscode.workspace.openTextDocument(
        vscode.Uri.parse('vscode://defaultsettings/keybindings.json'),
      );
      const entries = [...defaults.getText().matchAll(/"key": "([^"]+)",\s*"command": "([^"]+)"/g)];
      return {
        all: entries.length,
        others: entries.filter(([, key, command]) => ours.has(key!) && !command!.startsWith('earshot.')).map(String),
        mine: entries.filter(([, , command]) => command!.startsWith('earshot.')).length,
      };
    });
    assert.ok(taken.all > 300 && taken.mine >= 3, JSON.stringify(taken));
    assert.deepEqual(taken.others, []);
    await closeEditors();
  });
});
