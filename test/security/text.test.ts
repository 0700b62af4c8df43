/** Text from strangers, file names and speech, on its way to documents, subtitles and the editor: it stays text. */
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { render } from '../../text/transcripts/render.ts';
import type { Transcript } from '../../schemas/job.ts';
import { escapeMarkdown } from '../../text/markdown.ts';
import { parseSubtitles } from '../../text/subtitles/parse.ts';
import * as pages from '../../webview/messages.ts';

const root = join(import.meta.dirname, '..', '..');
const sources = (pattern: string): { file: string; text: string }[] =>
  globSync(pattern, { cwd: root }).map(file => ({ file, text: readFileSync(join(root, file), 'utf8') }));

test('Markdown that the editor shows is given no names as they are: they are appended as text, or escaped', () => {
  for (const { file, text } of sources('extension/**/*.ts'))
    for (const [call, first] of text.matchAll(/new vscode\.MarkdownString\(([^\n]*)/g))
      assert.match(
        first!,
        /^\)|^''|^`\*\*\$\{escapeMarkdown\(|^vscode\.l10n\.t\('\*\*Cue \{0\} of \{1\}\*\*'/,
        `${file}: ${call}`,
      );
});

test('notifications make no links of names: what they are given was made plain, or is ours alone', () => {
  for (const { file, text } of sources('extension/**/*.ts'))
    for (const [call, first] of text.matchAll(/show(?:Information|Warning|Error)Message\(([^\n]*)/g)) {
      // Modal ones show no links; failures and decisions come out of extension/words.ts.
      const harmless =
        /modal: true/.test(first!) ||
        /^(plain\(|failureText|errorText|sync\.scale|vscode\.l10n\.t\('[^']*'\))/.test(first!) ||
        /^(failed\.length === 1|result|failureText)/.test(first!);
      assert.ok(harmless, `${file}: ${call}`);
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
  for (const { file, text } of sources('extension/**/*.ts'))
    for (const [call] of text.matchAll(/onDidReceiveMessage\([^\n]{0,40}/g)) assert.match(call, /checked/, file);
  for (const { file, text } of [...sources('webview/**/*.ts'), ...sources('extension/**/*.ts')])
    assert.doesNotMatch(
      text,
      /innerHTML|outerHTML|insertAdjacentHTML|unsafeHTML|document\.write|\beval\(|new Function|supportHtml/,
      file,
    );
  const page = sources('extension/panels/page.ts')[0]!.text;
  assert.match(page, /default-src 'none'/);
  assert.doesNotMatch(page, /unsafe-inline|unsafe-eval|https?:\/\/|\*;/);
});
