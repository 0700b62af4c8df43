/** Documents that are not text: what is in them, for every alphabet, and always the same bytes. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inflateSync } from 'node:zlib';
import { test } from 'node:test';
import { unzipSync } from 'fflate';
import { content } from '../../daemon/documents/documents.ts';
import { FontBook } from '../../daemon/documents/fonts.ts';
import { dialogue, english, spanish, utterance } from '../golden/transcripts.ts';
import type { Transcript } from '../../schemas/job.ts';
import { render } from '../../text/transcripts/render.ts';
import { reads } from '../fixtures/fails-with.ts';
import { toFailure } from '../../schemas/errors.ts';

const saying = (text: string, language: string): Transcript => ({
  ...english,
  language,
  utterances: [utterance(0, 0, text, language)],
});

test('Word: title, times, names and translations, as a zip of XML that says no date', async () => {
  const bytes = await content(spanish, 'docx', { text: 'bilingual' }),
    files = unzipSync(bytes as Uint8Array),
    text = (name: string): string => Buffer.from(files[name]!).toString('utf8');
  const body = text('word/document.xml');
  assert.match(body, /asterisk-es\.flac[^]*0:00[^]*Felicidades\.[^]*Goodbye\./);
  assert.doesNotMatch(text('docProps/core.xml'), /created|modified/);
  const plain = await content(dialogue, 'docx', { text: 'original', times: false });
  const said = Buffer.from(unzipSync(plain as Uint8Array)['word/document.xml']!).toString('utf8');
  assert.doesNotMatch(said, /\d:\d\d<\/w:t>/);
  assert.deepEqual(
    Buffer.from(await content(spanish, 'docx', { text: 'bilingual' })),
    Buffer.from(bytes as Uint8Array),
  );
});

test('PDF: Latin, Cyrillic and Greek need no font of the machine; equal transcripts give equal files', async () => {
  const mixed = saying('Quick brown fox — «быстрая лиса», γρήγορη αλεπού, Łódź, ệ, “quotes” …', 'ru');
  const made = Buffer.from((await content(mixed, 'pdf', { text: 'original' })) as Uint8Array);
  assert.match(made.subarray(0, 8).toString('latin1'), /^%PDF-1\./);
  assert.deepEqual(Buffer.from((await content(mixed, 'pdf', { text: 'original' })) as Uint8Array), made);
  // What a reader copies from it: the maps from glyphs to characters, in hexadecimal.
  const maps = [...made.toString('latin1').matchAll(/stream\r?\n([^]*?)\r?\nendstream/g)]
    .map(([, stream]) => {
      try {
        return inflateSync(Buffer.from(stream!, 'latin1')).toString('latin1');
      } catch {
        return '';
      }
    })
    .filter(each => each.includes('beginbfrange') || each.includes('beginbfchar'))
    .join('\n')
    .toLowerCase();
  for (const letter of 'Qбγ') assert.ok(maps.includes(letter.codePointAt(0)!.toString(16).padStart(4, '0')), letter);
});

test('a script that no font shows is named; a sign that is no letter becomes a question mark', () => {
  const folder = mkdtempSync(join(tmpdir(), 'earshot-fonts-'));
  try {
    assert.throws(
      () => new FontBook('All of ပြည် is Burmese', 'my', [folder]),
      (error: unknown) => {
        reads(toFailure(error), /No font .*[\u1000-\u109f].*Noto Sans/, /字体.*[\u1000-\u109f]/);
        return true;
      },
    );
    const book = new FontBook('Fine 🎉, Привет', 'en', [folder]);
    assert.deepEqual(
      book.runs('Fine 🎉, Привет', 400).map(({ text }) => text),
      ['Fine ?, ', 'Привет'],
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('a long pause begins a chapter: a heading in every document, so that an outline of it leads there', async () => {
  const made: Transcript = {
      ...english,
      utterances: [
        utterance(0, 0, 'Good morning. We begin.', 'en'),
        utterance(1, 12_000, 'A pause so soon is a hesitation.', 'en'),
        utterance(2, 90_000, 'Money *matters*. The rest is known.', 'en'),
        utterance(3, 93_000, 'That is all.', 'en'),
      ],
    },
    summed: Transcript = { ...made, summary: { text: 'Short.', language: 'en', model: 'Tiny' } };
  const headings = (of: Transcript): string[] =>
    render(of, 'md', { text: 'original' })
      .split('\n')
      .filter(line => line.startsWith('#'));
  assert.deepEqual(headings(made), ['# sense.flac', '## Good morning', '## Money \\*matters\\*']);
  assert.deepEqual(headings(summed), ['# sense.flac', '## Summary', '## Good morning', '## Money \\*matters\\*']);
  assert.match(
    render(made, 'md', { text: 'original' }),
    /\n\n## Money [^\n]*\n\n\*\*1:30\*\* Money \\\*matters\\\*\. The rest is known\. That is all\.\n$/,
  );
  assert.equal(render(made, 'txt', { text: 'original' }).includes('#'), false);
  assert.deepEqual(
    [...render(made, 'html', { text: 'original' }).matchAll(/<h2 dir="auto">([^<]*)<\/h2>/g)].map(([, title]) => title),
    ['Good morning', 'Money *matters*'],
  );
  const word = unzipSync((await content(made, 'docx', { text: 'original' })) as Uint8Array)['word/document.xml']!;
  assert.equal(
    Buffer.from(word)
      .toString('utf8')
      .match(/w:val="Heading2"/g)?.length,
    2,
  );
  const pdf = Buffer.from((await content(made, 'pdf', { text: 'original' })) as Uint8Array).toString('latin1');
  assert.equal(pdf.match(/\/Title \((?:Good morning|Money \*matters\*)\)/g)?.length, 2);
});
