import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { asTarget, atMoment, momentOf, recordingLinks } from '../../text/links.ts';
import { chaptersOf, titleOf } from '../../text/transcripts/chapters.ts';
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
  speaker: name => name,
  ...over,
});
const text = (utterances: Utterance[], over: Partial<Template> = {}): string =>
  layout(utterances, template(over))
    .map(piece => piece.text)
    .join('');
const seconds = (work: () => unknown): number => {
  const began = performance.now();
  work();
  return (performance.now() - began) / 1000;
};

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
  it('read every way to say a moment', () => {
    const moments: [string, number | null][] = [
      ['t=75', 75_000],
      ['t=1:15', 75_000],
      ['t=npt:10,20', 10_000],
      ['t=90,120', 90_000],
      ['t=npt:1:02:03.5', 3_723_500],
      ['x=1&t=5s', 5000],
      ['t=1:00:00', 3_600_000],
      ['t=1m30s', 90_000],
      ['t=1h2m3.5s', 3_723_500],
      ['t=2h', 7_200_000],
      ['t=,20', 0],
      ['t=', null],
      ['t=soon', null],
      ['t=1m30x', null],
      ['at=7', null],
      ['', null],
    ];
    for (const [fragment, ms] of moments) assert.equal(momentOf(fragment), ms, fragment);
  });
  it('are found in every form: players, labels and wikis', () => {
    const forms: [markdown: string, where: string, path: string, ms: number | null][] = [
      ['<audio controls src="talk.mp3" title="Title"></audio>', '0:talk.mp3', 'talk.mp3', null],
      ["<video src='a%20film.mp4' controls></video>", '0:a%20film.mp4', 'a film.mp4', null],
      ['<video\n poster="a.png">\n<source src=film.webm#t=1m30s>', '2:film.webm#t=1m30s', 'film.webm', 90_000],
      ['<a href="you &amp; me.m4a">we</a>', '0:you &amp; me.m4a', 'you & me.m4a', null],
      ['[a][1]\n\n[1]: talk.wav', '0:1', 'talk.wav', null],
      ['[Talk][]\r\n\r\n[talk]: <my talk.mp3#t=5> "Title"', '0:Talk', 'my talk.mp3', 5000],
      ['what was [said  there] \n\n[said there]:\n  talk.wav', '0:said  there', 'talk.wav', null],
      ['[unused]: talk.wav', '0:talk.wav', 'talk.wav', null],
      ['![[talk.m4a]]', '0:talk.m4a', 'talk.m4a', null],
      ['| [[calls/50%.mp3#t=90,120\\|the call]] |', '0:calls/50%.mp3#t=90,120', 'calls/50%.mp3', 90_000],
      ['<file:///r/talk.wav#t=npt:7>', '0:file:///r/talk.wav#t=npt:7', 'file:///r/talk.wav', 7000],
      ['[a](you&amp;me.m4a)', '0:you&amp;me.m4a', 'you&me.m4a', null],
      ['![](film.mp4?raw=1#t=9)', '0:film.mp4?raw=1#t=9', 'film.mp4', 9000],
      ['[a](what%3F.mp3)', '0:what%3F.mp3', 'what?.mp3', null],
      ['[memo](memo.qta)', '0:memo.qta', 'memo.qta', null],
      ['[a](a\\_b.wav)', '0:a\\_b.wav', 'a_b.wav', null],
      ['[a program](main.ts) and [a broadcast](film.ts#t=4)', '0:film.ts#t=4', 'film.ts', 4000],
      ['<!-- [a](no.wav)\n[b](no.wav) -->\n[c](talk.wav)', '2:talk.wav', 'talk.wav', null],
    ];
    for (const [markdown, where, path, ms] of forms) {
      const lines = markdown.split(/\r?\n/);
      assert.deepEqual(
        recordingLinks(markdown).map(l => [`${l.line}:${lines[l.line]!.slice(l.from, l.to)}`, l.path, l.ms]),
        [[where, path, ms]],
        markdown,
      );
    }
    for (const none of ['[^1]\n\n[^1]: a.wav', '`[[a.wav]]`', '- [x] done', '<audio src="https://x.org/a.mp3">'])
      assert.deepEqual(recordingLinks(none), [], none);
  });
  it('are none where Markdown sees none: escaped, in code of every kind, in comments', () => {
    for (const text of [
      '\\[a](x.mp3)',
      '[a\\](x.mp3)',
      'a](x.mp3)',
      '\\[a][1]\n\n[2]: y.txt',
      '\\[[x.mp3]]',
      '\\<audio src="x.mp3">',
      '\\<file:///x.mp3>',
      '`code [a](x.mp3)`',
      '`code\n[a](x.mp3) over lines`',
      '``a ` [a](x.mp3)``',
      '```md\n[a](x.mp3)\n```',
      '~~~\n```\n[a](x.mp3)\n~~~',
      '```\n``` not the end\n[a](x.mp3)\n```',
      'text\n\n    [a](x.mp3)',
      '<!-- [a](x.mp3) -->',
      '<!--\n\n[a](x.mp3)\n\n-->',
    ])
      assert.deepEqual(recordingLinks(text), [], text);
    for (const text of [
      '\\\\[a](x.mp3)',
      '[\\[a\\]](x.mp3)',
      '\\`[a](x.mp3)\\`',
      '- item\n\n    [a](x.mp3)',
      '`one` [a](x.mp3) `two`',
      '[![p](p.png)](x.mp3)',
      'text\n    [a](x.mp3)',
    ])
      assert.equal(recordingLinks(text).length, 1, text);
    assert.equal(recordingLinks('[a](x\\[1\\].mp3)')[0]?.path, 'x[1].mp3');
  });
  it('are looked for in linear time', () => {
    for (const part of ['<!--', '[[a', '](x', '<a ', '[a]: b.mp3\n', '` ', '[a]['])
      assert.ok(seconds(() => recordingLinks(part.repeat(100_000))) < 3, part);
  });
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
    // A point behind an abbreviation or an initial ends none.
    assert.deepEqual(['And Mr. J. R. Dashwood came. He sat.', 'So did I. Then he left.', 'Yes. Well.'].map(titleOf), [
      'And Mr. J. R. Dashwood came',
      'So did I. Then he left',
      'Yes',
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
