import test from 'ava';
import { DatabaseError } from 'pg';
import { AtalayaError } from '../../../device/kernel/errors.ts';
import { postgresFault } from './postgres-faults.ts';
import { sqliteFault } from './sqlite-faults.ts';

function said(code: string): DatabaseError {
  return Object.assign(new DatabaseError('what the server said', 1, 'error'), { code });
}

function broken(code: string): Error {
  return Object.assign(new Error('the connection'), { code });
}

test('what PostgreSQL says and what its connection says are told apart', (t) => {
  const cases: readonly (readonly [Error, string, string])[] = [
    [said('53100'), 'store-full', 'halt'],
    [said('57P01'), 'archive-unavailable', 'retry'],
    [said('57014'), 'archive-unavailable', 'retry'],
    [said('08006'), 'archive-unavailable', 'retry'],
    [said('53300'), 'archive-unavailable', 'retry'],
    [said('40P01'), 'archive-unavailable', 'retry'],
    [said('40001'), 'archive-unavailable', 'retry'],
    [said('28P01'), 'store-failed', 'restart'],
    [said('3D000'), 'store-failed', 'restart'],
    [said('42501'), 'store-failed', 'restart'],
    [said('23505'), 'store-failed', 'restart'],
    [said('42P01'), 'store-failed', 'restart'],
    // Five capital letters, as the codes of the server have.
    [broken('EPIPE'), 'archive-unavailable', 'retry'],
    [broken('ECONNREFUSED'), 'archive-unavailable', 'retry'],
    [new Error('Connection terminated unexpectedly'), 'archive-unavailable', 'retry'],
  ];
  for (const [error, code, disposition] of cases) {
    const fault = postgresFault(error);
    t.deepEqual([fault.code, fault.disposition], [code, disposition], String('code' in error ? error.code : error));
    t.is(fault.cause, error);
  }
  const ours = new AtalayaError('internal', 'ours');
  t.is(postgresFault(ours), ours);
});

test('what SQLite says is told apart', (t) => {
  const cases = [
    [5, 'archive-unavailable'],
    [6, 'archive-unavailable'],
    // Extended codes: the base is in the low byte.
    [5 | (1 << 8), 'archive-unavailable'],
    [13, 'store-full'],
    [10 | (3 << 8), 'store-failed'],
    [8, 'store-failed'],
    [11, 'store-damaged'],
    [26, 'store-damaged'],
    [19, 'store-failed'],
  ] as const;
  for (const [errcode, code] of cases) {
    t.is(sqliteFault(Object.assign(new Error('said'), { errcode }), '/a').code, code, String(errcode));
  }
  t.is(sqliteFault(new TypeError('other'), '/a').code, 'store-failed');
});
