/** What the command line says of how recordings become jobs. */
import type { Priority } from '../schemas/words.ts';

export interface Recipe {
  preset?: string;
  model?: string[];
  language?: string;
  translateTo?: string;
  speak?: string | true;
  repair: boolean;
  format?: string;
  output?: string;
  priority?: Priority;
  glossary?: string | false;
  speakers?: number | true;
  voice?: string;
  prompt?: string;
  mux?: boolean;
  track?: number;
  encoding?: string;
  text?: 'original' | 'translation' | 'bilingual';
  audio?: 'wav' | 'mp3' | 'm4a';
  summary?: true;
}
