/** Methods for playing recordings. */
import type { Handlers } from './server.ts';
import type { MethodDeps } from './method-deps.ts';

export function mediaMethods({ playback }: MethodDeps) {
  return {
    'media/playable': async ({ path }) => {
      const found = await playback.playable(path);
      return found.state === 'ready' ? { path: found.path, fraction: null } : { path: null, fraction: found.fraction };
    },
    'media/cancel': async ({ path }) => {
      await playback.cancel(path);
      return {};
    },
  } satisfies Partial<Handlers>;
}
