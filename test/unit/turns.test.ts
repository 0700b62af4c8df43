/** Utterances in which several people speak, as texts show them. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Transcript, Turn, Utterance } from '../../schemas/job.ts';
import { toMarkdown, toText } from '../../text/transcripts/documents.ts';
import { passagesOf } from '../../text/transcripts/passages.ts';
import { render } from '../../text/transcripts/render.ts';
import { spokenApart } from '../../text/transcripts/turns.ts';
import { piecesOf } from '../../daemon/summaries/pieces.ts';
import { merge, renameSpeaker, setSpeaker, speakersIn } from '../../extension/transcript/edits.ts';

/** Words of 400 ms each, one after the other. */
const said = (text: string, turns: Turn[], more: Partial<Utterance> = {}): Utterance => {
  const words = text
    .split(' ')
    .map((word, n) => ({ text: ` ${word}`, startMs: n * 400, endMs: (n + 1) * 400, probability: 0.9 }));
  return {
    index: 0,
    startMs: 0,
    endMs: words.length * 400,
    speaker: turns[0]!.speaker,
    turns,
    asr: { text, words, language: 'en', languageProbability: 1 },
    ...more,
  };
};
const turn = (speaker: string, startMs: number, endMs: number, overlap?: true): Turn => ({
  speaker,
  startMs,
  endMs,
  ...(overlap ? { overlap } : {}),
});
const transcript = (utterances: Utterance[], translatedTo: string | null = null): Transcript => ({
  earshot: 1,
  recording: { path: '/x.wav', name: 'x.wav', durationMs: 10_000 },
  language: 'en',
  translatedTo,
  models: {},
  utterances,
  warnings: [],
});
const parts = (utterance: Utterance, translated = false): (string | undefined)[][] =>
  spokenApart(utterance, translated).map(part => [part.speaker, part.asr?.text, part.repair?.text, part.nmt?.text]);

describe('an utterance of several speakers', () => {
  const question = 'Did you see it? No, I was out.';
  it('is parted where the voice changes, at the end of a sentence that is near', () => {
    // The voice changes at 1.9 s; the sentence ends at 1.6 s.
    const apart = spokenApart(said(question, [turn('S1', 0, 1900), turn('S2', 1900, 3200)]), false);
    assert.deepEqual(
      apart.map(({ speaker, startMs, endMs, asr }) => [speaker, startMs, endMs, asr!.text, asr!.words.length]),
      [
        ['S1', 0, 1600, 'Did you see it?', 4],
        ['S2', 1600, 3200, 'No, I was out.', 4],
      ],
    );
  });
  it('is parted between words where no sentence ends', () => {
    assert.deepEqual(parts(said('one two three four five six', [turn('S1', 0, 1200), turn('S2', 1200, 2400)])), [
      ['S1', 'one two three', undefined, undefined],
      ['S2', 'four five six', undefined, undefined],
    ]);
  });
  it('is parted as repaired', () => {
    const repair = { text: 'Did you see it? Know, I was out.', changes: [] };
    assert.deepEqual(parts(said(question, [turn('S1', 0, 1600), turn('S2', 1600, 3200)], { repair })), [
      ['S1', 'Did you see it?', 'Did you see it?', undefined],
      ['S2', 'Know, I was out.', 'Know, I was out.', undefined],
    ]);
  });
  it('goes on with whoever was speaking while others do', () => {
    assert.deepEqual(
      parts(said(question, [turn('S1', 0, 3200, true), turn('S2', 800, 1600, true)])).map(([who]) => who),
      ['S1'],
    );
  });
  it('has its translation parted with its sentences, or stays whole', () => {
    const turns = [turn('S1', 0, 1600), turn('S2', 1600, 3200)],
      nmt = { text: '¿Lo viste? No, estaba fuera.', language: 'es' };
    assert.deepEqual(
      parts(said(question, turns, { nmt }), true).map(([who, , , translation]) => [who, translation]),
      [
        ['S1', '¿Lo viste?'],
        ['S2', 'No, estaba fuera.'],
      ],
    );
    assert.equal(parts(said(question, turns, { nmt: { ...nmt, text: 'Dijo que no lo vio.' } }), true).length, 1);
  });
  it('stays whole where words have no times', () => {
    const one = said(question, [turn('S1', 0, 1600), turn('S2', 1600, 3200)]);
    assert.equal(spokenApart({ ...one, asr: { ...one.asr!, words: [] } }, false).length, 1);
  });
  it('stands in texts as a turn of each, with who speaks at the same time', () => {
    const talk = transcript([
        said(question, [turn('S1', 0, 1600), turn('S2', 1600, 3200, true), turn('S3', 2000, 2800, true)]),
      ]),
      passages = passagesOf(talk, 'original');
    assert.equal(
      toText(talk, passages),
      'Speaker 1: Did you see it?\n\nSpeaker 2: No, I was out. [crosstalk: Speaker 3]\n',
    );
    assert.match(toMarkdown(talk, passages), /\*\*Speaker 2:\*\* No, I was out\. \\\[crosstalk: Speaker 3\\\]/);
  });
  it('who has no name yet is called alike in every format; the id stands in JSON alone', () => {
    const talk = transcript([
        said(question, [turn('S1', 0, 3200)]),
        said(question, [turn('Anna', 3200, 6400)], { index: 1, startMs: 3200, endMs: 6400 }),
      ]),
      shown = { text: 'original' as const };
    for (const format of ['txt', 'md', 'html', 'srt', 'vtt', 'ass', 'ttml', 'csv', 'fcpxml', 'edl'] as const) {
      const text = render(talk, format, shown);
      assert.match(text, /Speaker 1.*Anna/s, format);
      assert.doesNotMatch(text, /\bS1\b/, format);
    }
    assert.match(render(talk, 'json', shown), /"speaker":"S1"/);
    assert.match(piecesOf(talk)[0]!.text, /^Speaker 1: .*\nAnna: /);
  });
  it('is edited as a whole: names change in its turns, and whoever gets it has all of it', () => {
    const talk = transcript([said(question, [turn('S1', 0, 1600), turn('S2', 1600, 3200)])]);
    assert.deepEqual(speakersIn(renameSpeaker(talk, 'S2', 'Ben')), ['S1', 'Ben']);
    assert.deepEqual(speakersIn(setSpeaker(talk, [0], 'Ann')), ['Ann']);
  });
  it('comes of two that are joined', () => {
    const [a, b] = ['S1', 'S2'].map((speaker, index) => {
      const { turns: _, ...rest } = said('one two', [turn(speaker, 0, 800)]);
      return { ...rest, index, speaker, startMs: index * 800, endMs: (index + 1) * 800 };
    });
    assert.deepEqual(merge(transcript([a!, b!]), 0).utterances[0]!.turns, [turn('S1', 0, 800), turn('S2', 800, 1600)]);
  });
});
