import { it } from 'node:test';
import { powerCut } from './powercut.ts';
import { buildShim } from './shim.ts';

const shim = buildShim();
if ('reason' in shim) console.log(`skipped: ${shim.reason}`);

it(
  'what was published survives a power cut at any moment',
  { skip: 'reason' in shim ? shim.reason : false, timeout: 120_000 },
  async () => {
    const seed = Number(process.env.EARSHOT_SEED ?? Date.now() % 1_000_000);
    console.log(
      `seed ${seed}`,
      JSON.stringify(
        await powerCut({ library: (shim as { library: string }).library, jobs: 2, cuts: 16, reopen: 1, seed }),
      ),
    );
  },
);
