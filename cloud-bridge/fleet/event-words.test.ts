import test from 'ava';
import fc from 'fast-check';
import type { JsonValue } from '../../device/kernel/canonical-json.ts';
import { eventWords } from './event-words.ts';
import { infractionWords } from './infraction-words.ts';

const entry = (record: Record<string, JsonValue>) => ({
  record: { schema: 'atalaya/evidence/3', unit: 'north-1', sequence: 7, ...record },
  signature: 'c2ln',
});

test('an infraction in one line: what, how fast, where, who', (t) => {
  const measured = { rule: 'speeding', speedKmh: 92.44, limitKmh: 60, chargedKmh: 87.4 };
  const infraction = { rule: 'speeding', lane: 'left', class: 'car', measured };
  t.is(
    eventWords('infraction', entry({ id: 'north-1-000000007', infraction })),
    'north-1-000000007, speeding: 92.4 km/h, limit 60 km/h, lane left, car',
  );
  const cases: readonly (readonly [Parameters<typeof infractionWords>[0], string])[] = [
    [{ rule: 'red-light', measured: { redForS: 1.23, speedKmh: 50 } }, 'red light: 50 km/h, red for 1.2 s'],
    [
      { rule: 'stop-line', measured: { beyondPx: 12, beyondM: 1.5, standingS: 4 } },
      'beyond the stop line: 1.5 m beyond, standing for 4 s',
    ],
    [{ rule: 'wrong-way', measured: { againstDeg: 172, distancePx: 90 } }, 'wrong way'],
    [{ rule: 'stopping', measured: { standingS: 34, allowedS: 5 } }, 'stopping: standing for 34 s, 5 s allowed'],
    [
      { rule: 'blocked-box', measured: { standingS: 8, allowedS: 5 } },
      'blocked box junction: standing for 8 s, 5 s allowed',
    ],
    [{ rule: 'restricted-lane', measured: { insideS: 3.21 } }, 'restricted lane: inside for 3.2 s'],
    [{ rule: 'of-tomorrow', measured: { speedKmh: 'fast' } }, 'of-tomorrow'],
    [{}, 'infraction'],
  ];
  for (const [said, words] of cases) t.is(infractionWords(said), words);
});

test('acts on evidence and on the unit, and who did them', (t) => {
  const ana = { kind: 'operator', name: 'Ana', role: 'supervisor', key: '0'.repeat(64) };
  const clerk = { kind: 'person', name: 'A. Clerk', account: 'clerk' };
  const unit = { kind: 'unit', name: 'configuration' };
  const cases: readonly (readonly [JsonValue, JsonValue, string])[] = [
    [ana, { kind: 'command', id: 'x', name: 'reboot', outcome: 'done' }, 'command reboot done, by Ana (supervisor)'],
    [
      unit,
      { kind: 'configuration', version: 7, outcome: 'rolled-back', reasons: [] },
      'configuration 7 rolled-back, by the unit itself',
    ],
    [clerk, { kind: 'list' }, 'evidence listed, by A. Clerk'],
    [clerk, { kind: 'read', evidence: ['e-1'], opened: false }, 'e-1 looked at, by A. Clerk'],
    [clerk, { kind: 'export', evidence: ['e-1', 'e-2'], opened: true }, '2 pieces of evidence exported, by A. Clerk'],
    [clerk, { kind: 'hold', evidence: 'e-1', hold: 'court' }, 'e-1 held for court, by A. Clerk'],
    [clerk, { kind: 'release', evidence: 'e-1', hold: 'court' }, 'e-1 no longer held for court, by A. Clerk'],
    [
      { kind: 'policy', name: 'five days' },
      { kind: 'erase', evidence: 'e-1', keys: null, bodies: [] },
      'e-1 erased, by five days',
    ],
    [clerk, { kind: 'of-tomorrow' }, 'of-tomorrow, by A. Clerk'],
  ];
  for (const [actor, action, words] of cases) t.is(eventWords('audit', entry({ actor, action })), words);
  t.is(eventWords('audit', entry({ schema: 'x/9' })), 'entry 7 of the ledger, x/9');
});

test('counts and alerts; whatever else comes is never shown as JSON', (t) => {
  const count = { line: 'gate', direction: 'in', class: 'bus', dated: true };
  t.is(eventWords('count', count), 'bus over gate, in');
  t.is(eventWords('count', { ...count, dated: false }), 'bus over gate, in, not dated');
  const alert = {
    id: 'camera-lost-1',
    name: 'camera-lost',
    state: 'raised',
    since: '2026-03-01T12:00:00Z',
    detail: 'no frame',
  };
  t.is(eventWords('alert', alert), 'camera-lost raised: no frame');
  const kinds = fc.constantFrom('infraction', 'audit', 'alert', 'count');
  fc.assert(
    fc.property(kinds, fc.jsonValue(), (kind, data) => {
      const words = eventWords(kind as 'alert', data as JsonValue);
      return words === 'of a form that this program does not know: --json shows it';
    }),
  );
});
