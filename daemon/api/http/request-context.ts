/** What the requests need of the daemon. */
import type { Transcript } from '../../../schemas/job.ts';
import type { Stage } from '../../../schemas/words.ts';
import type { HttpJobDeps } from './http-job.ts';

export interface RequestContext extends HttpJobDeps {
  transcript(id: string): Transcript;
  ffmpeg(): string;
  maxUploadBytes(): number;
  /**
   * The installed model of this name; undefined: the name is one of OpenAI's own and stands for the default. @throws
   * HttpProblem 404
   */
  modelFor(stage: Stage, name: string | undefined): string | undefined;
  /** A voice of this name, if there is one. */
  voiceNamed(name: string | undefined): string | undefined;
  speaks(model: string, language: string): boolean;
  languageOf(model: string): string | undefined;
}
