/**
 * The text in a file's bytes, whatever encoding somebody saved it in: by its byte order mark, then strictly as UTF-8,
 * then by what its characters look like. Pure.
 */
import { analyse } from 'chardet';
import { ALPHABET_ENCODINGS, fitsAlphabet, languagesOf, RARE } from './alphabets.ts';

/** `encoding` as the Encoding Standard names it, or UTF-32; `detected`: nothing in the file says so. */
export interface Decoded {
  text: string;
  encoding: string;
  detected: boolean;
}
/** `language` that the text is said to be in; `encoding` that somebody chose, as `encodingOf` names it. */
export interface EncodingHints {
  language?: string | undefined;
  encoding?: string | undefined;
}

/** Names of the detector that mean another encoding in subtitles, or that the Encoding Standard has not. */
const ALIASES: Readonly<Record<string, string>> = {
  'iso-8859-1': 'windows-1252',
  'iso-8859-8': 'windows-1255',
  'iso-8859-9': 'windows-1254',
};
/** What the detector is given: enough lines with other signs than ASCII's. */
const SAMPLE_BYTES = 16 * 1024;
/** What knowing the language is worth, beside the detector's own scores of 0 to 100; and of two alike the likelier. */
const LANGUAGE_SCORE = 150,
  LIKELIER_SCORE = 20;
/** A few letters are no evidence: then the most usual encoding of all is likelier than the detector makes it. */
const FEW_LETTERS = 20,
  WESTERN_SCORE = 40;
/** In a long text a few bytes may be broken: then it is UTF-8 all the same. */
const MOST_BROKEN = 0.02;

/** The name of an encoding that somebody wrote in any usual way ("cp1252", "latin1", "UTF16"); null: there is none. */
export function encodingOf(name: string): string | null {
  const plain = name.trim().toLowerCase();
  if (/^utf-?32(?:-?[lb]e)?$/.test(plain)) return plain.endsWith('be') ? 'utf-32be' : 'utf-32le';
  const spelled = [
    plain,
    plain.replace(/^(?:win|cp|windows)[-_ ]?(?=\d)/, 'windows-'),
    plain.replace(/^cp[-_ ]?(?=\d)/, 'ibm'),
    plain.replace(/^utf[-_ ]?(\d+)[-_ ]?/, 'utf-$1'),
    plain.replace(/^(koi8|euc|mac|shift|big5)[-_ ]?/, '$1-'),
    plain.replace(/^latin[-_ ]?(?=\d)/, 'latin'),
    plain === 'utf8bom' ? 'utf-8' : plain === 'big5hkscs' || plain === 'cp950' ? 'big5' : plain,
    plain === 'cp949' ? 'euc-kr' : plain === 'macroman' ? 'macintosh' : plain === 'cp936' ? 'gbk' : plain,
  ];
  for (const each of spelled)
    try {
      return new TextDecoder(each).encoding;
    } catch {
      // The next spelling.
    }
  return null;
}

/** Null: these bytes are no text. */
export function decodeText(bytes: Uint8Array, { language, encoding }: EncodingHints = {}): Decoded | null {
  const marked = byMark(bytes);
  if (marked) return read(bytes, marked, false);
  if (encoding) return read(bytes, encoding, false) ?? read(bytes, encoding, false, { fatal: false });
  const wide = byZeros(bytes);
  if (wide) return read(bytes, wide, false);
  if (bytes.includes(0)) return null;
  return read(bytes, 'utf-8', false) ?? brokenUtf8(bytes) ?? byLooks(bytes, language);
}

function byMark(bytes: Uint8Array): string | null {
  const [a, b, c, d] = bytes;
  if (a === 0xef && b === 0xbb && c === 0xbf) return 'utf-8';
  if (a === 0xff && b === 0xfe) return c === 0 && d === 0 ? 'utf-32le' : 'utf-16le';
  if (a === 0xfe && b === 0xff) return 'utf-16be';
  return a === 0 && b === 0 && c === 0xfe && d === 0xff ? 'utf-32be' : null;
}

/** UTF-16 and UTF-32 without a mark: digits and line feeds have zeros in the same places, and in no others. */
function byZeros(bytes: Uint8Array): string | null {
  if (bytes.length < 4 || bytes.length % 2) return null;
  const zeros = [0, 0, 0, 0],
    looked = Math.min(bytes.length, SAMPLE_BYTES);
  for (let at = 0; at < looked; at++) if (bytes[at] === 0) zeros[at % 4]! += 1;
  const [first, second, third, fourth] = zeros as [number, number, number, number],
    all = Math.floor(looked / 4);
  if (bytes.length % 4 === 0 && fourth === all && third > all / 2 && first < all / 2) return 'utf-32le';
  if (bytes.length % 4 === 0 && first === all && second > all / 2 && fourth < all / 2) return 'utf-32be';
  const enough = looked / 16,
    [even, odd] = [first + third, second + fourth];
  return odd > enough && even === 0 ? 'utf-16le' : even > enough && odd === 0 ? 'utf-16be' : null;
}

