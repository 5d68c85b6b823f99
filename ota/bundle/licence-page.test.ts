import test from 'ava';
import fc from 'fast-check';
import type { CarriedPackage, CarriedParts } from './carried.ts';
import { licencePage } from './licence-page.ts';
import { licenceTexts } from './licence-texts.ts';
import { isLicenceExpression } from './spdx.ts';
import { carriedPackage, carriedParts } from './testing/carried-parts.ts';

function pageOf(parts: CarriedParts, common = licenceTexts()): string {
  const page = licencePage(parts, common);
  if (page.kind === 'made') return page.text;
  throw new Error(page.faults.join('\n'));
}

const faultsOf = (...packages: readonly CarriedPackage[]): readonly string[] => {
  const page = licencePage({ ...carriedParts, packages }, new Map());
  return page.kind === 'refused' ? page.faults : [];
};

test('every part has its licence and its text; what brings none has the text of it once at the end', (t) => {
  const lesser = { licence: 'LGPL-3.0-or-later', texts: [] };
  const packages = [
    carriedPackage('@makers/sees', { texts: [{ path: 'LICENSE', text: 'do as you like\r\n' }] }),
    carriedPackage('helps', lesser),
    carriedPackage('hears', lesser),
  ];
  const text = pageOf({ ...carriedParts, packages });
  for (const said of [
    '@makers/sees 1.0.0',
    '[LICENSE]\n\ndo as you like\n',
    'helps 1.0.0: LGPL-3.0-or-later',
    'finds 1.2.0',
    'atalaya 0.1.0',
  ])
    t.true(text.includes(said), said);
  t.is(text.split('GNU LESSER GENERAL PUBLIC LICENSE\n').length, 2);
  t.is(text.split('It brings no text of it. The text stands at the end.').length, 3);
});

test('the order in which parts are found changes nothing', (t) => {
  const packages = ['b', 'a', '@z/a', 'B'].map((name) => carriedPackage(name));
  const text = pageOf({ ...carriedParts, packages });
  fc.assert(
    fc.property(fc.shuffledSubarray(packages, { minLength: packages.length }), (shuffled) => {
      t.is(pageOf({ ...carriedParts, packages: shuffled }), text);
    }),
  );
});

test('what nobody may give away is refused, all of it at once', (t) => {
  const text = [{ path: 'LICENSE', text: 'do as you like' }];
  t.deepEqual(
    faultsOf(carriedPackage('a', { licence: undefined }), carriedPackage('b', { licence: 'UNLICENSED', texts: text })),
    [
      'a 1.0.0 (node_modules/a) states no licence and brings no text of one, which lets nobody give it away',
      'b 1.0.0 (node_modules/b) states "UNLICENSED", which lets nobody give it away',
    ],
  );
  t.is(faultsOf(carriedPackage('c', { licence: 'SEE LICENSE IN LICENSE' })).length, 1);
  t.deepEqual(faultsOf(carriedPackage('c', { licence: 'SEE LICENSE IN LICENSE', texts: text })), []);
  t.deepEqual(faultsOf(carriedPackage('d', { licence: undefined, texts: text })), []);
});

test('a package in the table of exceptions has the licence that stands there, in that version only', (t) => {
  const table = new Map([['a@1.0.0', { licence: 'ISC', reason: 'its author wrote so' }]]);
  const page = (version: string) =>
    licencePage(
      { ...carriedParts, packages: [carriedPackage('a', { licence: undefined, version })] },
      new Map(),
      table,
    );
  t.is(page('1.0.0').kind, 'made');
  t.is(page('1.0.1').kind, 'refused');
});

test('expressions of licences', (t) => {
  for (const good of [
    'MIT',
    '(MIT OR CC0-1.0)',
    'Apache-2.0 WITH LLVM-exception',
    '(MIT AND (BSD-3-Clause OR GPL-2.0+)) OR 0BSD',
  ])
    t.true(isLicenceExpression(good), good);
  for (const bad of ['', 'UNLICENSED', 'SEE LICENSE IN LICENSE', 'MIT OR', 'MIT, BSD', '(MIT', 'MIT ISC', '()', 'none'])
    t.false(isLicenceExpression(bad), bad);
});
