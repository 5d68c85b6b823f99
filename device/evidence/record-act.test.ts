import test from 'ava';
import { ManualClock } from '../kernel/manual-clock.ts';
import { MemoryFiles } from '../kernel/testing/memory-files.ts';
import { EvidenceStore } from './evidence-store.ts';
import { recordAct, type UnitAct } from './record-act.ts';
import { inMemory } from './testing/stores.ts';

const operator = { kind: 'operator', name: 'O. Perez', role: 'supervisor', key: 'a'.repeat(64) } as const;
const reboot: UnitAct = {
  actor: operator,
  action: { kind: 'command', id: '01-reboot-1', name: 'reboot', outcome: 'done' },
  reason: 'it hangs',
};

test('a command and a configuration are signed entries that are read back, listed and survive a start', async (t) => {
  const files = new MemoryFiles();
  const clock = new ManualClock();
  const store = await EvidenceStore.open('/data', inMemory(files));
  const first = await recordAct(store.ledger, reboot, clock);
  const second = await recordAct(
    store.ledger,
    {
      actor: { kind: 'unit', name: 'configuration' },
      action: {
        kind: 'configuration',
        version: 4,
        sha256: 'b'.repeat(64),
        outcome: 'rolled-back',
        reasons: ['no link'],
      },
      reason: 'the trial failed',
    },
    clock,
  );
  t.deepEqual([first.sequence, second.sequence], [1, 2]);
  t.like(first.record, { schema: 'atalaya/action/2', actor: operator, action: reboot.action });
  t.false(first.bytes.includes('undefined'));
  await store.close();
  const again = await EvidenceStore.open('/data', inMemory(files));
  t.like(await again.read(1), { kind: 'action', record: { action: reboot.action } });
  t.like(await again.read(2), { kind: 'action', record: { actor: { kind: 'unit' } } });
  const lines = [];
  for await (const line of again.list(1)) lines.push(line);
  t.deepEqual(
    lines.map((line) =>
      line.kind === 'action' ? [line.action, line.subject, line.hold, line.actor, line.reason] : [],
    ),
    [
      ['command', null, null, 'O. Perez', 'it hangs'],
      ['configuration', null, null, 'configuration', 'the trial failed'],
    ],
  );
  await again.close();
});

test('what comes from outside is cut, and what is empty is refused before it has a number', async (t) => {
  const store = await EvidenceStore.open('/data', inMemory(new MemoryFiles()));
  const clock = new ManualClock();
  const { record } = await recordAct(
    store.ledger,
    {
      actor: operator,
      action: {
        kind: 'configuration',
        outcome: 'rejected',
        reasons: Array.from({ length: 80 }, (_, i) => `${i}: ${'x'.repeat(900)}`),
      },
      reason: '\ud83d\ude97'.repeat(400),
    },
    clock,
  );
  const { action, reason } = record;
  if (action.kind !== 'configuration') return t.fail();
  t.is(action.reasons.length, 51);
  t.is(action.reasons.at(-1), 'and 30 more');
  t.true(action.reasons.every((one) => one.length <= 500));
  t.true(reason.isWellFormed() && reason.length <= 500);
  await t.throwsAsync(recordAct(store.ledger, { ...reboot, reason: '' }, clock), { code: 'usage-invalid' });
  await t.throwsAsync(recordAct(store.ledger, { ...reboot, actor: { ...operator, key: 'none' } }, clock), {
    code: 'usage-invalid',
  });
  t.is(store.ledger.last, 1);
  await store.close();
});
