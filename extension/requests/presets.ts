/** Choices under a name, which the daemon keeps for all its clients. */
import type { Preset } from '../../schemas/preset.ts';
import type { Daemon } from '../connection/connection.ts';
import type { Choice } from './options.ts';

export const presetsOf = async (daemon: Daemon): Promise<Record<string, Preset>> =>
  (await daemon.call('settings/get', {})).settings.presets;

/** Takes the place of one of the same name. */
export async function savePreset(daemon: Daemon, name: string, choice: Choice): Promise<void> {
  await daemon.call('settings/set', {
    values: { presets: { ...(await presetsOf(daemon)), [name]: presetFrom(choice) } },
  });
}

/** What the preset says, over a choice that says the rest. */
export function chosenBy(preset: Preset, base: Choice): Choice {
  const { speakers, formats, text, priority, speak, summary, ...same } = preset,
    { outputs } = base.options;
  return {
    ...base,
    ...(priority ? { priority } : {}),
    options: {
      ...base.options,
      ...same,
      ...(speak === undefined ? {} : { speak }),
      ...(summary === undefined ? {} : { summary }),
      ...(speakers === undefined
        ? {}
        : { speakers: speakers === false ? undefined : speakers === true ? {} : { count: speakers } }),
      ...(formats || text
        ? { outputs: { ...outputs, formats: formats ?? outputs?.formats ?? [], ...(text ? { text } : {}) } }
        : {}),
    },
  };
}

/** What of a choice is worth a name: not its place, its document, nor whose voices are known. */
export function presetFrom({ options, priority }: Choice): Preset {
  const { language, repair, translateTo, speakers, speak, summary, prompt, models, outputs } = options;
  return {
    ...(language ? { language } : {}),
    repair,
    ...(translateTo ? { translateTo } : {}),
    ...(speakers ? { speakers: speakers.count ?? true } : {}),
    ...(speak ? { speak } : {}),
    ...(summary ? { summary } : {}),
    ...(prompt ? { prompt } : {}),
    ...(models && Object.keys(models).length ? { models } : {}),
    ...(outputs?.formats.length ? { formats: outputs.formats } : {}),
    ...(outputs?.text ? { text: outputs.text } : {}),
    ...(priority === 'normal' ? {} : { priority }),
  };
}
