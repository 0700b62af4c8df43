/**
 * The panels in a real window: by mouse, by keyboard, with thousands of jobs, and looked over by axe in four themes.
 */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { failure } from '../../schemas/errors.ts';
import type { ToQueue } from '../../webview/messages.ts';
import { busyJobs, cpu, fleet, id, instances, manyJobs, records, twoGpus, watched } from './fake/fixtures.ts';
import { ID, openWindow, widenSideBar, type Window } from './harness.ts';
import { breakOut, postToExtension, postToPage } from './intrusion.ts';
import { hostUnavailable } from './host/install.ts';
import type { Frame } from './host/playwright.d.ts';
import { tasksOf } from './host/tasks.ts';
import { axe, explorerMenu, explorerRow, focused, menuItems, openView, setTheme, until, webview } from './host/ui.ts';

const unavailable = await hostUnavailable();
if (unavailable) console.log(`Not run: ${unavailable}`);

describe('the panels', { skip: unavailable ?? false, timeout: 240_000 }, () => {
  let w: Window;
  const asked = (method: Parameters<Window['daemon']['asked']>[0]): unknown => w.daemon.asked(method).at(-1);
  before(async () => {
    const now = Date.now();
    w = await openWindow({
      jobs: busyJobs(now).map(job => (job.id === id(1) ? { ...job, machine: 'gpu1' } : job)),
      fleet: fleet(now),
      devices: twoGpus(now),
      instances: instances(now),
      bottleneck: { code: 'stageBusy', args: { stage: 'nmt', busyShare: 0.94, waitShare: 0.62 } },
    });
    await w.panel('Queue');
    await widenSideBar(w.host, 400);
  });
  after(async () => {
    assert.deepEqual((await w?.close()) ?? [], []);
  });

  it('lists jobs in sections with stages, reasons and last words', async () => {
    const queue = await w.panel('Queue');
    await queue.locator('h2').nth(1).waitFor();
    assert.deepEqual(
      await queue
        .locator('h2')
        .allTextContents()
        .then(all => all.slice(0, 2)),
      ['Running', 'Queued'],
    );
    assert.match(
      (await queue.locator(`#row-${id(4)}`).textContent()) ?? '',
      /Lecture 07.*NLLB 3\.3B needs 4\.3 GB more/s,
    );
    assert.match((await queue.locator(`#row-${id(1)}`).textContent()) ?? '', /Recognize.*171\/236.*Speak/s);
  });

  it('hears nobody but the extension, and the extension nothing that is not agreed on', async () => {
    const queue = await w.panel('Queue'),
      summary = async (): Promise<string> => (await queue.locator('.summary').textContent()) ?? '',
      before = await summary();
    const connection = { kind: 'connected', text: '' } as const;
    const empty = {
      type: 'snapshot',
      rows: [],
      first: true,
      last: true,
      paused: true,
      connection,
      modelsReady: true,
    } satisfies ToQueue;
    for (const origin of ['https://evil.example', 'null', '', 'vscode-file://vscode-app'])
      await postToPage(queue, empty, origin);
    for (const data of [
      { type: 'snapshot' },
      { ...empty, rows: [7] },
      { ...empty, connection: null },
      { type: 'delta', rows: [] },
      { type: 'reset' },
      'snapshot',
      null,
    ])
      await postToPage(queue, data, null);
    await queue.evaluate(() => new Promise(requestAnimationFrame));
    assert.equal(await summary(), before);
    await postToPage(queue, { type: 'state', paused: true, connection, modelsReady: true } satisfies ToQueue, null);
    await queue.getByText('The queue is paused').waitFor();
    await postToPage(queue, { type: 'state', paused: false, connection, modelsReady: true } satisfies ToQueue, null);
    // In the order in which they come: when the last is done, the others were refused.
    const ids = [id(7)],
      calls = (): number =>
        (['job/cancel', 'job/remove', 'job/pause', 'job/move', 'job/submit', 'job/retry'] as const).reduce(
          (sum, method) => sum + w.daemon.asked(method).length,
          0,
        ),
      asked = calls();
    for (const message of [
      { type: 'action', action: 'cancel', ids, more: 1 },
      { type: 'action', action: 'remove', ids: ['*'] },
      { type: 'action', action: 'shutdown', ids },
      { type: 'move', id: '../x', to: 'top' },
      { type: 'drop', uris: 'file:///etc/passwd' },
      { type: 'command', command: 'workbench.action.files.newUntitledFile' },
      [],
      null,
      'ready',
    ])
      await postToExtension(queue, message);
    await postToExtension(queue, { type: 'action', action: 'pause', ids });
    await w.daemon.until(() => w.daemon.jobs.get(id(7))!.state === 'paused');
    assert.equal(calls(), asked + 1);
    await postToExtension(queue, { type: 'action', action: 'resume', ids });
    await w.daemon.until(() => w.daemon.jobs.get(id(7))!.state !== 'paused');
  });

  it('runs no script but its own and loads nothing from elsewhere', async () => {
    for (const title of ['Queue', 'Devices']) {
      const { done, refusedBy } = await breakOut(await w.panel(title));
      assert.deepEqual(done, [], title);
      // What was tried came as far as the policy.
      for (const rule of [
        'script-src-elem',
        'script-src-attr',
        'script-src',
        'img-src',
        'connect-src',
        'style-src-elem',
        'frame-src',
        'media-src',
      ])
        assert.ok(refusedBy.includes(rule), `${title}: ${rule} of ${refusedBy.join(' ')}`);
    }
    await (await w.panel('Queue')).locator(`#row-${id(1)}`).waitFor();
  });

  it('acts by mouse: pause, cancel, retry, filter, search, pause the queue', async () => {
    const queue = await w.panel('Queue');
    const press = async (n: number, action: string): Promise<void> => {
      const row = queue.locator(`#row-${id(n)}`);
      await row.hover();
      await row.locator(`button[data-action=${action}]`).click();
    };
    // That it was asked for shows before the daemon answers.
    const { promise, resolve } = Promise.withResolvers<void>();
    const waits = w.host.page.locator('.statusbar-item', { hasText: 'Waiting for Earshot' });
    w.daemon.hold = () => promise;
    try {
      await press(4, 'pause');
      await queue.locator(`#row-${id(4)} .icon.asked`).waitFor();
      await queue.getByRole('button', { name: 'Pause the queue' }).click();
      await queue.locator('.summary .codicon-loading').waitFor();
      await w.host.inHost(vscode => void vscode.commands.executeCommand('earshot.pauseQueue'));
      await waits.waitFor();
    } finally {
      w.daemon.hold = null;
      resolve();
    }
    await waits.waitFor({ state: 'detached' });
    await queue.locator(`#row-${id(4)} .icon.paused`).waitFor();
    await queue.getByRole('button', { name: 'Resume the queue' }).first().click();
    await w.daemon.until(() => !w.daemon.paused);
    assert.equal(w.daemon.jobs.get(id(4))!.state, 'paused');
    await press(6, 'cancel');
    await w.daemon.until(() => w.daemon.jobs.get(id(6))!.state === 'cancelled');
    await queue.getByRole('button', { name: 'Failed', exact: true }).click();
    await queue.locator(`#row-${id(8)}`).waitFor();
    assert.equal(await queue.locator('.job').count(), 1);
    await press(8, 'retry');
    await w.daemon.until(() => w.daemon.jobs.get(id(8))!.state === 'pending');
    await queue.getByRole('button', { name: 'All', exact: true }).click();
    await queue.locator('vscode-textfield input').fill('märta');
    await until('one row', async () => (await queue.locator('.job').count()) === 1);
    await queue.locator('vscode-textfield input').fill('');
    await queue.getByRole('button', { name: 'Pause the queue' }).click();
    await queue.getByText('The queue is paused').waitFor();
    await queue.getByRole('button', { name: 'Resume the queue' }).first().click();
    await w.daemon.until(() => !w.daemon.paused);
  });

  it('selects several, acts on all for which it is meant, and on all at once', async () => {
    const queue = await w.panel('Queue'),
      { page } = w.host,
      row = (n: number) => queue.locator(`#row-${id(n)}`);
    for (const n of [3, 5, 7]) await row(n).click({ modifiers: ['Control'] });
    await until('three', async () => (await queue.locator('.job[aria-selected=true]').count()) === 3);
    await row(7).hover();
    const pauses = w.daemon.asked('job/pause').length;
    await row(7).locator('button[data-action=pause]').click();
    await w.daemon.until(() => w.daemon.asked('job/pause').length > pauses);
    // One of them is paused already.
    assert.deepEqual((asked('job/pause') as { ids: string[] }).ids.toSorted(), [id(3), id(7)].toSorted());
    await queue.locator(`#row-${id(7)} .icon.paused`).waitFor();
    // The context menu is that of all of them.
    const resumes = w.daemon.asked('job/resume').length;
    await row(5).click({ button: 'right' });
    // A menu ignores a click that comes too soon after it opened.
    await page.waitForTimeout(250);
    await page
      .locator('.monaco-menu .action-item:not(.disabled)', { has: page.getByText('Resume', { exact: true }) })
      .last()
      .click();
    await w.daemon.until(() => w.daemon.asked('job/resume').length > resumes);
    assert.deepEqual((asked('job/resume') as { ids: string[] }).ids.toSorted(), [id(3), id(5), id(7)].toSorted());
    await row(5).focus();
    await page.keyboard.press('Escape');
    await until('none', async () => (await queue.locator('.job[aria-selected=true]').count()) === 0);
    await page.keyboard.press('Control+a');
    await until('all', async () => (await queue.locator('.job[aria-selected=false]').count()) === 0);
    await page.keyboard.press('Escape');
    const before = w.daemon.asked('job/cancel').length;
    await queue.getByRole('button', { name: 'Cancel all jobs' }).click();
    const dialog = page.locator('.monaco-dialog-box', { hasText: /Cancel all \d+ jobs/ });
    await dialog.waitFor();
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'detached' });
    assert.equal(w.daemon.asked('job/cancel').length, before, 'asked first');
  });

  it('reorders by drag', async () => {
    const queue = await w.panel('Queue');
    await queue.locator(`#row-${id(7)}`).dragTo(queue.locator(`#row-${id(5)}`), { targetPosition: { x: 80, y: 6 } });
    await w.daemon.until(() => w.daemon.asked('job/move').length > 0);
    assert.deepEqual(asked('job/move'), { id: id(7), before: id(5), priority: 'normal' });
  });

  it('is usable with the keyboard alone', async () => {
    const { page } = w.host,
      queue = await w.panel('Queue');
    await queue.locator(`#row-${id(1)}`).focus();
    await page.keyboard.press('Home');
    assert.equal((await focused(page))?.id, `row-${id(2)}`); // high priority is first
    await page.keyboard.press('ArrowDown');
    assert.equal((await focused(page))?.id, `row-${id(1)}`);
    const pauses = w.daemon.asked('job/pause').length;
    await page.keyboard.press('Space');
    await w.daemon.until(() => w.daemon.asked('job/pause').length > pauses);
    assert.deepEqual(asked('job/pause'), { ids: [id(1)] });
    await queue.locator(`#row-${id(4)}`).focus();
    const moves = w.daemon.asked('job/move').length;
    await page.keyboard.press('Alt+ArrowDown');
    await w.daemon.until(() => w.daemon.asked('job/move').length > moves);
    await page.keyboard.press('2');
    // As the page shows it: the row has its new place by then.
    await queue.locator(`#row-${id(4)} .priority.high`).waitFor();
    await page.keyboard.press('ArrowRight');
    assert.equal((await focused(page))?.tag, 'button');
    await page.keyboard.press('ArrowLeft');
    await page.keyboard.press('Delete');
    await w.daemon.until(() => w.daemon.jobs.get(id(4))!.state === 'cancelled');
  });

  it('shows devices: who holds what, loaded models with unload, the bottleneck', async () => {
    const devices = await w.panel('Devices');
    await devices.getByText('NVIDIA GeForce RTX 4070').first().waitFor();
    assert.match(
      (await devices.locator('.legend').first().textContent()) ?? '',
      /Whisper large v3 turbo.*blender.*Reserve.*Free/s,
    );
    await devices.getByText('is busy 94% of the time').waitFor();
    await devices.getByRole('button', { name: 'Unload Whisper large v3 turbo' }).last().click();
    await w.daemon.until(() => w.daemon.asked('instance/unload').length > 0);
    await devices.getByRole('button', { name: 'Leave NVIDIA RTX A2000 alone' }).click();
    await w.daemon.until(() => w.daemon.asked('settings/set').length > 0);
    assert.deepEqual(asked('settings/set'), { values: { excludedDevices: [twoGpus(0)[1]!.id] } });
  });

  it('holds everything in a narrow side bar', async () => {
    await widenSideBar(w.host, 170);
    try {
      for (const title of ['Queue', 'Devices']) {
        const panel = await w.panel(title);
        await until('a narrow panel', () => panel.evaluate(() => document.documentElement.clientWidth < 220));
        const outside = await panel.evaluate(() =>
          [...document.querySelectorAll<HTMLElement>('button, h2, h3, p, span, dd, vscode-textfield, device-chart')]
            .filter(e => {
              const box = e.getBoundingClientRect();
              return (
                box.width > 0 &&
                !e.closest('.sr') &&
                (box.right > document.documentElement.clientWidth + 1 || box.left < -1)
              );
            })
            .map(e => e.outerHTML.slice(0, 100)),
        );
        assert.deepEqual({ title, outside }, { title, outside: [] });
      }
      const queue = await w.panel('Queue'),
        names = await queue.evaluate(() =>
          [...document.querySelectorAll<HTMLElement>('.job .name')].map(e => e.clientWidth),
        );
      assert.ok(names.length > 2 && names.every(width => width >= 40), `names of ${names.join(', ')} px`);
    } finally {
      await widenSideBar(w.host, 400);
    }
  });

  it('has no accessibility violation in any theme, nor have models, watched folders and reports, narrow and wide', async () => {
    /** What the editor's own trees and previews are found for; nothing of ours can change it. */
    const THEIRS = new Set([
      ...['label-content-name-mismatch', 'nested-interactive'],
      ...['document-title', 'html-has-lang', 'landmark-one-main', 'region'],
    ]);
    const { page } = w.host,
      trees = ['Models', 'Watched Folders'],
      pane = (view: string): string => `.pane:has(> .pane-header[aria-label*="${view}"])`,
      fold = async (): Promise<void> => {
        for (const view of trees) await page.locator(`${pane(view)} > .pane-header`).click();
      };
    const report = async (command: string, says: string, ...args: string[]): Promise<Frame> => {
      await w.host.inHost(
        (vscode, name, given) => vscode.commands.executeCommand(name, ...given).then(() => null),
        command,
        args,
      );
      return until(`a page that says ${says}`, async () => {
        for (const frame of page.frames())
          if (
            frame.parentFrame() &&
            (await frame.content().catch(() => '')).includes(says) &&
            (await frame
              .locator('h1')
              .first()
              .isVisible()
              .catch(() => false))
          )
            return frame;
        return undefined;
      });
    };
    w.daemon.watched(watched(join(w.workspace, 'interviews'), Date.now()));
    w.daemon.records = records(Date.now());
    await openView(page, 'Earshot');
    await fold();
    await page
      .locator(`${pane('Models')} .monaco-list-row`)
      .first()
      .waitFor();
    await page.locator(`${pane('Watched')} .monaco-list-row[aria-label^="interviews"]`).click();
    await page.locator(`${pane('Watched')} .monaco-list-row`, { hasText: 'interview 7' }).waitFor();
    const found: object[] = [];
    for (const [theme, width] of [
      ['dark', 300],
      ['light', 900],
      ['hcDark', 300],
      ['hcLight', 900],
    ] as const) {
      await setTheme(w.host, theme);
      await widenSideBar(w.host, width);
      const look = async (name: string, frame: Frame, within?: string, but = new Set<string>()): Promise<void> => {
        for (const each of (await axe(frame, within)).violations)
          if (!but.has(each.id)) found.push({ theme, width, name, ...each });
      };
      for (const title of ['Queue', 'Devices']) await look(title, await w.panel(title));
      await look('trees', page.mainFrame(), trees.map(pane).join(), THEIRS);
      // Their colors are the editor's.
      if (theme !== 'dark') continue;
      await look('what happened', await report('earshot.job.log', 'job.submitted', id(1)), undefined, THEIRS);
      await look('doctor', await report('earshot.doctor', 'ffmpeg'), undefined, THEIRS);
    }
    assert.deepEqual(found, []);
    await w.host.inHost(vscode => vscode.commands.executeCommand('workbench.action.closeAllEditors').then(() => null));
    await fold();
    await setTheme(w.host, 'dark');
    await widenSideBar(w.host, 400);
  });

  it('keeps its filter while hidden', async () => {
    const queue = await w.panel('Queue');
    await queue.getByRole('button', { name: 'Done', exact: true }).click();
    await openView(w.host.page, 'Explorer');
    const again = await w.panel('Queue');
    await again.locator('button[aria-pressed=true]', { hasText: 'Done' }).waitFor();
    await again.getByRole('button', { name: 'All', exact: true }).click();
  });

  it('5,000 jobs and 200 updates a second hold the page up for no longer than three frames', async () => {
    const now = Date.now(),
      jobs = manyJobs(5000, now),
      { page } = w.host,
      queue = await w.panel('Queue');
    let perSecond = 0;
    const tasks = await tasksOf(page, /\/queue\.js/, async () => {
      // All of it comes anew, as after a reconnection; then words, places and states change while somebody scrolls.
      w.daemon.set({ jobs, devices: [cpu(now)] });
      await w.daemon.stop();
      await w.daemon.start();
      await until('all jobs', async () => /4,998 queued/.test((await queue.locator('.summary').textContent()) ?? ''));
      assert.ok((await queue.locator('.job').count()) < 60);
      let n = 0;
      const timer = setInterval(() => {
        for (let i = 0; i < 10; i++) {
          const job = jobs[n++ % jobs.length]!,
            kind = n % 10;
          w.daemon.update(
            job.id,
            kind === 0
              ? { state: 'processing', lastWords: 'begun' }
              : kind < 3
                ? { position: job.position + 40 }
                : { lastWords: `words ${n}`, expectedStartAt: Date.now() + n * 1000 },
          );
        }
      }, 50);
      perSecond = await queue.evaluate(async () => {
        const box = document.querySelector('.scroller')!,
          until = performance.now() + 3000;
        let frames = 0;
        while (performance.now() < until) {
          await new Promise(requestAnimationFrame);
          frames += 1;
          box.scrollTop += 40;
        }
        return Math.round(frames / 3);
      });
      clearInterval(timer);
    });
    console.log(
      `5,000 jobs, 200 updates a second: ${perSecond} frames a second, ${tasks.length} tasks, the longest ` +
        `${tasks.slice(0, 5).join(', ')} ms of the processor`,
    );
    assert.ok(tasks.length > 50, 'the trace knows the page');
    assert.ok(tasks[0]! < 50, `tasks of ${tasks.slice(0, 5).join(', ')} ms`);
    await queue.locator('.scroller').evaluate(box => {
      box.scrollTop = 0;
    });
  });

  it('shows the machines of the fleet, and which one works on a job; it can be done here', async () => {
    const now = Date.now();
    w.daemon.set({
      jobs: busyJobs(now).map(job => (job.id === id(1) ? { ...job, machine: 'gpu1' } : job)),
      devices: [cpu(now)],
      fleet: fleet(now),
    });
    await w.daemon.stop();
    await w.daemon.start();
    const devices = await w.panel('Devices'),
      busy = devices.getByRole('region', { name: 'gpu1' });
    await busy.getByText('2 jobs').waitFor();
    await busy.getByText('NVIDIA GeForce RTX 4070').waitFor();
    await devices.getByRole('region', { name: 'old-box' }).getByText('last seen 3 hours ago').waitFor();
    assert.equal(await devices.getByRole('region', { name: 'this-laptop' }).count(), 0);
    const queue = await w.panel('Queue'),
      row = queue.locator(`#row-${id(1)}`);
    await row.locator('.tag.machine', { hasText: 'gpu1' }).waitFor();
    for (const theme of ['light', 'hcDark', 'hcLight', 'dark'] as const) {
      await setTheme(w.host, theme);
      for (const title of ['Queue', 'Devices'])
        assert.deepEqual(
          { theme, title, found: (await axe(await w.panel(title))).violations },
          { theme, title, found: [] },
        );
    }
    await row.hover();
    await row.getByRole('button', { name: /^Run here/ }).click();
    await w.daemon.until(() => w.daemon.asked('job/here').length === 1);
    assert.deepEqual(asked('job/here'), { ids: [id(1)] });
    await row.locator('.tag.machine').waitFor({ state: 'detached' });

    // Its database is away: that is said, and this machine's own devices stay.
    const problems = [failure('fleetUnreachable', { host: 'lab.example' })];
    w.daemon.set({ jobs: [], devices: [cpu(now)], fleet: { ...fleet(now), problems, machines: [] } });
    await devices.getByText('lab.example cannot be reached').waitFor();
    assert.equal(await devices.getByRole('region', { name: 'gpu1' }).count(), 0);
    await devices.getByText(cpu(now).name).first().waitFor();
    assert.deepEqual((await axe(devices)).violations, []);
  });

  it('teaches when it is empty, and is calm without a GPU', async () => {
    const now = Date.now();
    w.daemon.set({ jobs: [], devices: [cpu(now)], fleet: undefined });
    await w.daemon.stop();
    await w.daemon.start();
    const queue = await w.panel('Queue');
    await queue.getByText('Turn recordings into text here').waitFor();
    const devices = await w.panel('Devices');
    await devices.getByText('No NVIDIA GPU was found').waitFor();
    for (const frame of [queue, devices]) assert.deepEqual((await axe(frame)).violations, []);
  });

  it('right-click shows the text as it comes, and the queue shows it', async () => {
    const { page } = w.host;
    await openView(page, 'Explorer');
    /** What of ours stands in the menu of a file; `with`: another one is selected too. */
    const ours = async (name: string, also?: string): Promise<string[]> => {
      await explorerRow(page, also ?? name).click();
      if (also) await explorerRow(page, name).click({ modifiers: ['ControlOrMeta'] });
      await explorerRow(page, name).click({ button: 'right' });
      const items = await menuItems(page);
      await page.keyboard.press('Escape');
      return items.filter(item => /transcri|Earshot|Subtitles|Summary|Export/i.test(item));
    };
    await until('what a recording offers', async () => (await ours('talk.wav')).join() === 'Transcribe,Earshot');
    assert.deepEqual(await ours('notes.md'), []);
    await explorerMenu(page, 'talk.wav', 'Transcribe');
    await w.daemon.until(() => w.daemon.jobs.size === 1);
    const [job] = w.daemon.jobs.keys();
    w.daemon.say(job!);
    const transcript = await webview(page, { extensionId: ID, title: 'talk.wav' });
    await transcript.locator('.utterance', { hasText: 'Mr. John Dashwood' }).waitFor();
    const queue = await w.panel('Queue');
    await queue.getByText('talk.wav').first().waitFor();
    await page.locator('.statusbar-item', { hasText: 'talk.wav' }).waitFor();
    // The icon in the activity bar counts what is under way, and nothing that is over.
    const icon = page.locator('.activitybar .action-item', { has: page.locator('[aria-label^="Earshot"]') }),
      count = icon.locator('.badge-content');
    await count.getByText('1', { exact: true }).waitFor();
    assert.match((await icon.locator('.action-label').getAttribute('aria-label')) ?? '', /One job in progress/);
    w.daemon.finish(job!);
    await count.waitFor({ state: 'hidden' });
    await openView(page, 'Explorer');
    await until(
      'what a recording with a transcript offers',
      async () => (await ours('talk.wav')).join() === 'Open Transcript,Transcribe,Earshot',
    );
    assert.deepEqual(await ours('talk.wav', 'lecture.mp4'), ['Open Transcripts', 'Transcribe', 'Earshot']);
    assert.deepEqual(await ours('notes.md'), []);
  });

  it('a recording dropped into a document becomes its transcript; undo takes the text back and leaves the job', async () => {
    const { page } = w.host;
    await openView(page, 'Explorer');
    await explorerRow(page, 'notes.md').dblclick();
    await page.locator('.tab.active', { hasText: 'notes.md' }).waitFor();
    const lines = page.locator('.editor-instance .view-lines').first(),
      drop = async (): Promise<string> => {
        const before = w.daemon.jobs.size,
          from = (await explorerRow(page, 'lecture.mp4').boundingBox())!,
          to = (await lines.boundingBox())!;
        await page.mouse.move(from.x + 40, from.y + 10);
        await page.mouse.down();
        await page.mouse.move(to.x + 20, to.y + 50, { steps: 8 });
        await page.keyboard.down('Shift');
        await page.mouse.move(to.x + 24, to.y + 52, { steps: 4 });
        await page.waitForTimeout(500);
        await page.mouse.up();
        await page.keyboard.up('Shift');
        await w.daemon.until(() => w.daemon.jobs.size > before, 30_000);
        return [...w.daemon.jobs.keys()].at(-1)!;
      };
    const text = (): Promise<string> =>
      w.host.inHost(
        vscode => vscode.workspace.textDocuments.find(d => d.uri.path.endsWith('/notes.md'))?.getText() ?? '',
      );
    const first = await drop();
    assert.equal(await text(), '# Notes\n\n(transcribing lecture.mp4 …)');
    await w.host.inHost(vscode => vscode.commands.executeCommand('undo'));
    await page.locator('.statusbar-item[id="status.notifications"] a').click();
    const said = page.locator('.notifications-center .notification-list-item', {
      hasText: 'its job continues in the queue',
    });
    await said.waitFor();
    assert.notEqual(w.daemon.jobs.get(first)!.state, 'cancelled');
    await said.getByRole('button', { name: 'Cancel Job' }).click();
    await w.daemon.until(() => w.daemon.jobs.get(first)!.state === 'cancelled', 30_000);
    const second = await drop();
    w.daemon.say(second);
    await until('the transcript', async () =>
      /^# Notes\n\n\[\*\*00:00\*\*\]\((talk\.wav|lecture\.mp4)#t=0\) And Mr\. John Dashwood[^(]*$/.test(await text()),
    );
  });
});
