/** Methods for watched folders. */
import type { Handlers } from './server.ts';
import type { MethodDeps } from './method-deps.ts';

export function watchMethods(deps: MethodDeps) {
  return {
    'watch/add': async ({ folder, existing }) => ({ folder: await deps.watch.add(folder, existing) }),
    'watch/list': () => ({ folders: deps.watch.list() }),
    'watch/remove': async ({ paths, forget = false }) => {
      await deps.watch.remove(paths, forget);
      return {};
    },
    'watch/pause': async ({ paths }) => {
      await deps.watch.pause(paths, true);
      return {};
    },
    'watch/resume': async ({ paths }) => {
      await deps.watch.pause(paths, false);
      return {};
    },
    'watch/files': async ({ path, limit = 200 }) => ({ files: await deps.watch.files(path, limit) }),
    'watch/why': async ({ path }) => ({ file: await deps.watch.why(path) }),
  } satisfies Partial<Handlers>;
}
