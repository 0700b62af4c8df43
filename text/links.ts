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
  let fence: string | null = null;
  const blank = (part: string): string => part.replace(/[^\n]/g, ' ');
  const lines = text
    .split('\n')
    .map(line => {
      const [, mark] = /^\s{0,3}(```+|~~~+)/.exec(line) ?? [];
      if (mark) fence = fence === null ? mark : mark.startsWith(fence) ? null : fence;
      return mark || fence !== null ? blank(line) : withoutInlineCode(line);
    })
    .join('\n');
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

/** Code within a line is blanked out, so that places stay: it ends at the next run of as many backticks. */
function withoutInlineCode(line: string): string {
  const runs = [...line.matchAll(/`+/g)],
    nearest = new Map<number, number>(),
    ends = runs.map(() => -1);
  for (let i = runs.length - 1; i >= 0; i--) {
    const { length } = runs[i]![0];
    ends[i] = nearest.get(length) ?? -1;
    nearest.set(length, i);
  }
  let prose = '',
    at = 0;
  for (let i = 0; i < runs.length; i++) {
    const end = runs[ends[i]!];
    if (!end) continue;
    const from = runs[i]!.index,
      to = end.index + end[0].length;
    prose += line.slice(at, from) + ' '.repeat(to - from);
    at = to;
    i = ends[i]!;
  }
  return prose + line.slice(at);
}

function targetsOf(prose: string): Target[] {
  const targets: Target[] = [];
  const add = (match: RegExpMatchArray, written: string | undefined, more: Partial<Target> = {}): void => {
    if (written !== undefined) targets.push({ at: match.index! + match[0].lastIndexOf(written), written, ...more });
  };
  for (const match of prose.matchAll(INLINE)) {
    const written = match[1] ?? match[2]!;
    targets.push({ at: match.index + match[0].indexOf(written, 2), written, path: unescaped(written) });
  }
  for (const match of prose.matchAll(TAG)) {
    const attribute = ATTRIBUTE.exec(match[0]),
      written = attribute?.[1] ?? attribute?.[2] ?? attribute?.[3];
    if (written)
      targets.push({
        at: match.index + attribute!.index + attribute![0].lastIndexOf(written),
        written,
        path: withCharacters(written),
      });
  }
  for (const match of prose.matchAll(AUTOLINK)) add(match, match[1]);
  for (const match of prose.matchAll(WIKI))
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
