/** Undefined: it is not JSON. The parser's own error quotes the text, which may be a secret and must not get into a log. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
