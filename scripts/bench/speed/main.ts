/**
 * `npm run bench [-- SECTION…] [-- --quick]`: Earshot beside what people use, on this machine. Sections: short, long,
 * chain, layers, fixed, together; all when none is named. What a section finds is kept in docs/performance.json, and
 * docs/performance.md is written anew from all of them. `--quick`: few recordings, once, into the cache folder instead
 * of docs/.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { machine } from '../machine.ts';
import { ffmpeg, missing, modelFolder, python, sherpa } from '../../../test/engines/place.ts';
import { rivals } from './contestants.ts';
import { chain, fixed, layers, together } from './inside.ts';
import { race } from './race.ts';
import { markdown, plot, type Results } from './report.ts';
import { CACHE, speech } from './speech.ts';
import { wrapped } from '../../wrap.ts';

const absent = missing({ ffmpeg, sherpa, python, 'whisper-base': modelFolder('whisper-base') });
if (absent) throw new Error(`${absent}; \`npm start\` installs it`);
const SECTIONS = ['short', 'long', 'chain', 'layers', 'fixed', 'together'] as const;
const given = process.argv.slice(2),
  quick = given.includes('--quick'),
  named = given.filter(each => !each.startsWith('--'));
const wrong = named.find(each => !(SECTIONS as readonly string[]).includes(each));
if (wrong) throw new Error(`${wrong}: sections are ${SECTIONS.join(', ')}`);
const wanted = SECTIONS.filter(section => named.length === 0 || named.includes(section));
const rounds = quick ? 1 : 3;

const docs = quick ? CACHE : join(import.meta.dirname, '..', '..', '..', 'docs'),
  file = join(docs, 'performance.json');
mkdirSync(join(docs, 'images'), { recursive: true });
const sounds = speech(
  ffmpeg!,
  quick ? { short: 6, longSeconds: 40, chain: 3 } : { short: 24, longSeconds: 300, chain: 10 },
);
const results = (existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : {}) as Results;
for (const section of wanted) {
  console.log(section);
  const stamp = {
    machine: machine(),
    versions: rivals()?.versions ?? 'without whisper-ctranslate2: it could not be installed',
    source: sounds.source,
  };
  switch (section) {
    case 'short':
      results.short = { ...stamp, ...(await race(sounds.short, rounds)) };
      break;
    case 'long':
      results.long = { ...stamp, ...(await race([sounds.long], rounds, ['each'])) };
      break;
    case 'chain':
      results.chain = { ...stamp, ...(await chain(sounds.chain, rounds)) };
      break;
    case 'layers':
      results.layers = { ...stamp, ...(await layers(sounds.long, rounds)) };
      break;
    case 'together':
      results.together = {
        ...stamp,
        ...(await together(
          [
            { language: 'en', recording: sounds.long },
            { language: 'es', recording: sounds.longSpanish },
          ],
          rounds,
        )),
      };
      break;
    case 'fixed':
      results.fixed = { ...stamp, ...(await fixed(sounds.short, sounds.long, rounds)) };
      break;
  }
  // After each, so that what was measured is not lost when the next one breaks.
  writeFileSync(file, `${JSON.stringify(results, null, 2)}\n`);
  writeFileSync(join(docs, 'performance.md'), wrapped(markdown(results)));
  writeFileSync(join(docs, 'images', 'performance.svg'), plot(results));
}
console.log(`Written to ${join(docs, 'performance.md')}`);
