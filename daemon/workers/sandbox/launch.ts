/**
 * Becomes another program with fewer rights: `launch.ts RIGHTS PROGRAM ARGUMENTS…`. The kernel keeps them from
 * everything that the program starts.
 */
import { enterSandbox, handOver } from './linux.ts';
import type { Permissions } from './permissions.ts';

const [given = '', program = '', ...args] = process.argv.slice(2),
  permissions = JSON.parse(given) as Permissions;
enterSandbox(permissions);
handOver(permissions);
process.execve!(program, [program, ...args], process.env);
