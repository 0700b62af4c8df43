/** Pages that scripts write have lines of at most 120 columns, like everything else. */
const COLUMNS = 120;

/** A line that stands by itself: table, heading, picture, comment, fence. */
const ALONE = /^(\||#|!\[|<!--| *```)/;
const ITEM = /^( *)([-*] |\d+\. )?/;

/** The paragraphs and list items of a Markdown page that are too wide, wrapped; everything else as it is. */
export function wrapped(page: string): string {
  const out: string[] = [];
  let paragraph: string[] = [],
    isCode = false;
  const flush = (): void => {
    out.push(...(paragraph.some(line => line.length > COLUMNS) ? fill(paragraph) : paragraph));
    paragraph = [];
  };
  for (const line of page.split('\n')) {
    if (line.trimStart().startsWith('```')) isCode = !isCode;
    const alone = isCode || line.trim() === '' || ALONE.test(line);
    if (alone || ITEM.exec(line)![2]) flush();
    if (alone) out.push(line);
    else paragraph.push(line);
  }
  flush();
  return out.join('\n');
}

/** One paragraph or list item, its words set anew. */
function fill(lines: readonly string[]): string[] {
  const [, indent, mark = ''] = ITEM.exec(lines[0]!)!;
  const words = lines.flatMap(line => line.trim().split(' ')).slice(mark ? mark.trim().split(' ').length : 0);
  const out: string[] = [];
  let line = `${indent}${mark.trim()}`;
  for (const word of words) {
    const start = out.length === 0 ? `${indent}${mark}` : `${indent}${' '.repeat(mark.length)}`;
    if (line.trim() === mark.trim()) line = start + word;
    else if (line.length + 1 + word.length <= COLUMNS) line += ` ${word}`;
    else {
      out.push(line);
      line = `${indent}${' '.repeat(mark.length)}${word}`;
    }
  }
  return [...out, line];
}
