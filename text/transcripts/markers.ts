/** Markers at what is said, for editors of films: Final Cut Pro's XML, and an edit decision list (DaVinci Resolve). */
import { exactly, framesAt, timecode, USUAL_FPS } from './frames.ts';
import type { Paragraph } from './document.ts';
import { element, lines, xmlDocument } from './xml.ts';

/** One marker a paragraph: long ones would hide the timeline. */
const LONGEST = 200;
const labelOf = ({ speaker, text, translation }: Paragraph): string => {
  const said = `${speaker === null ? '' : `${speaker}: `}${text}${translation ? ` / ${translation.text}` : ''}`;
  const letters = [...said];
  return letters.length > LONGEST
    ? `${letters
        .slice(0, LONGEST - 1)
        .join('')
        .trimEnd()}…`
    : said;
};

/** A film of the recording's length with a marker where each paragraph begins; import it as XML. */
export function toFcpxml(
  paragraphs: readonly Paragraph[],
  title: string,
  durationMs: number,
  fps: number = USUAL_FPS,
): string {
  const { numerator, denominator } = exactly(fps);
  const at = (frames: number): string => (frames === 0 ? '0s' : `${frames * denominator}/${numerator}s`);
  const last = paragraphs.at(-1),
    length = at(Math.max(1, framesAt(Math.max(durationMs, last?.endMs ?? 0), fps)));
  const markers = paragraphs.map(paragraph =>
    element('marker', { start: at(framesAt(paragraph.startMs, fps)), duration: at(1), value: labelOf(paragraph) }),
  );
  return xmlDocument(
    element(
      'fcpxml',
      { version: '1.9' },
      lines(
        [
          element(
            'resources',
            {},
            lines([element('format', { id: 'r1', frameDuration: at(1), width: '1920', height: '1080' })], 2),
          ),
          element(
            'library',
            {},
            lines(
              [
                element(
                  'event',
                  { name: title },
                  lines(
                    [
                      element(
                        'project',
                        { name: title },
                        lines(
                          [
                            element(
                              'sequence',
                              { format: 'r1', duration: length, tcStart: '0s', tcFormat: 'NDF' },
                              lines(
                                [
                                  element(
                                    'spine',
                                    {},
                                    lines(
                                      [
                                        element(
                                          'gap',
                                          { name: title, offset: '0s', start: '0s', duration: length },
                                          lines(markers, 7),
                                        ),
                                      ],
                                      6,
                                    ),
                                  ),
                                ],
                                5,
                              ),
                            ),
                          ],
                          4,
                        ),
                      ),
                    ],
                    3,
                  ),
                ),
              ],
              2,
            ),
          ),
        ],
        1,
      ),
    ),
    '<!DOCTYPE fcpxml>\n',
  );
}

/** Timelines of films begin at an hour. */
const FIRST_HOUR = 3600;

/** DaVinci Resolve: Timelines > Import > Timeline Markers from EDL. */
export function toEdl(paragraphs: readonly Paragraph[], title: string, fps: number = USUAL_FPS): string {
  const start = FIRST_HOUR * Math.round(fps);
  const events = paragraphs.map((paragraph, n) => {
    const from = start + framesAt(paragraph.startMs, fps),
      [begin, end] = [timecode(from, fps), timecode(from + 1, fps)],
      // A bar ends the text.
      label = labelOf(paragraph).replaceAll('|', '/');
    return (
      `${String(n + 1).padStart(3, '0')}  001      V     C        ${begin} ${end} ${begin} ${end}  \n` +
      ` |C:ResolveColorBlue |M:${label} |D:1\n`
    );
  });
  return `TITLE: ${title}\nFCM: NON-DROP FRAME\n\n${events.join('\n')}`;
}
