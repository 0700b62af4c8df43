import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { layout, type Piece, type Template } from '../../extension/streaming/layout.ts';
import { endOf, fresh, reconcile, refound, shifted, type Edit, type Placement } from '../../extension/streaming/place.ts';
import { cues, split } from '../../extension/streaming/subtitles.ts';
import type { Utterance } from '../../schemas/job.ts';

const apply = (text: string, edits: readonly Edit[]): string => [...edits].reverse().reduce((t, e) => t.slice(0, e.start) + e.text + t.slice(e.end), text);
const template = (over: Partial<Template> = {}): Template => ({ format: 'markdown', timestamps: 'paragraph', paragraphPauseMs: 1500, translation: 'below', heading: null, gap: (from, to) => `(${from}–${to} not understood)`, ...over });
const utterance = (index: number, text: string, over: Partial<Utterance> = {}, startMs = index * 5000): Utterance =>
  ({ index, startMs, endMs: startMs + 4500, asr: { text, words: [], language: 'en', languageProbability: 1 }, ...over });
const text = (pieces: readonly Piece[]): string => pieces.map(p => p.text).join('');

describe('layout', () => {
  const said = [utterance(0, 'One.'), utterance(1, 'Two.'), utterance(2, 'Three.', {}, 20_000)];
  it('makes paragraphs where the recording pauses', () => {
    assert.equal(text(layout(said, template())), '**[00:00]** One. Two.\n\n**[00:20]** Three.');
    assert.equal(text(layout(said, template({ timestamps: 'none', format: 'text' }))), 'One. Two.\n\nThree.');
    assert.equal(text(layout(said, template({ timestamps: 'utterance', format: 'text' }))), '[00:00] One.\n[00:05] Two.\n[00:20] Three.');
  });
  it('joins Chinese without spaces', () => {
    const zh = (index: number, t: string): Utterance => utterance(index, t, { asr: { text: t, words: [], language: 'zh', languageProbability: 1 } });
    assert.equal(text(layout([zh(0, '你好。'), zh(1, '再见。')], template({ timestamps: 'none' }))), '你好。再见。');
  });
  it('puts a translation below, beside or instead', () => {
    const both = [utterance(0, 'One.', { nmt: { text: 'Eins.', language: 'de' } }), utterance(1, 'Two.', { nmt: { text: 'Zwei.', language: 'de' } })], plain = { timestamps: 'none' } as const;
    assert.equal(text(layout(both, template(plain))), 'One. Two.\n\n> Eins. Zwei.');
    assert.equal(text(layout(both, template({ ...plain, translation: 'instead' }))), 'Eins. Zwei.');
    assert.equal(text(layout(both, template({ ...plain, translation: 'beside' }))), '| | |\n|---|---|\n| One. Two. | Eins. Zwei. |');
    assert.equal(text(layout(both, template({ ...plain, format: 'text', translation: 'beside' }))), 'One. Two.\tEins. Zwei.');
  });
  it('prefers the repaired text, marks what failed, and escapes Markdown', () => {
    assert.equal(text(layout([utterance(0, 'teh', { repair: { text: 'the *one*', changes: [] } })], template({ timestamps: 'none' }))), 'the \\*one\\*');
    const failed: Utterance = { index: 0, startMs: 0, endMs: 4500, failed: { stage: 'asr', failure: { code: 'badAnswer', args: {} } } };
    assert.equal(text(layout([failed], template({ timestamps: 'none' }))), '(00:00–00:04 not understood)');
    assert.equal(text(layout([utterance(0, '# 1')], template({ timestamps: 'none' }))), '\\# 1');
  });
});

