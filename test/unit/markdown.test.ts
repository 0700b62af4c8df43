import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { asTarget, atMoment, momentOf, recordingLinks } from '../../text/links.ts';
import { chaptersOf, titleOf } from '../../extension/streaming/chapters.ts';
import { layout, type Template } from '../../extension/streaming/layout.ts';
import type { Utterance } from '../../schemas/job.ts';

const said = (index: number, startMs: number, text: string, over: Partial<Utterance> = {}): Utterance => ({
  index,
  startMs,
  endMs: startMs + 4000,
  asr: { text, words: [], language: 'en', languageProbability: 1 },
  ...over,
});
const template = (over: Partial<Template> = {}): Template => ({
  format: 'markdown',
  timestamps: 'paragraph',
  paragraphPauseMs: 1500,
  translation: 'below',
  heading: null,
  gap: (from, to) => `${from} ${to}`,
  ...over,
});
const text = (utterances: Utterance[], over: Partial<Template> = {}): string =>
  layout(utterances, template(over))
    .map(piece => piece.text)
    .join('');

describe('links to recordings', () => {
  it('are found where they stand, with their moment; other links, code and pages of the web are not', () => {
    const markdown =
      'A [talk](clips/my%20talk.mp3#t=75) and ![film](<a film.mp4#t=1:02:03.5,70> ' +
      '"title").\n[page](https://x.org/a.mp3) [code](main.ts) `[no](x.wav)` ' +
      '[notes](notes.md)\n```\n[no](x.wav)\n```\n[**00:17**](a(1).wav)';
    const lines = markdown.split('\n'),
      links = recordingLinks(markdown);
    assert.deepEqual(
      links.map(l => [l.line, lines[l.line]!.slice(l.from, l.to), l.path, l.ms]),
      [
        [0, 'clips/my%20talk.mp3#t=75', 'clips/my talk.mp3', 75_000],
        [0, 'a film.mp4#t=1:02:03.5,70', 'a film.mp4', 3_723_500],
        [5, 'a(1).wav', 'a(1).wav', null],
      ],
    );
  });
  it('read every way to say a moment', () =>
    assert.deepEqual(['t=75', 't=1:15', 't=npt:10,20', 'x=1&t=5s', 't=1:00:00', 'at=7', ''].map(momentOf), [
      75_000,
      75_000,
      10_000,
      5000,
      3_600_000,
      null,
      null,
    ]));
  it('written by us are found again, whatever the file is called', () =>
    fc.assert(
      fc.property(
        fc.string({ minLength: 1, maxLength: 20, unit: 'grapheme' }).filter(name => !/[/\\\n\r]/.test(name)),
        fc.nat(9_000_000),
        (name, ms) => {
          const [link, ...more] = recordingLinks(`[x](${atMoment(asTarget(`${name}.mp3`), ms)})`);
          assert.deepEqual([link?.path, link?.ms, more.length], [`${name}.mp3`, Math.floor(ms / 1000) * 1000, 0]);
        },
      ),
    ));
});

describe('chapters', () => {
  const spans = (...starts: number[]) => starts.map(s => ({ startMs: s * 1000, endMs: s * 1000 + 4000, text: 'x' }));
  it('begin after long pauses, a minute apart at least', () => {
    assert.deepEqual(chaptersOf(spans(0, 5, 80, 100, 200, 205), 10_000), [0, 2, 4]);
    assert.deepEqual(chaptersOf(spans(0, 5, 80), 0), []);
    assert.deepEqual(chaptersOf(spans(0, 5, 10), 10_000), []);
  });
  it('do not change with what comes later', () =>
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 90_000 }), { maxLength: 40 }), fc.nat(40), (gaps, cut) => {
        let at = 0;
        const all = gaps.map(gap => {
          at += gap + 3000;
          return { startMs: at - 3000, endMs: at, text: 'x' };
        });
        const whole = chaptersOf(all, 10_000),
          part = chaptersOf(all.slice(0, cut), 10_000);
        assert.deepEqual(part, part.length ? whole.filter(i => i < cut) : []);
      }),
    ));
  it('are called by their first sentence', () => {
    assert.deepEqual(['We begin. Then more.', '你好。再见。', `${'word '.repeat(30)}end`, ''].map(titleOf), [
      'We begin',
      '你好',
      `${'word '.repeat(12).trim()}…`,
      '',
    ]);
  });
});

describe('a Markdown document', () => {
  const talk = [
    said(0, 0, 'One thing.'),
    said(1, 70_000, 'Another # thing.', { nmt: { text: 'Anderes.', language: 'de' } }),
  ];
  it('has links into the recording, chapters and front matter', () => {
    assert.equal(
      text(talk, {
        link: 'a%20talk.wav',
        chapterPauseMs: 10_000,
        heading: 'a talk.wav',
        frontMatter: { title: 'a: talk', recording: 'a talk.wav', date: '2026-11-22' },
      }),
      '---\ntitle: "a: talk"\nrecording: a talk.wav\ndate: "2026-11-22"\nlanguage: en\ntranslation: ' +
        'de\n---\n\n# a talk.wav\n\n## One thing\n\n[**00:00**](a%20talk.wav#t=0) One thing.\n\n## Another # ' +
        'thing\n\n[**01:10**](a%20talk.wav#t=70) Another # thing.\n\n> Anderes.',
    );
  });
  it('of two columns has no chapters in its table', () =>
    assert.equal(
      text(talk, { timestamps: 'none', translation: 'beside', chapterPauseMs: 10_000 }),
      '| | |\n|---|---|\n| One thing. |  |\n| Another # thing. | Anderes. |',
    ));
});
