import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import fc from 'fast-check';
import type { SelfTestReport } from './contract/self-test-report.ts';
import { makeReport } from './make-report.ts';
import { remedies, remedyOf, troubleCodes } from './remedies.ts';
import { remediesTable } from './remedies-table.ts';
import { doctorLines, narrow, reportLines, wrapped } from './report-words.ts';
import { healthyFacts } from './testing/healthy-facts.ts';

const head = {
  unit: 'north-1',
  site: 'North gate',
  program: '1.2.3',
  boot: 'boot-1',
  at: '2026-03-01T12:00:00.000Z',
  asked: 'selftest',
} as const;

const ill = makeReport(head, {
  ...healthyFacts,
  clock: { utc: 0, synchronised: false },
  broker: { kind: 'connected', roundTripMs: 8000 },
  machine: {},
});

test('doctor: what is wrong, what it does and what to do, the failed before the doubtful, on a phone', (t) => {
  const lines = doctorLines(ill, narrow);
  for (const line of lines) t.true(line.length <= narrow, line);
  const text = lines.join('\n').replaceAll(/\n +/g, ' ');
  t.regex(
    text,
    /^north-1, North gate, 2026-03-01T12:00:00.000Z\n\nFAILED clock \(clock-unsynchronised\) Nothing steers/,
  );
  t.regex(text, /Evidence states that its date is not to be relied on\. 1\. Look who should/);
  t.true(text.indexOf('FAILED clock') < text.indexOf('LOOK AT broker (broker-slow)'));
  t.regex(text, /round trip: 8000 ms, should be at most 5000/);
  t.regex(text, /Not tested: wear, temperature, power\./);
  t.regex(text, /1 failed, 1 to look at, \d+ good\. Not fit for\nservice\.$/);
});

test('doctor: of a unit that is well there is nothing to do', (t) => {
  const lines = doctorLines(makeReport(head, healthyFacts), 80);
  t.deepEqual(lines, [
    'north-1, North gate, 2026-03-01T12:00:00.000Z',
    '',
    '0 failed, 0 to look at, 18 good. All is well.',
  ]);
});

test('doctor: a code of newer software is told, with no remedy made up', (t) => {
  const [first] = ill.findings;
  const newer: SelfTestReport = {
    ...ill,
    findings: [{ ...(first as SelfTestReport['findings'][number]), outcome: 'failed', code: 'lens-frozen' }],
  };
  t.regex(doctorLines(newer, 80).join('\n'), /\(lens-frozen\)\n.*\n {2}This program knows no remedy/);
  t.is(remedyOf('toString'), undefined);
});

test('a report is a line a finding, marked', (t) => {
  const lines = reportLines(ill, 80);
  t.regex(lines.join('\n'), /\nok {5}camera: 90 frames of 1280 x 720 in 3 s\.\n/);
  t.regex(lines.join('\n'), /\nFAILED clock: Nothing steers the clock/);
  t.regex(lines.join('\n'), /\nlook {3}broker: /);
  t.regex(lines.join('\n'), /\n- {6}wear: not tested\. /);
});

test('every remedy is short enough to be read on a ladder, and says what to do as an order', (t) => {
  for (const code of troubleCodes) {
    const { means, matters, steps } = remedies[code];
    for (const text of [means, matters, ...steps]) {
      t.regex(text, /^[A-Z0-9`].*[.)]$/, code);
      t.true(text.length <= 160, `${code}: ${text.length}`);
    }
    t.true(steps.length <= 6, code);
  }
});

test('words are wrapped, whatever they are, and none is lost', (t) => {
  fc.assert(
    fc.property(fc.string({ maxLength: 200 }), fc.integer({ min: 20, max: 100 }), (text, width) => {
      const lines = wrapped(text, width, '* ', '  ');
      const joined = lines.map((line) => line.slice(2)).join('');
      return lines.every((line) => line.length <= width) && joined.replaceAll(/\s/g, '') === text.replaceAll(/\s/g, '');
    }),
  );
  t.pass();
});

test('the page of remedies is made from them', async (t) => {
  const page = await readFile(join(import.meta.dirname, 'README.md'), 'utf8');
  t.true(page.includes(remediesTable()), 'make docs');
});
