/** What every Advanced SubStation file of ours begins with, and how it writes times. */

/** 0:01:02.03: the format counts in hundredths. */
export function assTime(ms: number): string {
  const hundredths = Math.round(ms / 10),
    pad = (value: number): string => String(value).padStart(2, '0');
  const minutes = pad(Math.floor(hundredths / 6000) % 60),
    seconds = pad(Math.floor(hundredths / 100) % 60);
  return `${Math.floor(hundredths / 360_000)}:${minutes}:${seconds}.${pad(hundredths % 100)}`;
}

/** One line of text on screen; `text` with its overrides, escaped. Commas part the fields before it. */
export const assEvent = (
  { startMs, endMs, speaker }: { startMs: number; endMs: number; speaker: string | null },
  text: string,
): string => {
  const name = (speaker ?? '').replaceAll(',', ' ');
  return `Dialogue: 0,${assTime(startMs)},${assTime(endMs)},Default,${name},0,0,0,,${text}`;
};

export const ASS_HEADER = (title: string): string[] => [
  '[Script Info]',
  `Title: ${title}`,
  'ScriptType: v4.00+',
  'WrapStyle: 2',
  'ScaledBorderAndShadow: yes',
  'PlayResX: 1920',
  'PlayResY: 1080',
  '',
  '[V4+ Styles]',
  'Format: Name, Fontname, Fontsize, PrimaryColour, SecondaryColour, OutlineColour, BackColour, ' +
    'Bold, Italic, Underline, StrikeOut, ScaleX, ScaleY, Spacing, Angle, BorderStyle, Outline, Shadow, ' +
    'Alignment, MarginL, MarginR, MarginV, Encoding',
  'Style: Default,Arial,64,&H00FFFFFF,&H000000FF,&H00000000,&H80000000,0,0,0,0,100,100,0,0,1,3,1,2,120,120,60,1',
  'Style: Translation,Arial,54,&H0080E0FF,&H000000FF,&H00000000,&H80000000,0,0,0,0,100,100,0,0,1,3,1,2,120,120,60,1',
  '',
  '[Events]',
  'Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text',
];
