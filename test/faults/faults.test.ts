/** The short faults; `npm run test:faults` tells all of them. */
import { describe, it } from 'node:test';
import { FAULTS } from './faults.ts';

describe('with jobs in flight', { concurrency: 3 }, () => {
  for (const fault of FAULTS.filter(each => !each.long))
    it(`${fault.group}, ${fault.name}`, { skip: fault.refused ?? false, timeout: 120_000 }, async () => {
      console.log(`${fault.group}, ${fault.name}: ${await fault.run()}`);
    });
});
