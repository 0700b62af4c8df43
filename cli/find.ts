/** `earshot find`: words in everything that was ever transcribed, with where and when. */
import { clockText, timeText } from '../text/messages/figures.ts';
import type { MarkedText, SearchHit, SearchQuery } from '../schemas/search.ts';
import type { Session } from './session.ts';
import { clean } from './terminal.ts';
import { wrap } from './layout.ts';

export interface FindOptions {
  language?: string;
  path?: string;
  since?: number;
  limit?: number;
}

const PAGE = 20;

export async function find(session: Session, words: string[], options: FindOptions): Promise<void> {
  const client = await session.client();
  const query: SearchQuery = {
    words: words.join(' '),
    ...(options.language ? { language: options.language } : {}),
    ...(options.path ? { path: options.path } : {}),
    ...(options.since === undefined ? {} : { since: options.since }),
  };
  const limit = options.limit ?? PAGE,
    hits: SearchHit[] = [];
  let page;
  for (let cursor: number | null = 0; cursor !== null && hits.length < limit; cursor = page.next) {
    page = await client.call('search/find', {
      ...query,
      cursor,
      limit: Math.max(1, Math.min(200, limit - hits.length)),
    });
    hits.push(...page.hits);
  }
  if (session.json)
    return hits.forEach(hit => {
      session.emit(hit);
    });
  const { t, paint, locale } = session;
  // Recordings in the order of their best line.
  for (const [, of] of Map.groupBy(hits, hit => hit.job)) {
    const [{ recording, createdAt }] = of as [SearchHit];
    const about = `${clean(recording.path)} · ${timeText(createdAt, locale, Date.now())}`;
    session.line(`${paint('bold', clean(recording.name))}  ${paint('dim', about)}`);
    for (const hit of of.toSorted((a, b) => a.index - b.index)) {
      const time = clockText(hit.atMs),
        indent = time.length + 4;
      session.line(`  ${paint('cyan', time)}  ${wrap(shown(session, hit.text), session.columns(), indent).join('\n')}`);
      if (hit.translation?.marks.length)
        session.line(
          `${' '.repeat(indent)}${wrap(shown(session, hit.translation), session.columns(), indent).join('\n')}`,
        );
    }
  }
  if (hits.length === 0) session.note(t.nothingFound);
  else if (page && page.total > hits.length) session.note(t.moreFound(page.total - hits.length));
  if (page?.indexing) session.note(t.stillIndexing);
}

/** Cleaned piece by piece, so that the marks stay where they are. */
function shown(session: Session, { text, marks }: MarkedText): string {
  let line = '',
    at = 0;
  for (const [from, to] of marks) {
    line += clean(text.slice(at, from)) + session.paint(['bold', 'yellow'], clean(text.slice(from, to)));
    at = to;
  }
  return line + clean(text.slice(at));
}
