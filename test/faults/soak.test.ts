import { it } from 'node:test';
import { ffmpeg, missing, sherpa } from '../engines/place.ts';
import { soak } from './soak.ts';

it(
  'works on through 20 seconds of random faults, and accounts for every job',
  { skip: missing({ ffmpeg, sherpa }), timeout: 180_000 },
  async () => {
    const { samples, ...report } = await soak({
      seconds: 20,
      seed: Number(process.env.EARSHOT_SEED ?? Date.now() % 1_000_000),
    });
    console.log(JSON.stringify({ ...report, last: samples.at(-1) }));
  },
);
