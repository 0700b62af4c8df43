/** The command line `earshot`. */
import { program } from './program.ts';

try {
  await program.parseAsync();
} catch (error) {
  // Commander has said what is wrong, or has shown the help.
  if ((error as { code?: string }).code?.startsWith('commander.') !== true) throw error;
}
