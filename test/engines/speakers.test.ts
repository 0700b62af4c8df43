/** Two real voices in one recording, told apart by the real encoder in sherpa-onnx. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { sandboxSupport } from '../../daemon/workers/sandbox/linux.ts';
import { readWeights } from '../../daemon/diarization/encoder.ts';
import { embedVoices, labelsFor } from '../../daemon/diarization/label.ts';
import { likeness, readVoice } from '../../daemon/diarization/voices.ts';
import { ffmpeg, missing, modelFolder, SAMPLES, sherpa } from './place.ts';

const weights = modelFolder('resemblyzer');

describe(
  'speakers',
  { skip: missing({ 'the sherpa runtime': sherpa, ffmpeg, resemblyzer: weights }), timeout: 60_000 },
  () => {
    const folder = mkdtempSync(join(tmpdir(), 'earshot-speakers-'));
    after(() => rmSync(folder, { recursive: true, force: true }));
    const sandboxed = !('reason' in sandboxSupport());
    const pcm = (name: string): Buffer =>
      execFileSync(
        ffmpeg!,
        ['-nostdin', '-loglevel', 'error', '-i', join(SAMPLES, name), '-ac', '1', '-ar', '16000', '-f', 's16le', '-'],
        { maxBuffer: 1 << 26 },
      );

    it('weights lie in the file as the format says, one tensor after another', () => {
      const file = readFileSync(join(weights!, 'pretrained.pt')),
        found = readWeights(file);
      assert.deepEqual(
        Object.entries(found).map(([name, values]) => [name, values.length]),
        [
          ['similarity_bias', 1],
          ['similarity_weight', 1],
          ['linear.bias', 256],
          ['linear.weight', 256 * 256],
          ['lstm', 1024 * 40 + 5 * 1024 * 256 + 6 * 1024],
        ],
      );
      // Floats that are read from a wrong place are mostly huge, or none.
      for (const values of Object.values(found)) assert.ok(values.every(value => Math.abs(value) < 100));
      const damaged = Buffer.from(file);
      damaged[6_000_000]! ^= 1;
      assert.throws(() => readWeights(damaged), /as published/);
    });

    it('are told apart, told how many they are, and known again by their voice', async () => {
      const reader = pcm('sense-and-sensibility.flac'),
        caller = pcm('asterisk-es.flac'),
        cut = (from: Buffer, at: number, s: number): Buffer => from.subarray(at * 32_000, (at + s) * 32_000);
      // A conversation: 3 s turns, one of them very quiet; then digital silence, which nobody speaks.
      const quiet = Buffer.from(cut(caller, 30, 3));
      for (let i = 0; i < quiet.length; i += 2) quiet.writeInt16LE(Math.round(quiet.readInt16LE(i) / 20), i);
      const turns = [
          cut(reader, 1, 3),
          cut(caller, 2, 3),
          cut(reader, 8, 3),
          cut(caller, 20, 3),
          cut(reader, 15, 3),
          quiet,
          Buffer.alloc(3 * 32_000),
        ],
        path = join(folder, 'talk.pcm');
      writeFileSync(path, Buffer.concat(turns));
      const utterances = turns.map((_, n) => ({ startMs: n * 3000, endMs: n * 3000 + 3000 }));
      const heard = await embedVoices(
        {
          sandboxed,
          pcmPath: path,
          utterances,
          sherpaDirectory: sherpa!,
          weights: join(weights!, 'pretrained.pt'),
          onnx: join(folder, 'encoder.onnx'),
        },
        new AbortController().signal,
      );
      const like = (a: number, b: number): string => likeness(heard[a]!, heard[b]!).toFixed(2);
      console.log(
        `within: ${like(0, 2)} ${like(2, 4)} ${like(1, 3)} ${like(3, 5)}; across: ${like(0, 1)} ${like(2, 3)} ` +
          `${like(4, 5)}`,
      );
      const { labels, voices } = labelsFor(utterances, heard, {});
      assert.deepEqual(labels, ['S1', 'S2', 'S1', 'S2', 'S1', 'S2', null]);
      assert.deepEqual(labelsFor(utterances, heard, { count: 1 }).labels, ['S1', 'S1', 'S1', 'S1', 'S1', 'S1', null]);
      // Elsewhere in the same recordings the voices are known by what was kept of them.
      writeFileSync(path, Buffer.concat([cut(caller, 45, 3), cut(reader, 20, 3)]));
      const again = await embedVoices(
        {
          sandboxed,
          pcmPath: path,
          utterances: utterances.slice(0, 2),
          sherpaDirectory: sherpa!,
          weights: join(weights!, 'pretrained.pt'),
          onnx: join(folder, 'encoder.onnx'),
        },
        new AbortController().signal,
      );
      assert.deepEqual(
        labelsFor(utterances.slice(0, 2), again, { known: { Jane: voices.S1!, Felipe: voices.S2! } }).labels,
        ['Felipe', 'Jane'],
      );
      assert.ok(readVoice(voices.S1!).length === 256);
    });
  },
);
