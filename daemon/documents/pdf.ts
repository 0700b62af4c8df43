/** A page to print: title, facts, summary, and paragraphs with their times in the margin. */
import { createHash } from 'node:crypto';
import PDFDocument from 'pdfkit';
import { clock, type ReadableDocument } from '../../text/transcripts/document.ts';
import { FontBook, type Face, type Weight } from './fonts.ts';

const INK = '#1f2328',
  QUIET = '#6a737d',
  LINE = '#d1d9e0';
/** Points. */
const MARGIN = 64,
  TIME_COLUMN = 46,
  SIZE = 10.5,
  LINE_GAP = 3.5;
/** Equal transcripts give equal files. */
const THEN = new Date(0);

interface Style {
  size?: number;
  color?: string;
  weight?: Weight;
}

/** @throws fontMissing */
export async function toPdf(document: ReadableDocument, language: string, times: boolean): Promise<Buffer> {
  const all = [
    '0123456789:·/?',
    document.title,
    document.facts,
    document.summary ? `Summary${document.summary.text}${document.summary.note}` : '',
    ...document.paragraphs.map(
      each => `${each.chapter ?? ''}${each.speaker ?? ''}${each.text}${each.translation?.text ?? ''}`,
    ),
  ].join('');
  const fonts = new FontBook(all, language),
    first = fonts.runs('a', 400)[0]!.face;
  const pdf = new PDFDocument({
    size: 'A4',
    margin: MARGIN,
    bufferPages: true,
    font: first.file,
    lang: language,
    info: { Title: document.title, Creator: 'Earshot', CreationDate: THEN, ModDate: THEN },
  });
  const chunks: Buffer[] = [],
    { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  pdf.on('data', (chunk: Buffer) => chunks.push(chunk));
  pdf.on('end', () => resolve(Buffer.concat(chunks)));
  pdf.on('error', reject);

  const use = (face: Face): void => {
    const name = createHash('sha256')
      .update(`${face.file}\0${face.postscriptName ?? ''}`)
      .digest('hex')
      .slice(0, 12);
    if (!registered.has(name)) pdf.registerFont(name, face.file, face.postscriptName);
    registered.add(name);
    pdf.font(name);
  };
  const registered = new Set<string>();
  const left = MARGIN,
    width = pdf.page.width - 2 * MARGIN,
    indent = times ? TIME_COLUMN : 0;
  const write = (parts: readonly { text: string; style?: Style }[], x: number, room: number): void => {
    const runs = parts.flatMap(({ text, style = {} }) =>
      fonts.runs(text, style.weight ?? 400).map(run => ({ ...run, style })),
    );
    pdf.x = x;
    runs.forEach(({ text, face, style: { size = SIZE, color = INK } }, n) => {
      use(face);
      pdf.fontSize(size).fillColor(color);
      pdf.text(text, { width: room, lineGap: LINE_GAP, continued: n < runs.length - 1 });
    });
  };
  const roomFor = (height: number): void => {
    if (pdf.y + height > pdf.page.height - MARGIN) pdf.addPage();
  };

  write([{ text: document.title, style: { size: 20, weight: 700 } }], left, width);
  if (document.facts) write([{ text: document.facts, style: { size: 9.5, color: QUIET } }], left, width);
  if (document.summary) {
    pdf.moveDown(0.8);
    write([{ text: 'Summary', style: { size: 12, weight: 700 } }], left, width);
    write([{ text: document.summary.text }], left, width);
    write([{ text: document.summary.note, style: { size: 8.5, color: QUIET } }], left, width);
  }
  pdf.moveDown(0.6);
  pdf
    .moveTo(left, pdf.y)
    .lineTo(left + width, pdf.y)
    .lineWidth(0.75)
    .strokeColor(LINE)
    .stroke();
  pdf.moveDown(0.9);
  for (const { chapter, startMs, speaker, text, translation } of document.paragraphs) {
    if (chapter !== null) {
      roomFor(6 * (SIZE + LINE_GAP));
      pdf.moveDown(0.4);
      pdf.outline.addItem(chapter);
      write([{ text: chapter, style: { size: 12, weight: 700 } }], left, width);
      pdf.moveDown(0.3);
    }
    roomFor(3 * (SIZE + LINE_GAP));
    if (times) {
      const { y } = pdf;
      write([{ text: clock(startMs), style: { size: 8.5, color: QUIET } }], left, TIME_COLUMN);
      pdf.y = y;
    }
    if (speaker !== null) write([{ text: speaker, style: { size: 9.5, weight: 700 } }], left + indent, width - indent);
    write([{ text }], left + indent, width - indent);
    if (translation)
      write([{ text: translation.text, style: { color: QUIET } }], left + indent + 10, width - indent - 10);
    pdf.moveDown(0.7);
  }
  const { start, count } = pdf.bufferedPageRange();
  for (let page = start; page < start + count; page++) {
    pdf.switchToPage(page);
    // Below the margin a line would begin another page.
    pdf.page.margins.bottom = 0;
    use(first);
    pdf.fontSize(8.5).fillColor(QUIET);
    pdf.text(`${page + 1} / ${count}`, left, pdf.page.height - MARGIN + 22, {
      width,
      align: 'center',
      lineBreak: false,
    });
  }
  pdf.end();
  return promise;
}
