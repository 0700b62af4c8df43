/**
 * The transcript itself (schemas/transcript.schema.json), one utterance a line: easy to compare, and not much larger
 * than it must be.
 */
import type { Transcript } from '../../schemas/job.ts';

export function toJson(transcript: Transcript): string {
  const { utterances, ...rest } = transcript;
  const head = JSON.stringify(rest, null, 2).slice(0, -2);
  const rows = utterances.map(utterance => `\n    ${JSON.stringify(utterance)}`).join(',');
  return `${head},\n  "utterances": [${rows}${rows && '\n  '}]\n}\n`;
}
