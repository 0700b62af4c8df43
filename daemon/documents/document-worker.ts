/** The thread in which documents are made that are not text: its libraries are loaded when one is wanted. */
import { parentPort, workerData } from 'node:worker_threads';
import { toFailure } from '../../schemas/errors.ts';
import { documentOf } from '../../text/transcripts/document.ts';
import { selected } from '../../text/transcripts/render.ts';
import { toDocx } from './docx.ts';
import type { Wanted } from './documents.ts';
import { toPdf } from './pdf.ts';

async function made({ transcript, format, shown }: Wanted): Promise<Uint8Array> {
  const chosen = selected(transcript, shown),
    language = chosen.passages[0]?.main.language ?? transcript.language ?? 'und';
  return (format === 'docx' ? toDocx : toPdf)(
    documentOf(chosen.transcript, chosen.passages),
    language,
    shown.times ?? true,
  );
}

parentPort!.postMessage(
  await made(workerData as Wanted).then(
    bytes => ({ bytes }),
    (error: unknown) => ({ failure: toFailure(error) }),
  ),
);
