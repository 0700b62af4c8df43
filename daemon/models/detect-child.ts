/** Looks at one model in a process of its own: the path comes as a line of JSON, the answer goes to standard output. */
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { toFailure, type Failure } from '../../schemas/errors.ts';
import { detect } from './detect.ts';
import type { Detected } from './detected.ts';

export type FromDetectChild = { found: Detected } | { failure: Failure };

const [line] = (await once(createInterface({ input: process.stdin }), 'line')) as [string];
let answer: FromDetectChild;
try {
  answer = { found: detect(JSON.parse(line) as string) };
} catch (error) {
  answer = { failure: toFailure(error) };
}
process.stdout.write(JSON.stringify(answer), () => process.exit(0));
