/**
 * `npm run bench:feedback [WORD…]`: how soon each action of a person shows something, in a real window: from the key or
 * the button of the mouse to the frame that paints the first sign of it. The daemon answers at once; with
 * `EARSHOT_SLOW=500` each of its answers is that late, ms, and what shows is what does not wait for it.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { busyJobs, id, instances, longTranscript, models, sampleDialogue, twoGpus, watched } from './fake/fixtures.ts';
import { EDITOR, ID, openWindow, root, widenSideBar } from './harness.ts';
import { hostUnavailable } from './host/install.ts';
import type { Frame, Locator } from './host/playwright.d.ts';
import { explorerRow, openView, webview } from './host/ui.ts';
import type { Transcript } from '../../schemas/job.ts';
import type { Model } from '../../schemas/model.ts';
import { toJson } from '../../text/transcripts/json.ts';

const GOAL_MS = 100,
  RUNS = 3,
  LATEST_MS = 20_000;
const unavailable = await hostUnavailable();
if (unavailable) {
  console.error(unavailable);
  process.exit(1);
}
/** Whisper base, small and large with so many errors in 100 words. */
function withFigures(...errors: [base: number, small: number, large: number]): Model[] {
  const of = ['whisper-base', 'whisper-small', 'whisper-large-v3-turbo'];
  return models().map(model => {
    const wordErrors = errors[of.indexOf(model.card.id)],
      figures = { errorsFrom: 'the story', cpuMs: 1, speedFrom: 'the story' };
    return wordErrors === undefined
      ? model
      : { ...model, card: { ...model.card, figures: { ...figures, wordErrors } } };
  });
}
const words = process.argv.slice(2),
  now = Date.now();
const w = await openWindow(
  { jobs: busyJobs(now), devices: twoGpus(now), instances: instances(now), models: withFigures(10, 8, 6) },
  {
    // As a user has it: in a window under development no notification shows.
    extension: undefined,
    install: [root],
    settings: { 'earshot.notifications': 'never', 'workbench.hover.delay': 60_000 },
    // All jobs stand in the list.
    viewport: { width: 1280, height: 1500 },
  },
);
const slowMs = Number(process.env.EARSHOT_SLOW ?? 0);
if (slowMs) w.daemon.hold = () => new Promise(resolve => setTimeout(resolve, slowMs));
const { host, daemon, workspace } = w,
  { page } = host,
  main = page.mainFrame();

/** Where something shows: a selector of a visible element in a frame, with a text in it if wanted; or that it goes. */
interface Sign {
  frame: Frame;
  selector: string;
  text?: RegExp;
  gone?: boolean;
}
interface Action {
  name: string;
  /** Before each run, unmeasured. */
  before?: () => Promise<unknown>;
  /** The frame that the key or the click goes to. */
  from: () => Promise<Frame>;
  act: () => Promise<unknown>;
  shows: () => Promise<Sign>;
  after?: () => Promise<unknown>;
}

/** The moment of the last key or click of a frame, ms since 1970. */
const listen = (frame: Frame): Promise<void> =>
  frame.evaluate(() => {
    const all = globalThis as unknown as { acted?: number; listens?: true };
    all.acted = 0;
    if (all.listens) return;
    all.listens = true;
    for (const type of ['keydown', 'mouseup', 'input', 'change'])
      addEventListener(type, () => (all.acted = performance.timeOrigin + performance.now()), { capture: true });
  });

