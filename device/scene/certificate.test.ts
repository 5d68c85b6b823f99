import test from 'ava';
import { utcMilliseconds } from '../kernel/units.ts';
import { certificateState } from './certificate.ts';

const certificate = { number: '1', issuer: 'an office', issued: '2026-03-01', expires: '2026-03-31' };
const at = (iso: string, dated = true) => ({ utc: utcMilliseconds(Date.parse(iso)), dated });

test('a certificate holds from its first day to the end of its last, by the local date', (t) => {
  const state = (iso: string, zone = 'Europe/Berlin') => certificateState(certificate, at(iso), zone);
  t.is(state('2026-02-28T22:59:59Z'), 'not-yet-valid');
  t.is(state('2026-02-28T23:00:00Z'), 'valid');
  t.is(state('2026-03-31T21:59:59Z'), 'valid');
  t.is(state('2026-03-31T22:00:00Z'), 'expired');
  t.is(state('2026-03-31T22:00:00Z', 'UTC'), 'valid');
});

test('without a date nothing is said', (t) => {
  t.is(certificateState(certificate, at('2030-01-01T00:00:00Z', false), 'UTC'), 'undated');
});
