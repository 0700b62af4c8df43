/**
 * `Content-Length` frames over a socket, with limits both ways: no client can make the daemon hold an endless message,
 * nor pile up answers that it does not read.
 */
import {
  AbstractMessageReader,
  AbstractMessageWriter,
  type DataCallback,
  type Disposable,
  type Message,
} from 'vscode-jsonrpc/node';
import type { Socket } from 'node:net';
import { MAX_REQUEST_PARTS } from '../../../schemas/rpc.ts';
import { parseJson } from '../../system/json.ts';

/** A thousand jobs with long paths and glossaries in one submit stay well below this. */
export const MAX_REQUEST_BYTES = 32 * 1024 * 1024;
/** Before `session/hello` nobody has business with more. */
export const MAX_HELLO_BYTES = 64 * 1024;
const MAX_HEADER_BYTES = 4096;
const HEADER_END = Buffer.from('\r\n\r\n');

/** The frame is larger than allowed or is no frame at all; the connection cannot go on. */
export class FrameError extends Error {}

/**
 * A vscode-jsonrpc reader whose `limit` (bytes of one message) can be raised once the client is known. It hands on one
 * message a turn of the event loop, as fast as vscode-jsonrpc takes them, and reads no more while some wait: its queue
 * has no bound of its own.
 */
export class BoundedReader extends AbstractMessageReader {
  limit = MAX_HELLO_BYTES;
  readonly #socket: Socket;
  #chunks: Buffer[] = [];
  #held = 0;
  /** Bytes of the message under way; -1 while its header is not complete. */
  #length = -1;
  #dead = false;
  #hold = false;
  #turn: NodeJS.Immediate | null = null;
  #callback: DataCallback = () => {};

  constructor(socket: Socket) {
    super();
    this.#socket = socket;
  }

  /** While it holds nothing is read and nothing handed on. */
  set hold(hold: boolean) {
    if (this.#hold === hold) return;
    this.#hold = hold;
    if (hold) this.#socket.pause();
    else this.#next();
  }

  listen(callback: DataCallback): Disposable {
    this.#callback = callback;
    const onData = (chunk: Buffer): void => {
      if (this.#dead) return;
      this.#chunks.push(chunk);
      this.#held += chunk.length;
      this.#take();
    };
    const onError = (error: Error): void => this.fireError(error);
    const onClose = (): void => this.fireClose();
    this.#socket.on('data', onData).on('error', onError).on('close', onClose);
    return {
      dispose: () => {
        this.#dead = true;
        this.#socket.off('data', onData).off('close', onClose);
      },
    };
  }

  #next(): void {
    this.#turn ??= setImmediate(() => {
      this.#turn = null;
      this.#take();
    });
  }

  #take(): void {
    if (this.#dead || this.#hold || this.#turn) return;
    try {
      const message = this.#message();
      if (message) {
        this.#socket.pause();
        this.#callback(message);
        this.#next();
      } else if (this.#socket.isPaused()) this.#socket.resume();
    } catch (error) {
      this.#dead = true;
      this.#chunks = [];
      this.fireError(error);
    }
  }

  /** The next whole message among the bytes here. */
  #message(): Message | null {
    if (this.#length < 0) {
      const all = this.#joined();
      const end = all.indexOf(HEADER_END);
      if (end < 0 && all.length <= MAX_HEADER_BYTES) return null;
      if (end < 0 || end > MAX_HEADER_BYTES) throw new FrameError('no message header');
      this.#length = contentLength(all.subarray(0, end).toString('latin1'), this.limit);
      this.#keep(all.subarray(end + HEADER_END.length));
    }
    if (this.#held < this.#length) return null;
    const all = this.#joined(),
      body = all.subarray(0, this.#length);
    this.#keep(all.subarray(this.#length));
    this.#length = -1;
    return parse(body);
  }

  #joined(): Buffer {
    if (this.#chunks.length !== 1) this.#chunks = [Buffer.concat(this.#chunks)];
    return this.#chunks[0]!;
  }

  #keep(rest: Buffer): void {
    this.#chunks = [rest];
    this.#held = rest.length;
  }
}

/** Bytes that may wait for a client that does not read, beside the message being written. */
export const MAX_BACKLOG_BYTES = 64 * 1024 * 1024;

/**
 * Writes at once into the socket's own buffer, whose length then is the whole backlog; past the limit the client is
 * given up.
 */
export class BoundedWriter extends AbstractMessageWriter {
  readonly #socket: Socket;

  constructor(socket: Socket) {
    super();
    this.#socket = socket;
    socket.on('error', error => this.fireError(error)).on('close', () => this.fireClose());
  }

  async write(message: Message): Promise<void> {
    if (this.#socket.destroyed) return;
    if (this.#socket.writableLength > MAX_BACKLOG_BYTES) {
      this.fireError(new FrameError('does not read what it asked for'), message, 1);
      return;
    }
    const body = Buffer.from(JSON.stringify(message), 'utf8');
    this.#socket.cork();
    this.#socket.write(`Content-Length: ${body.length}\r\n\r\n`, 'ascii');
    this.#socket.write(body);
    this.#socket.uncork();
  }

  end(): void {
    this.#socket.end();
  }
}

function contentLength(header: string, limit: number): number {
  const match = /^content-length: *(\d{1,15})$/im.exec(header);
  if (!match) throw new FrameError('no Content-Length');
  const length = Number(match[1]);
  if (length > limit) throw new FrameError(`a message of ${length} bytes; at most ${limit} are taken`);
  return length;
}

function parse(body: Buffer): Message {
  const message: unknown = parseJson(body, MAX_REQUEST_PARTS);
  if (typeof message !== 'object' || message === null || Array.isArray(message))
    throw new FrameError('not a JSON-RPC message');
  return message as Message;
}
