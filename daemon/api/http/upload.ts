/**
 * A form with a file, taken to the disk as it comes; never more of it than allowed, and nothing of it left when it
 * fails.
 */
import { mkdir, rm } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { basename, dirname, extname, join } from 'node:path';
import type { Readable } from 'node:stream';
import { Busboy } from '@fastify/busboy';
import { openNew } from '../../../client/files.ts';
import { EarshotError, isDiskFull } from '../../../schemas/errors.ts';
import { parseJson } from '../../system/json.ts';
import { HttpProblem } from './problem.ts';

export interface Form {
  /** Fields by name; one that may come several times ends in []. */
  fields: ReadonlyMap<string, readonly string[]>;
  /** The file, under its own name in a folder of its own; null: none was sent. */
  file: string | null;
}

const MOST_FIELDS = 50,
  LONGEST_FIELD_BYTES = 16_384,
  LONGEST_NAME = 100;

export const tooLarge = (limitBytes: number): HttpProblem =>
  new HttpProblem(
    413,
    'file_too_large',
    `The file is larger than ${Math.floor(limitBytes / 1024 ** 2)} MB, the most that is taken. The setting ` +
      'http allows more by its maxUploadBytes.',
    'file',
  );

/** A sender that stops in the middle is given up by the server's own time-out. */
const notComing = (): HttpProblem => new HttpProblem(408, 'timeout', 'The rest of the request did not come.');

/** Safe as a file's name anywhere, its ending kept. */
export function fileName(given: string | undefined): string {
  const plain = basename((given ?? '').replaceAll('\\', '/'))
    .replace(/[^\p{L}\p{N}\p{M} ._()-]+/gu, '_')
    .replace(/^[. ]+/, '')
    .replace(/(?<![. ])[. ]+$/, '');
  const end = extname(plain).slice(0, 12);
  return `${[...plain.slice(0, plain.length - end.length)].slice(0, LONGEST_NAME).join('') || 'audio'}${end}`;
}

/** @throws HttpProblem (400, 408, 413), diskFull */
export async function receiveForm(request: IncomingMessage, directory: string, limitBytes: number): Promise<Form> {
  const type = request.headers['content-type'];
  if (!type?.toLowerCase().startsWith('multipart/form-data'))
    throw new HttpProblem(400, 'bad_content_type', 'The request must be multipart/form-data.');
  if (Number(request.headers['content-length'] ?? 0) > limitBytes + MOST_FIELDS * LONGEST_FIELD_BYTES)
    throw tooLarge(limitBytes);
  const fields = new Map<string, string[]>();
  let file: string | null = null,
    writing: Promise<void> | null = null,
    open: Readable | null = null;
  const form = (() => {
    try {
      return Busboy({
        headers: { ...request.headers, 'content-type': type },
        limits: {
          fileSize: limitBytes,
          files: 1,
          fields: MOST_FIELDS,
          fieldSize: LONGEST_FIELD_BYTES,
          headerPairs: 100,
        },
      });
    } catch (error) {
      throw new HttpProblem(400, 'bad_form', error instanceof Error ? error.message : String(error));
    }
  })();
  form.on('field', (name, value, _, truncated) => {
    if (truncated) form.destroy(new HttpProblem(400, 'field_too_long', `The field ${name} is too long.`, name));
    else fields.set(name, [...(fields.get(name) ?? []), value]);
  });
  // For good: what comes after the first error, or after the answer, has nobody else to go to.
  form.on('error', () => {});
  form.on('file', (name, stream, given) => {
    // Before anything is awaited: a form that ends inside a file breaks its stream at once.
    stream.on('error', (error: Error) => form.destroy(error));
    stream.on('limit', () => form.destroy(tooLarge(limitBytes)));
    // What was read ahead goes on after its form was refused.
    if (name !== 'file' || file !== null || form.destroyed) {
      stream.resume();
      return;
    }
    open = stream;
    writing = write(stream, (file = join(directory, fileName(given))));
    writing.catch((error: Error) => form.destroy(error));
  });
  request.once('timeout', () => form.destroy(notComing()));
  try {
    // Not by `pipeline`, which would end the connection before the client gets the failure.
    await new Promise<void>((resolve, reject) => {
      form.once('finish', resolve).once('error', reject);
      request.once('close', () => {
        if (!request.complete) reject(new EarshotError('cancelled'));
      });
      request.pipe(form);
    });
    await writing;
    return { fields, file };
  } catch (error) {
    request.unpipe(form);
    form.destroy();
    (open as Readable | null)?.destroy();
    await (writing as Promise<void> | null)?.catch(() => {});
    await rm(directory, { recursive: true, force: true });
    if (isDiskFull(error)) throw new EarshotError('diskFull', { path: directory });
    throw error instanceof HttpProblem || error instanceof EarshotError
      ? error
      : new HttpProblem(
          400,
          'bad_form',
          `The form could not be read: ${error instanceof Error ? error.message : String(error)}`,
        );
  }
}

/**
 * A new file in a folder of its own. Not by `pipeline`: that waits for ever for a stream which was given its end and
 * then destroyed, before it was read.
 */
async function write(stream: Readable, path: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  await using file = await openNew(path, 0o600);
  await file.writeFile(stream);
}

/** The whole body as JSON. @throws HttpProblem (400, 413) */
export async function receiveJson(request: IncomingMessage, limitBytes: number): Promise<Record<string, unknown>> {
  const parts: Buffer[] = [];
  let bytes = 0;
  request.once('timeout', () => request.destroy());
  for await (const part of request as AsyncIterable<Buffer>) {
    if ((bytes += part.length) > limitBytes)
      throw new HttpProblem(413, 'request_too_large', `The request is larger than ${limitBytes} bytes.`);
    parts.push(part);
  }
  try {
    const value: unknown = parseJson(Buffer.concat(parts));
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  } catch {
    /* said below */
  }
  throw new HttpProblem(400, 'bad_json', 'The request must be a JSON object.');
}
