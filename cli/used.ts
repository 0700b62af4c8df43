/** When a model was last used, in words. */
import { timeText } from '../text/messages/figures.ts';
import type { Model } from '../schemas/model.ts';
import type { Session } from './session.ts';

export const usedText = (model: Model, { t, locale }: Session, now: number): string =>
  model.state !== 'installed'
    ? ''
    : model.lastUsedAt === null
      ? model.diskBytes > 0
        ? t.neverUsed
        : ''
      : timeText(model.lastUsedAt, locale, now);
