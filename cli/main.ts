/** Runs the command line `earshot`. */
import { program } from './program.ts';

// A reader that goes away (`earshot queue | head`) is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
});

try {
  await program.parseAsync();
} catch (error) {
  // Commander has said what is wrong, or has shown the help.
  if ((error as { code?: string }).code?.startsWith('commander.') !== true) throw error;
}
