/** Elements of XML, written by fast-xml-builder: it escapes what has to be. */
import XMLBuilder from 'fast-xml-builder';

/** A string is text; what XML cannot say at all is left out. */
export type Xml = string | Record<string, unknown>;

const builder = new XMLBuilder({
  preserveOrder: true,
  ignoreAttributes: false,
  attributeNamePrefix: '@',
  suppressEmptyNode: true,
});

// Neither control characters nor halves of pairs have a place in XML 1.0.
// eslint-disable-next-line no-control-regex
const legal = (text: string): string =>
  text.toWellFormed().replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, '');

export const element = (
  name: string,
  attributes: Readonly<Record<string, string>> = {},
  children: readonly Xml[] = [],
): Xml => ({
  [name]: children.map(child => (typeof child === 'string' ? { '#text': legal(child) } : child)),
  ':@': Object.fromEntries(Object.entries(attributes).map(([key, value]) => [`@${key}`, legal(value)])),
});

/** A line of its own for each child; for elements that hold no text of their own. */
export const lines = (children: readonly Xml[], depth: number): Xml[] => {
  const indent = `\n${'  '.repeat(depth)}`;
  return children.length ? [...children.flatMap(child => [indent, child]), `\n${'  '.repeat(depth - 1)}`] : [];
};

export const xmlDocument = (root: Xml, doctype = ''): string =>
  `<?xml version="1.0" encoding="UTF-8"?>\n${doctype}${builder.build([root])}\n`;
