import { createHash } from 'node:crypto';
import { type Content, html, Markup } from '../kernel/html.ts';
import type { Sheet, SheetPart, SheetPicture } from './sheet-model.ts';
import { sheetStyle } from './sheet-style.ts';

/**
 * The sheet as one HTML file that needs nothing else: pictures are in it. It runs nothing and loads nothing, and its own policy
 * forbids both: only the style whose hash it states, and pictures that are in the file.
 */
export function sheetHtml(sheet: Sheet): string {
  const hash = createHash('sha256').update(sheetStyle).digest('base64');
  const policy = `default-src 'none'; style-src 'sha256-${hash}'; img-src data:; base-uri 'none'; form-action 'none'`;
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width,initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>${sheet.id}: ${sheet.title}</title>
<style>${new Markup(sheetStyle)}</style>
</head>
<body>
<main>
<h1>${sheet.title}</h1>
<p class="id">${sheet.id}</p>
<p class="charge">${sheet.charge}</p>
<p class="place">${sheet.place}</p>
${sheet.warnings.map((warning) => html`<p class="warning">${warning}</p>\n`)}
${sheet.parts.map((part) => html`<section><h2>${part.title}</h2>\n${content(part)}</section>\n`)}
<footer>${sheet.footer}</footer>
</main>
</body>
</html>
`.text;
}

const digest = /^[0-9a-f]{64}$/;

function content(part: SheetPart): Content {
  switch (part.kind) {
    case 'facts':
      return [
        ...(part.facts.length === 0
          ? []
          : [
              html`<dl>${part.facts.map(([name, value]) => html`<div><dt>${name}</dt><dd>${digest.test(value) ? html`<code>${value}</code>` : value}</dd></div>\n`)}</dl>\n`,
            ]),
        ...notes(part.notes),
      ];
    case 'pictures':
      return part.pictures.map(picture);
    case 'findings':
      return part.findings.map(
        ({ name, value, against, says }) =>
          html`<div class="item"><p class="head"><span class="first-capital">${name}</span>: ${value}${
            against === undefined ? '' : `, held against ${against}`
          }</p><p class="says">${says}</p></div>\n`,
      );
    case 'files':
      return [
        ...part.files.map(
          ({ name, says, sha256 }) =>
            html`<div class="item"><p class="head">${name}</p><p class="says">${says}</p><p><code>${sha256}</code></p></div>\n`,
        ),
        ...notes(part.notes),
      ];
  }
}

const notes = (list: readonly string[]): Content[] => list.map((note) => html`<p class="note">${note}</p>\n`);

function picture({ caption, shown }: SheetPicture): Content {
  const what =
    shown.kind === 'picture'
      ? html`<img${shown.across === undefined ? '' : html` class="enlarged" width="${String(shown.across)}"`} src="data:${shown.mediaType};base64,${shown.content.toString('base64')}" alt="${caption}">`
      : html`<p class="sealed">${shown.says}</p>`;
  return html`<figure>${what}<figcaption>${caption}</figcaption></figure>\n`;
}
