/** No sentence of the extension or its pages lacks its Chinese, and none stands there for nothing. */
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';

const root = join(import.meta.dirname, '../..');
const json = (name: string): Record<string, string> =>
  JSON.parse(readFileSync(join(root, name), 'utf8')) as Record<string, string>;
const holes = (text: string): string[] => (text.match(/\{\d+\}/g) ?? []).sort();

it('every sentence in code has its translation, with the same holes', () => {
  const used = new Set<string>();
  for (const file of globSync(['extension/**/*.ts', 'webview/**/*.ts'], { cwd: root }))
    for (const [, parts] of readFileSync(join(root, file), 'utf8').matchAll(
      /(?:l10n\.t|\bt)\(\s*('(?:[^'\\]|\\.)*'(?:\s*\+\s*'(?:[^'\\]|\\.)*')*)/g,
    ))
      // A long one stands over several lines.
      used.add([...parts!.matchAll(/'((?:[^'\\]|\\.)*)'/g)].map(([, text]) => text!.replaceAll("\\'", "'")).join(''));
  const zh = json('l10n/bundle.l10n.zh-cn.json');
  assert.deepEqual(
    [...used].filter(text => !zh[text]),
    [],
  );
  assert.deepEqual(
    Object.keys(zh).filter(text => !used.has(text)),
    [],
  );
  for (const [english, chinese] of Object.entries(zh)) assert.deepEqual(holes(chinese), holes(english), english);
});

it('the manifest is complete in both languages', () => {
  const used = new Set([...readFileSync(join(root, 'package.json'), 'utf8').matchAll(/"%([\w.]+)%"/g)].map(m => m[1]!));
  const [en, zh] = [json('package.nls.json'), json('package.nls.zh-cn.json')];
  assert.deepEqual(
    [...used].filter(key => !en[key] || !zh[key]),
    [],
  );
  assert.deepEqual(
    Object.keys(en).filter(key => !used.has(key)),
    [],
  );
  assert.deepEqual(Object.keys(zh).sort(), Object.keys(en).sort());
});

it('the pictures of the walkthrough need no style sheet: the editor allows none in them', () => {
  const pictures = globSync('media/walkthrough/*.svg', { cwd: root });
  assert.ok(pictures.length >= 5);
  for (const picture of pictures)
    assert.doesNotMatch(readFileSync(join(root, picture), 'utf8'), /<style|\bclass=|\bstyle=/, picture);
});
