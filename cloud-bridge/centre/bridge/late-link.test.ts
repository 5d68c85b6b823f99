import test from 'ava';
import { ManualClock } from '../../../device/kernel/manual-clock.ts';
import type { Link, LinkHandlers, LinkSession } from '../../link/link.ts';
import { LateLink } from './late-link.ts';

test('the broker is gone since it went, whatever attempts fail afterwards, and there since it came', async (t) => {
  const clock = new ManualClock(Date.parse('2026-03-01T12:00:00Z'));
  const late = new LateLink(clock);
  let given: LinkHandlers | undefined;
  const told: string[] = [];
  late.open(
    (handlers) => {
      given = handlers;
      return {} as Link;
    },
    {
      online: () => void told.push('online'),
      offline: () => void told.push('offline'),
      arrived: async () => undefined,
    },
  );
  const after = async (what: 'online' | 'offline') => {
    await clock.advance(60_000);
    if (what === 'online') await given?.online({} as LinkSession);
    else given?.offline(undefined);
    return late.since.slice(11, 16);
  };
  t.is(await after('offline'), '12:00', 'it was never there');
  t.is(await after('online'), '12:02');
  t.is(await after('offline'), '12:03');
  t.is(await after('offline'), '12:03');
  t.is(await after('online'), '12:05');
  t.deepEqual(told, ['offline', 'online', 'offline', 'offline', 'online']);
});
