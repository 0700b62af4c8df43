/** Numbers of a translation, against pairs as people and models write them. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { keepsNumbers } from '../../daemon/translation/numbers.ts';
import { cpuMsOf } from '../security/cpu.ts';

const KEPT: readonly (readonly [from: string, to: string, source: string, target: string])[] = [
  ['en', 'de', 'Take 3 pills a day.', 'Nehmen Sie 3 Tabletten am Tag.'],
  ['en', 'de', 'Take 3 pills a day.', 'Nehmen Sie drei Tabletten am Tag.'],
  ['en', 'fr', 'I have 1 brother.', "J'ai un frère."],
  ['en', 'de', 'It costs $1,250.50 in total.', 'Es kostet insgesamt 1.250,50 $.'],
  ['en', 'fr', 'It costs $1,250.50.', 'Cela coûte 1 250,50 $.'],
  ['en', 'fr', 'It costs $1,250,000.', 'Cela coûte 1\u202f250\u202f000 $.'],
  ['en', 'es', 'About 12,500 people came.', 'Vinieron unas 12.500 personas.'],
  ['de', 'en', 'Das sind 3,5 Prozent.', 'That is 3.5 percent.'],
  ['en', 'de', 'On 3/14/2024 at 5:30.', 'Am 14.3.2024 um 5.30 Uhr.'],
  ['en', 'de', 'On May 3, 2024.', 'Am 3. Mai 2024.'],
  ['en', 'zh', 'On May 3, 2024.', '2024年5月3日。'],
  ['de', 'en', 'Am 3.5.2024.', 'On May 3, 2024.'],
  ['en', 'de', 'We meet at 3 p.m.', 'Wir treffen uns um 15 Uhr.'],
  ['de', 'en', 'Um 20 Uhr.', "At 8 o'clock."],
  ['en', 'zh', 'There were 20,000 people.', '有2万人。'],
  ['en', 'zh', 'There were 25 people.', '有二十五个人。'],
  ['en', 'de', '1.5 million people', '1,5 Millionen Menschen'],
  ['en', 'fr', '2 billion dollars', '2 milliards de dollars'],
  ['en', 'de', '25 years', 'fünfundzwanzig Jahre'],
  ['en', 'es', 'In the 100 years', 'En los cien años'],
  ['en', 'ar', 'There are 15 of them.', 'هناك ١٥ منهم.'],
  ['en', 'de', 'Three hundred people', '300 Menschen'],
  ['en', 'de', 'Flight 815 from gate B12', 'Flug 815 von Gate B12'],
  ['en', 'de', 'The 1990s were good.', 'Die neunziger Jahre waren gut.'],
  ['en', 'de', 'Scores of 3-2 and 10–9', 'Ergebnisse von 3:2 und 10–9'],
  ['zh', 'en', '他今年25岁。', 'He is 25 years old.'],
  ['hi', 'en', '१,००,००० लोग', '100,000 people'],
  ['en', 'de', 'See https://example.org/2024/x1', 'Siehe https://example.org/'],
];
const CHANGED: typeof KEPT = [
  ['en', 'de', 'Take 3 pills a day.', 'Nehmen Sie 8 Tabletten am Tag.'],
  ['en', 'de', 'It costs 1,250 dollars in total.', 'Es kostet insgesamt einige Dollar.'],
  ['en', 'de', 'It costs $1,250.50 in total.', 'Es kostet insgesamt $1,250,50.'],
  ['en', 'de', 'It costs $1,250.50 in total.', 'Es kostet insgesamt 1.250 Dollar.'],
  ['en', 'fr', 'That is 3.5 percent.', "C'est 35 pour cent."],
  ['en', 'es', 'In 1984 he left.', 'En 1948 se fue.'],
  ['en', 'zh', 'There were 25,000 people.', '有25万人。'],
  ['en', 'de', 'We meet at 5:30.', 'Wir treffen uns um 5:50 Uhr.'],
  ['en', 'de', 'On 3/14/2024.', 'Am 14.3.2042.'],
  ['en', 'de', 'Between 10 and 47 of them.', 'Zwischen 10 und einigen.'],
  ['de', 'en', 'Zimmer 217, bitte.', 'The room, please.'],
  ['zh', 'en', '一共375元。', 'That is 357 yuan.'],
];

describe('numbers in translation', () => {
  for (const [from, to, source, target] of KEPT)
    it(`kept: ${source} → ${target}`, () => assert.equal(keepsNumbers(source, target, from, to), true));
  for (const [from, to, source, target] of CHANGED)
    it(`changed: ${source} → ${target}`, () => assert.equal(keepsNumbers(source, target, from, to), false));
  it('a text of many figures is read in a moment', () => {
    const many = '1,250.50 '.repeat(10_000),
      ms = cpuMsOf(() => {
        keepsNumbers(many, many, 'en', 'de');
        keepsNumbers('1.'.repeat(30_000), '1 '.repeat(30_000), 'en', 'de');
        keepsNumbers('1 000 '.repeat(20_000), '百'.repeat(50_000), 'en', 'zh');
        keepsNumbers(`1 ${'x'.repeat(200_000)}`, 'null '.repeat(30_000), 'en', 'de');
      }, 3000);
    assert.ok(ms < 3000, `${ms}`);
  });
});
