/** Failures for programs that need not know where things lie on this machine. */
import type { Args } from '../../schemas/args.ts';
import { ERRORS, isErrorCode, type Failure } from '../../schemas/errors.ts';

const ABSOLUTE = /^(?:\/|[A-Za-z]:[\\/]|\\\\)/;

/**
 * The failure with names in the place of full paths; a path that its sentence can do without is left out. `asGiven`:
 * how the other side itself named a path, if it did.
 */
export function withNamesOnly(
  failure: Failure,
  asGiven: (path: string) => string | undefined = () => undefined,
): Failure {
  const kinds: Readonly<Record<string, string>> = isErrorCode(failure.code) ? ERRORS[failure.code] : {};
  const args: Args = {};
  for (const [name, value] of Object.entries(failure.args)) {
    if (typeof value !== 'string' || !ABSOLUTE.test(value)) args[name] = value;
    else {
      const given = asGiven(value);
      if (given !== undefined) args[name] = given;
      else if (!kinds[name]?.endsWith('?')) args[name] = value.split(/[\\/]/).findLast(part => part !== '') ?? '';
    }
  }
  return { code: failure.code, args };
}
