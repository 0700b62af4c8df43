/** Timed Text (TTML 2, in the profile of IMSC 1.1 text): subtitles for broadcasters and streaming services. */
import { clockOfMs } from './frames.ts';
import type { Cue } from './cues.ts';
import { oneLine } from './passages.ts';
import { element, lines, xmlDocument, type Xml } from './xml.ts';

const idOf = (speakers: readonly string[], speaker: string): string => `speaker${speakers.indexOf(speaker) + 1}`;

export function toTtml(cues: readonly Cue[], title: string, language: string): string {
  const speakers = [...new Set(cues.flatMap(cue => cue.speaker ?? []))];
  const agents = speakers.map(speaker =>
    element('ttm:agent', { type: 'person', 'xml:id': idOf(speakers, speaker) }, [
      element('ttm:name', { type: 'full' }, [speaker]),
    ]),
  );
  const paragraph = ({ startMs, endMs, lines: shown, second, speaker }: Cue): Xml =>
    element(
      'p',
      {
        begin: clockOfMs(startMs),
        end: clockOfMs(endMs),
        ...(speaker === null ? {} : { 'ttm:agent': idOf(speakers, speaker) }),
      },
      shown.flatMap((line, n) => [
        ...(n ? [element('br')] : []),
        second > 0 && n >= shown.length - second ? element('span', { style: 'translation' }, [line]) : line,
      ]),
    );
  return xmlDocument(
    element(
      'tt',
      {
        xmlns: 'http://www.w3.org/ns/ttml',
        'xmlns:ttm': 'http://www.w3.org/ns/ttml#metadata',
        'xmlns:tts': 'http://www.w3.org/ns/ttml#styling',
        'xmlns:ttp': 'http://www.w3.org/ns/ttml#parameter',
        'ttp:contentProfiles': 'http://www.w3.org/ns/ttml/profile/imsc1.1/text',
        'xml:lang': language,
      },
      lines(
        [
          element(
            'head',
            {},
            lines(
              [
                element('metadata', {}, lines([element('ttm:title', {}, [oneLine(title)]), ...agents], 3)),
                element(
                  'styling',
                  {},
                  lines(
                    [
                      element('style', {
                        'xml:id': 'text',
                        'tts:color': 'white',
                        'tts:backgroundColor': '#000000b3',
                        'tts:fontFamily': 'proportionalSansSerif',
                        'tts:fontSize': '100%',
                        'tts:textAlign': 'center',
                      }),
                      element('style', { 'xml:id': 'translation', 'tts:fontStyle': 'italic' }),
                    ],
                    3,
                  ),
                ),
                element(
                  'layout',
                  {},
                  lines(
                    [
                      element('region', {
                        'xml:id': 'bottom',
                        'tts:origin': '10% 80%',
                        'tts:extent': '80% 15%',
                        'tts:displayAlign': 'after',
                      }),
                    ],
                    3,
                  ),
                ),
              ],
              2,
            ),
          ),
          element(
            'body',
            { region: 'bottom', style: 'text' },
            lines([element('div', {}, lines(cues.map(paragraph), 3))], 2),
          ),
        ],
        1,
      ),
    ),
  );
}
