import { it } from 'node:test';
import { arrivals } from './arrivals.ts';

it('takes every file that arrives once and whole, through two kills of the daemon', { timeout: 180_000 }, async () => {
  const seed = Number(process.env.EARSHOT_SEED ?? Date.now() % 1_000_000);
  console.log(`seed ${seed}`, JSON.stringify(await arrivals({ files: 12, kills: 2, seed, settleSeconds: 0.4 })));
});