/** The first frame in which the sign stands, ms since 1970. */
const watch = ({ frame, selector, text, gone }: Sign): Promise<number> =>
  frame.evaluate(
    ([wanted, pattern, goes, latest]) =>
      new Promise<number>((resolve, reject) => {
        const end = performance.now() + latest;
        const look = (): void => {
          const stands = [...document.querySelectorAll<HTMLElement>(wanted)].some(
            each =>
              each.checkVisibility({ visibilityProperty: true }) &&
              (pattern === null || new RegExp(pattern).test(each.innerText || each.getAttribute('aria-label') || '')),
          );
          if (stands !== goes) resolve(performance.timeOrigin + performance.now());
          else if (performance.now() > end)
            reject(
              new Error(
                `${goes ? 'still shows' : 'nothing shows'}: ${wanted} ${pattern ?? ''}; of ${[
                  ...document.querySelectorAll<HTMLElement>(wanted),
                ].map(each => each.innerText)}`,
              ),
            );
          else requestAnimationFrame(look);
        };
        requestAnimationFrame(look);
      }),
    [selector, text?.source ?? null, gone ?? false, LATEST_MS] as const,
  );

async function once({ before, from, act, shows, after }: Action): Promise<number> {
  await before?.();
  await page.waitForTimeout(250);
  const frame = await from();
  await listen(frame);
  const sign = await shows();
  await watch({ ...sign, gone: !sign.gone });
  const seen = watch(sign);
  seen.catch(() => {});
  await page.waitForTimeout(50);
  await act();
  const at = await seen,
    acted = await frame.evaluate(() => (globalThis as unknown as { acted: number }).acted);
  await after?.();
  return at - acted;
}

const queue = (): Promise<Frame> => w.panel('Queue'),
  devices = (): Promise<Frame> => w.panel('Devices'),
  editor = (): Promise<Frame> => webview(page, { extensionId: ID, title: EDITOR }),
  workbench = (): Promise<Frame> => Promise.resolve(main);
const inMain = (selector: string, text?: RegExp): (() => Promise<Sign>) => {
  const sign: Sign = { frame: main, selector, ...(text ? { text } : {}) };
  return () => Promise.resolve(sign);
};
const escape = async (): Promise<void> => {
  for (let n = 0; n < 2; n++) await page.keyboard.press('Escape');
};
const closeEditors = (): Promise<unknown> =>
  host.inHost(async vscode => {
    const { tabGroups } = vscode.window;
    for (let n = 0; n < 8 && tabGroups.all.some(group => group.tabs.length > 0); n++)
      await vscode.commands.executeCommand('workbench.action.revertAndCloseActiveEditor');
  });
const list =
    '.quick-input-widget .quick-input-list .monaco-list-row, .quick-input-widget .monaco-progress-container.active',
  tab = '.tab';

/** An entry of a menu that is opened here by the right button of the mouse. */
function menuEntry(
  name: string,
  opens: () => Promise<Locator>,
  path: string[],
  shows: () => Promise<Sign>,
  after: () => Promise<unknown>,
): Action {
  const entry = (text: string): Locator =>
    page.locator('.monaco-menu .action-item:not(.disabled)', { has: page.getByText(text, { exact: true }) }).last();
  return {
    name,
    before: async () => {
      await escape();
      await (await opens()).click({ button: 'right' });
      for (const step of path.slice(0, -1)) {
        await page.waitForTimeout(300);
        await entry(step).click();
      }
      await page.waitForTimeout(300);
    },
    from: workbench,
    act: () => entry(path.at(-1)!).click(),
    shows,
    after,
  };
}
const recording = async (): Promise<Locator> => {
  await openView(page, 'Explorer');
  return explorerRow(page, 'talk.wav');
};
/** On a job that a large model did, which makes the last of these errors. */
function again(which: string, errors: Parameters<typeof withFigures>, shows: () => Promise<Sign>): Action {
  const title = 'Transcribe Again With a Better Model…',
    entry = menuEntry(`queue menu: ${title} (${which})`, job(8), [title], shows, async () => {
      await over();
      await host.inHost(vscode => vscode.commands.executeCommand('notifications.clearAll').then(() => null));
    });
  return {
    ...entry,
    before: async () => {
      for (const model of withFigures(...errors)) daemon.model(model);
      await entry.before?.();
    },
  };
}
const job = (n: number) => async (): Promise<Locator> => (await queue()).locator(`#row-${id(n)}`);
const over = async (): Promise<void> => {
  for (const [each, { recording: of, state }] of daemon.jobs)
    if (of.path.startsWith(workspace) && state !== 'cancelled') daemon.update(each, { state: 'cancelled' });
  await escape();
  await closeEditors();
};

