/**
 * Builds one model of its weights, in a process of its own: a line of JSON says of which and where to, and the path
 * that it wrote goes to standard output.
 */
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { writeAnewNow } from '../../../client/files.ts';
import { campplusOnnx } from './campplus.ts';
import { segmentationOnnx } from './segmentation.ts';
import { readCheckpoint, type Weights } from './torch.ts';

export interface BuildRequest {
  builder: 'segmentation' | 'campplus';
  weights: string;
  to: string;
}

const builders: Record<BuildRequest['builder'], (weights: Weights) => Buffer> = {
  segmentation: segmentationOnnx,
  campplus: campplusOnnx,
};

const [line] = (await once(createInterface({ input: process.stdin }), 'line')) as [string],
  { builder, weights, to } = JSON.parse(line) as BuildRequest;
writeAnewNow(to, builders[builder](await readCheckpoint(weights)), 0o666);
process.exit(0);
