import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  accept,
  merge,
  renamed,
  renameSpeaker,
  replaceAll,
  setComment,
  setSpeaker,
  setText,
  speakersIn,
  takeAllBack,
  takeBack,
  turnOf,
} from '../../extension/transcript/edits.ts';
import { insertAfter, remove, setTimes, split } from '../../extension/transcript/cuts.ts';
import type { Query } from '../../text/transcripts/search.ts';
import { sourceText, type Transcript, type Utterance } from '../../schemas/job.ts';
import { align, current, tokens } from '../../text/transcripts/align.ts';

const words = (text: string, startMs = 0): { text: string; startMs: number; endMs: number; probability: number }[] =>
  text
    .split(' ')
    .map((word, i) => ({ text: word, startMs: startMs + i * 100, endMs: startMs + i * 100 + 90, probability: 1 }));
const heard = (index: number, text: string, repair?: Utterance['repair']): Utterance => ({
  index,
  startMs: index * 1000,
  endMs: index * 1000 + 900,
  asr: { text, words: words(text, index * 1000), language: 'en', languageProbability: 1 },
  ...(repair ? { repair } : {}),
});
const transcript = (...utterances: Utterance[]): Transcript => ({
  earshot: 1,
  recording: { path: '/a.wav', name: 'a.wav', durationMs: 5000 },
  language: 'en',
  translatedTo: null,
  models: {},
  utterances,
  warnings: [],
});
const repaired = heard(0, 'teh cat sat on teh mat', {
  text: 'the cat sat on the mat',
  changes: [
    { from: 0, to: 1, before: 'teh', after: 'the', source: 'model' },
    { from: 4, to: 5, before: 'teh', after: 'the', source: 'model' },
  ],
});

