import { chmod, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { streetRecords } from '../evidence/re-derive/testing/records.ts';
import { clerk } from '../evidence/testing/stores.ts';
import { by, done, fitsPhone, holdsWith, id, refused, withEvidence } from './testing/audit-trial.ts';
import { idOf, madeData, plate, sealWhole } from './testing/made-data.ts';
import { audit, startAudit } from './testing/run-audit.ts';

/** The program as an auditor calls it: what it says, what it leaves, how it ends. */

test.serial('an audit from the first look to the erasure', async (t) => {
  const made = await withEvidence(t);
  const on = ['--store', made.data, ...by];
  const at = (name: string) => join(made.home, name);

  t.regex(
    await done(t, made, 'list', ...on),
    /^unit-1-000000001 {2}2023-11-14 22:13:\d\d {2}red-light\n(.*\n)+3 evidence records\n$/,
  );
  t.is(await done(t, made, 'list', '--rule', 'speeding', ...on), 'nothing\n');
  const lines = (await done(t, made, 'list', '--json', ...on)).trimEnd().split('\n');
  t.deepEqual(
    lines.map((line) => JSON.parse(line).id),
    [id, idOf('unit-1', 2), idOf('unit-1', 3)],
  );
  t.like(JSON.parse(await done(t, made, 'show', id, ...on)), { schema: 'atalaya/evidence/3', sequence: 1, id });

  t.regex(await done(t, made, 'checkpoint', '--store', made.store, '--out', at('kept.txt')), /9 entries of unit-1/);
  t.regex(await done(t, made, 'hold', id, '--hold', 'court', ...on), /is held by court \(entry 10\)/);
  await refused(t, made, 1, /evidence-held: .* already held by court/, 'hold', id, '--hold', 'court', ...on);
  await refused(t, made, 1, /evidence-held: .*held by court.*\n.*Release every hold/, 'erase', id, ...on);
  t.regex(await done(t, made, 'list', ...on), /red-light {2}held: court\n/);
  await refused(t, made, 1, /evidence-held: .* not held by police\n.*court/, 'release', id, '--hold', 'police', ...on);
  t.regex(
    await done(t, made, 'release', id, '--hold', 'court', ...on),
    /the hold court on .* is released \(entry 12\)/,
  );

  const opened = ['--identity', made.identity, '--since', at('kept.txt')];
  t.regex(await done(t, made, 'export', id, '--out', at('pack'), ...opened, ...on), /1: \d+ files in\n.*\/pack\n/);
  t.true((await readFile(at('pack/opened/plate.json'), 'utf8')).includes(plate));
  const key = ['--key', made.publicKey];
  t.regex(await done(t, made, 'verify', at('pack'), ...key, '--checkpoint', at('kept.txt')), /^OK\nunit unit-1\n/);

  t.regex(await done(t, made, 'erase', id, ...on), /is erased \(entry 14\)/);
  const again = await refused(t, made, 1, /evidence-erased: .*entry 14 says by whom/, 'erase', id, ...on);
  t.regex(again.complained, /Show entry 14/);
  t.like(JSON.parse(await done(t, made, 'show', '14', ...on)), { action: { kind: 'erase', evidence: id } });
  await done(t, made, 'export', id, idOf('unit-1', 2), id, '--out', at('packs'), ...opened, ...on);
  t.deepEqual((await readdir(at('packs'))).sort(), [id, idOf('unit-1', 2)]);
  for (const one of await readdir(at('packs'))) await done(t, made, 'verify', join(at('packs'), one), ...key);
  t.regex(await done(t, made, 'list', ...on), /red-light {2}erased\n/);

  const acts = await done(t, made, 'list', '--acts', ...on);
  for (const one of ['hold unit-1-000000001 (court)', 'release unit-1-000000001 (court)', 'erase unit-1-000000001'])
    t.true(acts.includes(`${one}  A. Auditor: case 4711\n`), one);

  await done(t, made, 'checkpoint', '--store', made.data, '--out', at('newer.txt'));
  t.regex(await done(t, made, 'diff', at('kept.txt'), at('newer.txt'), '--store', made.data, ...key), /^OK/);
  const proof = ['--proof', at('pack/log/consistency')];
  t.regex(await done(t, made, 'diff', at('kept.txt'), at('pack/log/checkpoint'), ...proof, ...key), /^OK/);
  const verdict = JSON.parse(
    await done(t, made, 'verify', made.data, '--json', '--checkpoint', at('kept.txt'), ...key),
  );
  t.like(verdict, { ok: true, counts: { evidence: 3, erased: 1, held: 0, notices: 0 } });
});

test.serial('what does not hold ends with 3 and names the part', async (t) => {
  const made = await withEvidence(t);
  const at = (name: string) => join(made.home, name);
  const key = ['--key', made.publicKey];
  await done(t, made, 'checkpoint', '--store', made.data, '--out', at('kept.txt'));
  await done(t, made, 'export', id, '--out', at('pack'), '--store', made.data, ...by);
  const record = await readFile(at('pack/record.json'), 'utf8');
  await writeFile(at('pack/record.json'), record.replace('41.5', '51.5'));
  const cases = [
    [['verify', at('pack'), ...key], /^FAILED: .*record\.json/s],
    [['re-derive', at('pack')], /^NOT THE SAME/],
    [['diff', at('pack/log/checkpoint'), at('kept.txt'), ...key], /^FAILED.*Rolled back/s],
    [['diff', at('kept.txt'), at('pack/log/checkpoint'), ...key], /^FAILED.*neither a proof nor a store/s],
  ] as const;
  for (const [args, says] of cases) {
    const call = await audit(...args);
    t.is(call.code, 3, call.complained + call.said);
    t.regex(call.said, says);
    await fitsPhone(t, made, call);
  }
  await rm(at('pack/record.json'));
  const gone = await audit('verify', at('pack'), ...key);
  t.is(gone.code, 3, gone.complained);
  t.regex(gone.said, /record\.json/);
  await rm(join(made.store, 'journal'), { recursive: true });
  t.is(
    (await audit('verify', made.data, ...key)).code,
    3,
    'a store without its journal is damaged evidence, not a wrong call',
  );
});

test.serial('a pack that nobody may write to is verified, and derived again', async (t) => {
  const made = await withEvidence(t);
  const pack = join(made.home, 'pack');
  await done(t, made, 'export', id, '--store', made.data, ...by, '--out', pack);
  const folders = [
    pack,
    ...(await readdir(pack, { withFileTypes: true }))
      .filter((one) => one.isDirectory())
      .map((one) => join(pack, one.name)),
  ];
  for (const folder of folders) await chmod(folder, 0o555);
  const before = await readdir(pack, { recursive: true });
  t.regex(await done(t, made, 'verify', pack, '--key', made.publicKey), /^OK/);
  t.deepEqual(await readdir(pack, { recursive: true }), before);
  for (const folder of folders) await chmod(folder, 0o755);
});

test.serial('a reader who goes away, and control characters that others wrote', async (t) => {
  const made = await withEvidence(t);
  const store = await made.open();
  await store.custody.note({ kind: 'list' }, { ...clerk, reason: `\u001b[2J\u202egone\nline ${'word '.repeat(60)}` });
  await store.close();
  const acts = await done(t, made, 'list', '--acts', '--store', made.data, ...by);
  t.false(acts.includes('\u001b') || acts.includes('\u202e'));
  const { child, ended } = startAudit(['list', '--acts', '--json', '--store', made.data, ...by]);
  child.stdout?.once('data', () => child.stdout?.destroy());
  t.is((await ended).code, 0);
  await holdsWith(t, made, 8);
});

test.serial('an interrupt in the middle of an export: nothing half there, and the store holds', async (t) => {
  const made = await madeData();
  t.teardown(() => made.remove());
  const store = await made.open();
  const ids: string[] = [];
  for (let i = 0; i < 6; i += 1) ids.push(await sealWhole(store, i * 10, 40));
  await store.close();
  const out = join(made.home, 'packs');
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGKILL'] as const) {
    const { child, ended } = startAudit(['export', ...ids, '--store', made.data, ...by, '--out', `${out}-${signal}`]);
    // The first pack is told of while the second is written.
    child.stdout?.once('data', () => child.kill(signal));
    const call = await ended;
    const packs = await readdir(`${out}-${signal}`);
    if (signal === 'SIGKILL') t.is(call.code, null);
    else {
      t.is(call.code, 1, call.complained);
      t.regex(call.complained, /^stopped: /);
      t.false(
        packs.some((name) => name.endsWith('.part')),
        packs.join(),
      );
    }
    t.true(packs.length < ids.length);
    for (const pack of packs) {
      if (pack.endsWith('.part')) continue;
      const verdict = await audit('verify', join(`${out}-${signal}`, pack), '--key', made.publicKey);
      t.is(verdict.code, 0, verdict.said);
    }
  }
  t.is((await audit('list', '--store', made.data, ...by)).code, 0);
  await holdsWith(t, made, ids.length + 4);
});

