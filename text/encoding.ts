/**
 * The text in a file's bytes, whatever encoding somebody saved it in: by its byte order mark, then strictly as UTF-8,
 * then by what its characters look like. Pure.
 */
import { analyse } from 'chardet';

/** `encoding` as the Encoding Standard names it; `detected`: nothing in the file says so. */
export interface Decoded {
  text: string;
  encoding: string;
  detected: boolean;
}

/** What texts of a language were saved in before UTF-8, the most usual first. */
const USUAL: readonly [languages: string, encodings: readonly string[]][] = [
  ['zh yue cmn', ['gb18030', 'big5']],
  ['ja', ['shift_jis', 'euc-jp', 'iso-2022-jp']],
  ['ko', ['euc-kr']],
  ['ru uk be bg sr mk kk', ['windows-1251', 'koi8-r', 'iso-8859-5']],
  ['pl cs sk hu hr sl ro bs sq', ['windows-1250', 'iso-8859-2']],
  ['el', ['windows-1253', 'iso-8859-7']],
  ['tr az', ['windows-1254']],
  ['he yi', ['windows-1255']],
  ['ar fa ur', ['windows-1256', 'iso-8859-6']],
  ['et lv lt', ['windows-1257']],
  ['vi', ['windows-1258']],
  ['th', ['windows-874']],
];
const WESTERN = ['windows-1252'];
/** Names of the detector that mean another encoding in subtitles, or that the Encoding Standard has not. */
const ALIASES: Readonly<Record<string, string>> = {
  'iso-8859-1': 'windows-1252',
  'iso-8859-8': 'windows-1255',
  'iso-8859-9': 'windows-1254',
};
/** What the detector is given: enough lines with other signs than ASCII's. */
const SAMPLE_BYTES = 16 * 1024;
/** What knowing the language is worth, beside the detector's own scores of 0 to 100. */
const LANGUAGE_SCORE = 35,
  UNSEEN_SCORE = 10;
/** A few letters are no evidence: then the most usual encoding of all is likelier than the detector makes it. */
const FEW_LETTERS = 20,
  WESTERN_SCORE = 30;
/** In the middle of a word Western Europe has no such signs: they are letters of another encoding. */
const AMID = /\p{L}[¡¢£¤¥¦§¨©ª«¬®¯°±²³´µ¶¸¹º»¼½¾¿×÷]\p{L}/u;
/** Encodings of Latin letters look alike in short texts: between them the language decides. */
const LATIN = /^windows-125[02478]$|^iso-8859-(?:2|1\d)$/;

/** @param language that the text is said to be in; null result: these bytes are no text */
export function decodeText(bytes: Uint8Array, language?: string): Decoded | null {
  const marked = byMark(bytes) ?? utf16(bytes);
  if (marked) return read(bytes, marked, false);
  if (bytes.includes(0)) return null;
  return read(bytes, 'utf-8', false) ?? byLooks(bytes, language);
}

function byMark(bytes: Uint8Array): string | null {
  const [a, b, c] = bytes;
  if (a === 0xef && b === 0xbb && c === 0xbf) return 'utf-8';
  return a === 0xff && b === 0xfe ? 'utf-16le' : a === 0xfe && b === 0xff ? 'utf-16be' : null;
}

/** UTF-16 without a mark: digits and line feeds have a zero at every other place, and at that place only. */
function utf16(bytes: Uint8Array): string | null {
  if (bytes.length < 4 || bytes.length % 2) return null;
  const zeros = [0, 0];
  for (let at = 0; at < Math.min(bytes.length, SAMPLE_BYTES); at++) if (bytes[at] === 0) zeros[at % 2]! += 1;
  const enough = Math.min(bytes.length, SAMPLE_BYTES) / 16;
  return zeros[1]! > enough && zeros[0] === 0 ? 'utf-16le' : zeros[0]! > enough && zeros[1] === 0 ? 'utf-16be' : null;
}

function byLooks(bytes: Uint8Array, language: string | undefined): Decoded {
  const scores = new Map<string, number>(),
    sample = sampleOf(bytes),
    usual = language ? (USUAL.find(([of]) => of.split(' ').includes(language.split('-')[0]!))?.[1] ?? WESTERN) : [];
  for (const { name, confidence } of analyse(sample)) {
    const encoding = ALIASES[name.toLowerCase()] ?? name.toLowerCase();
    scores.set(encoding, Math.max(scores.get(encoding) ?? 0, confidence));
  }
  const western = new TextDecoder(WESTERN[0]).decode(sample);
  if (
    !language &&
    !AMID.test(western) &&
    sample.reduce((count, byte) => count + (byte >= 0x80 ? 1 : 0), 0) < FEW_LETTERS
  )
    scores.set(WESTERN[0]!, (scores.get(WESTERN[0]!) ?? 0) + WESTERN_SCORE);
  const [first] = [...scores].sort((a, b) => b[1] - a[1]);
  usual.forEach((encoding, n) => {
    const alike = LATIN.test(encoding) && LATIN.test(first?.[0] ?? '') ? first![1] + 1 : 0;
    scores.set(encoding, Math.max(alike, (scores.get(encoding) ?? UNSEEN_SCORE - LANGUAGE_SCORE) + LANGUAGE_SCORE) - n);
  });
  for (const [encoding] of [...scores].sort((a, b) => b[1] - a[1])) {
    const found = read(bytes, encoding, true);
    if (found) return found;
  }
  return { text: new TextDecoder('windows-1252').decode(bytes), encoding: 'windows-1252', detected: true };
}

function sampleOf(bytes: Uint8Array): Uint8Array {
  const sample = new Uint8Array(SAMPLE_BYTES);
  let length = 0;
  for (let from = 0, other = false, at = 0; at < bytes.length && length < SAMPLE_BYTES; at++) {
    if (bytes[at]! >= 0x80) other = true;
    if (bytes[at] !== 0x0a && at + 1 < bytes.length && at - from < SAMPLE_BYTES) continue;
    if (other) {
      const line = bytes.subarray(from, Math.min(at + 1, from + SAMPLE_BYTES - length));
      sample.set(line, length);
      length += line.length;
    }
    from = at + 1;
    other = false;
  }
  return sample.subarray(0, length);
}

/** Null: the bytes are not in that encoding, or nobody here knows it. The byte order mark stays in the text. */
function read(bytes: Uint8Array, encoding: string, detected: boolean): Decoded | null {
  try {
    return { text: new TextDecoder(encoding, { fatal: true, ignoreBOM: true }).decode(bytes), encoding, detected };
  } catch {
    return null;
  }
}
