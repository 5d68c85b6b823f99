import test from 'ava';
import fc from 'fast-check';
import { ManualClock } from '../../kernel/manual-clock.ts';
import { milliseconds, utcMilliseconds } from '../../kernel/units.ts';
import type { EvidenceLine } from '../index/index-store.ts';
import {
  type ClockReading,
  dateForRetention,
  planRetention,
  type RetentionPolicy,
  type RetentionState,
  readingOf,
} from './plan-retention.ts';

const day = 86_400_000;
const start = Date.UTC(2026, 0, 1);

const lineOf = (more: Partial<EvidenceLine> = {}): EvidenceLine => ({
  kind: 'evidence',
  position: { sequence: 1, segment: 1, offset: 0, bytes: 1, sha256: '' },
  time: new Date(start).toISOString(),
  id: 'unit-1-000000001',
  sealed: new Date(start).toISOString(),
  dated: true,
  rule: 'speeding',
  track: 1,
  class: 'car',
  lane: null,
  bytes: 1000,
  holds: [],
  erased: null,
  ...more,
});

const aged = (name: string, keepDays: number, more: Partial<RetentionPolicy> = {}): RetentionPolicy => ({
  name,
  rules: 'all',
  keepDays,
  whenFull: false,
  ...more,
});
const full = (name: string, more: Partial<RetentionPolicy> = {}): RetentionPolicy => ({
  name,
  rules: 'all',
  keepDays: undefined,
  whenFull: true,
  ...more,
});
const at = (days: number, wanted = 0): RetentionState => ({
  date: { trusted: true, now: utcMilliseconds(start + days * day) },
  wanted,
});
const undatedState: RetentionState = { date: { trusted: false, why: 'nothing states the date' }, wanted: 0 };

const table: readonly [
  string,
  Partial<EvidenceLine>,
  readonly RetentionPolicy[],
  RetentionState,
  number,
  'keep' | 'erase',
  RegExp,
][] = [
  ['no policy', {}, [], at(9999, 1e9), 0, 'keep', /no policy is about speeding/],
  ['a policy about another rule', {}, [aged('p', 1, { rules: ['red-light'] })], at(99), 0, 'keep', /no policy/],
  ['not old enough', {}, [aged('p', 30)], at(29.99), 0, 'keep', /not due/],
  ['exactly as old as it may be', {}, [aged('p', 30)], at(30), 0, 'keep', /not due/],
  ['too old', {}, [aged('p', 30)], at(30.01), 0, 'erase', /sealed 30 days ago; p keeps 30/],
  ['too old, and held', { holds: ['court', 'x'] }, [aged('p', 30)], at(99, 1e9), 0, 'keep', /held by court, x/],
  ['too old, and erased', { erased: 7 }, [aged('p', 30)], at(99), 0, 'keep', /already erased/],
  ['too old by a date that is not known', { dated: false }, [aged('p', 30)], at(99), 0, 'keep', /not due/],
  ['too old by a clock that is not trusted', {}, [aged('p', 30)], undatedState, 0, 'keep', /not due/],
  ['sealed in what is now the future', {}, [aged('p', 0)], at(-1), 0, 'keep', /not due/],
  ['the first policy decides', {}, [aged('long', 90), aged('short', 1)], at(30), 0, 'keep', /not due/],
  [
    'the first policy of its rule decides',
    {},
    [aged('x', 1, { rules: ['stopping'] }), aged('p', 9)],
    at(30),
    0,
    'erase',
    /p keeps 9/,
  ],
  ['too little space', {}, [full('f')], at(0, 1), 0, 'erase', /too little space; f lets the oldest go/],
  [
    'too little space, undated',
    { dated: false },
    [full('f')],
    { ...undatedState, wanted: 1 },
    0,
    'erase',
    /too little space/,
  ],
  ['space that was made meanwhile', {}, [full('f')], at(0, 1000), 1000, 'keep', /not due/],
  ['too little space, and held', { holds: ['court'] }, [full('f')], at(0, 1e9), 0, 'keep', /held by court/],
  ['too little space, and a policy by age alone', {}, [aged('p', 30)], at(1, 1e9), 0, 'keep', /not due/],
];

for (const [name, line, policies, state, freed, kind, reason] of table) {
  test(`planned: ${name}: ${kind}`, (t) => {
    const step = planRetention(lineOf(line), policies, state, freed);
    t.is(step.kind, kind);
    t.regex(step.reason, reason);
  });
}

