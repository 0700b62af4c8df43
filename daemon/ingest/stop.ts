import type { Failure } from '../../schemas/errors.ts';

/**
 * Carries a failure to the end of an ingest's process. Imports nothing, because the schemas take longer to load than
 * everything else there.
 */
export const stop = (failure: Failure): Error => Object.assign(new Error(failure.code), { failure });
