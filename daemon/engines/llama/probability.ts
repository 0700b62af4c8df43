/** What the model finds likely to come next. */
import type { ScoreOptions, ScoredToken, Token } from './runtime.ts';

/** includeSelected, not includeMax: the library's includeMax returns the greatest only when it was asked for anyway. */
export const ask = (tokens: Token[], includeTop = 0): ScoreOptions => ({
  generateNext: { totalLogitWeight: true, logits: { filter: { tokens, includeSelected: true, includeTop } } },
});

/** The natural logarithm of each token's probability, as far as it was asked for. */
export function logProbabilities(answer: ScoredToken | undefined): Map<Token, number> {
  const logits = answer?.next.logits,
    weight = answer?.next.totalLogitWeight;
  if (!logits || weight === undefined) throw new Error('the model gave no probabilities');
  let greatest = -Infinity;
  for (const logit of logits.values()) if (logit > greatest) greatest = logit;
  const base = greatest + Math.log(weight);
  return new Map([...logits].map(([token, logit]) => [token, logit - base]));
}

export function logProbability(answer: ScoredToken | undefined, token: Token): number {
  const own = logProbabilities(answer).get(token);
  if (own === undefined) throw new Error('the model left a token out');
  return own;
}
