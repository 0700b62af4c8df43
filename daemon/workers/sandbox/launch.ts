/**
 * Becomes another program with fewer rights: `launch.ts RIGHTS PROGRAM ARGUMENTS…`. The kernel keeps them from
 * everything that the program starts.
 */
import { enterSandbox, waitingStdio } from './linux.ts';
import type { Permissions } from './permissions.ts';

const [permissions = '', program = '', ...args] = process.argv.slice(2);
enterSandbox(JSON.parse(permissions) as Permissions);
waitingStdio();
process.execve!(program, [program, ...args], process.env);
