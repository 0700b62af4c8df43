/**
 * Where a summary goes in a document that somebody may have changed: below its heading, in the place of the one before.
 * Pure.
 */

export interface Section {
  title: string;
  text: string;
  note: string;
  /** The heading of what follows, where it has none. */ rest: string;
}

/** What is replaced, and by what. */
export function insertion(
  document: string,
  { title, text, note, rest }: Section,
  markdown: boolean,
): { from: number; to: number; made: string } {
  if (!markdown) return { from: 0, to: 0, made: `${title}: ${text}\n${note.replace(/^\*|\*$/g, '')}\n\n` };
  const body = `## ${title}\n\n${text}\n\n${note}\n\n`;
  const before = new RegExp(`^## ${title.replace(/[.*+?^$()|[\]{}\\]/g, '\\$&')}[ \\t]*$`, 'm').exec(document);
  if (before) {
    const next = /^#{1,2} /m.exec(document.slice(before.index + 3));
    return { from: before.index, to: next ? before.index + 3 + next.index : document.length, made: body };
  }
  const front = /^---\r?\n[\s\S]*?\r?\n---[ \t]*\r?\n/.exec(document)?.[0].length ?? 0;
  const heading = /^\s*# .*(\r?\n|$)(?:\s*\*[^*\n]+\*[ \t]*(\r?\n|$))?/.exec(document.slice(front))?.[0] ?? '';
  const at = front + heading.length,
    blank = /^(?:[ \t]*\r?\n)*/.exec(document.slice(at))![0].length,
    left = document.slice(at + blank);
  const lead = at === 0 ? '' : document.slice(0, at).endsWith('\n') ? '\n' : '\n\n';
  return {
    from: at,
    to: at + blank,
    made: `${lead}${body}${left === '' || left.startsWith('#') ? '' : `## ${rest}\n\n`}`,
  };
}
