/**
 * How well speakers are told apart: the product's own process on conversations whose truth is known.
 *   npm run bench:speakers [-- --threshold 0.5] [--segmentation FILE --embedding FILE] [--seeds 1] [--known]
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { ENCODER, hearSpeakers, SAME } from '../../../daemon/diarization/label.ts';
import { ffmpeg, missing, modelFolder, sherpa } from '../../../test/engines/place.ts';
import { mixOf, type Recipe } from './mixes.ts';
import { diarizationError, equalError } from './score.ts';
import { people, RATE } from './voices.ts';

const { values } = parseArgs({
  options: {
    threshold: { type: 'string', default: String(SAME) },
    segmentation: { type: 'string' },
    embedding: { type: 'string' },
    seeds: { type: 'string', default: '1' },
    known: { type: 'boolean', default: false },
  },
});
const model = modelFolder(ENCODER),
  absent = missing({ ffmpeg, 'the sherpa runtime': sherpa, ...(values.embedding ? {} : { [ENCODER]: model }) });
if (absent) throw new Error(absent);
const segmentation = values.segmentation ?? join(model!, 'segmentation.onnx'),
  embedding = values.embedding ?? join(model!, 'campplus.onnx');

const all = people(ffmpeg!);
if (!all) throw new Error('the clips come from Debian: there is no apt here to fetch them');
const [two, four, five] = [
  ['librivox', 'allison'],
  ['librivox', 'june', 'carlo', 'ivrvoice'],
  ['librivox', 'allison', 'june', 'carlo', 'ivrvoice'],
];
const RECIPES: Omit<Recipe, 'seed'>[] = [
  { name: 'one voice', people: ['librivox'], turns: 8, gap: 0.4 },
  { name: 'two voices, pauses of 0.4 s', people: two, turns: 5, gap: 0.4 },
  { name: 'two voices, each begins 1 s before the other ends', people: two, turns: 5, gap: -1 },
  { name: 'four voices, pauses of 0.3 s', people: four, turns: 5, gap: 0.3 },
  { name: 'four voices, pauses of 0.8 s', people: four, turns: 5, gap: 0.8 },
  { name: 'five voices, pauses of 0.8 s', people: five, turns: 5, gap: 0.8 },
  { name: 'five voices, no pauses', people: five, turns: 5, gap: 0.05 },
];

/** Of voices that are compared one by one. */
const LEAST_CLIP_SECONDS = 1.5;
const folder = mkdtempSync(join(tmpdir(), 'earshot-speakers-')),
  percent = (share: number): string => (100 * share).toFixed(1);
try {
  const extractor = new (createRequire(join(sherpa!, 'package.json'))('sherpa-onnx-node').SpeakerEmbeddingExtractor)({
    model: embedding,
    numThreads: 1,
  });
  const voices = all.flatMap(({ name, clips }) =>
    clips
      .filter(clip => clip.length >= LEAST_CLIP_SECONDS * RATE)
      .slice(0, 25)
      .map(samples => {
        const stream = extractor.createStream();
        stream.acceptWaveform({ samples, sampleRate: RATE });
        stream.inputFinished();
        const raw: Float32Array = Float32Array.from(extractor.compute(stream, false)),
          length = Math.hypot(...raw);
        return { who: name, voice: raw.map(value => value / length) };
      }),
  );
  const equal = equalError(voices);
  console.log(
    `${voices.length} clips of ${all.length} people: equal error ${percent(equal.rate)} % at ${equal.at.toFixed(2)}\n`,
  );
  console.log(`| conversation | sound | error | missed | nobody’s | another’s | speakers |\n${'| --- '.repeat(7)}|`);
  let soundMs = 0;
  const started = performance.now();
  for (const recipe of RECIPES)
    for (let seed = 1; seed <= Number(values.seeds); seed++) {
      const mix = mixOf(all, { ...recipe, seed }),
        durationMs = (mix.samples.length / RATE) * 1000,
        pcmPath = join(folder, 'mix.pcm');
      writeFileSync(
        pcmPath,
        Int16Array.from(mix.samples, v => Math.max(-1, Math.min(1, v)) * 32_767),
      );
      const { turns } = await hearSpeakers(
        {
          sandboxed: false,
          pcmPath,
          spoken: [{ startMs: 0, endMs: Math.floor(durationMs) }],
          sherpaDirectory: sherpa!,
          segmentation,
          embedding,
          gathering: { speakers: values.known ? recipe.people.length : null, threshold: Number(values.threshold) },
        },
        new AbortController().signal,
      );
      soundMs += durationMs;
      const score = diarizationError(mix.said, turns, durationMs);
      console.log(
        `| ${recipe.name} | ${Math.round(durationMs / 1000)} s | ${percent(score.error)} % | ${percent(score.missed)} | ` +
          `${percent(score.falseAlarm)} | ${percent(score.confused)} | ${score.speakers} of ${recipe.people.length} |`,
      );
    }
  console.log(`\n${((performance.now() - started) / soundMs).toFixed(3)} of real time, one thread each`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
