/**
 * The fonts of a page: Noto Sans for Latin, Cyrillic and Greek comes along (in WOFF, by alphabet); for all
 * other scripts those of the machine are looked through.
 */
import { existsSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { homedir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { openSync, type Font, type FontCollection } from 'fontkit';
import { EarshotError } from '../../schemas/errors.ts';

export interface Face {
  file: string;
  /** Of a file with several. */
  postscriptName?: string;
}
export type Weight = 400 | 700;
/** Text that one font shows. */
export interface Run {
  text: string;
  face: Face;
}

const ALPHABETS = ['latin', 'latin-ext', 'cyrillic', 'cyrillic-ext', 'greek', 'greek-ext', 'vietnamese'] as const;

/** Beside the bundle, or where npm put them. */
function bundledFolder(): string {
  const beside = join(import.meta.dirname, 'fonts');
  if (existsSync(beside)) return beside;
  return join(dirname(createRequire(import.meta.url).resolve('@fontsource/noto-sans/package.json')), 'files');
}
export const fontFiles = (weight: Weight): string[] =>
  ALPHABETS.map(alphabet => `noto-sans-${alphabet}-${weight}-normal.woff`);

const SYSTEM_FOLDERS: Readonly<Partial<Record<NodeJS.Platform, readonly string[]>>> = {
  linux: [
    '/usr/share/fonts',
    '/usr/local/share/fonts',
    join(homedir(), '.local/share/fonts'),
    join(homedir(), '.fonts'),
  ],
  darwin: ['/System/Library/Fonts', '/Library/Fonts', join(homedir(), 'Library/Fonts')],
  win32: [
    join(process.env.SystemRoot ?? 'C:\\Windows', 'Fonts'),
    join(process.env.LOCALAPPDATA ?? homedir(), 'Microsoft\\Windows\\Fonts'),
  ],
};
/** Fonts that show many scripts, or one of the widely used, well. The first are tried first. */
const PREFERRED =
  /^(notosanscjk|sourcehansans|notosans(sc|tc|jp|kr)|wqy-|msyh|pingfang|hiragino|yugoth|malgun|meiryo|simsun|applesdgothic|stheiti|droidsansfallback|arial ?unicode|notosans|dejavusans|segoeui|arial|tahoma|leelawui|nirmala|geezapro|unifont)/i;
const UNWANTED = /(bold|italic|oblique|light|thin|black|mono|condensed|serif|emoji|symbol|icon)/i;
const MOST_FILES = 5000,
  MOST_OPENED = 300,
  DEEPEST = 5;

function* filesIn(folder: string, depth = 0): Generator<string> {
  let entries;
  try {
    entries = readdirSync(folder, { withFileTypes: true });
  } catch {
    return;
  }
  for (const entry of entries) {
    const path = join(folder, entry.name);
    if (entry.isDirectory() && depth < DEEPEST) yield* filesIn(path, depth + 1);
    else if (/\.(ttf|otf|ttc|otc)$/i.test(entry.name)) yield path;
  }
}

function systemFiles(folders: readonly string[]): string[] {
  const found: string[] = [];
  for (const folder of folders) for (const file of filesIn(folder)) if (found.push(file) >= MOST_FILES) break;
  const rank = (file: string): number =>
    (PREFERRED.test(basename(file)) ? 0 : 2) + (UNWANTED.test(basename(file)) ? 1 : 0);
  return found
    .map(file => [rank(file), file] as const)
    .sort((a, b) => a[0] - b[0])
    .map(([, file]) => file);
}

/** Of a file with several faces, the one that is made for the language. */
const FACES: readonly [language: RegExp, name: RegExp][] = [
  [/^ja\b/, /JP|Japan/],
  [/^ko\b/, /KR|Korea/],
  [/^(zh-(hant|tw|hk)|yue)\b/i, /TC|HK/],
  [/^zh\b/, /SC|Hans/],
];

interface Opened extends Face {
  font: Font;
}

function open(file: string, language: string): Opened | null {
  try {
    const opened = openSync(file) as Font | FontCollection;
    if (!('fonts' in opened)) return { file, font: opened };
    const wanted = FACES.find(([of]) => of.test(language))?.[1],
      font = (wanted && opened.fonts.find(each => wanted.test(each.postscriptName))) ?? opened.fonts[0];
    return font ? { file, font, postscriptName: font.postscriptName } : null;
  } catch {
    return null; // damaged, or of a kind that nobody here reads
  }
}

/** Characters without a picture of their own: they join, steer or mark others. */
const UNSEEN = /[\p{Cc}\p{Cf}\p{M}\p{Zl}\p{Zp}]/u;
/** What a page can do without where no font has it; letters and digits it cannot. */
const DISPENSABLE = /[^\p{L}\p{N}]/u;

/** The font that shows each character. */
export class FontBook {
  private readonly faces: Readonly<Record<Weight, readonly Opened[]>>;
  private readonly system: Opened[] = [];
  private readonly known = new Map<string, Opened | null>();

  /**
   * @param text all that the page says
   * @param language of most of it
   * @param folders where the machine's fonts are
   * @throws fontMissing where letters of it are in none
   */
  constructor(text: string, language: string, folders = SYSTEM_FOLDERS[process.platform] ?? []) {
    const folder = bundledFolder(),
      bundled = (weight: Weight): Opened[] =>
        fontFiles(weight).flatMap(name => open(join(folder, name), language) ?? []);
    this.faces = { 400: bundled(400), 700: bundled(700) };
    let missing = new Set(
      [...new Set(text)].filter(char => !UNSEEN.test(char) && !/\s/u.test(char) && !this.faceOf(char, 400)),
    );
    if (missing.size === 0) return;
    for (const file of systemFiles(folders).slice(0, MOST_OPENED)) {
      const opened = open(file, language),
        shown = opened && [...missing].filter(char => opened.font.hasGlyphForCodePoint(char.codePointAt(0)!));
      if (!shown?.length) continue;
      this.system.push(opened!);
      this.known.clear();
      missing = new Set([...missing].filter(char => !shown.includes(char)));
      if (missing.size === 0) return;
    }
    const letters = [...missing].filter(char => !DISPENSABLE.test(char));
    if (letters.length) throw new EarshotError('fontMissing', { characters: letters.slice(0, 12).join('') });
  }

  /** The text in pieces of one font each; what no font has is a question mark. */
  runs(text: string, weight: Weight): Run[] {
    const runs: Run[] = [];
    for (const char of text) {
      const last = runs.at(-1),
        // A mark stays with the letter that it is on, a blank with the word before it.
        stays = last !== undefined && (UNSEEN.test(char) || /\s/u.test(char)),
        face = stays ? last.face : (this.faceOf(char, weight) ?? null),
        shown = face || UNSEEN.test(char) ? char : '?',
        used = face ?? this.faces[weight][0]!;
      if (last && last.face.file === used.file) last.text += shown;
      else runs.push({ text: shown, face: used });
    }
    return runs;
  }

  private faceOf(char: string, weight: Weight): Opened | null {
    const key = `${weight}${char}`;
    let face = this.known.get(key);
    if (face === undefined) {
      const code = char.codePointAt(0)!;
      face = [...this.faces[weight], ...this.system].find(each => each.font.hasGlyphForCodePoint(code)) ?? null;
      this.known.set(key, face);
    }
    return face;
  }
}
