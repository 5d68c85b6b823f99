import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { type ActionRecord, actionSchema, earlierActionSchema } from '../evidence/record/action-record.ts';
import { makeActionRecord } from '../evidence/record/make-record.ts';
import { indexEntryOf } from '../evidence/record/read-entry.ts';
import { recordAct } from '../evidence/record-act.ts';
import { clerk } from '../evidence/testing/stores.ts';
import { systemClock } from '../kernel/clock.ts';
import { by, done, refused } from './testing/audit-trial.ts';
import { madeData, sealWhole } from './testing/made-data.ts';

/** What the auditor's program says of commands, configurations and of acts that older software wrote. */

test.serial('commands and configurations are listed, shown and verified', async (t) => {
  const made = await madeData();
  t.teardown(() => made.remove());
  const store = await made.open();
  await recordAct(
    store.ledger,
    {
      actor: { kind: 'operator', name: 'O. Perez', role: 'supervisor', key: 'a'.repeat(64) },
      action: { kind: 'command', id: '01-reboot-1', name: 'reboot', outcome: 'refused', reason: 'expired' },
      reason: 'it hangs',
    },
    systemClock,
  );
  await recordAct(
    store.ledger,
    {
      actor: { kind: 'unit', name: 'configuration' },
      action: { kind: 'configuration', version: 4, outcome: 'rolled-back', reasons: ['no-link', 'no-frames'] },
      reason: 'the trial failed',
    },
    systemClock,
  );
  await store.close();
  const on = ['--store', made.data, ...by];
  const acts = await done(t, made, 'list', '--acts', ...on);
  t.regex(acts, /^1 {2}\S+ \S+ {2}command reboot \(01-reboot-1\): refused, expired {2}O\. Perez: it hangs$/m);
  t.regex(acts, /^2 {2}\S+ \S+ {2}configuration version 4 rolled-back: no-link; no-frames/m);
  t.like(JSON.parse(await done(t, made, 'show', '1', ...on)), { schema: actionSchema, action: { outcome: 'refused' } });
  t.regex(await done(t, made, 'verify', made.data, '--key', made.publicKey), /^OK\nunit unit-1\n/);
});

test.serial('what older software wrote of acts is listed, obeyed, shown and verified', async (t) => {
  const made = await madeData();
  t.teardown(() => made.remove());
  const store = await made.open();
  const id = await sealWhole(store, 70);
  const action = { kind: 'hold', evidence: id, hold: 'court' } as const;
  await store.ledger.commit(
    (head): ActionRecord => ({
      ...makeActionRecord(head, { ...clerk, action }, systemClock),
      schema: earlierActionSchema,
    }),
    (record, position, signed) => indexEntryOf({ ...signed, kind: 'action', record }, position),
  );
  await store.close();
  const on = ['--store', made.data, ...by];
  const folder = join(made.store, 'journal');
  const journal = readdirSync(folder).map((name) => readFileSync(join(folder, name), 'utf8'));
  t.true(journal.join('').includes(`"schema":"${earlierActionSchema}"`));
  await refused(t, made, 1, /evidence-held: .*held by court/, 'erase', id, ...on);
  await done(t, made, 'release', id, '--hold', 'court', ...on);
  await done(t, made, 'erase', id, ...on);
  t.like(JSON.parse(await done(t, made, 'show', '2', ...on)), { schema: earlierActionSchema, action });
  t.regex(await done(t, made, 'list', '--acts', ...on), /hold unit-1-000000001 \(court\)/);
  t.regex(await done(t, made, 'verify', made.data, '--key', made.publicKey), /^OK\n/);
  // Where the index is gone, the journal alone tells the same.
  rmSync(join(made.store, 'index'), { recursive: true });
  const again = await made.open();
  t.deepEqual([(await again.custody.line(id)).erased, again.opening.rebuiltDocuments], [4, 1]);
  await again.close();
});
