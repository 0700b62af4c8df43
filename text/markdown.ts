/** Text for Markdown documents. */

/** So that what was said is not taken for Markdown. */
export const escapeMarkdown = (text: string): string =>
  text
    .replace(/[\\`*_[\]<>|]/g, '\\$&')
    .replace(/^(#{1,6}|[-+]|\d+[.)])(?=\s)/, match => match.replace(/[#\-+.)]/, '\\$&'));
