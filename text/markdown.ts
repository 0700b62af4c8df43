/** Text for Markdown documents, and for notifications, which know links. */

/** So that what was said is not taken for Markdown. */
export const escapeMarkdown = (text: string): string =>
  text
    .replace(/[\\`*_[\]<>|]/g, '\\$&')
    .replace(/^(#{1,6}|[-+]|\d+[.)])(?=\s)/, match => match.replace(/[#\-+.)]/, '\\$&'));

/** Notifications of VS Code make links of [words](command:…): what a file is called must not become one. */
export const withoutLinks = (text: string): string => text.replaceAll('](', ']\u200b(');
