import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { layout, type Piece, type Template } from '../../extension/streaming/layout.ts';
import { insertion } from '../../extension/streaming/section.ts';
import {
  endOf,
  fresh,
  reconcile,
  refound,
  shifted,
  type Edit,
  type Placement,
} from '../../extension/streaming/place.ts';
import { parseShape } from '../../extension/streaming/shape.ts';
import { cues, split } from '../../extension/streaming/subtitles.ts';
import type { Utterance } from '../../schemas/job.ts';
import { shownSpeaker } from '../../text/speaker-names.ts';

const apply = (text: string, edits: readonly Edit[]): string =>
  [...edits].reverse().reduce((t, e) => t.slice(0, e.start) + e.text + t.slice(e.end), text);
const template = (over: Partial<Template> = {}): Template => ({
  format: 'markdown',
  timestamps: 'paragraph',
  paragraphPauseMs: 1500,
  translation: 'below',
  heading: null,
  gap: (from, to) => `(${from}–${to} not understood)`,
  speaker: shownSpeaker,
  ...over,
});
const utterance = (index: number, text: string, over: Partial<Utterance> = {}, startMs = index * 5000): Utterance => ({
  index,
  startMs,
  endMs: startMs + 4500,
  asr: { text, words: [], language: 'en', languageProbability: 1 },
  ...over,
});
const text = (pieces: readonly Piece[]): string => pieces.map(p => p.text).join('');

