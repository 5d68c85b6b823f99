import { chmod, cp, mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import test from 'ava';

import { run } from '../evidence/testing/run-program.ts';
import { frame } from '../evidence/verify/testing/tiny-folders.ts';
import { canonicalJson } from '../kernel/canonical-json.ts';
import { sha256 } from '../kernel/hash.ts';

import { by, done, fitsPhone, holdsWith, id, refused, withEvidence } from './testing/audit-trial.ts';
import { idOf, madeData, sealWhole } from './testing/made-data.ts';
import { audit, auditProgram } from './testing/run-audit.ts';

/** What an auditor may call wrongly, and what may be in the way: each with a message that says what to do, and nothing lost. */

const lanes = 3;

for (let lane = 0; lane < lanes; lane += 1)
  test(`wrong calls end with 2, say what to do, and state nothing (${lane + 1} of ${lanes})`, async (t) => {
    const made = await withEvidence(t);
    const at = (name: string) => join(made.home, name);
    const on = ['--store', made.data, ...by];
    const other = await madeData({ unit: 'unit-2' });
    t.teardown(() => other.remove());
    await done(t, made, 'checkpoint', '--store', other.data, '--out', at('other-unit.txt'));
    await mkdir(at('full'));
    await writeFile(at('full/mine'), 'mine');
    await writeFile(at('no-key.pem'), 'nothing of the kind\n');
    await cp(made.signingKey, at('open-key.pem'));
    await chmod(at('open-key.pem'), 0o644);
    const key = ['--key', made.publicKey];
    const fine = ['export', id, ...on, '--out', at('new')];
    const cases: readonly (readonly [RegExp, ...string[]])[] = [
      [/missing required argument|Usage/, 'show', ...on],
      [/Usage/],
      [/unknown command 'lst'/, 'lst'],
      [/unknown option '--verbose'/, 'list', '--verbose', ...on],
      [/required option '--why <reason>'/, 'list', '--store', made.data, '--who', 'A'],
      [/there is no evidence at \/nowhere\n.*data folder/, 'list', '--store', '/nowhere', ...by],
      [/there is no evidence at/, 'list', '--store', made.home, ...by],
      [/--who is empty\n.*stated in the log/, 'list', '--store', made.data, '--who', ' ', '--why', 'x'],
      [/--why is empty/, 'erase', id, '--store', made.data, '--who', 'A', '--why', ''],
      [/--why holds characters that cannot be printed/, 'list', '--store', made.data, '--who', 'A', '--why', 'a\nb'],
      [/--who is longer than 500/, 'list', '--store', made.data, '--who', 'A'.repeat(501), '--why', 'x'],
      [/--hold is empty/, 'hold', id, '--hold', '', ...on],
      [/evidence-unknown.*\n.*list/, 'show', idOf('unit-1', 99), ...on],
      [/evidence-unknown/, 'show', idOf('unit-1', 4), ...on],
      [/evidence-unknown/, 'show', '99', ...on],
      [/evidence-unknown/, 'show', '../../journal', ...on],
      [/evidence-unknown/, 'hold', idOf('unit-2', 1), '--hold', 'x', ...on],
      [/evidence-unknown/, 'erase', `${id}/../${id}`, ...on],
      [/evidence-unknown/, 'export', id, '../x', ...on, '--out', at('new')],
      [/is there already/, 'export', id, ...on, '--out', at('full')],
      [/is there already/, 'export', id, ...on, '--out', at('full/mine')],
      [/lies within the evidence/, 'export', id, ...on, '--out', join(made.store, 'blobs', '..', 'pack')],
      [/is there already/, 'checkpoint', '--store', made.data, '--out', at('full/mine')],
      [/lies within the evidence/, 'checkpoint', '--store', made.data, '--out', join(made.store, 'log/kept')],
      [/there is no signing key at .*\n.*new key won't do/, 'list', ...on, '--signing-key', at('none.pem')],
      [/key-invalid/, 'list', ...on, '--signing-key', at('no-key.pem')],
      [/key-invalid.*mode 0644.*\n.*chmod 600/, 'list', ...on, '--signing-key', at('open-key.pem')],
      [/key-mismatch.*\n.*--signing-key/, 'list', ...on, '--signing-key', other.signingKey],
      [/no persistent handle/, 'list', ...on, '--tpm-handle', '7'],
      [/key-wrong: this identity does not open .*\n.*age1/, ...fine, '--identity', other.identity],
      [/key-invalid: .*line 1/, ...fine, '--identity', at('no-key.pem')],
      [/key-invalid/, ...fine, '--identity', made.publicKey],
      [/cannot be read: it should hold the authority's identity/, ...fine, '--identity', at('none')],
      [/--since names is no checkpoint of unit-1/, ...fine, '--since', at('no-key.pem')],
      [/no checkpoint of unit-1: it is of the log atalaya\/unit-2/, ...fine, '--since', at('other-unit.txt')],
      [/cannot be read: it should hold a kept checkpoint/, ...fine, '--since', at('none')],
      [/no plain file/, ...fine, '--since', '/dev/zero'],
      [/comes from what is to be verified/, 'verify', made.data, '--key', join(made.store, 'public/unit.pem')],
      [/usage-invalid.*expected an SPKI PEM/, 'verify', made.data, '--key', at('no-key.pem')],
      [/usage-invalid.*something other than a public key/, 'verify', made.data, '--key', made.signingKey],
      [/usage-invalid.*expected/, 'verify', made.data, '--key', made.identity],
      [/no plain file/, 'verify', made.data, '--key', made.home],
      [/neither an audit pack nor evidence/, 'verify', at('full'), ...key],
      [/neither an audit pack nor evidence/, 'verify', at('none'), ...key],
      [/cannot be read: it should hold a kept checkpoint/, 'verify', made.data, ...key, '--checkpoint', at('none')],
      [/usage-invalid/, 'verify', made.data, ...key, '--witness', made.publicKey],
      [/cannot be read: it should hold the older/, 'diff', at('none'), at('none'), ...key],
      [/cannot be read/, 're-derive', at('full')],
      [/is not JSON/, 're-derive', at('no-key.pem')],
      [/usage-invalid/, 're-derive', other.publicKey],
      [/key-exists/, 'new-authority', '--out', made.identity],
    ];
    for (const [i, [says, ...args]] of cases.entries())
      if (i % lanes === lane) await refused(t, made, 2, says, ...args);
    t.deepEqual((await readdir(made.home)).sort(), [
      'authority.txt',
      'data',
      'full',
      'no-key.pem',
      'open-key.pem',
      'other-unit.txt',
      'unit.pem',
    ]);
    t.is(await readFile(at('full/mine'), 'utf8'), 'mine');
    await holdsWith(t, made, 5);
  });

test('a pack that was laid into a store is not verified in its place', async (t) => {
  const made = await withEvidence(t);
  const pack = join(made.home, 'pack');
  await done(t, made, 'export', id, '--store', made.data, ...by, '--out', pack);
  await cp(pack, made.store, { recursive: true, filter: (from) => !from.endsWith('log/checkpoint') });
  const segment = join(made.store, 'journal/000000000001.journal');
  await writeFile(segment, (await readFile(segment)).subarray(0, 300));
  const sums = await readdir(made.store, { recursive: true, withFileTypes: true });
  const lines = sums
    .filter((one) => one.isFile() && one.name !== 'SHA256SUMS')
    .map((one) => join(one.parentPath, one.name))
    .map(async (path) => `${sha256(await readFile(path))}  ${relative(made.store, path)}\n`);
  await writeFile(join(made.store, 'SHA256SUMS'), (await Promise.all(lines)).join(''));
  for (const path of [made.data, made.store]) {
    await refused(t, made, 2, /an audit pack among the evidence/, 'verify', path, '--key', made.publicKey);
  }
});

test('of a newer format the store is left as it is', async (t) => {
  const made = await withEvidence(t);
  const segment = join(made.store, 'journal/000000000001.journal');
  const bytes = await readFile(segment);
  const description = canonicalJson({ first: 1, format: 'atalaya/journal/3', previous: null });
  const changed = Buffer.concat([frame('S1', 1, 0, Buffer.from(description)), bytes.subarray(bytes.indexOf('\n') + 1)]);
  await writeFile(segment, changed);
  const says = /store-version-unknown: .*journal\/3.*\n.*software that wrote it/;
  await refused(t, made, 1, says, 'list', '--store', made.data, ...by);
  t.deepEqual(await readFile(segment), changed);
});

test('room for a half of the pack: none is left, and the evidence is as it was', async (t) => {
  const made = await madeData();
  t.teardown(() => made.remove());
  const store = await made.open();
  await sealWhole(store, 10);
  await store.close();
  const out = join(made.home, 'pack');
  // No file of more than 22 KiB: the journal has room, the sheet of the pack has none.
  const limited = ['bash', '-c', 'ulimit -f 22 && exec "$0" "$@"', process.execPath, auditProgram];
  const flags = ['--store', made.data, ...by, '--out', out, '--identity', made.identity];
  const { status, errors } = await run(...limited, 'export', id, ...flags);
  t.is(status, 1, errors);
  t.regex(errors, /store-full: cannot write .*pack.*\n.*another place with --out/);
  t.false((await readdir(made.home)).some((name) => name.startsWith('pack')));
  await done(t, made, 'export', id, ...flags);
  await done(t, made, 'verify', out, '--key', made.publicKey);
  await holdsWith(t, made, 3);
});

test('a store that was rolled back is told by --since, and nothing is exported', async (t) => {
  const made = await withEvidence(t);
  const at = (name: string) => join(made.home, name);
  await cp(made.data, at('older'), { recursive: true });
  await done(t, made, 'list', '--store', made.data, ...by);
  await done(t, made, 'checkpoint', '--store', made.data, '--out', at('kept.txt'));
  const since = ['--since', at('kept.txt'), ...by];
  const back = await audit('export', id, '--store', at('older'), '--out', at('pack'), ...since);
  t.is(back.code, 3, back.complained);
  t.regex(back.said, /Rolled back.*nothing was exported/s);
  await fitsPhone(t, made, back);
  // The other one begins like it, and is then another.
  for (let i = 0; i < 3; i += 1) await done(t, made, 'list', '--store', at('older'), '--who', 'B', '--why', 'y');
  const forked = await audit('export', id, '--store', at('older'), '--out', at('pack'), ...since);
  t.is(forked.code, 3, forked.complained);
  t.regex(forked.said, /does not show that.*nothing was exported/s);
  t.false((await readdir(made.home)).some((name) => name.startsWith('pack')));
});

test('a place for the pack that is full or closed: a clear message, and nothing half there', async (t) => {
  const made = await withEvidence(t);
  const on = ['--store', made.data, ...by];
  for (const place of ['/proc/pack', '/sys/pack']) {
    const says = /store-failed: cannot make the folder .*\n.*another place with --out/;
    await refused(t, made, 1, says, 'export', id, ...on, '--out', place);
  }
  await refused(t, made, 1, /store-failed.*\n.*--out/, 'checkpoint', '--store', made.data, '--out', '/proc/kept');
  await refused(t, made, 1, /store-failed/, 'new-authority', '--out', '/proc/authority');
  await symlink('/dev/full', join(made.home, 'full.part'));
  const full = await refused(
    t,
    made,
    1,
    /store-full/,
    'checkpoint',
    '--store',
    made.data,
    '--out',
    join(made.home, 'full'),
  );
  t.regex(full.complained, /--out/);
});
