/**
 * Becomes another program with fewer rights: `launch.ts RIGHTS PROGRAM ARGUMENTS…`. The kernel keeps them from
 * everything that the program starts.
 */
import { confine, waitingStdio } from './linux.ts';
import type { Rights } from './permissions.ts';

const [rights = '', program = '', ...args] = process.argv.slice(2);
confine(JSON.parse(rights) as Rights);
waitingStdio();
process.execve!(program, [program, ...args], process.env);
