/**
 * ULIDs: 48 bits of time and 80 of chance in Crockford's base 32; two made in the same millisecond still sort as made.
 */
import { randomBytes } from 'node:crypto';

const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
let lastTime = 0;
let lastRandom = 0n;

export function ulid(now: number): string {
  lastRandom = now > lastTime ? BigInt(`0x${randomBytes(10).toString('hex')}`) & ((1n << 79n) - 1n) : lastRandom + 1n;
  lastTime = Math.max(now, lastTime);
  let value = (BigInt(lastTime) << 80n) | lastRandom;
  let text = '';
  for (let i = 0; i < 26; i++, value >>= 5n) text = ALPHABET[Number(value & 31n)] + text;
  return text;
}
