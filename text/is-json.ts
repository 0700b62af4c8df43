/** Whether a text is JSON and nothing else: what language models and servers answer is not always. */
export function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