/** A press on a button of a job's row. */
const press = (name: string, n: number, action: string, selector: string, gone?: true): Action => ({
  name: `queue: ${name}`,
  before: async () => {
    for (const each of busyJobs(now)) daemon.update(each.id, each);
    await (await job(n)()).hover();
  },
  from: queue,
  act: async () => (await job(n)()).locator(`button[data-action=${action}]`).click(),
  shows: async () => ({ frame: await queue(), selector, ...(gone ? { gone } : {}) }),
});

/** The lines of a view of the side bar that is a tree; it is opened where it is folded. */
const tree = (view: string): Locator => page.locator(`.pane:has(.pane-header[aria-label*="${view}"])`);
const treeLine = async (view: string, text: string): Promise<Locator> => {
  await openView(page, 'Earshot');
  const header = tree(view).locator('.pane-header');
  if ((await header.getAttribute('aria-expanded')) !== 'true') await header.click();
  const line = tree(view).locator(`.monaco-list-row[aria-label^="${text}"]`).first();
  await line.waitFor();
  return line;
};
/** A press on a button of a line. */
const inTree = (
  view: 'Models' | 'Watched Folders',
  line: string,
  action: string,
  { set, shows }: { set: () => void; shows: () => Promise<Sign> },
): Action => ({
  name: `${view.toLowerCase()}: ${action}`,
  before: async () => {
    set();
    await (await treeLine(view, line)).hover();
  },
  from: workbench,
  act: async () => (await treeLine(view, line)).locator(`.action-label[aria-label^="${action}"]`).click(),
  shows,
  after: escape,
});
const inModels = (line: string, action: string, state: Partial<Model>, shows: () => Promise<Sign>): Action =>
  inTree('Models', line, action, {
    set: () => {
      for (const model of withFigures(10, 8, 6))
        daemon.model(model.card.name === line ? { ...model, ...state } : model);
    },
    shows,
  });
const inWatched = (action: string, paused: boolean, shows: () => Promise<Sign>): Action =>
  inTree('Watched Folders', 'interviews', action, {
    set: () => {
      const story = watched(join(workspace, 'interviews'), now);
      daemon.watched({
        ...story,
        folders: story.folders.map(each => (paused && each.state === 'watching' ? { ...each, state: 'paused' } : each)),
      });
    },
    shows,
  });
const lineOf = (view: string): string => `.pane:has(.pane-header[aria-label*="${view}"]) .monaco-list-row`,
  dialog = '.monaco-dialog-box';

const open = async (made = sampleDialogue): Promise<Frame> => {
  const path = join(workspace, 'talk.earshot.json');
  await closeEditors();
  writeFileSync(path, JSON.stringify(made(join(workspace, 'talk.wav'))));
  await host.inHost(
    (vscode, file) => vscode.commands.executeCommand('vscode.openWith', vscode.Uri.file(file), 'earshot.transcript'),
    path,
  );
  const frame = await editor();
  await frame.locator('.utterance').first().waitFor();
  return frame;
};
/** A long pause in the middle parts it. */
const chaptered = (path: string): Transcript => {
  const made = sampleDialogue(path),
    starts = [0, 6000, 90_000, 99_000];
  return {
    ...made,
    utterances: made.utterances.map((u, i) => ({ ...u, startMs: starts[i]!, endMs: starts[i]! + 5000 })),
  };
};

