/** Text from strangers, file names and speech, on its way to documents, subtitles and the editor: it stays text. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { copyFileSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { render } from '../../text/transcripts/render.ts';
import type { Transcript } from '../../schemas/job.ts';
import { timed } from '../../cli/mcp-jobs.ts';
import { textResult } from '../../cli/mcp-tools.ts';
import { clean, cleanLines } from '../../cli/terminal.ts';
import { escapeMarkdown, plainText } from '../../text/markdown.ts';
import { oneLine } from '../../text/transcripts/passages.ts';
import { parseSubtitles } from '../../text/subtitles/parse.ts';
import * as pages from '../../webview/messages.ts';
import { window } from '../fixtures/vscode.ts';
const { confirm, notify, notifyBriefly, notifyUntil, withProgress } = await import('../../extension/ui/notify.ts'),
  { askSecret, askText, createPick, pick, pickSeveral } = await import('../../extension/ui/pick.ts');

const root = join(import.meta.dirname, '..', '..');
const sources = (pattern: string): { file: string; text: string }[] =>
  globSync(pattern, { cwd: root }).map(file => ({ file, text: readFileSync(join(root, file), 'utf8') }));

test('only one module each shows notifications, makes Markdown and listens to pages: the linter sees to it', () => {
  const folder = mkdtempSync(join(tmpdir(), 'earshot-lint-'));
  try {
    const file = join(folder, 'extension', 'panels', 'breach.ts');
    mkdirSync(dirname(file), { recursive: true });
    copyFileSync(join(root, '.oxlintrc.json'), join(folder, '.oxlintrc.json'));
    const breaches = [
      'vscode.window.showErrorMessage(name)',
      'vscode.window\n  .showInformationMessage(name)',
      "vscode.window['showWarningMessage'](name)",
      'vscode.window.withProgress({ location: 15, title: name }, work)',
      'const { withProgress } = vscode.window',
      'vscode.window.setStatusBarMessage(name)',
      'vscode.window.showQuickPick([name])',
      'vscode.window.createQuickPick()',
      'vscode.window.showInputBox({ title: name })',
      'vscode.window.createInputBox()',
      '((({ showErrorMessage }) => showErrorMessage)(vscode.window))(name)',
      'new vscode.MarkdownString(name)',
      'webview\n  .onDidReceiveMessage(name)',
    ];
    writeFileSync(file, breaches.join(';\n'));
    const { stdout } = spawnSync(process.execPath, [join(root, 'node_modules/oxlint/bin/oxlint'), file], {
      cwd: folder,
      encoding: 'utf8',
    });
    assert.equal(stdout.match(/no-restricted-properties/g)?.length, breaches.length, stdout);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

const HOSTILE = [
  '<script>alert(1)</script>',
  '![x](https://evil.example/a.png)',
  '[x](command:workbench.action.quit)',
  '<img src=x onerror=alert(1)>',
  '# heading',
  '- list',
  '1. list',
  '> quote',
  '`code`',
  '$(evil)',
  '|',
  '&lt;script&gt;',
  '00:00:01,000 --> 00:00:02,000',
  '1\n00:00:01,000 --> 00:00:02,000\nforged',
  '{\\an8}',
  '<b>',
  'NOTE',
  'STYLE',
  '\u001b]0;x\u0007',
  '\u202e',
  '***',
  '---',
  '\\',
  '{\\p1}m 0 0',
] as const;
const words = fc
  .array(fc.oneof(fc.constantFrom(...HOSTILE), fc.string({ unit: 'binary', maxLength: 30 })), {
    minLength: 1,
    maxLength: 6,
  })
  .map(each => each.join(' '));
test('notifications make no links of names', () => {
  // As the editor finds links in what it shows (linkedText.ts).
  const links = /\[([^\]]+)\]\(((?:https?:\/\/|command:|file:)[^)\s]+)(?: (["'])(.+?)(\3))?\)/gi;
  const names = fc.array(
    fc.oneof(words, fc.constantFrom('[x](command:a)', '](command:a)', '[x', '](https://e )', '[')),
  );
  fc.assert(
    fc.property(names, each => assert.doesNotMatch(plainText(each.join('')), links)),
    { numRuns: 500 },
  );
});

test('whatever the extension says, asks, lists or shows the progress of, the editor is given as plain text', async () => {
  const name = '[a.wav](command:workbench.action.quit)',
    shown: unknown[] = [],
    show = (...given: unknown[]): Promise<undefined> => (shown.push(given), Promise.resolve(undefined)),
    shows = (): object => {
      const made = { onDidAccept() {}, onDidHide() {}, show: () => shown.push(made) };
      return made;
    };
  Object.assign(window, {
    showInformationMessage: show,
    showWarningMessage: show,
    showErrorMessage: show,
    setStatusBarMessage: show,
    createQuickPick: shows,
    createInputBox: shows,
    showInputBox: show,
    withProgress: (options: unknown, work: (progress: object) => unknown) => {
      shown.push(options);
      return work({ report: show });
    },
  });
  for (const say of Object.values(notify)) say(`Done: ${name}`);
  notifyBriefly(name, 1);
  notifyUntil(name, Promise.resolve());
  await confirm(name, 'OK', name);
  await withProgress({ location: 15, title: name }, async progress => progress.report({ message: name }));
  const item = (): { label: string; description: string; detail: string } => ({
    label: name,
    description: name,
    detail: name,
  });
  void pick([item()], { title: name, placeHolder: name });
  void pickSeveral([item()], { title: name });
  void askText({ title: name, value: '' });
  await askSecret({ title: name, prompt: name });
  const made = createPick();
  made.title = made.placeholder = name;
  made.items = [item()];
  made.show();
  assert.equal(shown.length, 13);
  for (const each of shown) {
    const text = JSON.stringify(each);
    assert.ok(text.includes('a.wav') && !text.includes('[a.wav](command:'), text);
  }
});

test('nothing that steers a display or hides from it is left, in any place that shows text from outside', () => {
  const joiners = /[\u200c\u200d\ufe00-\ufe0f]/u,
    bad: string[] = [];
  for (let code = 0; code <= 0x10ffff; code++) {
    if (code >= 0xd800 && code <= 0xdfff) continue;
    const character = String.fromCodePoint(code);
    if (
      /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}\p{Default_Ignorable_Code_Point}\ufff9-\ufffb]/u.test(character) &&
      !joiners.test(character)
    )
      bad.push(character);
  }
  assert.ok(
    bad.length > 4000 && ['\u061c', '\u009b', '\u200b', '\u{e0041}', '\u{e0101}'].every(each => bad.includes(each)),
  );
  const places: Readonly<Record<string, (text: string) => string>> = {
    terminal: clean,
    'lines of a terminal': cleanLines,
    'a line of a document': oneLine,
    Markdown: escapeMarkdown,
    'notifications, tooltips, lists': plainText,
    'what assistants read': text => (textResult(text).content[0] as { text: string }).text,
    "a transcript's line for assistants": text => timed(transcript([text], 'x').utterances).slice('[0:00] '.length),
  };
  for (const [place, show] of Object.entries(places)) {
    const lines = ['a line of a document', 'terminal', "a transcript's line for assistants"].includes(place)
      ? ''
      : '\n';
    for (const character of bad)
      if (character !== lines && !(lines && character === '\t'))
        assert.ok(!show(`a${character}b`).includes(character), `${place}: ${character.codePointAt(0)!.toString(16)}`);
    // What scripts and emoji are made of stays; what is hidden in their signs does not.
    for (const text of ['می\u200cخواهم', '👩\u200d👩\u200d👧', '❤\ufe0f', '葛\ufe00', 'שלום', 'مرحبا'])
      assert.ok(show(text).includes(text), `${place}: ${text}`);
    assert.equal(show(`a${'\ufe00\ufe01'.repeat(50)}b`).length < 5, true, place);
    assert.ok(show('\ud800').isWellFormed(), place);
  }
  const document = render(
    transcript(
      bad.map(each => `x${each}y`),
      `x${bad.join('')}y`,
    ),
    'md',
    { text: 'bilingual' },
  );
  for (const character of bad)
    assert.ok(character === '\n' || !document.includes(character), character.codePointAt(0)!.toString(16));
});

const transcript = (texts: readonly string[], name: string): Transcript => ({
  earshot: 1,
  recording: { path: `/r/${name}`, name, durationMs: 60_000 },
  language: 'en',
  translatedTo: 'de',
  models: {},
  warnings: [],
  utterances: texts.map((text, index) => ({
    index,
    startMs: index * 5000,
    endMs: index * 5000 + 4000,
    asr: { text, words: [], language: 'en', languageProbability: 1 },
    nmt: { text, language: 'de' },
  })),
});

test('Markdown: nothing that was said, and no name, is a sign of it', () => {
  fc.assert(
    fc.property(fc.array(words, { minLength: 1, maxLength: 3 }), words, (texts, name) => {
      const text = render(transcript(texts, name), 'md', { text: 'bilingual' });
      // What is ours: the heading, the facts, the times, the quotations.
      const rest = text
        .replace(/^# /, '')
        .replace(/^\*en → de\*$|^\*1:00 · en → de\*$/m, '')
        .replace(/^\*\*\d+:\d\d\*\* /gm, '')
        .replace(/^> /gm, '');
      assert.doesNotMatch(rest.replace(/\\[\\`*_[\]<>~|&$!#+\-.)]/g, ''), /[<>[\]`*_|~]/, text);
      assert.doesNotMatch(text, /[\u0000-\u0009\u000b-\u001f\u202e]/);
    }),
    { numRuns: 200 },
  );
  fc.assert(
    fc.property(words, text => assert.doesNotMatch(escapeMarkdown(text).replace(/\\./gs, ''), /[<>[\]`*_|]/)),
    { numRuns: 200 },
  );
});

test('subtitles: what is said makes no cue, tag or style of its own', () => {
  fc.assert(
    fc.property(fc.array(words, { minLength: 1, maxLength: 3 }), texts => {
      for (const kind of ['srt', 'vtt'] as const) {
        const made = render(transcript(texts, 'x'), kind, { text: 'original' }),
          { cues } = parseSubtitles(made, kind),
          times = made.split('\n').filter(line => line.includes('-->')).length;
        assert.equal(cues.length, times, made);
        assert.ok(
          cues.every(cue => cue.startMs !== null && cue.startMs < 60_000 && cue.endMs! <= 60_000),
          made,
        );
        assert.doesNotMatch(made, /<\/?[a-z]/i, made);
      }
      assert.doesNotMatch(
        render(transcript(texts, 'x'), 'ass', { text: 'original' }).split('[Events]')[1]!,
        /(?<!\\)\{/,
      );
    }),
    { numRuns: 150 },
  );
});

test('pages: what they send is checked and bounded, what they show is text, and nothing else may run or load', () => {
  const unbounded: string[] = [];
  const walk = (schema: Record<string, unknown>, way: string): void => {
    if (
      schema.type === 'string' &&
      schema.maxLength === undefined &&
      schema.pattern === undefined &&
      schema.enum === undefined &&
      schema.const === undefined
    )
      unbounded.push(way);
    if (schema.type === 'array' && schema.maxItems === undefined) unbounded.push(way);
    if (schema.type === 'object' && schema.additionalProperties !== false) unbounded.push(way);
    for (const [key, each] of Object.entries(schema))
      if (typeof each === 'object' && each !== null) walk(each as Record<string, unknown>, `${way}.${key}`);
  };
  for (const [name, schema] of Object.entries({
    FromQueue: pages.FromQueue,
    FromDevices: pages.FromDevices,
    FromTranscript: pages.FromTranscript,
  }))
    walk(schema as never, name);
  assert.deepEqual(unbounded, []);
  for (const { file, text } of [...sources('webview/**/*.ts'), ...sources('extension/**/*.ts')])
    assert.doesNotMatch(
      text,
      /innerHTML|outerHTML|insertAdjacentHTML|unsafeHTML|document\.write|\beval\(|new Function|supportHtml/,
      file,
    );
  const page = sources('extension/ui/page.ts')[0]!.text;
  assert.match(page, /default-src 'none'/);
  assert.doesNotMatch(page, /unsafe-inline|unsafe-eval|https?:\/\/|\*;/);
});
