import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import Value from 'typebox/value';
import { withPreset } from '../../cli/presets.ts';
import type { Recipe } from '../../cli/recipe.ts';
import type { Client } from '../../client/client.ts';
import { chosenBy, presetFrom } from '../../extension/requests/presets.ts';
import type { Choice } from '../../extension/requests/options.ts';
import { specOf } from '../../extension/watched/entry.ts';
import { Preset, presetOf } from '../../schemas/preset.ts';
import { DEFAULTS } from '../../schemas/settings.ts';
import { failsWith } from '../fixtures/fails-with.ts';

const presets: Record<string, Preset> = {
  ...DEFAULTS.presets,
  Lecture: { language: 'de', repair: false, models: { asr: 'whisper-small' }, formats: ['md'], priority: 'low' },
};
const base: Choice = {
  options: { repair: true, outputs: { formats: ['json'] } },
  priority: 'normal',
  document: { open: 'untitled', format: 'markdown' },
};

describe('a preset is found', () => {
  test('by its name in any case, or by the beginning of one name alone', () => {
    assert.equal(presetOf(presets, 'interview')?.name, 'Interview');
    assert.equal(presetOf(presets, 'film')?.name, 'Film subtitles EN→DE');
    assert.equal(presetOf({ ...presets, Films: {} }, 'film'), null);
    assert.equal(presetOf({ ...presets, film: {} }, 'FILM')?.name, 'film');
    for (const nothing of ['', ' ', 'x']) assert.equal(presetOf(presets, nothing), null);
  });
});

describe('in the editor', () => {
  test('it changes what it names, and leaves the rest', () => {
    const chosen = chosenBy(presets.Lecture!, base);
    assert.deepEqual(chosen, {
      ...base,
      priority: 'low',
      options: { repair: false, language: 'de', models: { asr: 'whisper-small' }, outputs: { formats: ['md'] } },
    });
    assert.deepEqual(chosenBy({ speakers: 3 }, base).options.speakers, { count: 3 });
    assert.deepEqual(chosenBy({ speakers: true }, base).options.speakers, {});
    assert.equal(
      chosenBy({ speakers: false }, { ...base, options: { repair: true, speakers: {} } }).options.speakers,
      undefined,
    );
  });
  test('what is saved is chosen again, and fits the schema; voices and folders are not kept', () => {
    for (const preset of Object.values(presets)) {
      const saved = presetFrom(chosenBy(preset, base));
      assert.ok(Value.Check(Preset, saved), JSON.stringify(saved));
      assert.deepEqual(chosenBy(saved, base), chosenBy(preset, base));
    }
    const kept = presetFrom({
      ...base,
      options: {
        repair: true,
        speakers: { count: 2, known: { Anna: 'AAAA' } },
        outputs: { formats: ['srt'], directory: '/x' },
      },
    });
    assert.deepEqual(kept, { repair: true, speakers: 2, formats: ['srt'] });
  });
  test('a watched folder names one; what stands beside it counts before it', () => {
    const spec = specOf({ path: '/in', preset: 'lecture', language: 'fr' }, null, 'user', presets)!;
    assert.deepEqual(
      {
        language: spec.options.language,
        repair: spec.options.repair,
        formats: spec.options.outputs?.formats,
        priority: spec.priority,
      },
      { language: 'fr', repair: false, formats: ['md'], priority: 'low' },
    );
    assert.equal(specOf({ path: '/in', preset: 'gone' }, null, 'user', presets)!.options.repair, true);
  });
});

describe('on the command line', () => {
  const client = async (): Promise<Client> =>
    ({ call: async () => ({ settings: { ...DEFAULTS, presets }, defaults: DEFAULTS }) }) as unknown as Client;
  test('options beside it count before it', async () => {
    const given: Recipe = { preset: 'lecture', repair: true, language: 'fr', model: ['asr=whisper-base'] };
    assert.deepEqual(await withPreset(given, client), {
      preset: 'lecture',
      repair: false,
      language: 'fr',
      model: ['asr=whisper-small', 'asr=whisper-base'],
      format: 'md',
      priority: 'low',
    });
    assert.equal((await withPreset({ preset: 'film', repair: false }, client)).repair, false);
  });
  test('one that there is not is named, with those that there are; without one nobody is asked', async () => {
    await assert.rejects(withPreset({ preset: 'nope', repair: true }, client), failsWith('unknownPreset'));
    const given: Recipe = { repair: true };
    assert.equal(
      await withPreset(given, () => {
        throw new Error('asked');
      }),
      given,
    );
  });
});
