/** Links of a Markdown text to recordings, and links of ours into them. Pure. */
import { isMedia } from '../schemas/media.ts';

/** Where a link's target stands in its line; `path` as written but decoded; `ms`: the moment that it names. */
export interface RecordingLink {
  line: number;
  from: number;
  to: number;
  path: string;
  ms: number | null;
}

/** Inline links and pictures: [text](target "title"), the target in angle brackets where it has blanks. */
const LINK =
  /\]\(\s*(?:<([^<>\n]*)>|((?:[^\s()<>\\]|\\.|\((?:[^\s()\\]|\\.)*\))+))(?:\s+(?:"[^"]*"|'[^']*'|\([^()]*\)))?\s*\)/g;

/** Media fragments: seconds, minutes:seconds or hours:minutes:seconds; of a span its beginning. Null: there is none. */
export function momentOf(fragment: string): number | null {
  const match = /(?:^|&)t=(?:npt:)?(?:(?:(\d+):)?(\d+):)?(\d+(?:\.\d+)?)(?=$|[,&s])/.exec(fragment);
  return match
    ? Math.round((Number(match[1] ?? 0) * 3600 + Number(match[2] ?? 0) * 60 + Number(match[3])) * 1000)
    : null;
}

export function recordingLinks(text: string): RecordingLink[] {
  const found: RecordingLink[] = [];
  let fence: string | null = null;
  for (const [line, content] of text.split(/\r\n|\n|\r/).entries()) {
    const [, mark] = /^\s{0,3}(```+|~~~+)/.exec(content) ?? [];
    if (mark) {
      fence = fence === null ? mark : mark.startsWith(fence) ? null : fence;
      continue;
    }
    if (fence !== null) continue;
    for (const match of withoutCode(content).matchAll(LINK)) {
      const written = match[1] ?? match[2]!.replace(/\\([()\\])/g, '$1'),
        [target = '', fragment = ''] = written.split('#', 2);
      if (/^[a-z][\w+.-]+:/i.test(target) && !target.startsWith('file:')) continue;
      const path = decoded(target);
      // A .ts is a program far more often than a transport stream.
      if (!isMedia(path) || /\.m?ts$/i.test(path)) continue;
      const from = match.index + match[0].indexOf(match[1] ?? match[2]!, 2);
      found.push({ line, from, to: from + (match[1] ?? match[2]!).length, path, ms: momentOf(fragment) });
    }
  }
  return found;
}

/** Code within a line is blanked out, so that places stay: it ends at the next run of as many backticks. */
function withoutCode(line: string): string {
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