describe('subtitles', () => {
  it('are numbered cues of at most two lines of 42 characters', () => {
    const long = 'He was not an ill disposed young man unless to be rather cold hearted and rather selfish is to be ill disposed indeed';
    const srt = text(layout([utterance(0, long), utterance(1, 'Short.')], template({ format: 'srt' })));
    assert.match(srt, /^1\n00:00:00,000 --> 00:00:0\d,\d{3}\n/);
    assert.match(srt, /\n3\n00:00:05,000 --> 00:00:09,500\nShort\.\n\n$/);
    for (const block of srt.trim().split('\n\n')) { const lines = block.split('\n').slice(2); assert.ok(lines.length <= 2 && lines.every(l => l.length <= 42), block); }
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
  const pieces = (n: number, version = ''): Piece[] => Array.from({ length: n }, (_, i) => ({ key: `u${i}`, text: `s${i}${version} ` }));

  it('grows, improves pieces in place and fills gaps', () => {
    let doc = 'before after', placed: Placement = fresh(7);
    for (const wanted of [pieces(1), pieces(3), pieces(3, 'x'), [...pieces(3, 'x').slice(0, 1), { key: 'new', text: 'N ' }, ...pieces(3, 'x').slice(1)]]) {
      const { edits, after } = reconcile(placed, wanted);
      doc = apply(doc, edits);
      placed = after;
      assert.equal(doc, `before ${text(wanted)}after`);
      for (const p of placed.pieces) assert.equal(doc.slice(p.start, p.end), p.text);
    }
  });
  it('leaves alone what somebody edited, and text typed between pieces and after the end', () => {
    let doc = 's0 s1 s2 ', placed = reconcile(fresh(0), pieces(3)).after;
    for (const edit of [{ start: 4, end: 5, text: 'ONE' }, { start: 3, end: 3, text: '[mine] ' }] as Edit[]) { doc = apply(doc, [edit]); placed = shifted(placed, edit); }
    doc += 'end'; placed = shifted(placed, { start: doc.length - 3, end: doc.length - 3, text: 'end' });
    const { edits } = reconcile(placed, pieces(4, 'x'));
    assert.equal(apply(doc, edits), 's0x [mine] sONE s2x s3x end');
  });
  it('finds its pieces again after the document was closed', () => {
    const again = refound('title\ns0 s1 EDIT s2 tail', pieces(3).map(p => ({ ...p, theirs: false })))!;
    assert.equal(apply('title\ns0 s1 EDIT s2 tail', reconcile(again, pieces(4)).edits), 'title\ns0 s1 EDIT s2 s3 tail');
    assert.equal(refound('nothing of it', pieces(2).map(p => ({ ...p, theirs: false }))), null);
  });

  /** People type, delete and paste anywhere while the transcript grows and improves: their text stays, untouched pieces are right, and offsets too. */
  it('holds under any edits beside', () => fc.assert(fc.property(
    fc.array(fc.record({ at: fc.nat(1000), cut: fc.nat(4), typed: fc.stringMatching(/^[A-Z]{0,4}$/), grow: fc.nat(2), version: fc.nat(1) }), { maxLength: 25 }),
    steps => {
      let doc = 'abc def', placed: Placement = fresh(4), count = 0, version = 0;
      for (const step of steps) {
        const start = Math.min(step.at % (doc.length + 1), doc.length), edit = { start, end: Math.min(doc.length, start + step.cut), text: step.typed };
        doc = apply(doc, [edit]);
        placed = shifted(placed, edit);
        count += step.grow;
        version += step.version;
        const before = doc, { edits, after } = reconcile(placed, pieces(count, String(version)));
        doc = apply(doc, edits);
        placed = after;
        // Nothing that people typed (capital letters) is lost, and pieces stand in order at the text that they believe to have.
        assert.equal(doc.replace(/[^A-Z]/g, ''), before.replace(/[^A-Z]/g, ''));
        let last = 0;
        for (const p of placed.pieces) { assert.ok(p.start >= last && p.end >= p.start, 'in order'); last = p.end; if (!p.theirs) assert.equal(doc.slice(p.start, p.end), p.text); }
        assert.ok(endOf(placed) <= doc.length);
      }
    }), { numRuns: 500 }));
});
