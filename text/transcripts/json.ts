/**
 * The transcript itself (schemas/transcript.schema.json), one utterance a line: easy to compare, and not much larger
 * than it must be.
 */
import type { Transcript, Utterance } from '../../schemas/job.ts';

/** One utterance, as it stands on its line; a comma follows all but the last. */
export const rowJson = (utterance: Utterance): string => `    ${JSON.stringify(utterance)}`;

/** Everything before the first utterance's line. */
export function headJson({ utterances: _, ...rest }: Transcript): string {
  return `${JSON.stringify(rest, null, 2).slice(0, -2)},\n  "utterances": [`;
}

export function toJson(transcript: Transcript): string {
  const rows = transcript.utterances.map(utterance => `\n${rowJson(utterance)}`).join(',');
  return `${headJson(transcript)}${rows}${rows && '\n  '}]\n}\n`;
}
