/** A text in the encoding that its file had: what the platform's decoders say, the other way round. Pure. */

/** A sign's bytes, by the sign. */
type Table = ReadonlyMap<string, readonly number[]>;
const tables = new Map<string, Table>();

/** Encodings of two bytes a sign. */
const DOUBLE = /^(?:gbk|gb18030|big5|shift_jis|euc-jp|euc-kr)$/;

function tableOf(encoding: string): Table {
  const known = tables.get(encoding);
  if (known) return known;
  const table = new Map<string, readonly number[]>(),
    decoder = new TextDecoder(encoding, { fatal: true, ignoreBOM: true });
  const learn = (...bytes: number[]): void => {
    try {
      const sign = decoder.decode(Uint8Array.from(bytes));
      if ([...sign].length === 1 && !table.has(sign)) table.set(sign, bytes);
    } catch {
      // No sign of this encoding.
    }
  };
  for (let byte = 0; byte < 256; byte++) learn(byte);
  if (DOUBLE.test(encoding))
    for (let lead = 0x81; lead < 0xff; lead++) for (let trail = 0x40; trail < 0xff; trail++) learn(lead, trail);
  tables.set(encoding, table);
  return table;
}

/**
 * @param encoding as `decodeText` names it
 *
 * @returns the bytes; null: the encoding has no place for some of these signs, or keeps a state that nobody here knows
 */
export function encodeText(text: string, encoding: string): Uint8Array | null {
  if (encoding === 'utf-8') return new TextEncoder().encode(text);
  if (encoding.startsWith('utf-16')) {
    const bytes = Buffer.from(text, 'utf16le');
    return encoding === 'utf-16be' ? bytes.swap16() : bytes;
  }
  if (encoding.startsWith('utf-32')) {
    const bytes = Buffer.alloc([...text].length * 4);
    let at = 0;
    for (const sign of text)
      at =
        encoding === 'utf-32be'
          ? bytes.writeUInt32BE(sign.codePointAt(0)!, at)
          : bytes.writeUInt32LE(sign.codePointAt(0)!, at);
    return bytes;
  }
  if (encoding === 'iso-2022-jp') return null;
  const table = tableOf(encoding),
    bytes: number[] = [];
  for (const sign of text) {
    const found = table.get(sign);
    if (!found) return null;
    bytes.push(...found);
  }
  return Uint8Array.from(bytes);
}
