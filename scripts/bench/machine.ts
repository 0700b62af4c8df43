/** On what a measurement was taken, for the documents that scripts write. */
import { arch, cpus, totalmem } from 'node:os';

/** "2026-11-22: AMD EPYC (2 cores, 24 GB), linux x64, Node 24.1.0". */
export const machine = (): string =>
  `${new Date().toISOString().slice(0, 10)}: ${cpus()[0]?.model.trim() || 'a processor without a name'} ` +
  `(${cpus().length} cores, ${Math.round(totalmem() / 1024 ** 3)} GB), ${process.platform} ${arch()}, Node ` +
  `${process.versions.node}`;
