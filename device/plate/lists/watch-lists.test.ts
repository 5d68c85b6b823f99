import test from 'ava';
import fc from 'fast-check';
import { seededRandom } from '../../kernel/testing/seeded-random.ts';
import { type UtcMilliseconds, utcMilliseconds } from '../../kernel/units.ts';
import { neverRead } from '../vote/track-plate.ts';
import type { Nearness } from './list-document.ts';
import { openWatchList } from './open-watch-list.ts';
import { neighbours, normalisePlate, plateCode } from './plate-code.ts';
import { madeKey, madeList, madePlate, madeTime, today } from './testing/made-lists.ts';
import { type ListMatch, WatchLists } from './watch-lists.ts';

const key = madeKey();

async function listsOf(
  plates: Readonly<Record<string, readonly string[]>>,
  more: { readonly oneOff?: Nearness; readonly expires?: string } = {},
  clock = { utc: (): UtcMilliseconds => today.utc },
): Promise<WatchLists> {
  const texts = Object.entries(plates).map(([name, list]) => {
    const entries = list.map((plate, i) => ({ id: `${name}-${i}`, plate }));
    return madeList(key, entries, { name, ...more });
  });
  const opened = (await Promise.all(texts)).map((text) => openWatchList(text, key.publicKey, today));
  return new WatchLists(opened, clock);
}

const said = (matches: readonly ListMatch[]) => matches.map(({ list, entry, match }) => `${list} ${entry} ${match}`);

test('the very plate is an exact match, with the confidence of the vote', async (t) => {
  const lists = await listsOf({ stolen: ['ABCD12', 'ZZ9'] });
  t.deepEqual(lists.match(madePlate('ABCD12', 0.97)), [
    { list: 'stolen', entry: 'stolen-0', match: 'exact', confidence: 0.97 as never },
  ]);
  t.deepEqual(said(lists.match(madePlate('ZZ9'))), ['stolen stolen-1 exact']);
});

test('another character is one-off, however sure the read; two are nothing', async (t) => {
  const lists = await listsOf({ stolen: ['ABCD12'] });
  for (const text of ['XBCD12', 'ABCX12', 'ABCD19', 'A8CD12', 'ABC012']) {
    t.deepEqual(said(lists.match(madePlate(text, 0.999))), ['stolen stolen-0 one-off'], text);
  }
  for (const text of ['XBCD19', 'BACD12', 'AABCD12X', '12ABCD'])
    t.deepEqual(lists.match(madePlate(text, 0.9)), [], text);
});

test('one more or one less at an end is one-off where the read was unsure, never in the middle', async (t) => {
  const lists = await listsOf({ stolen: ['ABCD12'] });
  for (const text of ['1ABCD12', 'ABCD121', 'BCD12', 'ABCD1']) {
    t.deepEqual(said(lists.match(madePlate(text, 0.95))), ['stolen stolen-0 one-off'], text);
    t.deepEqual(lists.match(madePlate(text, 0.99)), [], text);
  }
  for (const text of ['ABXCD12', 'ABD12']) t.deepEqual(lists.match(madePlate(text, 0.9)), [], text);
});

test('a one-off is as likely as what the read leaves for another character there', async (t) => {
  const lists = await listsOf({ stolen: ['ABCD12'] });
  const [one] = lists.match(madePlate('ABCE12', 0.9, [0.99, 0.99, 0.99, 0.92, 0.99, 0.99]));
  t.true(Math.abs((one?.confidence ?? 1) - 0.08) < 1e-9);
  const [other] = lists.match(madePlate('ABCD13', 0.95, [1, 1, 1, 1, 1, 0.9]));
  t.true(Math.abs((other?.confidence ?? 1) - 0.05) < 1e-9, 'the vote is surer than the one frame');
});

test('of several one-offs the likeliest comes first, and lists keep their order', async (t) => {
  const lists = await listsOf({ stolen: ['XBCD12', 'ABCD19'], wanted: ['ABCX12'] });
  const plate = madePlate('ABCD12', 0.9, [0.99, 0.99, 0.98, 0.93, 0.99, 0.91]);
  t.deepEqual(said(lists.match(plate)), [
    'stolen stolen-1 one-off',
    'stolen stolen-0 one-off',
    'wanted wanted-0 one-off',
  ]);
});