describe('layout', () => {
  const said = [utterance(0, 'One.'), utterance(1, 'Two.'), utterance(2, 'Three.', {}, 20_000)];
  it('makes paragraphs where the recording pauses', () => {
    assert.equal(text(layout(said, template())), '**[00:00]** One. Two.\n\n**[00:20]** Three.');
    assert.equal(text(layout(said, template({ timestamps: 'none', format: 'text' }))), 'One. Two.\n\nThree.');
    assert.equal(
      text(layout(said, template({ timestamps: 'utterance', format: 'text' }))),
      '[00:00] One.\n[00:05] Two.\n[00:20] Three.',
    );
  });
  it('joins Chinese without spaces', () => {
    const zh = (index: number, t: string): Utterance =>
      utterance(index, t, { asr: { text: t, words: [], language: 'zh', languageProbability: 1 } });
    assert.equal(text(layout([zh(0, '你好。'), zh(1, '再见。')], template({ timestamps: 'none' }))), '你好。再见。');
  });
  it('puts a translation below, beside or instead', () => {
    const both = [
        utterance(0, 'One.', { nmt: { text: 'Eins.', language: 'de' } }),
        utterance(1, 'Two.', { nmt: { text: 'Zwei.', language: 'de' } }),
      ],
      plain = { timestamps: 'none' } as const;
    assert.equal(text(layout(both, template(plain))), 'One. Two.\n\n> Eins. Zwei.');
    assert.equal(text(layout(both, template({ ...plain, translation: 'instead' }))), 'Eins. Zwei.');
    assert.equal(
      text(layout(both, template({ ...plain, translation: 'beside' }))),
      '| | |\n|---|---|\n| One. Two. | Eins. Zwei. |',
    );
    assert.equal(
      text(layout(both, template({ ...plain, format: 'text', translation: 'beside' }))),
      'One. Two.\tEins. Zwei.',
    );
  });
  it('names who begins to speak, in a paragraph of their own', () => {
    const by = (index: number, speaker: string): Utterance => utterance(index, `Text ${index}.`, { speaker }),
      talk = [by(0, 'S1'), by(1, 'S1'), by(2, 'Anna'), by(3, 'S1')];
    assert.equal(
      text(layout(talk, template())),
      '**[00:00]** **Speaker 1:** Text 0. Text 1.\n\n' +
        '**[00:10]** **Anna:** Text 2.\n\n**[00:15]** **Speaker 1:** Text 3.',
    );
    assert.equal(
      text(layout(talk, template({ timestamps: 'none', format: 'text' }))),
      'Speaker 1: Text 0. Text 1.\n\nAnna: Text 2.\n\nSpeaker 1: Text 3.',
    );
    // A long pause within a turn: a paragraph, but no new name. Whoever is not known interrupts nobody.
    assert.equal(
      text(
        layout(
          [by(0, 'S1'), utterance(1, 'Hm.'), utterance(2, 'Text 2.', { speaker: 'S1' }, 30_000)],
          template({ timestamps: 'none' }),
        ),
      ),
      '**Speaker 1:** Text 0. Hm.\n\nText 2.',
    );
    assert.equal(text(layout([by(0, 'A*')], template({ timestamps: 'none' }))), '**A\\*:** Text 0.');
    assert.equal(
      text(layout(talk.slice(1, 3), template({ format: 'srt' }))).match(/\n(Speaker 1|Anna): Text/g)?.length,
      2,
    );
    assert.match(
      text(layout(talk.slice(1, 3), template({ format: 'vtt' }))),
      /\n<v Speaker 1>Text 1\.[^]*\n<v Anna>Text 2\./,
    );
  });
  it('follows a template of its own', () => {
    const said: Utterance[] = [
      utterance(0, 'One.', { speaker: 'Anna', nmt: { text: 'Eins.', language: 'de' } }),
      utterance(1, 'Two.', { nmt: { text: 'Zwei.', language: 'de' } }),
      utterance(2, 'Three.', { speaker: 'Ben' }),
    ];
    const shaped = (shape: string, over: Partial<Template> = {}): string =>
      text(layout(said, template({ shape, timestamps: 'none', ...over })));
    assert.equal(
      shaped('- {{time} }{{speaker}: }{text}{ ({translation})}'),
      '- **[00:00]** Anna: One. Two. (Eins. Zwei.)\n\n- **[00:10]** Ben: Three.',
    );
    assert.equal(shaped('{text}'), 'One. Two. Three.');
    assert.equal(shaped('{text}', { translation: 'instead' }), 'Eins. Zwei. Three.');
    assert.equal(shaped('{translation}\n{text} /', { format: 'text' }), 'Eins. Zwei.\nOne. Two. Three. /');
    assert.equal(shaped('{{speaker}\n}{text}', { format: 'text' }), 'Anna\nOne. Two.\n\nBen\nThree.');
    assert.equal(
      shaped('{time} {text}', { link: 'talk.wav', timestamps: 'utterance' }),
      '[**00:00**](talk.wav#t=0) One.\n\n[**00:05**](talk.wav#t=5) Two.\n\n[**00:10**](talk.wav#t=10) Three.',
    );
  });
  it('says what is wrong with a template', () => {
    const code = (shape: string): unknown => {
      const parsed = parseShape(shape);
      return 'code' in parsed ? [parsed.code, parsed.what] : parsed.length;
    };
    assert.deepEqual(code('{spaeker}: {text}'), ['unknown', '{spaeker}']);
    assert.deepEqual(code('{time} {text} {time}'), ['twice', '{time}']);
    assert.deepEqual(code('{speaker}:'), ['noText', '{text}']);
    assert.deepEqual(code('{time {text}'), ['braces', '{time {text}']);
    assert.deepEqual(code('{text} }'), ['braces', '}']);
    assert.deepEqual(code('{} {text}'), ['unknown', '{}']);
    assert.equal(code('{{time} }{**{speaker}:** }{text}'), 3);
    // One that cannot be followed is as none.
    assert.equal(text(layout([utterance(0, 'One.')], template({ shape: '{oops}', timestamps: 'none' }))), 'One.');
  });
  it('prefers the repaired text, marks what failed, and escapes Markdown', () => {
    assert.equal(
      text(
        layout([utterance(0, 'teh', { repair: { text: 'the *one*', changes: [] } })], template({ timestamps: 'none' })),
      ),
      'the \\*one\\*',
    );
    const failed: Utterance = {
      index: 0,
      startMs: 0,
      endMs: 4500,
      failed: { stage: 'asr', failure: { code: 'badAnswer', args: {} } },
    };
    assert.equal(text(layout([failed], template({ timestamps: 'none' }))), '(00:00–00:04 not understood)');
    assert.equal(text(layout([utterance(0, '# 1')], template({ timestamps: 'none' }))), '\\# 1');
  });
});

