/**
 * What goes to a terminal: text made harmless, colours only where they are wanted. Every command loads it: what is laid
 * out in columns is in layout.ts.
 */
import { styleText } from 'node:util';
import { harmlessLine, harmlessLines } from '../text/harmless.ts';

/** Text from outside on one line: blanks for line ends and tabs, � for anything that would steer the terminal. */
export const clean = (text: string): string => harmlessLine(text);

/** The same, but line ends stay: for whole documents. */
export const cleanLines = (text: string): string => harmlessLines(text.replace(/\t/g, '  '));

export type Colour = Parameters<typeof styleText>[0];
export type Paint = (colour: Colour, text: string) => string;

/** Colours when the stream is a terminal and neither NO_COLOR nor TERM=dumb forbids them. FORCE_COLOR turns them on. */
export function painter(stream: NodeJS.WriteStream, env: NodeJS.ProcessEnv): Paint {
  const forced = env.FORCE_COLOR !== undefined && env.FORCE_COLOR !== '0';
  const on = !env.NO_COLOR && (forced || (stream.isTTY === true && env.TERM !== 'dumb'));
  return on ? (style, text) => styleText(style, text, { validateStream: false }) : (_, text) => text;
}
