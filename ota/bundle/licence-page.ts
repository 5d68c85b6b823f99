import { byCodeUnits, type CarriedParts, type LicenceText } from './carried.ts';
import { licenceExceptions, licenceOf } from './licence-exceptions.ts';
import { isLicenceExpression } from './spdx.ts';

export const licencePageName = 'LICENSES.txt';

export type LicencePage =
  | { readonly kind: 'made'; readonly text: string }
  /** Sentences: what may not be given to anybody as it stands. */
  | { readonly kind: 'refused'; readonly faults: readonly string[] };

interface Part {
  readonly title: string;
  readonly place: string;
  readonly licence: string | undefined;
  readonly origin: string | undefined;
  readonly texts: readonly LicenceText[];
}

/** What stands at the end once, and whom it is for: texts by the names of licences, for parts that bring none. */
export type CommonTexts = ReadonlyMap<string, string>;

/**
 * The licences of all that a bundle carries, part by part with their texts: the program first, then packages and models by name. Refused: a part
 * that neither names a licence nor brings the text of one, and one that says that it has none.
 */
export function licencePage(
  { program, packages, models }: CarriedParts,
  common: CommonTexts,
  exceptions: typeof licenceExceptions = licenceExceptions,
): LicencePage {
  const own: Part = {
    ...program,
    title: `${program.name} ${program.version}`,
    place: 'this program',
    origin: undefined,
  };
  const others = [
    ...packages.map(
      (one): Part => ({
        title: `${one.name} ${one.version}`,
        place: one.folder,
        licence: licenceOf(one, exceptions),
        origin: one.origin,
        texts: one.texts,
      }),
    ),
    ...models.map(
      (one): Part => ({ ...one, title: `${one.id} ${one.version}`, place: 'model', origin: one.description }),
    ),
  ].sort((a, b) => byCodeUnits(a.title, b.title) || byCodeUnits(a.place, b.place));
  const parts = [own, ...others];
  const faults = parts.flatMap(faultOf);
  if (faults.length > 0) return { kind: 'refused', faults };
  const lacking = parts.flatMap(({ licence, texts }) => (texts.length === 0 && licence !== undefined ? [licence] : []));
  const ending = [...new Set(lacking)]
    .sort()
    .flatMap((id) => (common.has(id) ? [section(`Text of ${id}`, [common.get(id) ?? ''])] : []));
  const list = parts.map(({ title, licence, place }) => `${title}: ${licence ?? 'as its text says'} (${place})`);
  const page = [section('Contents', [list.join('\n')]), ...parts.map((part) => pageOf(part, common)), ...ending];
  return { kind: 'made', text: page.join('\n') };
}

function faultOf({ title, place, licence, texts }: Part): readonly string[] {
  if (licence !== undefined && isLicenceExpression(licence)) return [];
  if (licence === undefined && texts.length > 0) return [];
  // "See the file" is an answer where there is the file.
  if (licence !== undefined && /^see licen[cs]e/i.test(licence) && texts.length > 0) return [];
  const says =
    licence === undefined ? 'states no licence and brings no text of one' : `states ${JSON.stringify(licence)}`;
  return [`${title} (${place}) ${says}, which lets nobody give it away`];
}

function pageOf({ title, place, licence, origin, texts }: Part, common: CommonTexts): string {
  const head = [
    `Licence: ${licence ?? 'as its text says'}`,
    ...(origin === undefined ? [] : [`From: ${origin}`]),
    ...(texts.length > 0
      ? []
      : [`It brings no text of it.${common.has(licence ?? '') ? ' The text stands at the end.' : ''}`]),
  ].join('\n');
  const pages = texts.map(({ path, text }) => `[${path}]\n\n${text}`);
  return section(`${title} (${place})`, [head, ...pages]);
}

const rule = '='.repeat(78);

const section = (title: string, pages: readonly string[]): string =>
  `${rule}\n${title}\n${rule}\n\n${pages.map((page) => `${page.replace(/\s+$/, '')}\n`).join('\n')}`;