describe('subtitles', () => {
  it('are numbered cues of at most two lines of 42 characters', () => {
    const long =
      'He was not an ill disposed young man unless to be rather cold hearted and rather selfish is to be ill ' +
      'disposed indeed';
    const srt = text(layout([utterance(0, long), utterance(1, 'Short.')], template({ format: 'srt' })));
    assert.match(srt, /^1\n00:00:00,000 --> 00:00:0\d,\d{3}\n/);
    assert.match(srt, /\n3\n00:00:05,000 --> 00:00:09,500\nShort\.\n\n$/);
    for (const block of srt.trim().split('\n\n')) {
      const lines = block.split('\n').slice(2);
      assert.ok(lines.length <= 2 && lines.every(l => l.length <= 42), block);
    }
    assert.match(text(layout([utterance(0, 'A.')], template({ format: 'vtt' }))), /^WEBVTT\n\n00:00:00\.000 --> /);
  });
  it('split text without spaces too', () => assert.deepEqual(split('一二三四五', 2), ['一二', '三四', '五']));
  it('cover the utterance whole', () => {
    const { text: made } = cues(utterance(0, 'x '.repeat(200)), 'below', 'vtt', 1);
    assert.match(made, /^00:00:00\.000/);
    assert.ok(made.includes('--> 00:00:04.500'));
  });
});

