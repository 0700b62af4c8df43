/**
 * The transcript editor in a real window: texts are edited where they stand, parted, joined, put in, moved in time;
 * words are found and replaced; what was shown shows again; three hours are as quick as three minutes.
 */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { sourceText, type Transcript } from '../../schemas/job.ts';
import { failure } from '../../schemas/errors.ts';
import { toJson } from '../../text/transcripts/json.ts';
import { longTranscript, sampleDialogue } from './fake/fixtures.ts';
import { EDITOR, ID, openWindow, widenSideBar, type Window } from './harness.ts';
import { hostUnavailable } from './host/install.ts';
import type { Frame } from './host/playwright.d.ts';
import { tasksOf } from './host/tasks.ts';
import { axe, runCommand, setTheme, until, webview } from './host/ui.ts';

const unavailable = await hostUnavailable();
if (unavailable) console.log(`Not run: ${unavailable}`);

describe('the transcript editor', { skip: unavailable ?? false, timeout: 350_000 }, () => {
  let w: Window;
  before(async () => {
    w = await openWindow({ jobs: [] }, { settings: { 'earshot.notifications': 'never' } });
  });
  after(async () => {
    assert.deepEqual((await w?.close()) ?? [], []);
  });

  const frame = (): Promise<Frame> => webview(w.host.page, { extensionId: ID, title: EDITOR });
  const show = async (path: string): Promise<Frame> => {
    await w.host.inHost(
      (vscode, file) => vscode.commands.executeCommand('vscode.openWith', vscode.Uri.file(file), 'earshot.transcript'),
      path,
    );
    const editor = await frame();
    await editor.locator('.utterance').first().waitFor();
    return editor;
  };
  const open = async (
    name: string,
    made: (recording: string) => Transcript,
  ): Promise<{ editor: Frame; path: string }> => {
    const path = join(w.workspace, `${name}.earshot.json`);
    writeFileSync(path, toJson(made(join(w.workspace, 'talk.wav'))));
    return { editor: await show(path), path };
  };
  const transcript = async (path: string): Promise<Transcript> =>
    JSON.parse(
      await w.host.inHost(
        (vscode, file) => vscode.workspace.textDocuments.find(d => d.uri.fsPath === file)!.getText(),
        path,
      ),
    ) as Transcript;
  const texts = async (path: string): Promise<string[]> =>
    (await transcript(path)).utterances.map(u => sourceText(u).slice(0, 24));
  const undo = (): Promise<unknown> => w.host.inHost(vscode => vscode.commands.executeCommand('undo'));
  const command = (name: string, context?: object): Promise<unknown> =>
    w.host.inHost((vscode, { id, about }) => vscode.commands.executeCommand(id, about), {
      id: `earshot.transcript.${name}`,
      about: context,
    });
  const clipboard = (): Promise<string> => w.host.inHost(vscode => vscode.env.clipboard.readText());
  const revert = (): Promise<unknown> =>
    w.host.inHost(vscode => vscode.commands.executeCommand('workbench.action.revertAndCloseActiveEditor'));

  it('a click puts the cursor into the text; it is parted there, joined, put in, taken out, each undone in one step', async () => {
    const { page } = w.host,
      { editor, path } = await open('edits', sampleDialogue),
      before = await texts(path),
      are = (what: string, ...expected: string[]): Promise<true> =>
        until(what, async () => JSON.stringify(await texts(path)) === JSON.stringify(expected) || undefined);
    await editor.locator('#w3-2').click();
    const caret = (): Promise<number> =>
      editor.evaluate(() => document.querySelector<HTMLTextAreaElement>('.utterance textarea')!.selectionStart);
    assert.ok((await caret()) > 'He might'.length && (await caret()) <= 'He might even'.length, 'where it was clicked');
    assert.ok(
      await editor.evaluate(() => document.querySelector<HTMLMediaElement>('#player')!.paused),
      'and nothing plays',
    );
    // Letters are letters; Escape leaves the text as it was.
    await page.keyboard.type('msfl');
    await page.keyboard.press('Escape');
    await page.keyboard.press('Enter');
    assert.equal(await caret(), 'He might even have been made amiable himself.'.length);
    for (let i = 0; i < 'amiable himself.'.length; i++) await page.keyboard.press('ArrowLeft');
    await page.keyboard.press('Control+Enter');
    await are('parted', ...before.slice(0, 3), 'He might even have been ', 'amiable himself.');
    const [, , , first, second] = (await transcript(path)).utterances;
    assert.deepEqual([first!.startMs, first!.endMs < second!.startMs + 1, second!.endMs], [22_200, true, 25_200]);
    // The second part has the focus; at its beginning Backspace joins it with what stands before.
    await until('the focus', () => editor.evaluate(() => document.activeElement?.id === 'u4'));
    await page.keyboard.press('Enter');
    await page.keyboard.press('Home');
    await page.keyboard.press('Backspace');
    await are('joined', ...before);
    await undo();
    await are('undone', ...before.slice(0, 3), 'He might even have been ', 'amiable himself.');
    await undo();
    await are('undone again', ...before);
    await editor.locator('#u3').focus();
    await page.keyboard.press('i');
    await editor.locator('textarea').waitFor();
    await page.keyboard.type('Somebody laughs.');
    await page.keyboard.press('Enter');
    await are('put in', ...before, 'Somebody laughs.');
    await page.keyboard.press('Control+Delete');
    await are('taken out', ...before);
    await editor.locator('#u1').focus();
    await page.keyboard.press('c');
    await page.keyboard.type('Ask Anna');
    await page.keyboard.press('Enter');
    await until('noted', async () => (await transcript(path)).utterances[1]!.comment === 'Ask Anna');
    await editor.locator('.comment', { hasText: 'Ask Anna' }).waitFor();
    // Its edges on the waveform.
    const edge = editor.getByRole('slider', { name: 'End of the utterance' });
    await edge.focus();
    await page.keyboard.press('ArrowLeft');
    await until('nudged', async () => (await transcript(path)).utterances[1]!.endMs === 14_350);
    const box = (await edge.boundingBox())!;
    await page.mouse.move(box.x + box.width / 2, box.y + 10);
    await page.mouse.down();
    await page.mouse.move(box.x - 60, box.y + 10, { steps: 4 });
    await page.mouse.up();
    await until('dragged', async () => (await transcript(path)).utterances[1]!.endMs < 14_000);
    await editor.getByRole('button', { name: 'Revert all repairs' }).click();
    await until('as it was recognized', async () => /dash-wood/.test((await texts(path))[0]!));
    // What the context menu does, on the utterance that it was opened for.
    await command('copyTimes', { utterance: 2 });
    await until('copied', async () => (await clipboard()).startsWith('[0:15] Speaker 2: Had he married'));
    await command('copyLink', { utterance: 2 });
    await until('a link', async () => (await clipboard()) === '[talk.wav 0:15](talk.wav#t=15)');
    await command('merge', { utterance: 0 });
    await until('merged', async () => (await transcript(path)).utterances.length === 3);
    await revert();
  });

  it('a recording that the editor cannot play is played from a copy, which is waited for, given up and asked for again', async () => {
    const film = (recording: string): Transcript => {
      const made = sampleDialogue(recording),
        path = join(w.workspace, 'lecture.mp4');
      return { ...made, recording: { ...made.recording, path, name: 'lecture.mp4' } };
    };
    w.daemon.copy = { path: null, fraction: 0.4 };
    const { editor } = await open('film', film),
      status = editor.locator('.copy'),
      src = (): Promise<string | null | undefined> =>
        editor.evaluate(() => document.querySelector('#player')?.getAttribute('src'));
    await status.getByText('Making a copy that plays here… 40%').waitFor();
    assert.deepEqual(w.daemon.asked('media/playable').at(-1), { path: join(w.workspace, 'lecture.mp4') });
    assert.equal(await src(), undefined);
    await status.getByRole('button', { name: 'Cancel' }).click();
    await w.daemon.until(() => w.daemon.asked('media/cancel').length === 1);
    await status.getByText('No copy was made.').waitFor();
    await status.getByRole('button', { name: 'Try again' }).click();
    await status.getByText('40%').waitFor();
    w.daemon.copy = { path: join(w.workspace, 'talk.wav'), fraction: null };
    await until('the copy plays', async () => (await src())?.endsWith('talk.wav'));
    assert.equal(await status.count(), 0);
    w.daemon.copy = null;
    await revert();
  });

  it('finds words, steps through them, and replaces those that are wanted after a look at all of them', async () => {
    const { page } = w.host,
      { editor, path } = await open('found', sampleDialogue),
      bar = editor.locator('.find'),
      found = (text: string): Promise<void> => bar.locator('.found', { hasText: text }).waitFor();
    await editor.locator('#u0').focus();
    await page.keyboard.press('Control+f');
    await page.keyboard.type('disposed');
    await found('1 of 2');
    await page.keyboard.press('Enter');
    await found('2 of 2');
    await page.keyboard.press('Shift+Enter');
    await found('1 of 2');
    await bar.getByRole('textbox', { name: 'Find' }).fill('He');
    await bar.getByRole('button', { name: 'Match Whole Word' }).click();
    await found('1 of 5');
    await bar.getByRole('button', { name: 'Match Case' }).click();
    await found('1 of 2');
    assert.equal(await editor.evaluate(() => CSS.highlights.get('hit-shown')?.size), 1, 'lit up in the text');
    await bar.getByRole('button', { name: 'Toggle Replace' }).click();
    await bar.getByRole('textbox', { name: 'Replace with' }).fill('She');
    assert.deepEqual(await bar.locator('.previews del').allTextContents(), ['He', 'He']);
    await bar.locator('.previews input').first().click();
    await bar.getByRole('button', { name: 'Replace 1' }).click();
    await until('one of them', async () => {
      const now = await texts(path);
      return now[1]!.startsWith('He was') && now[3]!.startsWith('She might');
    });
    for (const theme of ['light', 'hcDark', 'hcLight'] as const) {
      await setTheme(w.host, theme);
      assert.deepEqual({ theme, found: (await axe(await frame())).violations }, { theme, found: [] });
    }
    await setTheme(w.host, 'dark');
    // In a narrow editor, tools without room are in a menu, which the keyboard reaches.
    const tool = editor.locator('.tool', { hasText: 'Export' }),
      more = editor.getByRole('button', { name: 'More' }),
      menu = editor.locator('#more-tools');
    assert.equal(await more.count(), 0, 'there is room for all of them');
    await widenSideBar(w.host, 900);
    await more.waitFor();
    assert.deepEqual([await tool.isVisible(), await menu.isVisible()], [false, false]);
    await more.focus();
    await page.keyboard.press('Enter');
    const inMenu = menu.getByRole('menuitem', { name: 'Export…' });
    await inMenu.waitFor();
    assert.deepEqual((await axe(editor)).violations, []);
    await page.keyboard.press('End');
    await until('the last of them', () =>
      editor.evaluate(() => /Export/.test(document.activeElement?.textContent ?? '')),
    );
    await menu.getByRole('menuitem', { name: 'Copy the text', exact: true }).focus();
    await page.keyboard.press('Enter');
    await until('copied', async () => /He was not an ill disposed/.test(await clipboard()));
    assert.equal(await menu.isVisible(), false);
    await widenSideBar(w.host, 300);
    await tool.waitFor();
    await bar.getByRole('textbox', { name: 'Find' }).focus();
    await page.keyboard.press('Escape');
    await until('the focus is in the text', () => editor.evaluate(() => /^u\d/.test(document.activeElement?.id ?? '')));
    await page.keyboard.press('?');
    await editor.locator('dialog[open]').waitFor();
    assert.deepEqual((await axe(editor)).violations, []);
    await page.keyboard.press('Escape');
    await until('closed', async () => (await editor.locator('dialog[open]').count()) === 0);
    await revert();
  });

  it('goes from word to word, over and over, nearer, and through what one of them says, by keyboard', async () => {
    const { page } = w.host,
      { editor } = await open('plays', sampleDialogue),
      lit = (word: string): Promise<void> => editor.locator(`#${word}.now`).waitFor(),
      width = (): Promise<number> =>
        editor.locator('.span').evaluate(e => Number.parseFloat((e as HTMLElement).style.width));
    await until('the sound is here', () =>
      editor.evaluate(() => document.querySelector<HTMLMediaElement>('#player')!.readyState > 0),
    );
    await editor.locator('#u2').focus();
    await editor.locator('#player').evaluate(e => ((e as HTMLMediaElement).currentTime = 15.1));
    await lit('w2-0');
    await page.keyboard.press('Control+ArrowRight');
    await lit('w2-1');
    await page.keyboard.press('Control+ArrowLeft');
    await lit('w2-0');
    await until('the position as somebody says it', async () =>
      editor.evaluate(() => document.querySelector('#wave')!.getAttribute('aria-valuetext') === '15 seconds'),
    );
    const ends = editor.getByRole('button', { name: 'End the loop (L)' });
    await page.keyboard.press('l');
    await ends.waitFor();
    await page.keyboard.press('l');
    await ends.waitFor({ state: 'detached' });
    const before = await width();
    await page.keyboard.press('+');
    await until('nearer', async () => (await width()) > before * 1.5);
    await page.keyboard.press('-');
    await until('as before', async () => Math.abs((await width()) - before) < 1);
    const only = editor.locator('.person .filter').last();
    await only.click();
    await editor.locator('#u0').waitFor({ state: 'detached' });
    assert.deepEqual(await editor.evaluate(() => [...document.querySelectorAll('.utterance')].map(row => row.id)), [
      'u2',
    ]);
    await only.click();
    await editor.locator('#u0').waitFor();
    await revert();
  });

  it('long pauses part chapters: headings, a list that says where it is, and one to choose from', async () => {
    const { page } = w.host,
      starts = [0, 6000, 90_000, 99_000],
      { editor } = await open('chapters', recording => {
        const made = sampleDialogue(recording);
        return {
          ...made,
          utterances: made.utterances.map((u, i) => ({ ...u, startMs: starts[i]!, endMs: starts[i]! + 5000 })),
        };
      }),
      there = (what: string, id: string): Promise<true> =>
        until(what, () => editor.evaluate(row => document.activeElement?.id === row || undefined, id));
    assert.deepEqual(
      await editor.locator('.chapter').allTextContents(),
      (await editor.locator('#chapters option').allTextContents()).map(text => text.trim().replace(/^[\d:]+ /, '')),
    );
    assert.deepEqual(
      await editor.evaluate(() => [...document.querySelectorAll('.utterance:has(.chapter)')].map(row => row.id)),
      ['u0', 'u2'],
    );
    await editor.locator('#chapters').selectOption('2');
    await there('the second chapter', 'u2');
    const asked = command('chapter');
    await page.locator('.quick-input-title', { hasText: 'Go to which chapter?' }).waitFor();
    await page.keyboard.press('Enter');
    await there('the first chapter', 'u0');
    await asked;
    assert.deepEqual((await axe(editor)).violations, []);
    await revert();
  });

  it('a job that runs: its words as they come, Cancel, failure and Retry, a reload in the middle beside a file; then it is the file, as it was left', async () => {
    const { page } = w.host,
      tabs = (): Promise<string[]> =>
        w.host.inHost(vscode => vscode.window.tabGroups.all.flatMap(group => group.tabs.map(({ label }) => label)));
    await w.host.inHost(
      (vscode, file) => vscode.commands.executeCommand('earshot.transcribe', vscode.Uri.file(file)),
      join(w.workspace, 'talk.wav'),
    );
    const id = [...w.daemon.jobs.keys()].at(-1)!,
      running = (): Promise<Frame> => webview(page, { extensionId: ID, title: 'talk.wav' });
    let view = await running();
    await view.getByText('The text appears here while it is being recognized.').waitFor();
    for (let n = 0; n < 24; n++) w.daemon.say(id, 40);
    await view.locator('#u9').waitFor({ state: 'attached' });
    await view.locator('.run', { hasText: 'Transcribing…' }).waitFor();
    // It is read and heard, not edited.
    await view.locator('#w0-2').click();
    await page.keyboard.press('Enter');
    await page.keyboard.press('m');
    assert.deepEqual(
      [
        await view.locator('textarea').count(),
        await view.locator('#u1').count(),
        await view.locator('#player').count(),
      ],
      [0, 1, 1],
    );
    await view.getByRole('button', { name: 'Cancel' }).click();
    await view.locator('.run', { hasText: 'Canceled' }).waitFor();
    const retry = async (): Promise<void> => {
      await view.getByRole('button', { name: 'Retry' }).click();
      await view.locator('.run', { hasText: 'Queued' }).waitFor();
      assert.deepEqual(w.daemon.asked('job/retry').at(-1), { ids: [id] });
    };
    await retry();
    // It fails: why, what was heard so far, and nothing to press but Retry.
    w.daemon.update(id, {
      state: 'failed',
      failure: failure('diskFull', { path: w.workspace }),
      waiting: null,
      finishedAt: Date.now(),
    });
    await view.locator('.run.failed', { hasText: /^\s*Failed\s*The disk with .* is full/ }).waitFor();
    assert.deepEqual(
      [
        (await view.locator('.run button').allTextContents()).map(text => text.trim()),
        await view.locator('#w0-2').count(),
      ],
      [['Retry'], 1],
    );
    for (const theme of ['light', 'hcDark', 'hcLight', 'dark'] as const) {
      await setTheme(w.host, theme);
      assert.deepEqual({ theme, found: (await axe(await running())).violations }, { theme, found: [] });
    }
    view = await running();
    // Taken off the list, it says so, and offers nothing; what was heard stays.
    const kept = w.daemon.jobs.get(id)!;
    w.daemon.remove(id);
    await view.locator('.run', { hasText: /^\s*The job is no longer in the queue\.\s*$/ }).waitFor();
    assert.deepEqual(
      [await view.locator('.run button').count(), await view.locator('.run .codicon-modifier-spin').count()],
      [0, 0],
    );
    assert.equal(await view.locator('#w0-2').count(), 1);
    w.daemon.update(id, kept);
    await retry();
    const left = async (frame: Frame): Promise<object> =>
      frame.evaluate(() => {
        const { top } = document.querySelector('.pane')!.getBoundingClientRect(),
          rows = [...document.querySelectorAll('.utterance')],
          player = document.querySelector<HTMLMediaElement>('#player')!;
        return {
          top: rows.find(row => row.getBoundingClientRect().bottom > top)?.id,
          speed: document.querySelector<HTMLSelectElement>('.speed select')!.value,
          volume: document.querySelector<HTMLInputElement>('.volume')!.value,
          at: Math.round(player.currentTime),
        };
      });
    await view.locator('#player').evaluate(e => ((e as HTMLMediaElement).currentTime = 7));
    await view.getByRole('combobox', { name: 'Speed' }).evaluate(e => {
      (e as HTMLSelectElement).value = '1.5';
      e.dispatchEvent(new Event('change'));
    });
    await view.locator('.volume').evaluate(e => {
      (e as HTMLInputElement).value = '0.4';
      e.dispatchEvent(new Event('input'));
    });
    await view.locator('#u6').evaluate(e => e.scrollIntoView({ block: 'start' }));
    await until('it stands there', async () => ((await left(view)) as { top?: string }).top === 'u6');
    const was = await left(view),
      same = (frame: Frame): Promise<boolean> => left(frame).then(is => JSON.stringify(is) === JSON.stringify(was));
    await until('it is kept', () =>
      view.evaluate(at => new Promise<boolean>(resolve => setTimeout(() => resolve(at > 0), 400)), 1),
    );
    // A file in an editor of its own below it.
    await w.host.inHost(vscode => vscode.commands.executeCommand('workbench.action.newGroupBelow'));
    const { editor: other } = await open('other', longTranscript);
    await other.getByRole('combobox', { name: 'Speed' }).evaluate(e => {
      (e as HTMLSelectElement).value = '0.75';
      e.dispatchEvent(new Event('change'));
    });
    await other.locator('#u9').evaluate(e => e.scrollIntoView({ block: 'start' }));
    // With so little room, the bar of the job is whole.
    assert.equal(await view.evaluate(() => document.querySelector('.run')!.getBoundingClientRect().top), 0);
    await until('it is scrolled', async () => ((await left(other)) as { top?: string }).top !== 'u0');
    await until('both are kept', () =>
      other.evaluate(at => new Promise<boolean>(resolve => setTimeout(() => resolve(at > 0), 400)), 1),
    );
    const otherWas = JSON.stringify(await left(other));
    const hosts = w.host.hosts();
    await runCommand(page, 'Developer: Reload Window');
    await until('the window is there again', () => w.host.hosts().some(pid => !hosts.includes(pid)), 90_000);
    const again = await running();
    await until('as it was', () => same(again));
    // A page that VS Code brought back has another title than one that was just opened.
    const otherAgain = await until('the page of the file', async () => {
      for (const each of page.frames()) {
        if (each.url() === again.url()) continue;
        if (/fake\.html/.test(each.url()) && (await each.locator('.utterance').count()) > 0) return each;
      }
      return undefined;
    });
    await until('the file too', async () => JSON.stringify(await left(otherAgain)) === otherWas);
    await w.host.inHost(vscode =>
      vscode.window.tabGroups.close(
        vscode.window.tabGroups.all.flatMap(group => group.tabs.filter(tab => tab.label.startsWith('other'))),
      ),
    );
    w.daemon.say(id, 40);
    await until('more', () =>
      again.evaluate(() => document.querySelector('.utterance')?.getAttribute('aria-setsize') === '25'),
    );
    const path = join(w.workspace, 'talk.earshot.json'),
      made = await tabs();
    assert.deepEqual(made, ['talk.wav']);
    writeFileSync(path, toJson(w.daemon.transcriptOf(id)));
    w.daemon.finish(id, { outputs: [{ kind: 'json', path, bytes: 1 }] });
    await until('the file in its place', async () => (await tabs()).join() === 'talk.earshot.json');
    const editor = await frame();
    await until('as it was left', () => same(editor));
    await editor.locator('#u6').focus();
    await page.keyboard.press('m');
    await until('it is edited', async () => (await transcript(path)).utterances.length === 24);
    await revert();
  });

  it('three hours: an edit touches what it changes, scrolling lays out what is near, and all is found again after a while', async () => {
    const { page } = w.host,
      before = performance.now(),
      { editor, path } = await open('long', longTranscript),
      opened = Math.round(performance.now() - before),
      rows = (): Promise<number> => editor.locator('.utterance').count();
    assert.ok((await rows()) < 200, `${await rows()} rows`);
    const scrolled = await tasksOf(page, /\/transcript\.js/, () =>
      editor.evaluate(async () => {
        const box = document.querySelector('.pane')!;
        for (let i = 0; i < 90; i++) {
          await new Promise(requestAnimationFrame);
          box.scrollTop += i % 3 ? 80 : 500;
        }
      }),
    );
    assert.ok((await rows()) < 200, `${await rows()} rows`);
    await editor.evaluate(() => {
      document.querySelector('.pane')!.scrollTop = 0;
    });
    await editor.locator('#u3').focus();
    const shown: number[] = [];
    for (let n = 4; n < 8; n++) {
      // From the key to the row that is gone, through the document and back.
      const gone = editor.evaluate(
        row =>
          new Promise<number>(resolve => {
            let from = 0;
            addEventListener('keydown', () => (from = performance.now()), { once: true, capture: true });
            const watch = new MutationObserver(() => {
              if (document.getElementById(row)) return;
              watch.disconnect();
              resolve(performance.now() - from);
            });
            watch.observe(document.body, { subtree: true, childList: true });
          }),
        `u${n}`,
      );
      await editor.evaluate(() => new Promise(requestAnimationFrame));
      await page.keyboard.press('m');
      shown.push(Math.round(await gone));
    }
    console.log(
      `three hours: open after ${opened} ms; tasks of ${scrolled.slice(0, 3).join(', ')} ms while scrolling; ` +
        `edits show after ${shown.join(', ')} ms`,
    );
    // What laying out all of it takes is ten times as much, on whatever machine.
    assert.ok(scrolled[2]! < 200, `tasks of ${scrolled.slice(0, 5).join(', ')} ms`);
    await until('they are in the file', async () => {
      const { utterances } = await transcript(path);
      return utterances.length === 2496 && utterances[3]!.endMs === longTranscript('x').utterances[7]!.endMs;
    });
    // Where it was: after another tab.
    await editor.getByRole('combobox', { name: 'Speed' }).evaluate(e => {
      (e as HTMLSelectElement).value = '1.5';
      e.dispatchEvent(new Event('change'));
    });
    // To the first doubtful word from where it plays; its number is in the fixture.
    await page.keyboard.press('F8');
    await until('a doubtful word', () => editor.evaluate(() => document.activeElement?.id === 'u0'));
    assert.ok((await editor.locator('#u0 .doubt').count()) === 1);
    await page.keyboard.press('F8');
    await page.keyboard.press('End');
    await editor.locator('#u2499').waitFor();
    await w.host.inHost(vscode => vscode.commands.executeCommand('workbench.action.files.save'));
    const place = (from: Frame): Promise<{ top: string | undefined; rate: number; doubts: boolean }> =>
      from.evaluate(() => {
        const pane = document.querySelector('.pane')!.getBoundingClientRect().top,
          top = [...document.querySelectorAll('.utterance')].find(row => row.getBoundingClientRect().bottom > pane);
        return {
          top: top?.id,
          rate: Number(document.querySelector<HTMLSelectElement>('.speed select')!.value),
          doubts: document.querySelector('.doubts') !== null,
        };
      });
    await until('at the end', async () => Number((await place(editor)).top?.slice(1)) > 2000);
    const was = await place(editor);
    assert.deepEqual([was.rate, was.doubts], [1.5, true]);
    await editor.evaluate(() => new Promise(resolve => setTimeout(resolve, 600)));
    await w.host.inHost(vscode =>
      vscode.commands.executeCommand('workbench.action.files.newUntitledFile').then(() => undefined),
    );
    await page.locator('.tab.active', { hasText: 'Untitled' }).waitFor();
    const again = await show(path);
    await until('after another tab', async () => JSON.stringify(await place(again)) === JSON.stringify(was));
  });
});
