/** Text for Markdown documents, and for notifications, which know links. */
import { harmlessLines } from './harmless.ts';

/** So that what was said is not taken for Markdown. */
export const escapeMarkdown = (text: string): string =>
  harmlessLines(text)
    .replace(/[\\`*_[\]<>|]/g, '\\$&')
    .replace(/^(#{1,6}|[-+]|\d+[.)])(?=\s)/, match => match.replace(/[#\-+.)]/, '\\$&'));

/**
 * Notifications of VS Code make links of [words](command:…), and lists pictures of $(name): what a file is called must
 * become neither, nor steer what shows it. Line ends stay.
 */
export const plainText = (text: string): string =>
  harmlessLines(text).replaceAll('](', ']\u200b(').replaceAll('$(', '$\u200b(');
