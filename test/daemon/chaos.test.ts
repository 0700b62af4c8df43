import { it } from 'node:test';
import { chaos } from './chaos.ts';

it('loses nothing to kills of the daemon and its workers', { timeout: 180_000 }, async () => {
  const seed = Number(process.env.EARSHOT_SEED ?? Date.now() % 1_000_000);
  console.log(`seed ${seed}`, JSON.stringify(await chaos({ kills: 8, jobs: 4, seed })));
});
