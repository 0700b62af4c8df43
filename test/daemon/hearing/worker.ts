/** The worker of the engine beside it. */
import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Alternative } from '../../../daemon/contracts/alternatives.ts';
import { serveWorker } from '../../../daemon/engines/worker.ts';

const instead = (text: string, unknown: boolean, gain: number): Alternative => ({
  from: 1,
  to: 2,
  text,
  source: unknown ? 'dictionary' : 'model',
  unknown,
  prior: unknown ? 6 : -0.8,
  gain,
});
/** What is misheard, what it may have been, and whether the sound leaves it open; by index. */
const HEARD: readonly { text: string; alternatives: Alternative[] }[] = [
  { text: 'the teacle rings', alternatives: [instead('tecleando', true, -20), instead('keypad', true, -5)] },
  { text: 'press won now', alternatives: [instead('one', false, 0.2)] },
  { text: 'nothing is wrong', alternatives: [] },
];

serveWorker({
  engine: 'hearing',
  load: async ({ parameters: { after, until } }) => ({
    async run(run, emit, signal) {
      if (run.stage === 'repair')
        for (const { index, input } of run.steps)
          emit.result(index, { text: `${input.text} (${input.alternatives!.length} asked)`, changes: [] });
      if (run.stage !== 'asr') return;
      for (const { index, input } of run.steps) {
        const { text, alternatives } = HEARD[index]!,
          startMs = input.audio.startSample / 16,
          words = text
            .split(' ')
            .map((word, n) => ({ text: word, startMs: startMs + n, endMs: startMs + n + 1, probability: 0.9 }));
        emit.result(index, { text, words, language: 'en', languageProbability: 1 });
        if (!input.alternatives) continue;
        if (after === 'die') process.exit(1);
        while (after === 'wait' && !existsSync(String(until))) await sleep(20, undefined, { signal });
        emit.alternatives(index, alternatives);
      }
    },
  }),
});
