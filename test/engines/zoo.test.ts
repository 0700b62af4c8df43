/**
 * The media zoo: every exhibit is heard with its speech in its place, or refused for the right reason. The rare ones
 * are visited by `npm run zoo`.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { bundledFfmpeg } from '../../daemon/runtimes/ffmpeg.ts';
import { onPath } from '../../daemon/system/find-program.ts';
import { EXHIBITS, type Exhibit } from '../zoo/exhibits.ts';
import { openZoo, visit, type Zoo } from '../zoo/visit.ts';
import { ffmpeg, missing, python, SAMPLES, sherpa } from './place.ts';

/** The one that Earshot installs can make every exhibit; one of the system perhaps not. */
const maker = (python && bundledFfmpeg(python)) ?? ffmpeg;
const SHORT = EXHIBITS.filter(exhibit => !exhibit.long);
/** Results must not hang on how a version puts something; these did. */
const OTHER = process.env.EARSHOT_ZOO_FFMPEG ?? onPath('ffmpeg');
const WITH_OTHER = [
  ...['text.mp3', 'rubbish.ogg', 'cut.amr', 'cut.m4a', 'damaged.flac', 'damaged.m4a', 'zeros last.mp3', 'joined.mp3'],
  ...['zero length.wav', 'late sound.ts', 'wraps.ts', 'uneven.mkv', 'starts late.m4a', 'adverts.ts', 'joined.webm'],
  ...['channels.opus', 'joined fragments.m4a', 'back fragments.m4a'],
];

describe('the media zoo', { skip: missing({ ffmpeg, 'the sherpa runtime': sherpa }), concurrency: 2 }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'earshot-zoo-'));
  let zoo: Zoo;
  before(() => {
    zoo = openZoo(folder, { ffmpeg: ffmpeg!, maker: maker!, sherpa: sherpa!, samples: SAMPLES });
    for (const exhibit of SHORT) exhibit.make(zoo);
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  test('is large enough, and every name stands in it once', () => {
    assert.ok(SHORT.length >= 60);
    assert.equal(new Set(EXHIBITS.map(exhibit => exhibit.name)).size, EXHIBITS.length);
  });
  const visited = (exhibit: Exhibit, workshop: () => Zoo): void => {
    test(`${exhibit.group}: ${exhibit.what} (${JSON.stringify(exhibit.name.slice(0, 40))})`, async () => {
      const { wrong, outcome } = await visit(workshop(), exhibit);
      assert.deepEqual(wrong, [], JSON.stringify(outcome));
    });
  };
  for (const exhibit of SHORT) visited(exhibit, () => zoo);

  describe('with another ffmpeg', { skip: OTHER ? false : 'no ffmpeg on the PATH', concurrency: 2 }, () => {
    for (const exhibit of SHORT.filter(each => WITH_OTHER.includes(each.name)))
      visited(exhibit, () => ({ ...zoo, tools: { ...zoo.tools, ffmpeg: OTHER! } }));
  });
});
