import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import { type Running, start } from '../evidence/testing/run-program.ts';
import { by, done, fitsPhone, refused } from './testing/audit-trial.ts';
import { idOf, type MadeData, madeData } from './testing/made-data.ts';
import { audit, startAudit } from './testing/run-audit.ts';

/** The same beside a unit that is running, and seals meanwhile: everything goes through its desk. */

const unitAtWork = fileURLToPath(new URL('./testing/unit-at-work.ts', import.meta.url));

async function working(t: ExecutionContext, made: MadeData): Promise<Running> {
  const unit = start([process.execPath, unitAtWork, made.data, made.unit, made.recipient]);
  t.teardown(() => unit.process.kill('SIGKILL'));
  await unit.written(3);
  return unit;
}

async function made(t: ExecutionContext): Promise<MadeData> {
  const data = await madeData();
  t.teardown(() => data.remove());
  return data;
}

const id = idOf('unit-1', 1);

test.serial('an audit of a unit that seals meanwhile', async (t) => {
  const data = await made(t);
  const unit = await working(t, data);
  const at = (name: string) => join(data.home, name);
  // Through the desk nobody else's key is needed, and one that is named is not used.
  const on = ['--store', data.data, '--signing-key', at('none.pem'), ...by];
  const key = ['--key', data.publicKey];
  t.regex(await done(t, data, 'list', ...on), /^unit-1-000000001 .*evidence records?\n$/s);
  await done(t, data, 'show', id, ...on);
  await done(t, data, 'checkpoint', '--store', data.data, '--out', at('kept.txt'));
  await done(t, data, 'hold', id, '--hold', 'court', ...on);
  await refused(t, data, 1, /evidence-held/, 'erase', id, ...on);
  await done(t, data, 'release', id, '--hold', 'court', ...on);
  // Each seal is followed by a checkpoint, so one comes between the answers that a pack is made of.
  const opened = ['--identity', data.identity, '--since', at('kept.txt')];
  await Promise.all(
    ['a', 'b', 'c'].map((name) => done(t, data, 'export', id, idOf('unit-1', 2), '--out', at(name), ...opened, ...on)),
  );
  for (const name of ['a', 'b', 'c']) {
    for (const pack of await readdir(at(name))) await done(t, data, 'verify', join(at(name), pack), ...key);
  }
  await done(t, data, 'erase', id, ...on);
  await refused(t, data, 1, /evidence-erased/, 'erase', id, ...on);
  await done(t, data, 'export', id, '--out', at('gone'), ...on);
  await done(t, data, 'verify', at('gone'), ...key);
  const acts = await done(t, data, 'list', '--acts', ...on);
  const stated = acts.split('\n').map((line) => /^\d+ {2}\S+ \S+ {2}(\w+)/.exec(line)?.[1]);
  const due = ['list', 'read', 'hold', 'release', 'export', 'export', 'export', 'erase', 'export'];
  t.deepEqual(
    stated.filter((one) => one !== undefined),
    due,
  );
  unit.process.kill('SIGTERM');
  const { status, errors } = await unit.ended;
  t.is(status, 0, errors);
  t.regex(await done(t, data, 'verify', data.data, '--checkpoint', at('kept.txt'), ...key), /^OK\n/);
});

test.serial('the unit dies while its evidence is exported: the auditor is told, and everything holds', async (t) => {
  const data = await made(t);
  const key = ['--key', data.publicKey];
  const on = ['--store', data.data, ...by];
  const ids = Array.from({ length: 12 }, (_, i) => idOf('unit-1', i + 1));
  for (let round = 0; round < 2; round += 1) {
    const unit = await working(t, data);
    await unit.written(12);
    const out = join(data.home, `packs-${round}`);
    const evidence = (await done(t, data, 'list', '--json', ...on)).trimEnd().split('\n');
    const some = evidence.map((line) => String(JSON.parse(line).id)).slice(0, ids.length);
    const { child, ended } = startAudit(['export', ...some, '--out', out, ...on]);
    await once(child.stdout ?? child, 'data');
    unit.process.kill('SIGKILL');
    const call = await ended;
    await fitsPhone(t, data, call);
    t.is(call.code, 1, call.complained);
    t.regex(call.complained, /desk-closed: .*\n.*Try again/);
    for (const name of await readdir(out)) {
      t.false(name.endsWith('.part'));
      await done(t, data, 'verify', join(out, name), ...key);
    }
    // As the plug left it, and after the next one who opens it.
    const left = await audit('verify', data.data, ...key);
    t.is(left.code, 0, left.said);
    await done(t, data, 'list', ...on);
    t.regex(await done(t, data, 'verify', data.data, ...key), /^OK\n/);
  }
});
