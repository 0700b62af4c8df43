/** Repair by a server's language model: it may rewrite, the guard decides what of it is taken. */
import type { RepairOutput } from '../../../schemas/job.ts';
import type { StepInputs } from '../../contracts/worker-protocol.ts';
import { NO_DICTIONARIES } from '../../repair/dictionaries.ts';
import { repair } from '../../repair/repair.ts';
import type { Asker } from '../../contracts/language-model.ts';
import { languageName } from '../../translation/prompt.ts';
import { acceptRewrite } from '../rewritten.ts';

const SCHEMA = {
  type: 'object',
  properties: { text: { type: 'string' } },
  required: ['text'],
  additionalProperties: false,
} as const;

/** The glossary first, which needs no model; then the model's text, as far as it could have been heard so. */
export async function repairByRewriting(
  input: StepInputs['repair'],
  asker: Asker,
  signal: AbortSignal,
): Promise<RepairOutput> {
  const certain = await repair(input, null, NO_DICTIONARIES, signal);
  if (!/\p{L}/u.test(certain.text)) return certain;
  const answer = await asker.ask(
    {
      system:
        `You correct automatic transcripts of ${languageName(input.language)} speech. Replace only words that ` +
        'were plainly misheard by what was really said; fix spelling, capitals and punctuation. ' +
        'Never add, drop, translate, shorten or improve anything. Keep numbers and names as they are. When in ' +
        'doubt, leave it. ' +
        (input.glossary.length ? `Terms that may occur: ${input.glossary.map(entry => entry.term).join(', ')}. ` : '') +
        'Answer with the corrected text of the last message only, as {"text": "…"}.',
      turns: [
        {
          role: 'user',
          text: input.before ? `(Said before, for context only: ${input.before})\n\n${certain.text}` : certain.text,
        },
      ],
      schema: SCHEMA,
      maxTokens: 64 + certain.text.length,
    },
    signal,
  );
  const text = textIn(answer);
  return text === null ? { ...certain, refused: 'shape' } : acceptRewrite(input, text, certain);
}

function textIn(answer: string): string | null {
  try {
    const value: unknown = JSON.parse(answer);
    const text = typeof value === 'object' && value !== null && 'text' in value ? value.text : null;
    return typeof text === 'string' ? text : null;
  } catch {
    return null;
  }
}
