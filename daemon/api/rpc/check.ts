/** Requests against their schemas, compiled once each on first use. */
import { Compile, type Validator } from 'typebox/compile';
import { EarshotError } from '../../../schemas/errors.ts';
import { METHODS, type Method, type Params } from '../../../schemas/rpc.ts';

const compiled = new Map<Method, Validator>();

export const isMethod = (name: string): name is Method => Object.hasOwn(METHODS, name);

/** The params as their type, or `badRequest` that names the first field that is wrong. Missing params count as {}. */
export function checkParams<M extends Method>(method: M, params: unknown): Params<M> {
  let validator = compiled.get(method);
  if (!validator) compiled.set(method, (validator = Compile(METHODS[method].params) as Validator));
  const value = params ?? {};
  if (validator.Check(value)) return value as Params<M>;
  const [first] = validator.Errors(value);
  throw new EarshotError('badRequest', { method, field: first?.instancePath || '/' }, first?.message);
}