/** Something done in the transcript editor, which is opened anew for it. */
const edits = (
  name: string,
  prepare: (frame: Frame) => Promise<unknown>,
  act: (frame: Frame) => Promise<unknown>,
  selector: string,
  more: Partial<Sign> & { main?: true; made?: (path: string) => Transcript; after?: () => Promise<unknown> } = {},
): Action => {
  const { main: outside, made, after = escape, ...sign } = more;
  let frame: Frame;
  return {
    name: `editor: ${name}`,
    before: async () => {
      frame = await open(made);
      await prepare(frame);
    },
    from: () => Promise.resolve(frame),
    act: () => act(frame),
    shows: () => Promise.resolve({ frame: outside ? main : frame, selector, ...sign }),
    after,
  };
};
const on =
  (row: number) =>
  (frame: Frame): Promise<unknown> =>
    frame.locator(`#u${row}`).focus();
const key =
  (...keys: string[]) =>
  async (): Promise<void> => {
    for (const each of keys) await page.keyboard.press(each);
  };
const button =
  (name: string | RegExp) =>
  (frame: Frame): Promise<unknown> =>
    frame.getByRole('button', { name }).first().click();
const nothing = (): Promise<void> => Promise.resolve();

const actions: Action[] = [
  // What the editor itself takes here, to compare with.
  menuEntry(
    'explorer: Open to the Side (the editor\u2019s own)',
    async () => (await openView(page, 'Explorer'), explorerRow(page, 'notes.md')),
    ['Open to the Side'],
    // The end of a name is in a line of its own.
    inMain(tab, /notes\s*\.md/),
    over,
  ),
  menuEntry('explorer: Transcribe', recording, ['Transcribe'], inMain(tab, /talk\.wav/), over),
  menuEntry('explorer: Transcribe With…', recording, ['Earshot', 'Transcribe With…'], inMain(list), over),
  menuEntry('explorer: Transcribe to Subtitles', recording, ['Earshot', 'Transcribe to Subtitles'], inMain(tab), over),
  menuEntry(
    'explorer: Transcribe and Translate…',
    recording,
    ['Earshot', 'Transcribe and Translate…'],
    inMain(list),
    over,
  ),
  menuEntry('explorer: Transcribe With Preset…', recording, ['Earshot', 'Transcribe With Preset…'], inMain(list), over),
  menuEntry('queue menu: Show What Happened', job(1), ['Show What Happened'], inMain(tab), over),
  menuEntry('queue menu: Set Priority…', job(4), ['Set Priority…'], inMain(list), over),
  again('one is better', [10, 4, 6], inMain(list)),
  again('none is', [10, 8, 6], inMain('.notification-toast', /no better model/)),
  press('Pause a job', 4, 'pause', `#row-${id(4)} .icon.paused, #row-${id(4)} .icon.asked`),
  press('Cancel a job', 6, 'cancel', `#row-${id(6)} .icon.asked, #row-${id(6)} .icon.cancelled`),
  press('Retry a job', 8, 'retry', `#row-${id(8)} .icon.asked, #row-${id(8)} .icon.pending`),
  {
    name: 'queue: Pause the queue',
    before: async () => {
      await (await queue()).getByRole('button', { name: 'Pause the queue' }).waitFor();
    },
    from: queue,
    act: async () => (await queue()).getByRole('button', { name: 'Pause the queue' }).click(),
    shows: async () => ({ frame: await queue(), selector: '.banner.paused, .summary .codicon-loading' }),
    after: async () => {
      await (await queue()).getByRole('button', { name: 'Resume the queue' }).first().click();
      await (await queue()).getByRole('button', { name: 'Pause the queue' }).waitFor();
    },
  },
  {
    name: 'queue: filter',
    from: queue,
    act: async () => (await queue()).getByRole('button', { name: 'Failed', exact: true }).click(),
    shows: async () => ({ frame: await queue(), selector: `#row-${id(1)}`, gone: true }),
    after: async () => (await queue()).getByRole('button', { name: 'All', exact: true }).click(),
  },
  {
    name: 'queue: search',
    before: async () => (await queue()).locator('vscode-textfield input').focus(),
    from: queue,
    act: async () => (await queue()).locator('vscode-textfield input').fill('zzz'),
    shows: async () => ({ frame: await queue(), selector: `#row-${id(1)}`, gone: true }),
    after: async () => (await queue()).locator('vscode-textfield input').fill(''),
  },
  {
    name: 'queue: Cancel all jobs (asks)',
    from: queue,
    act: async () => (await queue()).getByRole('button', { name: 'Cancel all jobs' }).click(),
    shows: inMain('.monaco-dialog-box'),
    after: escape,
  },
  {
    name: 'devices: Unload',
    before: async () => {
      daemon.instances.clear();
      for (const each of instances(now)) daemon.instance(each);
      await (await devices()).locator('.instance').first().waitFor();
    },
    from: devices,
    act: async () =>
      (await devices())
        .getByRole('button', { name: /Unload/ })
        .first()
        .click(),
    shows: async () => ({ frame: await devices(), selector: '.instance button .codicon-loading' }),
  },
  inModels('Whisper small', 'Install', {}, inMain(lineOf('Models'), /Whisper small[^]*\d%/)),
  inModels(
    'Whisper small',
    'Cancel Installation',
    { state: 'downloading', progress: { bytes: 121e6, total: 484e6 } },
    async () => ({ frame: main, selector: lineOf('Models'), text: /25%/, gone: true }),
  ),
  inModels('Whisper large v3 turbo', 'Use as Default', {}, inMain(lineOf('Models'), /turbo[^]*in use/)),
  inModels('Whisper large v3 turbo', 'Remove', {}, inMain(dialog)),
  inWatched('Pause', false, inMain(lineOf('Watched'), /paused/)),
  inWatched('Resume', true, async () => ({ frame: main, selector: lineOf('Watched'), text: /paused/, gone: true })),
  inWatched('Change How', false, inMain(list)),
  inWatched('Stop Watching', false, inMain(dialog)),
  {
    name: 'queue: Doctor',
    before: () => page.locator('.pane-header[aria-label*="Queue"]').hover(),
    from: workbench,
    act: () => page.locator('.pane:has(.pane-header[aria-label*="Queue"]) .action-label[aria-label^="Doctor"]').click(),
    shows: inMain(tab, /Earshot Doctor/),
    after: closeEditors,
  },
  edits('play', nothing, button('Play or pause'), '.play .codicon-debug-pause'),
  edits('click into the text', nothing, f => f.locator('#w1-2').click(), '#u1 textarea'),
  edits(
    'keep an edit',
    async f => {
      await f.locator('#w1-2').click();
      await page.keyboard.type('zzz');
    },
    key('Enter'),
    '#u1 .text',
    { text: /zzz/ },
  ),
  edits(
    'split',
    async f => {
      await f.locator('#w1-2').click();
    },
    key('Control+Enter'),
    '.utterance[aria-setsize="5"]',
  ),
  edits('merge', on(0), key('m'), '#u1', { gone: true }),
  edits('insert', on(3), key('i'), 'textarea'),
  edits('delete', on(1), key('Control+Delete'), '#u1', { gone: true }),
  edits(
    'undo',
    async f => {
      await on(0)(f);
      await page.keyboard.press('m');
      await f.locator('#u1').waitFor({ state: 'detached' });
    },
    key('Control+z'),
    '#u1',
  ),
  edits('comment', on(1), key('c'), '#u1 .comment textarea'),
  edits('keep a repair', on(0), key('a'), '#u0 .repairs', { gone: true }),
  edits('revert a repair', on(0), key('Delete'), '#u0 .repairs', { gone: true }),
  edits('revert all repairs', nothing, button('Revert all repairs'), '.repairs', { gone: true }),
  edits('original, both, translation', nothing, button('Translation'), '#u0 .text', { gone: true }),
  edits('find', on(0), key('Control+f'), '.find input'),
  edits('find as typed', async f => (await on(0)(f), await page.keyboard.press('Control+f')), key('d'), '.found', {
    text: /of \d/,
  }),
  edits(
    'find next',
    async f => {
      await on(0)(f);
      await page.keyboard.press('Control+f');
      await f.locator('.find').getByRole('textbox', { name: 'Find' }).fill('disposed');
      await f.locator('.found', { hasText: '1 of 2' }).waitFor();
    },
    key('Enter'),
    '.found',
    { text: /2 of 2/ },
  ),
  edits(
    'replace',
    async f => {
      await on(0)(f);
      await page.keyboard.press('Control+h');
      await f.locator('.find').getByRole('textbox', { name: 'Find' }).fill('disposed');
      await f.locator('.find').getByRole('textbox', { name: 'Replace with' }).fill('inclined');
    },
    key('Control+Enter'),
    '#u1 .text',
    { text: /inclined/ },
  ),
  edits('highlight doubtful words', on(0), key('d'), '.doubts'),
  edits('follow', nothing, button(/text follows/), 'button[title*="follows"][aria-pressed=true]', { gone: true }),
  edits('speed', on(0), key(']'), '.speed select:has(option[value="1.25"]:checked)', { after: key('[') }),
  edits('chapter', nothing, f => f.locator('#chapters').selectOption('2'), '#u2:focus, #u2:focus-within', {
    made: chaptered,
  }),
  edits('mute', nothing, button('Mute'), '.controls .codicon-mute'),
  edits('only one speaker', nothing, f => f.locator('.person .filter').last().click(), '#u0', { gone: true }),
  edits('who speaks', on(0), key('s'), list, { main: true }),
  edits('copy', nothing, button('Copy the text'), '.tools .codicon-check'),
  edits('shortcuts', on(0), key('?'), 'dialog[open]'),
  edits('export', nothing, button('Export…'), list, { main: true }),
  edits('summarize', nothing, button('Summarize'), '.summary .codicon-loading, .sum-up .codicon-loading', {
    after: over,
  }),
];