const policies = fc.array(
  fc.record({
    name: fc.constantFrom('a', 'b'),
    rules: fc.oneof(fc.constant('all' as const), fc.subarray(['speeding', 'red-light'])),
    keepDays: fc.option(fc.integer({ min: 0, max: 400 }), { nil: undefined }),
    whenFull: fc.boolean(),
  }),
);
const lines = fc.record({
  rule: fc.constantFrom('speeding', 'red-light'),
  dated: fc.boolean(),
  holds: fc.array(fc.constantFrom('court', 'appeal')),
  erased: fc.option(fc.nat(), { nil: null }),
});
const states = fc.record({
  date: fc.oneof(
    fc.constant({ trusted: false, why: 'x' } as const),
    fc
      .integer({ min: -400, max: 4000 })
      .map((days) => ({ trusted: true, now: utcMilliseconds(start + days * day) }) as const),
  ),
  wanted: fc.nat(1e6),
});

test('whatever the policies say, held evidence stays, and nothing goes without a policy, a known date or a lack of space', (t) => {
  fc.assert(
    fc.property(lines, policies, states, fc.nat(1e6), (given, rules, state, freed) => {
      const line = lineOf(given);
      const { kind, reason, policy } = planRetention(line, rules, state, freed);
      if (reason === '' || policy === '') return false;
      if (kind === 'keep') return true;
      const decides = rules.find((one) => one.rules === 'all' || one.rules.includes(line.rule));
      const forAge = state.date.trusted && line.dated && decides?.keepDays !== undefined;
      const forSpace = decides?.whenFull === true && freed < state.wanted;
      return line.holds.length === 0 && line.erased === null && decides?.name === policy && (forAge || forSpace);
    }),
  );
  t.pass();
});

const reading = (utc: number, monotonic: number, isDated = true): ClockReading => ({
  utc: utcMilliseconds(utc),
  monotonic: milliseconds(monotonic),
  state: { ...new ManualClock().state(), dated: isDated },
});
const hour = 3_600_000;

const dates: readonly [string, ClockReading, ClockReading, number | undefined, RegExp | undefined][] = [
  ['a clock that runs', reading(start, 5), reading(start + 40 * day, 5 + 40 * day), start, undefined],
  ['no evidence yet', reading(start, 0), reading(start, 0), undefined, undefined],
  ['a clock that drifts', reading(start, 0), reading(start + day + hour, day), start, undefined],
  [
    'a step forward',
    reading(start, 0),
    reading(start + day + hour + 1, day),
    start,
    /stepped by 60 minutes since the start/,
  ],
  ['a step back', reading(start + day, 0), reading(start + day - 2 * hour, 0), start, /stepped by -120 minutes/],
  ['nothing that states the date', reading(start, 0), reading(start, 0, false), start, /nothing states the date/],
  ['a date before the newest evidence', reading(start, 0), reading(start, 0), start + 1, /before the newest evidence/],
  ['half a year of silence', reading(start + 180 * day, 0), reading(start + 180 * day, 0), start, undefined],
  ['more than half a year', reading(start + 181 * day, 0), reading(start + 181 * day, 0), start, /a person must look/],
];

for (const [name, opened, now, newest, why] of dates) {
  test(`the date: ${name}: ${why === undefined ? 'trusted' : 'not trusted'}`, (t) => {
    const recent = newest === undefined ? undefined : { latest: utcMilliseconds(newest), widest: milliseconds(0) };
    const date = dateForRetention(opened, now, recent);
    if (date.trusted) t.deepEqual([date.now, why], [now.utc, undefined]);
    else t.regex(date.why, why ?? /^$/);
  });
}

test('a reading takes date and interval clock together', (t) => {
  const clock = new ManualClock(start);
  t.deepEqual(readingOf(clock), { utc: utcMilliseconds(start), monotonic: milliseconds(0), state: clock.state() });
});

test('where the dates of the evidence leap by half a year, one of them may be wrong, and nothing goes for its age', (t) => {
  const now = reading(start, 0);
  const leap = (days: number) =>
    dateForRetention(now, now, { latest: utcMilliseconds(start), widest: milliseconds(days * 86_400_000) });
  t.true(leap(180).trusted);
  t.like(leap(181), {
    trusted: false,
    why: 'the dates of the evidence leap by more than 180 days; a person must look',
  });
});
