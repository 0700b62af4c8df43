/**
 * Moonshine's table of tokens (tokenizer.bin): each token's length in bytes, then the token; lengths from 128 on take
 * two bytes, the lower seven bits first.
 */

/** The same as sherpa-onnx reads it: "BASE64 NUMBER", a token a line. @throws when it ends inside a token */
export function tokensText(table: Buffer): Buffer {
  const lines: string[] = [];
  for (let at = 0; at < table.length;) {
    const first = table[at++]!,
      length = first < 128 ? first : (table[at++] ?? NaN) * 128 + first - 128;
    if (!(at + length <= table.length)) throw new Error(`the table of tokens ends inside token ${lines.length}`);
    lines.push(`${table.toString('base64', at, at + length)} ${lines.length}\n`);
    at += length;
  }
  return Buffer.from(lines.join(''));
}
