/** English. */
import { message, type Catalogue } from '../catalogue.ts';
import { checks } from './checks.ts';
import { daemonErrors } from './daemon-errors.ts';
import { fleetErrors } from './fleet-errors.ts';
import { deviceErrors, liveErrors, programErrors } from './machine-errors.ts';
import { modelErrors, workerErrors } from './model-errors.ts';
import { bottlenecks, decisions, reasons } from './reasons.ts';
import { recordingErrors, requestErrors } from './request-errors.ts';
import { textErrors } from './text-errors.ts';
import { optional, terms } from './words.ts';

export const en: Catalogue = {
  ...terms,
  errors: {
    ...recordingErrors,
    ...requestErrors,
    ...textErrors,
    ...liveErrors,
    ...programErrors,
    ...deviceErrors,
    ...modelErrors,
    ...workerErrors,
    ...daemonErrors,
    ...fleetErrors,
  },
  unknownError: (code, args) =>
    message(`Error “${code}”${optional(' (', args, ')')}.`, 'It was reported by another version of Earshot.'),
  unknownReason: (code, args) => `${code}${optional(' (', args, ')')}`,
  reasons,
  bottlenecks,
  decisions,
  checks,
};