function brokenUtf8(bytes: Uint8Array): Decoded | null {
  const found = read(bytes, 'utf-8', true, { fatal: false })!,
    broken = found.text.split('\ufffd').length - 1,
    // eslint-disable-next-line no-control-regex
    whole = found.text.match(/[^\0-\x7f\ufffd]/gu)?.length ?? 0;
  return broken <= MOST_BROKEN * whole ? found : null;
}

/** By what the detector makes of it, among the encodings in which all of it are letters of one language. */
function byLooks(bytes: Uint8Array, language: string | undefined): Decoded {
  const scores = new Map<string, number>(),
    sample = sampleOf(bytes),
    spoken = language?.split('-')[0];
  const score = (key: string, confidence: number): unknown =>
    scores.set(key, Math.max(scores.get(key) ?? 0, confidence));
  for (const { name, confidence, lang } of analyse(sample)) {
    const encoding = ALIASES[name.toLowerCase()] ?? name.toLowerCase();
    for (const each of encoding === 'iso-8859-2' ? [encoding, 'windows-1250'] : [encoding]) {
      score(each, confidence);
      score(`${each} ${lang ?? ''}`, confidence);
    }
  }
  const fitting = new Map<string, number>(),
    texts = new Map<string, string | null>();
  const few = sample.reduce((count, byte) => count + (byte >= 0x80 ? 1 : 0), 0) < FEW_LETTERS;
  for (const [n, { languages, encodings }] of ALPHABET_ENCODINGS.entries())
    for (const [rank, encoding] of encodings.entries()) {
      if (!texts.has(encoding)) texts.set(encoding, read(sample, encoding, true)?.text ?? null);
      const text = texts.get(encoding);
      if (typeof text !== 'string' || !fitsAlphabet(text, languages) || !isUsual(sample, encoding)) continue;
      const own = languagesOf(languages),
        heard = Math.max(...['', ...own].map(each => scores.get(`${encoding} ${each}`) ?? 0));
      const sum =
        heard +
        LIKELIER_SCORE * (1 - n / ALPHABET_ENCODINGS.length) -
        rank +
        (few && encoding === 'windows-1252' && n < RARE ? WESTERN_SCORE : 0) +
        (spoken && own.includes(spoken) ? LANGUAGE_SCORE : 0);
      fitting.set(encoding, Math.max(fitting.get(encoding) ?? 0, sum));
    }
  for (const each of [fitting, scores])
    for (const [encoding] of [...each].sort((a, b) => b[1] - a[1])) {
      if (encoding.includes(' ')) continue;
      const found = read(bytes, encoding, true);
      if (found) return found;
    }
  return { text: new TextDecoder('windows-1252').decode(bytes), encoding: 'windows-1252', detected: true };
}

/** Where the signs stand that most texts are made of: kana, punctuation, and the first level of Han or Hangul. */
const USUAL_LEADS: Readonly<Record<string, RegExp>> = {
  gb18030: /[\xa1-\xa3\xb0-\xd7][\xa1-\xfe]/g,
  big5: /[\xa1-\xc6][\x40-\x7e\xa1-\xfe]/g,
  shift_jis: /[\x81-\x83\x88-\x97][\x40-\xfc]/g,
  'euc-jp': /[\xa1-\xa5\xb0-\xcf][\xa1-\xfe]/g,
  'euc-kr': /[\xa1-\xa3\xb0-\xc8][\xa1-\xfe]/g,
};
const LEAST_USUAL = 0.7;

/** Any two bytes are some sign in encodings of two bytes: most of them must be such as people write. */
function isUsual(sample: Uint8Array, encoding: string): boolean {
  const usual = USUAL_LEADS[encoding];
  if (!usual) return true;
  const bytes = Buffer.from(sample).toString('latin1'),
    pairs = bytes.match(/[\x81-\xfe][\x40-\xfe]/g) ?? [];
  return pairs.filter(pair => new RegExp(usual.source).test(pair)).length >= LEAST_USUAL * pairs.length;
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
function read(bytes: Uint8Array, encoding: string, detected: boolean, { fatal = true } = {}): Decoded | null {
  try {
    const text = encoding.startsWith('utf-32')
      ? utf32(bytes, encoding === 'utf-32le')
      : new TextDecoder(encoding, { fatal, ignoreBOM: true }).decode(bytes);
    return { text, encoding, detected };
  } catch {
    return null;
  }
}

/** @throws RangeError where they are no characters */
function utf32(bytes: Uint8Array, littleEndian: boolean): string {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength),
    parts: string[] = [];
  for (let at = 0; at < bytes.length; at += 4) parts.push(String.fromCodePoint(view.getUint32(at, littleEndian)));
  return parts.join('');
}