describe('placement', () => {
  const pieces = (n: number, version = ''): Piece[] =>
    Array.from({ length: n }, (_, i) => ({ key: `u${i}`, text: `s${i}${version} ` }));

  it('grows, improves pieces in place and fills gaps', () => {
    let doc = 'before after',
      placed: Placement = fresh(7);
    for (const wanted of [
      pieces(1),
      pieces(3),
      pieces(3, 'x'),
      [...pieces(3, 'x').slice(0, 1), { key: 'new', text: 'N ' }, ...pieces(3, 'x').slice(1)],
    ]) {
      const { edits, after } = reconcile(placed, wanted);
      doc = apply(doc, edits);
      placed = after;
      assert.equal(doc, `before ${text(wanted)}after`);
      for (const p of placed.pieces) assert.equal(doc.slice(p.start, p.end), p.text);
    }
  });
  it('leaves alone what somebody edited, and text typed between pieces and after the end', () => {
    let doc = 's0 s1 s2 ',
      placed = reconcile(fresh(0), pieces(3)).after;
    for (const edit of [
      { start: 4, end: 5, text: 'ONE' },
      { start: 3, end: 3, text: '[mine] ' },
    ] as Edit[]) {
      doc = apply(doc, [edit]);
      placed = shifted(placed, edit);
    }
    doc += 'end';
    placed = shifted(placed, { start: doc.length - 3, end: doc.length - 3, text: 'end' });
    const { edits } = reconcile(placed, pieces(4, 'x'));
    assert.equal(apply(doc, edits), 's0x [mine] sONE s2x s3x end');
  });
  it('names that come late split paragraphs and take translations along; what somebody changed stays', () => {
    const both = (index: number, speaker?: string): Utterance =>
        utterance(index, `Text ${index}.`, {
          nmt: { text: `Satz ${index}.`, language: 'de' },
          ...(speaker ? { speaker } : {}),
        }),
      plain = template({ timestamps: 'none' });
    const before = layout([both(0), both(1), both(2)], plain),
      wanted = layout([both(0, 'Anna'), both(1, 'Ben'), both(2, 'Ben')], plain);
    let doc = `(${text(before)})`,
      placed = reconcile(fresh(1), before).after;
    assert.equal(doc, '(Text 0. Text 1. Text 2.\n\n> Satz 0. Satz 1. Satz 2.)');
    assert.equal(
      apply(doc, reconcile(placed, wanted).edits),
      '(**Anna:** Text 0.\n\n> Satz 0.\n\n**Ben:** Text 1. Text 2.\n\n> Satz 1. Satz 2.)',
    );
    const typed = { start: doc.indexOf('1.'), end: doc.indexOf('1.') + 1, text: 'ONE' };
    doc = apply(doc, [typed]);
    placed = shifted(placed, typed);
    assert.equal(
      apply(doc, reconcile(placed, wanted).edits),
      '(**Anna:** Text 0.\n\n> Satz 0.\n\n**Ben:** Text ONE. Text 2.\n\n> Satz 1. Satz 2.)',
    );
  });
  it('finds its pieces again after the document was closed', () => {
    const again = refound(
      'title\ns0 s1 EDIT s2 tail',
      pieces(3).map(p => ({ ...p, theirs: false })),
    )!;
    assert.equal(apply('title\ns0 s1 EDIT s2 tail', reconcile(again, pieces(4)).edits), 'title\ns0 s1 EDIT s2 s3 tail');
    assert.equal(
      refound(
        'nothing of it',
        pieces(2).map(p => ({ ...p, theirs: false })),
      ),
      null,
    );
  });

  /**
   * People type, delete and paste anywhere while the transcript grows and improves: their text stays, untouched pieces
   * are right, and offsets too.
   */
  it('holds under any edits beside', () =>
    fc.assert(
      fc.property(
        fc.array(
          fc.record({
            at: fc.nat(1000),
            cut: fc.nat(4),
            typed: fc.stringMatching(/^[A-Z]{0,4}$/),
            grow: fc.nat(2),
            version: fc.nat(1),
            turn: fc.nat(3),
          }),
          { maxLength: 25 },
        ),
        steps => {
          let doc = 'abc def',
            placed: Placement = fresh(4),
            count = 0,
            version = 0;
          for (const step of steps) {
            const start = Math.min(step.at % (doc.length + 1), doc.length),
              edit = { start, end: Math.min(doc.length, start + step.cut), text: step.typed };
            doc = apply(doc, [edit]);
            placed = shifted(placed, edit);
            count += step.grow;
            version += step.version;
            // Pieces that change their places, too.
            const wanted = pieces(count, String(version)),
              before = doc,
              { edits, after } = reconcile(placed, [
                ...wanted.slice(0, 2),
                ...wanted.slice(2 + step.turn),
                ...wanted.slice(2, 2 + step.turn),
              ]);
            doc = apply(doc, edits);
            placed = after;
            // Nothing that people typed (capital letters) is lost, and pieces stand in order at the text that they
            // believe to have.
            assert.equal(doc.replace(/[^A-Z]/g, ''), before.replace(/[^A-Z]/g, ''));
            let last = 0;
            for (const p of placed.pieces) {
              assert.ok(p.start >= last && p.end >= p.start, 'in order');
              last = p.end;
              if (!p.theirs) assert.equal(doc.slice(p.start, p.end), p.text);
            }
            assert.ok(endOf(placed) <= doc.length);
          }
        },
      ),
      { numRuns: 500 },
    ));
});

it('a summary stands below the heading, once, whatever the document has', () => {
  const section = { title: 'Summary', text: 'About ships.', note: '*By X.*', rest: 'Transcript' },
    into = (document: string, markdown = true): string => {
      const { from, to, made } = insertion(document, section, markdown);
      return document.slice(0, from) + made + document.slice(to);
    };
  const body = '## Summary\n\nAbout ships.\n\n*By X.*\n\n';
  assert.equal(into('# talk.wav\n\n**0:00** Hello.\n'), `# talk.wav\n\n${body}## Transcript\n\n**0:00** Hello.\n`);
  assert.equal(
    into('---\ntitle: x\n---\n# talk.wav\n\n*0:28 · en*\n\n## One\n\nHello.\n'),
    `---\ntitle: x\n---\n# talk.wav\n\n*0:28 · en*\n\n${body}## One\n\nHello.\n`,
  );
  assert.equal(into('Hello.\n'), `${body}## Transcript\n\nHello.\n`);
  assert.equal(into('# only'), `# only\n\n${body}`);
  assert.equal(into(into('# a\n\nHello.\n')), into('# a\n\nHello.\n'), 'the newer takes the place of the older');
  assert.equal(into('Hello.\n', false), 'Summary: About ships.\nBy X.\n\nHello.\n');
});
