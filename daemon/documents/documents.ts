/** A transcript in any format: as text at once, else in a thread of its own. */
import { once } from 'node:events';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { EarshotError, thrown, type Failure } from '../../schemas/errors.ts';
import type { Transcript } from '../../schemas/job.ts';
import { isTextFormat, type Format, type TextFormat } from '../../schemas/words.ts';
import type { Shown } from '../../text/transcripts/document.ts';
import { render } from '../../text/transcripts/render.ts';

export interface Wanted {
  transcript: Transcript;
  format: Exclude<Format, TextFormat>;
  shown: Shown;
}

const workerFile = (): string =>
  join(import.meta.dirname, import.meta.filename.endsWith('.ts') ? 'document-worker.ts' : 'document-worker.mjs');

/** Equal transcripts give equal files. @throws fontMissing */
export async function content(transcript: Transcript, format: Format, shown: Shown): Promise<string | Uint8Array> {
  if (isTextFormat(format)) return render(transcript, format, shown);
  const wanted: Wanted = { transcript, format, shown },
    worker = new Worker(workerFile(), { workerData: wanted });
  const [answer] = (await Promise.race([
    once(worker, 'message'),
    once(worker, 'exit').then(([code]) => {
      throw new EarshotError('internal', {}, `the thread that made a ${format} ended with ${String(code)}`);
    }),
  ])) as [{ bytes: Uint8Array } | { failure: Failure }];
  if ('failure' in answer) throw thrown(answer.failure);
  return answer.bytes;
}
