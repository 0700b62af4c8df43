/** What holds for translations of every engine, also of those that are no language model and cannot be asked again. */
import type { NmtOutput } from '../../schemas/job.ts';
import type { StepInputs } from '../contracts/worker-protocol.ts';
import { keepsNumbers } from './numbers.ts';

/** The translation; where it lost a number or has another one, the text itself, with the reason in `refused`. */
export const guarded = (
  output: NmtOutput,
  { text, from, to }: Pick<StepInputs['nmt'], 'text' | 'from' | 'to'>,
): NmtOutput =>
  output.refused !== undefined || keepsNumbers(text, output.text, from, to)
    ? output
    : { text: text.trim(), language: from, refused: 'numbers' };