test.serial('an authority is made once; its private half is told to nobody', async (t) => {
  const home = await mkdtemp(join(tmpdir(), 'atalaya-authority-'));
  t.teardown(() => rm(home, { recursive: true, force: true }));
  const out = join(home, 'authority.txt');
  const { code, said, complained } = await audit('new-authority', '--out', out);
  t.is(code, 0);
  t.regex(said, /^age1[a-z0-9]{58}\n$/);
  t.regex(complained, /Keep it away from the units/);
  const text = await readFile(out, 'utf8');
  t.regex(text, /AGE-SECRET-KEY-1/);
  t.notRegex(said + complained, /AGE-SECRET/);
  t.is((await audit('new-authority', '--out', out)).code, 2);
  t.is(await readFile(out, 'utf8'), text);
});

test('help and version', async (t) => {
  const help = await audit('--help');
  t.is(help.code, 0);
  for (const name of [
    'list',
    'show',
    'export',
    'hold',
    'release',
    'erase',
    'checkpoint',
    'verify',
    'diff',
    're-derive',
  ])
    t.regex(help.said, new RegExp(`^ {2}${name} `, 'm'));
  t.is((await audit('--version')).code, 0);
});

test.serial('the figures come out again of a record whose raw data bears them', async (t) => {
  const made = await withEvidence(t);
  const record = JSON.parse(await done(t, made, 'show', id, '--store', made.data, ...by));
  const file = join(made.home, 'record.json');
  const [street] = await streetRecords(0.026, 20260601);
  if (street === undefined) throw new Error('nobody was accused on the street');
  const { infraction, auxiliary } = street;
  const clock = { ...record.infraction.time.clock, ...infraction.time.clock };
  const accused = { ...infraction, time: { ...infraction.time, clock } };
  const derivable = { ...record, infraction: accused, auxiliary: { ...record.auxiliary, ...auxiliary } };
  await writeFile(file, JSON.stringify(derivable));
  t.regex(await done(t, made, 're-derive', file), /^SAME: unit-1-000000001, /);
  t.regex(await done(t, made, 're-derive', made.home), /^SAME/);
  t.is(JSON.parse(await done(t, made, 're-derive', file, '--json')).outcome, 'same');
});
