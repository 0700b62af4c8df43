/**
 * Tells every fault and writes what was seen into docs/reliability.md. `npm run test:faults [-- WORDS…]`: only faults
 * whose name contains one of the words, without writing.
 */
import { arch, cpus, platform, release } from 'node:os';
import { section } from './report.ts';
import { FAULTS, type Fault } from './faults.ts';

const words = process.argv.slice(2),
  wanted = FAULTS.filter(
    fault => words.length === 0 || words.some(word => `${fault.group} ${fault.name}`.includes(word)),
  );
const results: { fault: Fault; seen: string; seconds: number; bad: boolean }[] = [];
for (const fault of wanted) {
  const began = performance.now();
  const [seen, bad] = fault.refused
    ? [`not tried here: ${fault.refused}`, false]
    : await fault.run().then(
        text => [text, false] as const,
        (error: unknown) => [error instanceof Error ? (error.stack ?? error.message) : String(error), true] as const,
      );
  const seconds = (performance.now() - began) / 1000;
  console.log(`${bad ? '✗' : '✓'} ${fault.group}, ${fault.name} (${seconds.toFixed(1)} s): ${seen}`);
  results.push({ fault, seen, seconds, bad });
}
const bad = results.filter(result => result.bad).length;
console.log(`${results.length - bad} held, ${bad} broken`);
if (words.length === 0 && bad === 0)
  section(
    'faults',
    [
      '## Faults',
      '',
      `Made by \`npm run test:faults\` on ${new Date().toISOString().slice(0, 10)}, ` +
        `${cpus()[0]?.model ?? arch()} (${cpus().length} cores), ${platform()} ${release()}, Node ` +
        `${process.versions.node}.`,
      'Each happens while jobs are in flight in a daemon with real worker processes. Asserted after every one: ' +
        'all jobs are there',
      'and completed (or say why not, in words that the table quotes), no step is finished twice, steps start ' +
        'in order, equal',
      'recordings give equal texts, no attempt is left open, every lease belongs to an instance.',
      '',
      '| fault | what happened | time |',
      '| --- | --- | ---: |',
      ...results.map(
        ({ fault, seen, seconds }) =>
          `| ${fault.group}, ${fault.name} | ${seen.replaceAll('|', '\\|').replaceAll('\n', ' ')} | ${seconds.toFixed(0)} s |`,
      ),
      '',
    ].join('\n'),
  );
process.exit(bad ? 1 : 0);
