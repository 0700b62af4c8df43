/** Choices under a name: for one recording after another, for watched folders, and on the command line. */
import { Type, type Static } from 'typebox';
import { ByStage, Closed, Format, Language, Optional, Priority } from './words.ts';

/** What is missing stays as the settings, or the one who asks, say. */
export const Preset = Closed({
  language: Optional(Language),
  repair: Optional(Type.Boolean()),
  translateTo: Optional(Language),
  /** Label who speaks; a number: there are so many. */
  speakers: Optional(Type.Union([Type.Boolean(), Type.Integer({ minimum: 1, maximum: 50 })])),
  speak: Optional(Type.Boolean()),
  summary: Optional(Type.Boolean()),
  prompt: Optional(Type.String({ maxLength: 2000 })),
  models: Optional(ByStage(Type.String({ minLength: 1, maxLength: 200 }))),
  formats: Optional(Type.Array(Format, { maxItems: 32 })),
  /** Which text subtitles and documents show. */
  text: Optional(Type.Enum(['original', 'translation', 'bilingual'])),
  priority: Optional(Priority),
});
export type Preset = Static<typeof Preset>;

/** The preset that somebody means: by its name in any case, or the beginning of one name alone. Null: none. */
export function presetOf(
  presets: Readonly<Record<string, Preset>>,
  named: string,
): { name: string; preset: Preset } | null {
  const wanted = named.trim().toLowerCase(),
    names = Object.keys(presets),
    begin = names.filter(name => name.toLowerCase().startsWith(wanted));
  const name = names.find(each => each.toLowerCase() === wanted) ?? (begin.length === 1 ? begin[0] : undefined);
  return name === undefined || wanted === '' ? null : { name, preset: presets[name]! };
}
