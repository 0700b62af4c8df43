/**
 * Text from outside (names of files, speech, what a server says) without characters that do something to whatever
 * shows it. One list for terminals, documents, notifications, tooltips and lists.
 */

/** Controls with the 8-bit ones, which begin escape sequences; ends of lines; what turns text around; annotations. */
const STEERING = /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}\ufff9-\ufffb]/gu;
/**
 * What is not seen and makes two texts look alike, or carries a hidden one: spaces without width, fillers, invisible
 * operators, tags. Joiners and the variations of emoji stay, one at a time, since scripts need them.
 */
const HIDDEN =
  /[\p{Default_Ignorable_Code_Point}--[\p{Bidi_Control}\u200c\u200d\ufe00-\ufe0f]]|[\u200c\u200d](?=[\u200c\u200d])|[\ufe00-\ufe0f](?=[\ufe00-\ufe0f])/gv;

/** `instead` stands for each character that would steer; those that are not seen go. Halves of characters go, too. */
export const harmless = (text: string, instead = '\ufffd'): string =>
  text.toWellFormed().replace(HIDDEN, '').replace(STEERING, instead);

/** On one line: a blank for each end of a line and tab. */
export const harmlessLine = (text: string, instead?: string): string =>
  harmless(text.replace(/[\t\n\r\v\f\u0085\u2028\u2029]+/g, ' '), instead);

/** The same, but line ends and tabs stay: for whole texts. */
export const harmlessLines = (text: string, instead?: string): string =>
  text
    .split(/\r?\n/)
    .map(line =>
      line
        .split('\t')
        .map(part => harmless(part, instead))
        .join('\t'),
    )
    .join('\n');
