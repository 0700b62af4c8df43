/** What each JSON-RPC method does, by subject. Parameters are checked by the time they come here. */
import { daemonMethods } from './daemon-methods.ts';
import { jobMethods } from './job-methods.ts';
import { mediaMethods } from './media-methods.ts';
import type { MethodDeps } from './method-deps.ts';
import { fleetMethods } from './fleet-methods.ts';
import { modelMethods } from './model-methods.ts';
import type { Handlers } from './server.ts';
import { stateMethods } from './state-methods.ts';
import { voiceMethods } from './voice-methods.ts';
import { watchMethods } from './watch-methods.ts';

export function createHandlers(deps: MethodDeps): Handlers {
  const models = modelMethods(deps);
  return {
    ...jobMethods(deps),
    ...models,
    ...mediaMethods(deps),
    ...voiceMethods(deps),
    ...watchMethods(deps),
    ...fleetMethods(deps),
    ...daemonMethods(deps),
    ...stateMethods(deps, () => models['engine/list']().engines),
  };
}
