/** A document for word processors. */
import {
  AlignmentType,
  BorderStyle,
  Document,
  Footer,
  HeadingLevel,
  Packer,
  PageNumber,
  Paragraph as Block,
  TabStopType,
  TextRun,
} from 'docx';
import { unzipSync, zipSync } from 'fflate';
import { clock, type ReadableDocument } from '../../text/transcripts/document.ts';

/** Twentieths of a point. */
const TIME_COLUMN = 1000;
const QUIET = '6A737D',
  LINE = 'D1D9E0';

export async function toDocx(document: ReadableDocument, language: string, times: boolean): Promise<Buffer> {
  const { title, facts, summary, paragraphs } = document;
  const indent = times ? { left: TIME_COLUMN, hanging: TIME_COLUMN } : {};
  const blocks = [
    new Block({ heading: HeadingLevel.TITLE, children: [new TextRun(title)] }),
    ...(facts ? [new Block({ style: 'Facts', children: [new TextRun(facts)] })] : []),
    ...(summary
      ? [
          new Block({ heading: HeadingLevel.HEADING_1, children: [new TextRun('Summary')] }),
          new Block({ children: [new TextRun(summary.text)], spacing: { after: 60 } }),
          new Block({ style: 'Facts', children: [new TextRun({ text: summary.note, size: 17 })] }),
          new Block({ heading: HeadingLevel.HEADING_1, children: [new TextRun('Transcript')] }),
        ]
      : []),
    ...paragraphs.flatMap(({ chapter, startMs, speaker, text, translation }) => [
      ...(chapter === null ? [] : [new Block({ heading: HeadingLevel.HEADING_2, children: [new TextRun(chapter)] })]),
      new Block({
        indent,
        tabStops: times ? [{ type: TabStopType.LEFT, position: TIME_COLUMN }] : [],
        spacing: { before: speaker === null ? 0 : 120, after: translation ? 40 : 140 },
        children: [
          ...(times ? [new TextRun({ text: clock(startMs), size: 18, color: QUIET }), new TextRun('\t')] : []),
          ...(speaker === null ? [] : [new TextRun({ text: `${speaker}: `, bold: true })]),
          new TextRun(text),
        ],
      }),
      ...(translation
        ? [
            new Block({
              indent: { left: (times ? TIME_COLUMN : 0) + 200 },
              spacing: { after: 140 },
              border: { left: { style: BorderStyle.SINGLE, size: 12, space: 8, color: LINE } },
              children: [
                new TextRun({ text: translation.text, color: QUIET, language: { value: translation.language } }),
              ],
            }),
          ]
        : []),
    ]),
  ];
  const made = new Document({
    title,
    creator: 'Earshot',
    styles: {
      default: {
        document: {
          run: {
            size: 22,
            font: { ascii: 'Calibri', hAnsi: 'Calibri', cs: 'Calibri', eastAsia: 'Microsoft YaHei' },
            language: { value: language },
          },
          paragraph: { spacing: { line: 300, after: 140 } },
        },
        title: { run: { size: 40, bold: true }, paragraph: { spacing: { after: 80 } } },
        heading1: {
          run: { size: 26, bold: true, color: '1F2328' },
          paragraph: { spacing: { before: 320, after: 100 } },
        },
        heading2: {
          run: { size: 24, bold: true, color: '1F2328' },
          paragraph: { spacing: { before: 280, after: 100 } },
        },
      },
      paragraphStyles: [
        {
          id: 'Facts',
          name: 'Facts',
          basedOn: 'Normal',
          run: { size: 19, color: QUIET },
          paragraph: { spacing: { after: 240 } },
        },
      ],
    },
    sections: [
      {
        footers: {
          default: new Footer({
            children: [
              new Block({
                alignment: AlignmentType.CENTER,
                children: [
                  new TextRun({
                    children: [PageNumber.CURRENT, ' / ', PageNumber.TOTAL_PAGES],
                    size: 17,
                    color: QUIET,
                  }),
                ],
              }),
            ],
          }),
        },
        children: blocks,
      },
    ],
  });
  return timeless(await Packer.toBuffer(made));
}

/** Equal transcripts give equal files: nothing in it says when it was made. */
function timeless(packed: Buffer): Buffer {
  const files = unzipSync(packed),
    core = 'docProps/core.xml';
  if (files[core])
    files[core] = Buffer.from(
      Buffer.from(files[core])
        .toString('utf8')
        .replace(/<dcterms:(?:created|modified)[^<]*<\/dcterms:(?:created|modified)>/g, ''),
    );
  return Buffer.from(zipSync(files, { mtime: new Date(1980, 0, 1), level: 6 }));
}
