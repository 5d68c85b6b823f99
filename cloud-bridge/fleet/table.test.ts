import test from 'ava';
import fc from 'fast-check';
import { painted, table, wrap } from './table.ts';
import { bytesWords, plain, safeJson, spanWords } from './text.ts';

const look = (width: number) => ({ width, colours: false });
const columns = [{ head: 'unit' }, { head: 'detail', wraps: true }, { head: 'no', right: true }];

test('columns that may wrap do so, the others stay whole', (t) => {
  const rows = [[{ text: 'north-1' }, { text: 'the camera has sent no frame for a long time' }, { text: '7' }]];
  t.deepEqual(table(columns, rows, look(40)), [
    'unit     detail                       no',
    'north-1  the camera has sent no        7',
    '         frame for a long time',
  ]);
  t.deepEqual(table(columns, rows, look(20)), [
    'north-1',
    '  detail  the camera',
    '          has sent',
    '          no frame',
    '          for a long',
    '          time',
    '  no      7',
  ]);
});

test('whatever is in it: every line fits, and every word is there', (t) => {
  const cell = fc.string({ maxLength: 60 }).map((text) => ({ text }));
  fc.assert(
    fc.property(
      fc.array(fc.tuple(cell, cell, cell), { maxLength: 6 }),
      fc.integer({ min: 20, max: 120 }),
      (rows, width) => {
        const lines = table(columns, rows, look(width));
        const shown = lines.join('').replaceAll(' ', '');
        for (const line of lines) if (line.length > width) return false;
        return rows.flat().every(({ text }) => {
          const letters = plain(text).replaceAll(' ', '');
          return [...letters].every((letter) => shown.includes(letter));
        });
      },
    ),
  );
  t.pass();
});

test('what stands below a row has the whole width', (t) => {
  const columns = [{ head: 'version', right: true }, { head: 'state' }];
  const below = ['broker-not-reached: the broker was not reached within 9 s', 'a\u001bb'];
  const rows = [
    [{ text: '2', below }, { text: 'rolled-back' }],
    [{ text: '1' }, { text: 'confirmed' }],
  ];
  t.deepEqual(table(columns, rows, { width: 40, colours: false }), [
    'version  state',
    '      2  rolled-back',
    '    broker-not-reached: the broker was',
    '    not reached within 9 s',
    '    a?b',
    '      1  confirmed',
  ]);
  const phone = table(columns, rows, { width: 20, colours: false });
  t.true(phone.every(({ length }) => length <= 20) && phone.join(' ').includes('a?b'), phone.join('\n'));
});

test('what is there to be copied is never broken: above the others, or below them', (t) => {
  const name = 'unit-1.3.0-dull-r4-arm64.tar.zst';
  const first = [{ head: 'target', whole: true }, { head: 'version' }, { head: 'size', right: true }];
  const row = [{ text: name }, { text: '1.3.0-dull' }, { text: '62 MB' }];
  t.deepEqual(table(first, [row], look(60))[1], `${name}  1.3.0-dull  62 MB`);
  t.deepEqual(table(first, [row], look(40)), ['target', '  version      size', name, '  1.3.0-dull  62 MB']);
  const within = [{ head: 'no' }, { head: 'act', wraps: true, whole: true }, { head: 'outcome' }];
  const act = [{ text: '2' }, { text: `update to ${name}` }, { text: 'allowed' }];
  t.deepEqual(table(within, [act], look(50)).slice(1), [
    '2   update to                              allowed',
    `    ${name}`,
  ]);
  t.deepEqual(table(within, [act], look(40)), ['no  outcome', '2   allowed', '    update to', `    ${name}`]);
});

test('long words are broken, colours say nothing of their own', (t) => {
  t.deepEqual(wrap('abcdefghij kl', 4), ['abcd', 'efgh', 'ij', 'kl']);
  t.is(painted('x', 'red', false), 'x');
  t.is(painted('x', 'red', true), '\u001b[31mx\u001b[0m');
  t.is(painted('  ', 'red', true), '  ');
});

test('nothing that a terminal obeys comes through', (t) => {
  t.is(plain('a\u001b[2Jb\nc\u202ed\u009b'), 'a?[2Jb?c?d?');
  const value = { text: 'a\u001b\u009b\u202e\n' };
  const json = safeJson(value);
  t.regex(json, /^[\x20-\x7e]+$/);
  t.deepEqual(JSON.parse(json), value);
  t.deepEqual([0, 99_000, 200_000, 7_300_000, 300_000_000].map(spanWords), ['0 s', '99 s', '3 min', '2 h', '3 d']);
  t.deepEqual([999, 1000, 12_345_678, 999_600_000, 5e12].map(bytesWords), ['999 B', '1 kB', '12.3 MB', '1 GB', '5 TB']);
});