test("a plate that is itself an entry of a list is nobody's one-off", async (t) => {
  const lists = await listsOf({ stolen: ['ABCD12', 'ABCD13'], authorised: ['ABCD14'], wanted: ['ABCD13'] });
  t.deepEqual(said(lists.match(madePlate('ABCD12'))), ['stolen stolen-0 exact']);
  t.deepEqual(said(lists.match(madePlate('ABCD14'))), ['authorised authorised-0 exact']);
  t.deepEqual(said(lists.match(madePlate('ABCD13'))), ['stolen stolen-1 exact', 'wanted wanted-0 exact']);
});

test('short plates have exact matches only: too little is in common', async (t) => {
  const lists = await listsOf({ stolen: ['AB12', 'ABC12'] });
  t.deepEqual(lists.match(madePlate('AB13', 0.9)), []);
  t.deepEqual(said(lists.match(madePlate('ABC13', 0.9))), ['stolen stolen-1 one-off']);
});

test('a list says itself which one-offs count', async (t) => {
  const doubtful = await listsOf({ stolen: ['ABCD12'] }, { oneOff: 'doubtful' });
  t.deepEqual(doubtful.match(madePlate('XBCD12', 0.99)), []);
  t.is(doubtful.match(madePlate('A8CD12', 0.99)).length, 1, 'B and 8');
  t.is(doubtful.match(madePlate('XBCD12', 0.95, [0.96, 1, 1, 1, 1, 1])).length, 1);
  t.deepEqual(doubtful.match(madePlate('XBCD12', 0.95, [0.99, 1, 1, 1, 1, 0.96])), []);
  const never = await listsOf({ stolen: ['ABCD12'] }, { oneOff: 'never' });
  t.deepEqual(never.match(madePlate('A8CD12', 0.9)), []);
  t.is(never.match(madePlate('ABCD12')).length, 1);
});

test('what was not read matches nothing', async (t) => {
  const lists = await listsOf({ stolen: ['ABCD12'] });
  t.deepEqual(lists.match(neverRead('frames-disagree')), []);
  t.deepEqual(lists.alertsOf(1, neverRead('unclear')), []);
  t.deepEqual(lists.match(madePlate('ABCD1234567')), []);
  t.deepEqual(new WatchLists([], { utc: () => today.utc }).match(madePlate('ABCD12')), []);
});

test('an alert names who, when and the frame that shows the plate', async (t) => {
  const lists = await listsOf({ stolen: ['ABCD12'] });
  t.deepEqual(lists.alertsOf(12, madePlate('ABCD12', 0.97)), [
    {
      list: 'stolen',
      entry: 'stolen-0',
      match: 'exact',
      confidence: 0.97 as never,
      track: 12,
      frame: 42,
      time: madeTime,
    },
  ]);
});

test('a list that expires in use matches nothing from then on, and is named', async (t) => {
  const hand = { now: today.utc };
  const lists = await listsOf({ stolen: ['ABCD12'] }, { expires: '2026-03-02T00:00:00Z' }, { utc: () => hand.now });
  t.is(lists.match(madePlate('ABCD12')).length, 1);
  t.deepEqual(lists.expired(), []);
  hand.now = utcMilliseconds(Date.parse('2026-03-02T00:00:00Z'));
  t.deepEqual(lists.match(madePlate('ABCD12')), []);
  t.deepEqual(
    lists.expired().map(({ head }) => head.name),
    ['stolen'],
  );
});

/** As the definition has it, letter by letter. */
function naive(text: string, plate: string, unsure: boolean): 'exact' | 'one-off' | undefined {
  if (text === plate) return 'exact';
  const other = text.length === plate.length && [...text].filter((c, i) => c !== plate[i]).length === 1;
  if (other) return text.length > 4 ? 'one-off' : undefined;
  const [short, long] = text.length < plate.length ? [text, plate] : [plate, text];
  const atEnd = long.length === short.length + 1 && (long.startsWith(short) || long.endsWith(short));
  return atEnd && unsure && short.length >= 4 ? 'one-off' : undefined;
}

