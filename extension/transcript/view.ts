/** A transcript as its page shows it, and what of it changed. */
import * as vscode from 'vscode';
import { sourceText, translatedText, type Transcript, type Utterance } from '../../schemas/job.ts';
import type { SpeakerView, ToTranscript, TranscriptChange, UtteranceView } from '../../webview/messages.ts';
import { failureText } from '../ui/words.ts';
import { speakersIn } from './edits.ts';
import { shownName } from '../ui/words.ts';

const VIDEO = /\.(mp4|m4v|mov|mkv|webm|avi|mpeg|mpg|wmv)$/i;

function utteranceView(u: Utterance): UtteranceView {
  const text = sourceText(u);
  return {
    index: u.index,
    startMs: u.startMs,
    endMs: u.endMs,
    text,
    original: u.repair && u.asr && u.asr.text !== text ? u.asr.text : null,
    translation: u.nmt ? translatedText(u) : null,
    heard: (u.asr?.words ?? []).map(({ text: word, startMs, endMs, probability }) => ({
      text: word,
      startMs,
      endMs,
      sure: probability,
    })),
    changes: (u.repair?.changes ?? []).map(({ before, after }) => ({ before, after })),
    failed: u.failed ? failureText(u.failed.failure) : null,
    speaker: u.speaker ?? null,
    comment: u.comment ?? null,
  };
}

const speakerViews = (transcript: Transcript): SpeakerView[] =>
  speakersIn(transcript).map(name => ({ name, shown: shownName(name) }));

/** All of it. `recording`: null where it was not found. `media`: what plays; null: nothing does yet. */
export function wholeView(
  transcript: Transcript | null,
  recording: vscode.Uri | null,
  media: string | null,
  chapterPauseMs: number,
): ToTranscript {
  if (!transcript)
    return {
      type: 'document',
      name: '',
      durationMs: null,
      language: null,
      translatedTo: null,
      utterances: [],
      speakers: [],
      media: null,
      video: false,
      missing: null,
      error: vscode.l10n.t('This file cannot be read as a transcript.'),
      chapterPauseMs,
    };
  const {
    recording: { name, path, durationMs },
    language,
    translatedTo,
    utterances,
  } = transcript;
  return {
    type: 'document',
    name,
    durationMs,
    language,
    translatedTo,
    utterances: utterances.map(utteranceView),
    speakers: speakerViews(transcript),
    error: null,
    media,
    video: VIDEO.test(name),
    missing: recording ? null : path,
    chapterPauseMs,
  };
}

/** What changed from one to the next: utterances are the same where they are the same object. */
export function changeView(before: Transcript, now: Transcript): TranscriptChange {
  const known = new Set(before.utterances),
    order = now.utterances.map(u => u.index);
  return {
    type: 'change',
    language: now.language,
    translatedTo: now.translatedTo,
    changed: now.utterances.filter(u => !known.has(u)).map(utteranceView),
    order:
      order.length === before.utterances.length && order.every((index, i) => index === before.utterances[i]!.index)
        ? null
        : order,
    speakers: speakerViews(now),
  };
}
