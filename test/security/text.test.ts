/** Text from strangers, file names and speech, on its way to the editor: it stays text. */
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

const root = join(import.meta.dirname, '..', '..');
const sources = (pattern: string): { file: string; text: string }[] => globSync(pattern, { cwd: root }).map(file => ({ file, text: readFileSync(join(root, file), 'utf8') }));

test('notifications make no links of names: what they are given was made plain, or is ours alone', () => {
  for (const { file, text } of sources('extension/**/*.ts'))
    for (const [call, first] of text.matchAll(/show(?:Information|Warning|Error)Message\(([^\n]*)/g)) {
      // Modal ones show no links; failures and decisions come out of extension/words.ts.
      const harmless = /modal: true/.test(first!) || /^(plain\(|failureText|errorText|sync\.scale|vscode\.l10n\.t\('[^']*'\))/.test(first!) || /^(failed\.length === 1|result|failureText)/.test(first!);
      assert.ok(harmless, `${file}: ${call}`);
    }
});
