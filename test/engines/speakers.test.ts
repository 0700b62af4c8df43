/** Two real voices in one recording, told apart by the real segmentation and encoder in sherpa-onnx. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { sandboxSupport } from '../../daemon/workers/sandbox/linux.ts';
import { ENCODER, hearSpeakers, labelsFor, SAME, type Heard } from '../../daemon/diarization/label.ts';
import type { Span } from '../../daemon/diarization/pieces.ts';
import { ffmpeg, missing, modelFolder, SAMPLES, sherpa } from './place.ts';

const model = modelFolder(ENCODER);

describe(
  'speakers',
  { skip: missing({ 'the sherpa runtime': sherpa, ffmpeg, [ENCODER]: model }), timeout: 240_000 },
  () => {
    const folder = mkdtempSync(join(tmpdir(), 'earshot-speakers-')),
      path = join(folder, 'talk.pcm');
    after(() => rmSync(folder, { recursive: true, force: true }));
    const pcm = (name: string): Buffer =>
      execFileSync(
        ffmpeg!,
        ['-nostdin', '-loglevel', 'error', '-i', join(SAMPLES, name), '-ac', '1', '-ar', '16000', '-f', 's16le', '-'],
        { maxBuffer: 1 << 26 },
      );
    const cut = (from: Buffer, at: number, s: number): Buffer => from.subarray(at * 32_000, (at + s) * 32_000),
      pause = Buffer.alloc(0.6 * 32_000);
    const hear = (sound: Buffer, spoken: Span[], speakers: number | null = null): Promise<Heard> => {
      writeFileSync(path, sound);
      return hearSpeakers(
        {
          sandboxed: !('reason' in sandboxSupport()),
          pcmPath: path,
          spoken,
          sherpaDirectory: sherpa!,
          segmentation: join(model!, 'segmentation.onnx'),
          embedding: join(model!, 'campplus.onnx'),
          gathering: { speakers, threshold: SAME },
        },
        new AbortController().signal,
      );
    };
    const reader = pcm('sense-and-sensibility.flac'),
      caller = pcm('asterisk-es.flac');

    it('are told apart, told how many they are, and known again by their voice', async () => {
      // A conversation: turns of 4 s, one of them very quiet; then digital silence, which nobody speaks.
      const quiet = Buffer.from(cut(caller, 30, 4));
      for (let i = 0; i < quiet.length; i += 2) quiet.writeInt16LE(Math.round(quiet.readInt16LE(i) / 20), i);
      const turns = [
          cut(reader, 1, 4),
          cut(caller, 2, 4),
          cut(reader, 8, 4),
          cut(caller, 20, 4),
          cut(reader, 15, 4),
          quiet,
          Buffer.alloc(4 * 32_000),
        ],
        utterances = turns.map((_, n) => ({ startMs: n * 4600, endMs: n * 4600 + 4000 })),
        sound = Buffer.concat(turns.flatMap(turn => [turn, pause]));
      const { labels, voices, pitches } = labelsFor(utterances, await hear(sound, utterances), {});
      assert.deepEqual(labels, ['S1', 'S2', 'S1', 'S2', 'S1', 'S2', null]);
      assert.ok(pitches.S1! > 75 && pitches.S1! < 130, `the reader at ${pitches.S1} Hz`);
      assert.ok(pitches.S2! > 175 && pitches.S2! < 230, `the caller at ${pitches.S2} Hz`);
      assert.deepEqual(labelsFor(utterances, await hear(sound, utterances, 1), {}).labels, [
        ...Array<string>(6).fill('S1'),
        null,
      ]);
      // Elsewhere in the same recordings the voices are known by what was kept of them.
      const again = await hear(Buffer.concat([cut(caller, 45, 4), pause, cut(reader, 20, 4)]), utterances.slice(0, 2));
      assert.deepEqual(
        labelsFor(utterances.slice(0, 2), again, { known: { Felix: voices.S1!, Allison: voices.S2! } }).labels,
        ['Allison', 'Felix'],
      );
    });

    it('who share an utterance have turns in it, and where both speak it says so', async () => {
      const [first, second] = [cut(reader, 1, 6), Buffer.from(cut(caller, 2, 6))],
        shared = 1.5 * 32_000,
        sound = Buffer.concat([first, second.subarray(shared)]);
      for (let i = 0; i < shared; i += 2) {
        const at = first.length - shared + i;
        sound.writeInt16LE(Math.max(-32_768, Math.min(32_767, sound.readInt16LE(at) + second.readInt16LE(i))), at);
      }
      const utterance = [{ startMs: 0, endMs: sound.length / 32 }],
        { turns } = labelsFor(utterance, await hear(sound, utterance), {});
      assert.deepEqual([...new Set(turns[0]?.map(({ speaker }) => speaker))], ['S1', 'S2']);
      assert.ok(turns[0]!.some(({ overlap }) => overlap));
      const change = turns[0]!.find(({ speaker }) => speaker === 'S2')!.startMs;
      assert.ok(Math.abs(change - 4500) < 1000, `S2 begins at ${change} ms`);
    });
  },
);