/** From the request to open a transcript to the frame with its first text, ms. */
async function opening(made: (recording: string) => Transcript): Promise<number> {
  const path = join(workspace, 'opened.earshot.json');
  await closeEditors();
  writeFileSync(path, toJson(made(join(workspace, 'talk.wav'))));
  const asked = await host.inHost((vscode, file) => {
    void vscode.commands.executeCommand('vscode.openWith', vscode.Uri.file(file), 'earshot.transcript');
    return Date.now();
  }, path);
  return (await watch({ frame: await editor(), selector: '.utterance' })) - asked;
}

const rows: string[] = [];
let late = 0;
try {
  await queue();
  await widenSideBar(host, 340);
  for (const action of actions) {
    if (words.length && !words.some(word => action.name.includes(word))) continue;
    const times: number[] = [];
    try {
      for (let n = 0; n < RUNS; n++) times.push(await once(action));
    } catch (error) {
      console.error(action.name, String(error).slice(0, 300));
      process.exitCode = 1;
      await escape();
      await over();
      continue;
    }
    times.sort((a, b) => a - b);
    const [best, median, worst] = [times[0]!, times[RUNS >> 1]!, times.at(-1)!].map(Math.round) as [
      number,
      number,
      number,
    ];
    if (median > GOAL_MS) late += 1;
    rows.push(`| ${action.name} | ${best} | ${median} | ${worst} |`);
    console.log(`${median > GOAL_MS ? '!' : ' '} ${String(median).padStart(5)} ms  (${best}–${worst})  ${action.name}`);
  }
  if (!words.length || words.includes('open')) {
    for (const [what, made] of [
      ['half a minute', sampleDialogue],
      ['three hours (2,500 utterances)', longTranscript],
    ] as const) {
      const times: number[] = [];
      for (let n = 0; n < RUNS; n++) times.push(await opening(made));
      console.log(`${what}: open after ${times.map(ms => Math.round(ms)).join(', ')} ms`);
    }
  }
  console.log(`\n${rows.length - late} of ${rows.length} within ${GOAL_MS} ms`);
} finally {
  await w.close();
}
