/** Links of a Markdown text to recordings, and links of ours into them. Pure. */
import { isMedia, maybeMedia } from '../schemas/media.ts';

/** Where a link's target stands in its line; `path` as written but decoded; `ms`: the moment that it names. */
export interface RecordingLink {
  line: number;
  from: number;
  to: number;
  path: string;
  ms: number | null;
  /** A wiki's link: only the file's name, wherever in the workspace it lies. */
  anywhere?: true;
}

/** A target where it stands in the text; `written`: as it is there. */
interface Target {
  at: number;
  written: string;
  path?: string;
  anywhere?: true;
}

/** Inline links and pictures: [text](target "title"), the target in angle brackets where it has blanks. */
const INLINE =
  /\]\(\s*(?:<([^<>\n]*)>|((?:[^\s()<>\\]|\\.|\((?:[^\s()\\]|\\.)*\))+))(?:\s+(?:"[^"]*"|'[^']*'|\([^()]*\)))?\s*\)/g;
/** What the editor writes for a recording that is dropped, and players and links of HTML. */
const TAG = /<(?:audio|video|source|a)\b[^<>]*>/gi,
  ATTRIBUTE = /\s(?:src|href)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'<>`]+))/i;
const AUTOLINK = /<(file:[^<>\s]+)>/gi;
const WIKI = /\[\[([^[\]\n|]+?)\\?(?:\|[^[\]\n]*)?\]\]/g;
/** [label]: target, and its uses [text][label], [label][] and [label]. */
const DEFINITION = /^ {0,3}\[(?!\^)([^[\]\n]{1,999})\]:[ \t]*(?:\n[ \t]*)?(?:<([^<>\n]*)>|([^\s<>]+))/gm,
  USE = /\[([^[\]\n]{1,999})\](?:\[([^[\]\n]{0,999})\])?(?![([:])/g;

/** A clock, lengths with their units, or the open beginning of a span. */
const CLOCK = String.raw`((?:(?:\d+:)?\d+:)?\d+(?:\.\d+)?)s?`,
  UNITS = String.raw`(?=\d)(?:(\d+)h)?(?:(\d+)m)?(?:(\d+(?:\.\d+)?)s)?`,
  MOMENT = new RegExp(String.raw`(?:^|&)t=(?:npt:)?(?:${CLOCK}|${UNITS}|(?=(,)\d))(?=$|[,&])`, 'i');

/**
 * Media fragments, in ms: seconds, minutes:seconds, hours:minutes:seconds or 1h2m3s; of a span its beginning. Null:
 * there is none.
 */
export function momentOf(fragment: string): number | null {
  const [, clock, hours, minutes, seconds, open] = MOMENT.exec(fragment) ?? [];
  if (clock !== undefined) return Math.round(clock.split(':').reduce((sum, part) => sum * 60 + Number(part), 0) * 1000);
  if (hours ?? minutes ?? seconds)
    return Math.round((Number(hours ?? 0) * 3600 + Number(minutes ?? 0) * 60 + Number(seconds ?? 0)) * 1000);
  return open === undefined ? null : 0;
}

/** In the order in which they stand there. */
export function recordingLinks(text: string): RecordingLink[] {
  const prose = withoutCode(text.replace(/\r\n?/g, newline => (newline === '\r' ? '\n' : ' \n'))),
    starts = [0, ...Array.from(prose.matchAll(/\n/g), match => match.index + 1)];
  const found: RecordingLink[] = [];
  let line = 0;
  for (const target of targetsOf(prose).sort((a, b) => a.at - b.at)) {
    const link = linkOf(target);
    if (!link) continue;
    while (line + 1 < starts.length && starts[line + 1]! <= target.at) line++;
    const from = target.at - starts[line]!;
    found.push({ line, from, to: from + target.written.length, ...link });
  }
  return found;
}

/** Code and comments blanked out, so that places stay. */
function withoutCode(text: string): string {
  let fence: string | null = null,
    inList = false,
    indented = true;
  const blank = (part: string): string => part.replace(/[^\n]/g, ' '),
    done: string[] = [],
    paragraph: string[] = [];
  const end = (): void => {
    if (paragraph.length) done.push(withoutInlineCode(paragraph.splice(0).join('\n')));
  };
  for (const line of text.split('\n')) {
    const [, mark] = /^\s{0,3}(```+|~~~+)/.exec(line) ?? [];
    if (mark || fence !== null) {
      end();
      // What has words behind its mark opens a block, and closes none.
      if (fence === null) fence = mark!;
      else if (mark?.startsWith(fence) && /^\s*[`~]+\s*$/.test(line)) fence = null;
      done.push(blank(line));
      indented = true;
      continue;
    }
    const isBlank = line.trim() === '';
    if (isBlank || (indented && !inList && /^(?: {4}|\t)/.test(line))) {
      end();
      done.push(blank(line));
      indented = true;
      continue;
    }
    if (/^\s{0,3}(?:[-*+]|\d{1,9}[.)])\s/.test(line)) inList = true;
    else if (/^\S/.test(line) && indented) inList = false;
    indented = false;
    paragraph.push(line);
  }
  end();
  const lines = done.join('\n');
  let prose = '',
    at = 0;
  for (;;) {
    const from = lines.indexOf('<!--', at),
      to = from < 0 ? -1 : lines.indexOf('-->', from + 4);
    if (to < 0) return prose + lines.slice(at);
    prose += lines.slice(at, from) + blank(lines.slice(from, to));
    at = to;
  }
}

/** Whether backslashes take a sign for itself. */
function isEscaped(text: string, at: number): boolean {
  let before = at;
  while (text[before - 1] === '\\') before--;
  return (at - before) % 2 === 1;
}

/** Code within a paragraph is blanked out, so that places stay: it ends at the next run of as many backticks. */
function withoutInlineCode(paragraph: string): string {
  const runs = Array.from(paragraph.matchAll(/`+/g), ({ index, 0: { length } }) => ({ index, length })),
    byLength = new Map<number, number[]>();
  for (const [n, { length }] of runs.entries()) {
    const same = byLength.get(length);
    if (same) same.push(n);
    else byLength.set(length, [n]);
  }
  let prose = '',
    at = 0;
  for (let i = 0; i < runs.length; i++) {
    // Behind a backslash the first one is no mark, unless this is code already.
    const escaped = isEscaped(paragraph, runs[i]!.index) ? 1 : 0,
      from = runs[i]!.index + escaped,
      next = following(byLength.get(runs[i]!.length - escaped) ?? [], i);
    if (next === null) continue;
    const to = runs[next]!.index + runs[next]!.length;
    prose += paragraph.slice(at, from) + paragraph.slice(from, to).replace(/[^\n]/g, ' ');
    at = to;
    i = next;
  }
  return prose + paragraph.slice(at);
}

/** The first of these numbers, which grow, that is larger. */
function following(numbers: readonly number[], than: number): number | null {
  let low = 0,
    high = numbers.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (numbers[middle]! > than) high = middle;
    else low = middle + 1;
  }
  return numbers[low] ?? null;
}

/** Where brackets close that were opened in the same paragraph. */
function closingBrackets(prose: string): Set<number> {
  const closing = new Set<number>();
  let open = 0;
  for (const { 0: sign, index } of prose.matchAll(/\[|\]|\n[ \t]*(?=\n)/g)) {
    if (sign.startsWith('\n')) open = 0;
    else if (isEscaped(prose, index)) continue;
    else if (sign === '[') open += 1;
    else if (open > 0) {
      open -= 1;
      closing.add(index);
    }
  }
  return closing;
}

function targetsOf(prose: string): Target[] {
  const targets: Target[] = [];
  const add = (match: RegExpMatchArray, written: string | undefined, more: Partial<Target> = {}): void => {
    if (written !== undefined) targets.push({ at: match.index! + match[0].lastIndexOf(written), written, ...more });
  };
  const closing = closingBrackets(prose);
  for (const match of prose.matchAll(INLINE)) {
    if (!closing.has(match.index)) continue;
    const written = match[1] ?? match[2]!;
    targets.push({ at: match.index + match[0].indexOf(written, 2), written, path: unescaped(written) });
  }
  for (const match of prose.matchAll(TAG)) {
    if (isEscaped(prose, match.index)) continue;
    const attribute = ATTRIBUTE.exec(match[0]),
      written = attribute?.[1] ?? attribute?.[2] ?? attribute?.[3];
    if (written)
      targets.push({
        at: match.index + attribute!.index + attribute![0].lastIndexOf(written),
        written,
        path: withCharacters(written),
      });
  }
  for (const match of prose.matchAll(AUTOLINK)) if (!isEscaped(prose, match.index)) add(match, match[1]);
  for (const match of prose.matchAll(WIKI))
    if (!isEscaped(prose, match.index))
      targets.push({ at: match.index + 2, written: match[1]!, path: literal(match[1]!), anywhere: true });
  targets.push(...references(prose));
  return targets;
}

/** Links by a label stand where the label is used; a definition that nobody uses, where it is. */
function references(prose: string): Target[] {
  const definitions = new Map<string, Target>(),
    used = new Set<string>(),
    uses: Target[] = [];
  const labelOf = (text: string): string => text.trim().replace(/\s+/g, ' ').toLowerCase();
  for (const match of prose.matchAll(DEFINITION)) {
    const written = match[2] ?? match[3]!,
      label = labelOf(match[1]!);
    if (!definitions.has(label))
      definitions.set(label, { at: match.index + match[0].lastIndexOf(written), written, path: unescaped(written) });
  }
  if (definitions.size === 0) return [];
  for (const match of prose.matchAll(USE)) {
    if (isEscaped(prose, match.index)) continue;
    const written = match[2] || match[1]!,
      label = labelOf(written),
      definition = definitions.get(label);
    if (!definition) continue;
    used.add(label);
    uses.push({ at: match.index + match[0].lastIndexOf(written), written, path: definition.path! });
  }
  return [...uses, ...[...definitions].filter(([label]) => !used.has(label)).map(([, definition]) => definition)];
}

function linkOf({ written, path = written, anywhere }: Target): Omit<RecordingLink, 'line' | 'from' | 'to'> | null {
  const [place = '', fragment = ''] = path.trim().split('#', 2),
    // What a browser is asked for as well ("?raw=1"): a question mark of a name is encoded.
    [target = ''] = anywhere ? [place] : place.split('?', 1);
  if (/^[a-z][\w+.-]+:/i.test(target) && !target.startsWith('file:')) return null;
  const decodedPath = decoded(target),
    ms = momentOf(fragment);
  // Programs have no moments: what names one may be a recording of such a name.
  if (!isMedia(decodedPath) && !(maybeMedia(decodedPath) && ms !== null)) return null;
  return { path: decodedPath, ms, ...(anywhere ? { anywhere } : {}) };
}

/** Character references, in HTML and Markdown alike, of what a path may hold. */
const withCharacters = (target: string): string =>
  target
    .replaceAll('&quot;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&amp;', '&');
const unescaped = (target: string): string => withCharacters(target).replace(/\\([!-/:-@[-`{-~])/g, '$1');
/** A wiki's names stand as they are: what would be decoded in them is not. */
const literal = (target: string): string => target.replaceAll('%', '%25');

function decoded(target: string): string {
  try {
    return decodeURIComponent(target);
  } catch {
    return target;
  }
}
/** A path as a link's target, without the angle brackets: what Markdown would take for its own is encoded. */
export const asTarget = (path: string): string =>
  path.replace(/[%<>()#?|`:\\\s]/g, c =>
    c === '\\' ? '/' : encodeURIComponent(c).replace(/[()]/g, p => (p === '(' ? '%28' : '%29')),
  );

/** The target of a moment: whole seconds, never after it. */
export const atMoment = (target: string, ms: number): string => `${target}#t=${Math.floor(ms / 1000)}`;
