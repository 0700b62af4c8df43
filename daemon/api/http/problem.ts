/** What is answered when a request cannot be: a status and a sentence, in the shape that OpenAI's clients read. */
import type { ServerResponse } from 'node:http';
import { toFailure, type ErrorCode } from '../../../schemas/errors.ts';
import { failureMessage } from '../../../text/messages/messages.ts';
import { withNamesOnly } from '../../../text/messages/names-only.ts';

export class HttpProblem extends Error {
  readonly status: number;
  readonly code: string;
  readonly param: string | null;
  constructor(status: number, code: string, message: string, param: string | null = null) {
    super(message);
    this.name = 'HttpProblem';
    this.status = status;
    this.code = code;
    this.param = param;
  }
}

/** Faults of what was sent; everything else is ours. */
const OF_THE_REQUEST: ReadonlyMap<string, number> = new Map<ErrorCode, number>([
  ['badRequest', 400],
  ['languageNotSupported', 400],
  ['wrongStage', 400],
  ['noVoice', 400],
  ['unknownModel', 404],
  ['emptyFile', 400],
  ['notMedia', 400],
  ['encryptedFile', 400],
  ['unknownLanguage', 400],
  ['noAudioTrack', 400],
  ['noSuchTrack', 400],
  ['truncatedFile', 400],
  ['damagedFile', 400],
  // Of an upload, which lies in a folder of ours: what is in it cannot be read.
  ['unreadableFile', 400],
  ['ffmpegFailed', 400],
  ['badGlossary', 400],
  ['diskFull', 507],
  ['offline', 503],
  ['neverFits', 503],
  ['cancelled', 503],
  ['daemonUnreachable', 503],
]);

/** Anything thrown, as a problem. Files have the names that the client gave them, and nothing else is named. */
export function problemOf(error: unknown): HttpProblem {
  if (error instanceof HttpProblem) return error;
  const why = withNamesOnly(toFailure(error)),
    { what, todo } = failureMessage(why, 'en');
  return new HttpProblem(OF_THE_REQUEST.get(why.code) ?? 500, why.code, todo ? `${what} ${todo}` : what);
}

export const errorBody = ({ status, code, message, param }: HttpProblem): { error: Record<string, unknown> } => ({
  error: {
    message,
    type: status === 401 ? 'authentication_error' : status < 500 ? 'invalid_request_error' : 'server_error',
    param,
    code,
  },
});

export function sendJson(
  response: ServerResponse,
  status: number,
  value: unknown,
  headers: Record<string, string> = {},
): void {
  const body = JSON.stringify(value);
  response.writeHead(status, {
    'content-type': 'application/json; charset=utf-8',
    'content-length': Buffer.byteLength(body),
    ...headers,
  });
  response.end(body);
}

/** A language as a request names it, in lower case; "auto" is as if none were given. @throws HttpProblem */
export function languageCode(given: string | undefined): string | undefined {
  const language = given?.toLowerCase();
  if (language === 'auto') return undefined;
  if (language !== undefined && !/^[a-z]{2,3}(-[a-z0-9]{2,8})*$/.test(language))
    throw new HttpProblem(400, 'bad_language', 'language must be a code such as en or zh.', 'language');
  return language;
}
