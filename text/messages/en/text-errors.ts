/** English: texts and subtitles that are read, and what could not be kept of them. */
import { message, type SomeErrors } from '../catalogue.ts';
import { bytesText } from '../figures.ts';
import { count, listed } from './words.ts';

export const textErrors: SomeErrors<
  | 'notText'
  | 'textTooLarge'
  | 'noWords'
  | 'textDecoded'
  | 'textEncoded'
  | 'unknownEncoding'
  | 'subtitlesUnclear'
  | 'subtitlesReduced'
> = {
  notText: a => message(`${a.path} is not a text file.`, 'Its content is something else, whatever its name says.'),
  textTooLarge: a =>
    message(
      `${a.path} is too large for a text: the limit is ${bytesText(a.mostBytes)}.`,
      'Split it into several files.',
    ),
  noWords: a => message(`There are no words in ${a.path}.`),
  textDecoded: a =>
    message(
      `${a.path} was read as ${a.encoding}, judging by its characters.`,
      'If words look wrong, name its encoding: with --encoding, or in VS Code with Reopen with Encoding.',
    ),
  textEncoded: a =>
    message(`${a.path} is in UTF-8: ${a.encoding}, the encoding of its source, lacks some of its characters.`),
  unknownEncoding: a =>
    message(
      `“${a.encoding}” is not an encoding that Earshot knows.`,
      'Use a name such as utf-8, windows-1250, iso-8859-2, koi8-r, gb18030 or shift_jis.',
    ),
  subtitlesUnclear: a =>
    message(
      `Left as they are in ${a.path}: ` +
        listed([
          a.texts && `${count(a.texts, 'text')} outside any cue`,
          a.times && `times of ${count(a.times, 'cue')} that cannot be read`,
          a.generated && `${count(a.generated, 'generated karaoke line')}`,
        ]) +
        '.',
    ),
  subtitlesReduced: a =>
    message(
      `Not carried over into ${a.path}: ` +
        listed([
          a.notes && count(a.notes, 'note'),
          a.styles && count(a.styles, 'style'),
          a.drawings && count(a.drawings, 'drawing'),
          a.texts && `${count(a.texts, 'text')} outside any cue`,
          a.formatting && `the position or look of ${count(a.formatting, 'cue')}`,
          a.wordTimes && `times of single words in ${count(a.wordTimes, 'cue')}`,
        ]) +
        '.',
    ),
};
