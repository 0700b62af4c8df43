/** How a program is started with fewer rights. */
import { join } from 'node:path';
import { sandboxSupport } from './linux.ts';
import type { Permissions } from './permissions.ts';

const launcher = (): string =>
  join(import.meta.dirname, import.meta.filename.endsWith('.ts') ? 'launch.ts' : 'sandbox-launch.mjs');

export interface Program {
  program: string;
  args: readonly string[];
}

/** The same program with these rights; as it is where there are none to take. */
export const inSandbox = (
  { program, args }: Program,
  permissions: Permissions | null,
): { program: string; args: string[] } =>
  permissions
    ? {
        program: process.execPath,
        args: ['--disable-warning=ExperimentalWarning', launcher(), JSON.stringify(permissions), program, ...args],
      }
    : { program, args: [...args] };

/** Whether rights are taken at all: the setting wants it and the system can. */
export const sandboxEnabled = ({ sandbox }: { sandbox: 'auto' | 'off' }): boolean =>
  sandbox === 'auto' && !('reason' in sandboxSupport());
