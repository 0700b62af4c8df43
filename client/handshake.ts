/**
 * How a client and the daemon know each other. Both know the token of the run folder; neither sends it. Each side gives
 * a random number (the nonce) and proves the token by an HMAC over both, so that whoever sits on the socket's place
 * learns nothing that lets it in, and cannot answer in the daemon's name.
 */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';

/** 32 random bytes as hex. */
export const newNonce = (): string => randomBytes(32).toString('hex');

export interface Nonces {
  client: string;
  server: string;
}

/** What `side` sends to show that it knows the token: HMAC-SHA-256 as hex. */
export const proofOf = (token: string, side: 'client' | 'server', nonces: Nonces): string =>
  createHmac('sha256', token).update(`earshot ${side} ${nonces.client} ${nonces.server}`).digest('hex');

/** Whether the other side knows the token, in a time that says nothing about how nearly it did. */
export function proves(given: string, token: string, side: 'client' | 'server', nonces: Nonces): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(proofOf(token, side, nonces))];
  return a.length === b.length && timingSafeEqual(a, b);
}

/** Where the daemon serves, and the token: what its token file says. */
export interface Access {
  socket: string;
  token: string;
}

/** A pipe of Windows is open to every user by its name, so each daemon takes a new one that nobody can guess. */
export const newPipe = (): string => `\\\\.\\pipe\\earshot-${newNonce()}`;

/** The token file's text: the token, and on Windows the pipe on a line of its own. */
export const accessText = ({ token, socket }: Access): string =>
  socket.startsWith('\\\\') ? `${token}\n${socket}` : token;

/** `socket`: where the daemon serves unless the file says otherwise. */
export function readAccess(text: string, socket: string): Access {
  const [token = '', pipe] = text.split('\n');
  return { token, socket: pipe || socket };
}
