/** Which of a model's voices speaks for whom. Pure. */
import type { ModelVoice } from '../contracts/engine.ts';

/** Between most men's voices and most women's. */
const LOW_BELOW_HZ = 165;

/**
 * A voice for each speaker, of about their pitch, and as long as there are enough, no two have the same one. Where
 * there are not, two share one rather than a man speaks as a woman.
 *
 * @param speakers in order of appearance; a pitch in Hz, where it is known
 * @param voices the most natural first; none are empty
 */
export function cast(
  speakers: readonly { name: string; pitchHz: number | undefined }[],
  voices: readonly ModelVoice[],
): Record<string, string> {
  const roles = new Map(voices.map(({ name }) => [name, 0]));
  return Object.fromEntries(
    speakers.map(({ name, pitchHz }) => {
      const wanted = pitchHz === undefined ? null : pitchHz < LOW_BELOW_HZ ? 'low' : 'high',
        fitting = voices.filter(({ pitch }) => wanted === null || pitch === wanted),
        chosen = (fitting.length ? fitting : voices).reduce((best, voice) =>
          roles.get(voice.name)! < roles.get(best.name)! ? voice : best,
        );
      roles.set(chosen.name, roles.get(chosen.name)! + 1);
      return [name, chosen.name];
    }),
  );
}
