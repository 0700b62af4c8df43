/** The bytes that base64 stands for; null: it is none. Node's own decoder passes over what does not belong there. */
export function fromBase64(text: string): Buffer | null {
  const bytes = Buffer.from(text, 'base64'),
    length = (text.length / 4) * 3 - (text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0);
  return bytes.length === length ? bytes : null;
}
