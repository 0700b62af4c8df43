/** `--preset`: choices that somebody gave a name; what is said beside it counts before it. */
import type { Client } from '../client/client.ts';
import { EarshotError } from '../schemas/errors.ts';
import { presetOf, type Preset } from '../schemas/preset.ts';
import type { Recipe } from './recipe.ts';

/** @throws unknownPreset */
export async function withPreset<R extends Recipe>(given: R, client: () => Promise<Client>): Promise<R> {
  if (given.preset === undefined) return given;
  const { presets } = (await (await client()).call('settings/get', {})).settings,
    found = presetOf(presets, given.preset);
  if (!found)
    throw new EarshotError('unknownPreset', { preset: given.preset, presets: Object.keys(presets).join(', ') });
  const said = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as R;
  return {
    ...recipeOf(found.preset),
    ...said,
    repair: given.repair && (found.preset.repair ?? true),
    // One that is named beside it takes the place of the preset's for its stage alone.
    model: [...modelsOf(found.preset), ...(given.model ?? [])],
  };
}

const modelsOf = ({ models = {} }: Preset): string[] => Object.entries(models).map(([stage, id]) => `${stage}=${id}`);

const recipeOf = (preset: Preset): Partial<Recipe> => ({
  ...(preset.language ? { language: preset.language } : {}),
  ...(preset.translateTo ? { translateTo: preset.translateTo } : {}),
  ...(preset.speak ? { speak: true as const } : {}),
  ...(preset.speakers ? { speakers: preset.speakers } : {}),
  ...(preset.summary ? { summary: true as const } : {}),
  ...(preset.prompt ? { prompt: preset.prompt } : {}),
  ...(preset.formats ? { format: preset.formats.join(',') } : {}),
  ...(preset.text ? { text: preset.text } : {}),
  ...(preset.priority ? { priority: preset.priority } : {}),
});