describe('edits of a transcript', () => {
  it('take one repair back, or all, or keep them', () => {
    assert.equal(sourceText(takeBack(transcript(repaired), 0, 0).utterances[0]!), 'teh cat sat on the mat');
    assert.equal(takeBack(transcript(repaired), 0, null).utterances[0]!.repair, undefined);
    assert.deepEqual(accept(transcript(repaired), null).utterances[0]!.repair, {
      text: 'the cat sat on the mat',
      changes: [],
    });
  });
  it('change a text; the recognised one back needs no repair', () => {
    const changed = setText(transcript(heard(0, 'one two')), 0, 'one too');
    assert.equal(changed.utterances[0]!.repair!.text, 'one too');
    assert.equal(setText(changed, 0, 'one two').utterances[0]!.repair, undefined);
  });
  it('name speakers everywhere, and know afterwards who was renamed', () => {
    const by = (index: number, speaker: string): Utterance => ({ ...heard(index, `text ${index}`), speaker });
    const talk: Transcript = {
      ...transcript(by(0, 'S1'), by(1, 'S2'), by(2, 'S1'), by(3, 'S3')),
      speakers: { S1: 'AAAA', S2: 'BBBB', S3: 'CCCC' },
    };
    const anna = renameSpeaker(talk, 'S1', 'Anna');
    assert.deepEqual(
      [speakersIn(anna), anna.speakers],
      [['Anna', 'S2', 'S3'], { Anna: 'AAAA', S2: 'BBBB', S3: 'CCCC' }],
    );
    assert.deepEqual(renamed(talk, anna), { S1: 'Anna' });
    const one = renameSpeaker(anna, 'S3', 'Anna');
    assert.deepEqual(one.speakers, { Anna: 'AAAA', S2: 'BBBB' });
    assert.deepEqual(renamed(talk, one), { S1: 'Anna', S3: 'Anna' });
    // An utterance that goes to somebody else renames nobody, nor does one that is nobody's.
    assert.deepEqual(renamed(talk, setSpeaker(talk, [0], 'Ben')), {});
    assert.equal('speaker' in setSpeaker(talk, [1], null).utterances[1]!, false);
    assert.deepEqual(renamed(talk, setSpeaker(talk, [1], null)), {});
    assert.deepEqual(renamed(talk, renameSpeaker(anna, 'Anna', 'S1')), {}, 'undone');
    assert.equal(merge(talk, 0).utterances[0]!.speaker, 'S1');
  });
  it('give a whole turn away', () => {
    const by = (index: number, speaker?: string): Utterance => ({
      ...heard(index, `text ${index}`),
      ...(speaker ? { speaker } : {}),
    });
    const talk = transcript(by(0, 'A'), by(2, 'B'), by(3, 'B'), by(5, 'B'), by(6), by(7), by(8, 'B'));
    assert.deepEqual(
      [0, 3, 5, 7, 8, 4].map(index => turnOf(talk, index)),
      [[0], [2, 3, 5], [2, 3, 5], [6, 7], [8], []],
    );
    assert.deepEqual(
      setSpeaker(talk, turnOf(talk, 3), 'A').utterances.map(u => u.speaker),
      ['A', 'A', 'A', 'A', undefined, undefined, 'B'],
    );
    assert.deepEqual(
      setSpeaker(talk, turnOf(talk, 6), 'C').utterances.map(u => u.speaker),
      ['A', 'B', 'B', 'B', 'C', 'C', 'B'],
    );
  });
  it('merge neighbours, changes and all', () => {
    const one = merge(transcript(heard(0, 'first words'), { ...repaired, index: 1 }), 0).utterances;
    assert.equal(one.length, 1);
    assert.equal(sourceText(one[0]!), 'first words the cat sat on the mat');
    assert.deepEqual(
      one[0]!.repair!.changes.map(c => c.from),
      [2, 6],
    );
    assert.equal(sourceText(takeBack(transcript(one[0]!), 0, 0).utterances[0]!), 'first words teh cat sat on the mat');
  });
  it('fix a word everywhere, and only the word', () => {
    const word = (find: string, matchCase = true, wholeWord = true): Query => ({ find, matchCase, wholeWord });
    const talk = transcript(heard(0, 'the art of Art'), heard(1, 'party art.')),
      { transcript: fixed, count } = replaceAll(talk, word('art'), 'heart');
    assert.equal(count, 2);
    assert.deepEqual(fixed.utterances.map(sourceText), ['the heart of Art', 'party heart.']);
    assert.equal(replaceAll(transcript(heard(0, '美术馆')), word('术'), '樹').count, 1);
    assert.equal(replaceAll(transcript(heard(0, 'the wi-fi (x) here')), word('wi-fi (x)'), 'Wi-Fi').count, 1);
    assert.equal(replaceAll(talk, word('art', false), 'x').count, 3, 'in any casing');
    assert.equal(replaceAll(talk, word('art', true, false), 'x').count, 3, 'within words');
    assert.deepEqual(
      replaceAll(talk, word('art'), '$&', [1]).transcript.utterances.map(sourceText),
      ['the $& of Art', 'party art.'],
      'literally, and not where it was left out',
    );
    const none = replaceAll(talk, word('nowhere'), 'x').transcript;
    assert.equal(none, talk, 'nothing found is no edit');
  });
  it('part an utterance at the word nearest to the cursor, with its times, speakers, repairs and translation', () => {
    const talk: Transcript = {
      ...transcript(
        { ...repaired, nmt: { text: 'Die Katze saß. Auf der Matte.', language: 'de' }, speaker: 'A', comment: 'x' },
        heard(7, 'next'),
      ),
      translatedTo: 'de',
    };
    const parted = split(talk, 0, 'the cat sa'.length),
      [first, second] = parted.utterances;
    assert.deepEqual(
      parted.utterances.map(u => u.index),
      [0, 8, 7],
    );
    assert.deepEqual([first!, second!].map(sourceText), ['the cat sat', 'on the mat']);
    assert.deepEqual([first!.startMs, first!.endMs, second!.startMs, second!.endMs], [0, 290, 300, 900]);
    assert.deepEqual(
      [first!, second!].map(u => u.asr!.text),
      ['teh cat sat', 'on teh mat'],
    );
    assert.deepEqual(
      [first!, second!].map(u => u.repair!.changes.map(c => [c.from, c.to])),
      [[[0, 1]], [[1, 2]]],
    );
    assert.equal(sourceText(takeBack(parted, 8, 0).utterances[1]!), 'on teh mat');
    assert.deepEqual(
      [first!, second!].map(u => u.nmt!.text),
      ['Die Katze saß.', 'Auf der Matte.'],
    );
    assert.deepEqual(
      [first!, second!].map(u => [u.speaker, u.comment]),
      [
        ['A', 'x'],
        ['A', undefined],
      ],
    );
    for (const at of [0, 1, 1000]) assert.equal(split(talk, 0, at), talk, 'neither part is empty');
    assert.deepEqual(
      merge(parted, 0).utterances.map(u => [sourceText(u), u.startMs, u.endMs, u.nmt?.text]),
      [
        ['the cat sat on the mat', 0, 900, 'Die Katze saß. Auf der Matte.'],
        ['next', 7000, 7900, undefined],
      ],
      'and merged again it is what it was',
    );
    const two = transcript({
      ...heard(0, 'one two three four'),
      speaker: 'A',
      turns: [
        { speaker: 'A', startMs: 0, endMs: 195 },
        { speaker: 'B', startMs: 195, endMs: 900 },
      ],
    });
    assert.deepEqual(
      split(two, 0, 'one two'.length).utterances.map(u => [u.speaker, u.turns]),
      [
        ['A', undefined],
        ['B', undefined],
      ],
    );
  });
  it('take utterances out, put new ones into the pause, move them in time without running into neighbours', () => {
    const talk = transcript(heard(0, 'one two'), heard(1, 'three'), heard(2, 'four'));
    assert.deepEqual(
      remove(talk, 1).utterances.map(u => u.index),
      [0, 2],
    );
    const more = insertAfter({ ...talk, translatedTo: 'de' }, 0).utterances[1]!;
    assert.deepEqual(
      [more.index, more.startMs, more.endMs, sourceText(more), more.nmt],
      [3, 900, 1000, '', { text: '', language: 'de' }],
    );
    assert.equal(setText(insertAfter(talk, 2), 3, 'said').utterances[3]!.repair!.text, 'said');
    const times = (startMs: number, endMs: number, index = 1): number[] => {
      const u = setTimes(talk, index, startMs, endMs).utterances.find(each => each.index === index)!;
      return [u.startMs, u.endMs, u.asr!.words[0]!.startMs];
    };
    assert.deepEqual(times(950, 1900), [950, 1900, 1000], 'an edge moves, its words stay where they sound');
    assert.deepEqual(times(950, 1850), [950, 1850, 950], 'as a whole, with its words');
    assert.deepEqual(times(500, 1400), [900, 1800, 900], 'up to the neighbour');
    assert.deepEqual(times(500, 2500), [900, 2000, 1000]);
    assert.deepEqual(times(1900, 1000), [1900, 1950, 1900], 'and never shorter than can be heard');
    assert.equal(setTimes(talk, 1, 1000, 1900), talk);
  });
  it('take all repairs back but not what a person wrote, and keep notes', () => {
    const mine = setText(transcript(repaired, heard(1, 'b')), 1, 'mine'),
      back = takeAllBack(mine);
    assert.deepEqual(back.utterances.map(sourceText), ['teh cat sat on teh mat', 'mine']);
    const noted = setComment(back, 1, ' who? ');
    assert.equal(noted.utterances[1]!.comment, 'who?');
    assert.equal('comment' in setComment(noted, 1, ' ').utterances[1]!, false);
    assert.equal(merge(setComment(noted, 0, 'a'), 0).utterances[0]!.comment, 'a\nwho?');
  });
});

describe('alignment of words with sound', () => {
  it('keeps the time of words that stayed and shares out the rest', () => {
    const timed = align('the cat quietly sat', words('teh cat sat'), 0, 300);
    assert.deepEqual(
      timed.map(w => w.text),
      ['the', ' cat', ' quietly', ' sat'],
    );
    assert.deepEqual([timed[1]!.startMs, timed[3]!.startMs], [100, 200]);
    assert.ok(timed.every((w, i) => w.endMs >= w.startMs && (i === 0 || w.startMs >= timed[i - 1]!.startMs)));
  });
  it('goes by characters where there are no spaces', () => assert.deepEqual(tokens('你好吗'), ['你', '好', '吗']));
  it('finds the word at a time', () =>
    assert.deepEqual(
      [-1, 0, 1].map(i => i),
      [
        current([{ startMs: 5 }], 4),
        current([{ startMs: 5 }, { startMs: 9 }], 5),
        current([{ startMs: 5 }, { startMs: 9 }], 100),
      ],
    ));
});
