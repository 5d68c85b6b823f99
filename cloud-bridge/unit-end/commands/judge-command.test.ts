import test from 'ava';
import { utcMilliseconds } from '../../../device/kernel/units.ts';
import { type Command, commandNames } from '../../contract/acts.ts';
import { mayDo, type Role, roles } from '../../contract/roles.ts';
import { issuedAt } from '../../contract/testing/made-people.ts';
import { type CommandSituation, judgeCommand } from './judge-command.ts';
import { commandOf, people, staff, stranger, unit } from './testing/made-inbox.ts';

const at = (utc: number, reliable = true): CommandSituation['now'] => ({ utc: utcMilliseconds(utc), reliable });

function judge(command: Command, changed: Partial<CommandSituation> = {}) {
  const { name, id } = command;
  return judgeCommand(command, { topic: { name, id }, unit, people, now: at(issuedAt + 1000), ...changed });
}

const id = 'command-1';
const good = await commandOf('snapshot', id);
const { signature: _, ...unsigned } = good;

const table: readonly (readonly [what: string, () => ReturnType<typeof judge>, code: string])[] = [
  ['another name in the topic', () => judge(good, { topic: { name: 'reboot', id } }), 'topic-differs'],
  ['another id in the topic', () => judge(good, { topic: { name: 'snapshot', id: 'command-2' } }), 'topic-differs'],
  ['another unit', () => judge(good, { unit: 'unit-2' }), 'foreign-unit'],
  ['no people', () => judge(good, { people: undefined }), 'no-trust'],
  ['no signature', () => judge(unsigned), 'not-signed'],
  ['half a signature', () => judge({ ...good, signature: { key: 'a', value: 'b' } }), 'signature-malformed'],
  ['altered arguments', () => judge({ ...good, arguments: { width: 640 } }), 'altered'],
  ['altered expiry', () => judge({ ...good, expires: '2036-03-01T12:00:00Z' }), 'altered'],
  ['a field that was not signed', () => judge({ ...good, more: 1 } as never), 'altered'],
  ['what has no canonical JSON', () => judge({ ...good, arguments: { width: '\ud800' } }), 'altered'],
  ['at its expiry', () => judge(good, { now: at(issuedAt + 600_000) }), 'expired'],
  [
    'at its expiry, by a clock that may be behind',
    () => judge(good, { now: at(issuedAt + 600_000, false) }),
    'expired',
  ],
  ['six minutes before it was issued', () => judge(good, { now: at(issuedAt - 360_000) }), 'not-yet-issued'],
];

for (const [what, judged, code] of table) {
  test(`refused: ${what}`, (t) => {
    const result = judged();
    t.is(result.kind === 'allowed' ? 'allowed' : result.code, code);
    t.true(result.kind !== 'allowed' && result.words.length > 5);
  });
}

test('refused: who is not known, with the name of somebody who is', async (t) => {
  t.like(judge(await commandOf('snapshot', id, stranger)), { kind: 'stranger', code: 'unknown-key' });
});

test('refused: arguments that the command does not have, and an expiry before the issue', async (t) => {
  const odd = await commandOf('snapshot', id, staff.supervisor, { arguments: { width: 320, more: 1 } });
  t.like(judge(odd), { kind: 'refused', code: 'arguments-malformed', words: 'more: is no field of this document' });
  const { issued } = good;
  t.like(judge(await commandOf('snapshot', id, staff.supervisor, { expires: issued })), {
    kind: 'refused',
    code: 'never-valid',
  });
});

test('refused: what is valid for longer than a broker keeps it, since whoever holds it back may have it done in years', async (t) => {
  const week = 7 * 24 * 3_600_000;
  const until = (time: number) => ({ expires: new Date(issuedAt + time).toISOString() });
  const long = await commandOf('reboot', id, staff.supervisor, until(week + 1000));
  t.like(judge(long), { kind: 'refused', code: 'valid-too-long', person: { name: 'Ben' } });
  t.is(judge(await commandOf('reboot', id, staff.supervisor, until(week))).kind, 'allowed');
});

test('what was issued since is taken by a clock that may be behind, and by one that is a few minutes off', (t) => {
  t.is(judge(good, { now: at(0, false) }).kind, 'allowed');
  t.is(judge(good, { now: at(issuedAt - 240_000) }).kind, 'allowed');
});

for (const name of commandNames) {
  test(`${name} is for those roles that may, and for no other`, async (t) => {
    for (const role of roles) {
      const judged = judge(await commandOf(name, id, staff[role as Role]));
      const wanted = mayDo(role, `command.${name}`) ? 'allowed' : 'refused';
      t.is(judged.kind, wanted, role);
      if (judged.kind === 'refused') t.like(judged, { code: 'not-allowed', person: { role } });
    }
  });
}
