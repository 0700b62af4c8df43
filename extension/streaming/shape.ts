/**
 * The shape of a paragraph: text with {time}, {speaker}, {text} and {translation} in it. Braces around one of them and
 * what belongs to it make both go where it has nothing to say: in “{{time} }{**{speaker}:** }{text}” the stars and the
 * colon are there for paragraphs whose speaker is known. Pure.
 */

export const PLACEHOLDERS = ['time', 'speaker', 'text', 'translation'] as const;
export type Placeholder = (typeof PLACEHOLDERS)[number];
/** A placeholder with what stands around it, or text that is always there. */
export type Part = { name: Placeholder; before: string; after: string } | { literal: string };
export interface ShapeProblem {
  code: 'unknown' | 'twice' | 'braces' | 'noText';
  what: string;
}

const isPlaceholder = (name: string): name is Placeholder => (PLACEHOLDERS as readonly string[]).includes(name);
const PART = /\{(?<plain>[^{}]*)\}|\{(?<before>[^{}]*)\{(?<inner>[^{}]*)\}(?<after>[^{}]*)\}|(?<literal>[^{}]+)/gy;

/** The parts in order, or the first thing that is wrong with it. */
export function parseShape(shape: string): Part[] | ShapeProblem {
  const parts: Part[] = [],
    seen = new Set<string>();
  let at = 0;
  for (const match of shape.matchAll(PART)) {
    const { plain, before = '', inner, after = '', literal } = match.groups!,
      name = plain ?? inner;
    at = match.index + match[0].length;
    if (literal !== undefined) {
      parts.push({ literal });
      continue;
    }
    if (!isPlaceholder(name!)) return { code: 'unknown', what: `{${name}}` };
    if (seen.has(name!)) return { code: 'twice', what: `{${name}}` };
    seen.add(name!);
    parts.push({ name: name!, before, after });
  }
  if (at < shape.length) return { code: 'braces', what: shape.slice(at, at + 20) };
  return seen.has('text') ? parts : { code: 'noText', what: '{text}' };
}

export const hasPlaceholder = (parts: readonly Part[], name: Placeholder): boolean =>
  parts.some(part => 'name' in part && part.name === name);
