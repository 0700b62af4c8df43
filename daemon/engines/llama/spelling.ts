/**
 * Words that a model would write after a prefix and that sound like what was heard: the model's own tokens are spelt
 * out along what was heard, the likeliest way first. Finds words that no list of near spellings has ("te acliando" →
 * tecleando), because the sentence calls for them.
 */
import { firstRow, fold, NONE, nextRow, SPACE, type Letters, type Row } from '../../repair/distance.ts';
import type { Model, Token } from './runtime.ts';

interface Node {
  tokens: Token[];
  letters: Map<number, Node>;
}
/** Tokens of letters only, by their letters: those that begin a word after a space, and the others. */
export interface Vocabulary {
  begin: Node;
  go: Node;
}

export function vocabularyOf(model: Model): Vocabulary {
  const begin = node(),
    go = node();
  for (const token of model.iterateAllTokens()) {
    const text = model.detokenize([token]);
    if (
      /^ ?\p{Lu}?\p{Ll}{0,24}$/u.test(text) &&
      /[\p{Script=Latin}\p{Script=Cyrillic}]/u.test(text) &&
      !/(.)\1\1/u.test(text)
    )
      add(text.startsWith(' ') ? begin : go, fold(text), token);
  }
  return { begin, go };
}

const node = (): Node => ({ tokens: [], letters: new Map() });
function add(root: Node, letters: Letters, token: Token): void {
  let at = root;
  for (const letter of letters) {
    let next = at.letters.get(letter);
    if (!next) at.letters.set(letter, (next = node()));
    at = next;
  }
  at.tokens.push(token);
}

export interface Spelt {
  text: string;
  worth: number;
}
export interface Search {
  heard: string;
  /** Positions in the folded letters of `heard` where a word may end. */
  ends: readonly number[];
  accepts(word: string): boolean;
  /** Log-probabilities after `tokens` of the likeliest tokens, and of those asked for. */
  next(tokens: readonly Token[], among: readonly Token[]): Promise<Map<Token, number>>;
  detokenize(tokens: readonly Token[]): string;
  /** The word stands at the very beginning, without a space before it. */
  first: boolean;
}

/** Calls of the model in one search; tokens asked about in one call; words given back. */
const CALLS = 7,
  AMONG = 40,
  FOUND = 6;
/** Nats that a unit of sound cost is worth; how much a spelling may cost at any point, by the letters it has. */
const LEAST_LIKELIHOOD = -32,
  NATS_A_COST = 2.5,
  NATS_A_LETTER = 1.2,
  NATS_A_SPLIT = 3,
  MOST_COST = 1.9,
  FIRST_COST = 0.6,
  COST_A_LETTER = 0.15;

interface Way {
  tokens: Token[];
  text: string;
  likelihood: number;
  row: Row;
  least: number;
  last: number;
  letters: number;
  split: boolean;
}
interface Reached {
  token: Token;
  row: Row;
  least: number;
  last: number;
  letters: number;
  split: boolean;
}
/** What a way may still become: unfinished ones are not better for being short. */
const worth = (way: Way): number =>
  way.likelihood -
  NATS_A_COST * way.least +
  NATS_A_LETTER * way.row.lastIndexOf(way.least) -
  (way.split ? NATS_A_SPLIT : 0);

/** Best first, at most CALLS questions to the model. One word, or two with a space between them. */
export async function spell(vocabulary: Vocabulary, search: Search): Promise<Spelt[]> {
  const heard = fold(search.heard),
    found: Spelt[] = [];
  let open: Way[] = [
    { tokens: [], text: '', likelihood: 0, row: firstRow(heard), least: 0, last: NONE, letters: 0, split: false },
  ];
  for (let calls = 0; calls < CALLS && open.length; calls++) {
    open.sort((a, b) => worth(b) - worth(a) || (a.text < b.text ? -1 : 1));
    const way = open[0]!;
    open = open.slice(1, 60);
    const steps = reach(way.tokens.length || search.first ? vocabulary.go : vocabulary.begin, heard, way, way.split);
    if (way.tokens.length && !way.split && search.accepts(way.text)) {
      const row = new Float64Array(way.row.length);
      nextRow(heard, way.row, SPACE, way.last, row);
      steps.push(...reach(vocabulary.begin, heard, { row, last: SPACE, letters: way.letters }, true));
    }
    if (!steps.length) continue;
    const near = steps.sort((a, b) => promise(a) - promise(b) || a.token - b.token).slice(0, AMONG);
    const likelihoods = await search.next(
      way.tokens,
      near.map(({ token }) => token),
    );
    for (const step of steps) {
      const tokens = [...way.tokens, step.token],
        likelihood = way.likelihood + (likelihoods.get(step.token) ?? -Infinity);
      if (!(likelihood > LEAST_LIKELIHOOD)) continue;
      const text = search.detokenize(tokens).trim(),
        cost = Math.min(...search.ends.map(end => step.row[end]!));
      open.push({
        tokens,
        text,
        likelihood,
        row: step.row,
        least: step.least,
        last: step.last,
        letters: step.letters,
        split: step.split,
      });
      if (
        cost <= limit(step.letters) &&
        text.split(' ').every((word, i) => (i === 0 || word.length > 1) && search.accepts(word))
      )
        found.push({ text, worth: likelihood - NATS_A_COST * cost });
    }
  }
  return found.sort((a, b) => b.worth - a.worth || (a.text < b.text ? -1 : 1)).slice(0, FOUND);
}

/** Near and long tokens first: they say most. */
const promise = (step: Reached): number => step.least - 0.3 * step.letters;

const limit = (letters: number): number => Math.min(MOST_COST, FIRST_COST + COST_A_LETTER * letters);

/** Tokens below `root` that can still become what was heard. */
function reach(root: Node, heard: Letters, from: Pick<Way, 'row' | 'last' | 'letters'>, split: boolean): Reached[] {
  const reached: Reached[] = [],
    rows: Row[] = [from.row];
  const walk = (at: Node, depth: number, last: number, least: number): void => {
    for (const token of at.tokens)
      reached.push({ token, row: rows[depth]!.slice(), least, last, letters: from.letters + depth, split });
    const next = (rows[depth + 1] ??= new Float64Array(heard.length + 1));
    for (const [letter, below] of at.letters) {
      const cost = nextRow(heard, rows[depth]!, letter, last, next);
      if (cost <= limit(from.letters + depth + 1)) walk(below, depth + 1, letter, cost);
    }
  };
  walk(root, 0, from.last, 0);
  return reached;
}
