/** How far words are apart for the ear: what repair goes by when it looks for what was really said. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { fold, similarity, soundCost, soundDistance } from '../../daemon/repair/distance.ts';

const rounded = (value: number): number => Math.round(value * 1000) / 1000;

describe('sounds', () => {
  test('Cyrillic of every language sounds as its transliteration does', () => {
    for (const [cyrillic, latin] of [
      ['абвгде', 'abvgde'],
      ['ёжзий', 'ejzii'],
      ['клмноп', 'klmnop'],
      ['рстуф', 'rstuf'],
      ['хцчшщ', 'hccxx'],
      ['эюяы', 'euai'],
      ['подъезд', 'podezd'],
      ['соль', 'sol'],
      ['їжак і ґанок є', 'ijak i ganok e'],
      ['ўсё', 'use'],
      ['јелен љубав њива ћуприја ђак џеп', 'jelen lubav niva cuprija dak jep'],
    ] as const)
      assert.deepEqual(fold(cyrillic), fold(latin), cyrillic);
  });

  test('accents, capitals, marks and ligatures make no sound of their own', () => {
    for (const [a, b] of [
      ['Éçôle!', 'ecole'],
      ['Œuvre', 'euvre'],
      ['Cæsar', 'cesar'],
      ['straße', 'strase'],
      ['¡Hola,   señor!', 'hola senor'],
      ['a-b', 'a b'],
    ] as const)
      assert.deepEqual(fold(a), fold(b), a);
    assert.equal(fold('az').length, 2);
    assert.notDeepEqual(fold('α'), fold('β'));
    assert.deepEqual(fold('…'), []);
  });

  test('what a letter more or less costs', () => {
    for (const [heard, said, cost] of [
      ['', '', 0],
      ['a', 'a', 0],
      ['a', '', 0.6],
      ['', 'a', 0.6],
      ['e', '', 0.6],
      ['i', '', 0.6],
      ['o', '', 0.6],
      ['u', '', 0.6],
      ['y', '', 0.85],
      ['b', '', 0.85],
      ['h', '', 0.15],
      ['ola', 'hola', 0.15],
      ['peRo', 'perro', 0.15],
      ['perro', 'pero', 0.15],
      ['gitarra', 'guitarra', 0.15],
      ['qeso', 'queso', 0.15],
      ['queso', 'qeso', 0.15],
      ['to day', 'today', 0.1],
      ['today', 'to day', 0.1],
      ['bu', 'b', 0.6],
    ] as const)
      assert.equal(rounded(soundCost(heard, said)), cost, `${heard} ${said}`);
  });

  test('letters that are mistaken for one another cost less, both ways', () => {
    const costs: Record<string, string> = {
      0.1: 'ck cq kq sz bv iy',
      0.25: 'cs cz gj sx xz jx ly jy vw bw uv cx',
      0.45: 'ae ei eo io ou ia bp dt gk fv mn lr dr td pv tc jh gh nd nm fs pf zd jz xk rl dl tk bd gd',
      0.5: 'au ao eu iu',
      1: 'bm ab kl ez',
    };
    for (const [cost, pairs] of Object.entries(costs))
      for (const [a, b] of pairs.split(' '))
        for (const [heard, said] of [
          [a!, b!],
          [b!, a!],
        ] as const)
          assert.equal(rounded(soundCost(`t${heard}t`, `t${said}t`)), Number(cost), `${heard} for ${said}`);
    assert.equal(rounded(soundCost('a b', 'axb')), 0.9);
    assert.equal(rounded(soundCost('我', '他')), 1);
    assert.equal(rounded(soundCost('我', 'b')), 1);
  });

  test('the distance is the cost over the longer, spaces not counted', () => {
    assert.equal(soundDistance('', ''), 0);
    assert.equal(rounded(soundDistance('abcd', 'abc')), rounded(0.85 / 4));
    assert.equal(rounded(soundDistance('abc', 'abcd')), rounded(0.85 / 4));
    assert.equal(rounded(soundDistance('a b c d', 'abcd')), rounded(0.3 / 4));
    assert.equal(rounded(soundDistance('plato forma', 'plataforma')), rounded((0.5 + 0.1) / 10));
  });
});

test('likeness counts letters and digits alone', () => {
  for (const [a, b, share] of [
    ['', '', 1],
    ['', 'abc', 0],
    ['abc', '', 0],
    ['abc', 'abc', 1],
    ['abcd', 'abc', 0.75],
    ['abc', 'abcd', 0.75],
    ['abcd', 'abxd', 0.75],
    ['abcd', 'bcd', 0.75],
    ['kitten', 'sitting', rounded(1 - 3 / 7)],
    ['Ab C-1!', 'abc1', 1],
    ['ñandú', 'NANDU', 1],
    ['ab', 'cd', 0],
    ['123', '124', rounded(2 / 3)],
  ] as const)
    assert.equal(rounded(similarity(a, b)), share, `${a} ${b}`);
});
