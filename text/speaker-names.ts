/** What speakers are called. Pure. */

/** Names as speakers are called before anybody named them, in the order in which they are heard: "S1", "S2" … */
export const isUnnamed = (name: string): boolean => /^S\d+$/.test(name);

/** For people to read: "Speaker 2" for "S2", or in the words of a reader's language; a name as it is. */
export const shownSpeaker = (name: string, numbered = (n: string): string => `Speaker ${n}`): string =>
  isUnnamed(name) ? numbered(name.slice(1)) : name;