test('any list and any text match as the definition has it', async (t) => {
  const plate = fc.string({ unit: fc.constantFrom('A', '0', 'Z', '9'), minLength: 2, maxLength: 6 });
  const sides = fc.constantFrom('', 'AAAA', '0Z9A');
  await fc.assert(
    fc.asyncProperty(
      fc.uniqueArray(plate, { minLength: 1, maxLength: 12 }),
      sides,
      plate,
      fc.boolean(),
      async (all, side, end, unsure) => {
        const list = all.map((one) => `${side}${one}`);
        const text = `${side}${end}`;
        const lists = await listsOf({ stolen: list });
        const wanted = list.map((one) => naive(text, one, unsure));
        const kind = wanted.includes('exact') ? 'exact' : 'one-off';
        const expected = list.flatMap((_, i) => (wanted[i] === kind ? [`stolen stolen-${i} ${kind}`] : []));
        t.deepEqual(said(lists.match(madePlate(text, unsure ? 0.9 : 0.99))).sort(), expected.sort());
      },
    ),
    { numRuns: 300 },
  );
});

test('numbers stand for plates one to one, and neighbours for the texts that they are', (t) => {
  const plate = fc.string({
    unit: fc.constantFrom(...'0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ'),
    minLength: 2,
    maxLength: 10,
  });
  fc.assert(
    fc.property(plate, plate, (a, b) => {
      t.is(plateCode(a) === plateCode(b), a === b);
      t.true(Number.isSafeInteger(plateCode(a) ?? t.fail()));
    }),
  );
  fc.assert(
    fc.property(plate, (text) => {
      for (const { code, step, at, character } of neighbours(text)) {
        const ends = at === 0 ? [text.slice(1), character + text] : [text.slice(0, -1), text + character];
        const other = text.slice(0, at) + character + text.slice(at + 1);
        t.is(code, plateCode({ other, shorter: ends[0] ?? '', longer: ends[1] ?? '' }[step]) ?? t.fail());
      }
      const codes = Array.from(neighbours(text), ({ code }) => code);
      t.is(new Set(codes).size, codes.length, 'each once');
    }),
    { numRuns: 20 },
  );
  const same = Array.from(neighbours('AAAAA'), ({ code }) => code);
  t.is(new Set(same).size, same.length);
  t.is(plateCode('Z'.repeat(10)), 37 ** 10 - 1);
  for (const no of ['', 'A', 'abc', 'AB-12', 'A'.repeat(11), 'ÑÑÑÑ']) t.is(plateCode(no), undefined, no);
  t.is(normalisePlate(' ab·cd-1 2.'), 'ABCD12');
  for (const no of ['', '-', 'A', 'ÑANDU1', 'A'.repeat(11), 'AB_12']) t.is(normalisePlate(no), undefined, no);
});

test('100,000 entries are matched in the time of few', async (t) => {
  const random = seededRandom(7);
  const letter = () => 'BCDFGHJKLPRSTVWXYZ'[Math.floor(random() * 18)] ?? 'B';
  const plate = () => `${letter()}${letter()}${letter()}${letter()}${10 + Math.floor(random() * 90)}`;
  const plates = new Set<string>();
  while (plates.size < 100_000) plates.add(plate());
  const lists = await listsOf({ stolen: [...plates] }, { oneOff: 'every' });
  for (const [i, text] of [...plates].slice(0, 500).entries()) {
    t.deepEqual(said(lists.match(madePlate(text))), [`stolen stolen-${i} exact`]);
  }
  const unknown = Array.from({ length: 2000 }, () => madePlate(plate(), 0.95));
  const rounds = Array.from({ length: 5 }, (_, round) => {
    const begun = performance.now();
    for (const one of unknown.slice(round * 400, (round + 1) * 400)) lists.match(one);
    return (performance.now() - begun) / 400;
  });
  const each = Math.min(...rounds);
  const found = unknown.filter((one) => lists.match(one)[0]?.match === 'one-off').length;
  t.log(`${each.toFixed(3)} ms a plate; one-offs for ${found} of ${unknown.length} plates`);
  t.true(
    found > 1000,
    'of a list so long most plates are one-off, which is why it is not what such a list gets unasked',
  );
  const [short, long] = [await listsOf({ stolen: [...plates].slice(0, 1000) }), await listsOf({ stolen: [...plates] })];
  const sure = unknown.map((one) => madePlate(one.text, 0.99));
  const alarms = (list: WatchLists) => sure.filter((one) => list.match(one)[0]?.match === 'one-off').length;
  const [ofShort, ofLong] = [alarms(short), alarms(long)];
  t.log(`unasked, read for sure: ${ofShort} of 1,000 entries, ${ofLong} of 100,000`);
  t.true(ofShort > 0 && ofShort < 60 && ofLong < 20);
  t.true(each < 0.5, `${each} ms`);
});
