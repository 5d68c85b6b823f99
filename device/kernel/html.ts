/**
 * HTML and SVG as text that is safe by construction: whatever is put into a template is escaped, unless it is markup itself.
 *
 * A name from a scene file, a source's path or a reason from a rule can therefore never become an element or an attribute.
 */
export class Markup {
  readonly text: string;

  /** The text is taken as it is: only for text that stands in the program. */
  constructor(text: string) {
    this.text = text;
  }

  toString(): string {
    return this.text;
  }
}

export type Content = Markup | string | number | undefined | readonly Content[];

/** Template tag: literal parts stand as written, values are escaped; lists are joined, `undefined` is nothing. */
export function html(literals: TemplateStringsArray, ...values: readonly Content[]): Markup {
  let text = literals[0] ?? '';
  for (const [i, value] of values.entries()) text += render(value) + (literals[i + 1] ?? '');
  return new Markup(text);
}

export function render(content: Content): string {
  if (content === undefined) return '';
  if (content instanceof Markup) return content.text;
  if (typeof content === 'string' || typeof content === 'number') return escapeHtml(String(content));
  return content.map(render).join('');
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Safe between tags and inside quoted attributes; control characters and bidi overrides become U+FFFD. */
export function escapeHtml(text: string): string {
  return (
    text
      // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is taken out.
      .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g, '\ufffd')
      .replace(/[&<>"']/g, (character) => entities[character] ?? character)
  );
}
