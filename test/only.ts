/** Why a test is not run here, for its `skip`: where it is run, nothing. Each needs a reason that people can read. */

/** Of something that only POSIX systems have, or that stands in for a program as only they allow. */
export const posixOnly = (what: string): string | false =>
  process.platform === 'win32' && `only on POSIX systems: ${what}`;

/** Of something that works on Windows, and not under Wine. */
export const notUnderWine = (what: string): string | false =>
  process.env.EARSHOT_WINE === 'inside' && `not under Wine: ${what}`;

/** How many times as long as on Linux things may take: under Wine every system call goes through another program. */
export const SLOWNESS = process.env.EARSHOT_WINE === 'inside' ? 4 : 1;
