/**
 * Codes into words of the window's language. The sentences for failures and reasons are shared with the command line.
 */
import * as vscode from 'vscode';
import { shownSpeaker } from '../../text/speaker-names.ts';
import { toFailure, type Failure } from '../../schemas/errors.ts';
import * as messages from '../../text/messages/messages.ts';
import type { Message, Names } from '../../text/messages/catalogue.ts';
import type { Bottleneck, Check, Reason } from '../../schemas/reasons.ts';
import type { Stage } from '../../schemas/words.ts';
import type { WatchDecision, WatchedFolder } from '../../schemas/watch.ts';

export const locale = (): 'en' | 'zh-cn' => (vscode.env.language.toLowerCase().startsWith('zh') ? 'zh-cn' : 'en');
/** Names that the sentences put in the place of ids; the mirror sets them. */
let names: Names = {};
export const setNames = (given: Names): void => {
  names = given;
};

export const failureText = (failure: Failure): string => messages.sentence(failure, locale(), names);
export const reasonText = (reason: Reason): string => messages.reasonText(reason, locale(), names);
export const checkText = (check: Check): Message & { name: string } => messages.checkMessage(check, locale());
export const decisionText = (decision: WatchDecision): string => messages.decisionText(decision, locale());
export const watchStateText = (state: WatchedFolder['state']): string =>
  messages.termText('watchStates', state, locale());
/** What happened, without what to do about it. */
export const happened = (failure: Failure): string => messages.failureMessage(failure, locale(), names).what;
export const errorText = (error: unknown): string => failureText(toFailure(error));

/** One of another version is shown as it is. */
export const stageName = (stage: Stage): string =>
  messages.entryOf<string>(
    {
      asr: vscode.l10n.t('Recognize'),
      repair: vscode.l10n.t('Repair'),
      nmt: vscode.l10n.t('Translate'),
      tts: vscode.l10n.t('Speak'),
      summary: vscode.l10n.t('Summarize'),
    },
    stage,
    stage,
  );

/** A language in the window's own: "German" for de. */
export function languageName(code: string): string {
  try {
    return new Intl.DisplayNames([vscode.env.language, 'en'], { type: 'language' }).of(code) ?? code;
  } catch {
    return code;
  }
}

/** A number in the window's language, with so many decimals; a minus is a minus, no hyphen. */
export const numberText = (n: number, decimals = 0): string =>
  new Intl.NumberFormat(vscode.env.language, { minimumFractionDigits: decimals, maximumFractionDigits: decimals })
    .format(n)
    .replace('-', '−');
/** 0.25: "25%". */
export const percentText = (fraction: number): string =>
  new Intl.NumberFormat(vscode.env.language, { style: 'percent' }).format(fraction);

const GB = 1e9;
export const bytesText = (bytes: number): string =>
  bytes >= GB ? vscode.l10n.t('{0} GB', numberText(bytes / GB, 1)) : vscode.l10n.t('{0} MB', numberText(bytes / 1e6));

/** The one thing that holds the queue up. */
export const bottleneckText = (bottleneck: Bottleneck): string =>
  capital(messages.bottleneckText(bottleneck, locale()));

export const capital = (text: string): string => text.charAt(0).toLocaleUpperCase() + text.slice(1);

/** What a speaker is called in this window's language: "Speaker 2" for "S2". */
export const shownName = (name: string): string => shownSpeaker(name, n => vscode.l10n.t('Speaker {0}', n));
