import test from 'ava';
import { utcMilliseconds } from '../kernel/units.ts';
import { holds } from './schedule.ts';

const at = (iso: string) => utcMilliseconds(Date.parse(iso));

test('a window holds from its first minute to before its last, in local time, on its days', (t) => {
  const windows = [{ days: ['mon' as const], from: '07:00', to: '09:00' }];
  // Berlin is two hours ahead of UTC in June.
  t.false(holds(windows, at('2026-06-01T04:59:59Z'), 'Europe/Berlin'));
  t.true(holds(windows, at('2026-06-01T05:00:00Z'), 'Europe/Berlin'));
  t.true(holds(windows, at('2026-06-01T06:59:59Z'), 'Europe/Berlin'));
  t.false(holds(windows, at('2026-06-01T07:00:00Z'), 'Europe/Berlin'));
  t.false(holds(windows, at('2026-06-02T06:00:00Z'), 'Europe/Berlin'));
});

test('24:00 reaches midnight, no days mean all days, no windows mean always', (t) => {
  t.true(holds([{ from: '22:00', to: '24:00' }], at('2026-06-03T23:59:00Z'), 'UTC'));
  t.false(holds([{ from: '22:00', to: '24:00' }], at('2026-06-04T00:00:00Z'), 'UTC'));
  t.true(holds(undefined, at('2026-06-04T00:00:00Z'), 'UTC'));
});
