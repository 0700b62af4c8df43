/**
 * Preloaded into a daemon (`node --import`) whose stdin is a pipe: it ends with whoever started it, however that one
 * ended. A test file that was stopped in the middle leaves nothing behind that its runner would wait for.
 */
import { isMainThread } from 'node:worker_threads';

if (isMainThread)
  process.stdin
    .on('error', () => {})
    .once('close', () => process.exit(1))
    .resume()
    .unref();
