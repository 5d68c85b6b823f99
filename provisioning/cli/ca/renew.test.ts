import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { revokeHolder } from '../../ca/revocation.ts';
import { grant } from '../../contract/enrolment-documents.ts';
import { LinkingFiles } from '../../testing/linking-files.ts';
import { madeAuthority } from '../../testing/made-authority.ts';
import { grantFor, madeUnit } from '../../testing/made-unit.ts';
import { provision } from '../../testing/program-call.ts';

test("a fleet's requests in a folder: each that holds has its grant, the others are named, and nothing is signed for them", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'atalaya-renew-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  const at = (...names: string[]) => join(folder, ...names);
  const authority = await madeAuthority(at('ca'));
  const units = ['north-1', 'north-2', 'south-1'].map((name) => ({ name, unit: madeUnit(new LinkingFiles()) }));
  await mkdir(at('requests'));
  for (const { name, unit } of units) {
    await unit.install(JSON.stringify(await grantFor(authority, await unit.signingRequest(), { unit: name })));
    await writeFile(at('requests', `${name}.json`), JSON.stringify(await unit.renewalRequest()));
  }
  await revokeHolder(authority, 'south-1', 'key-compromise');
  await authority.close();
  const sign = (from: string, out: string) =>
    provision(['ca', 'sign', at(from), '--renew', '--ca', at('ca'), '--out', at(out)]);

  await writeFile(at('requests', 'junk.json'), '{"schema":');
  await writeFile(at('requests', 'twice.json'), await readFile(at('requests', 'north-1.json')));
  await writeFile(at('requests', 'notes.txt'), 'not looked at');
  const some = await sign('requests', 'grants');
  t.is(some.code, 1);
  t.deepEqual(await readdir(at('grants')), ['north-1.json', 'north-2.json']);
  t.regex(some.err, /^junk\.json: document-refused: the request for renewal cannot be read/m);
  t.regex(some.err, /^south-1\.json: document-refused: .*whose certificate is revoked/m);
  t.regex(some.err, /^twice\.json: document-refused: another request in this folder is of north-1 too/m);
  t.notRegex(some.err, /notes/);
  const [first, second] = units;
  for (const { name, unit } of [first, second].flatMap((one) => one ?? [])) {
    const text = await readFile(at('grants', `${name}.json`), 'utf8');
    t.is(grant.parse(JSON.parse(text)).unit, name);
    t.like(await unit.install(text), { kind: 'installed' }, name);
  }
  const registered = async () => JSON.parse((await provision(['ca', 'list', '--json', '--ca', at('ca')])).out);
  const before = (await registered()).certificates.length;
  t.is(before, 5);

  for (const name of ['junk.json', 'twice.json', 'south-1.json', 'notes.txt']) await rm(at('requests', name));
  const again = await sign('requests', 'grants-2');
  t.is(again.code, 0, again.err);
  t.regex(again.err, /same certificate/);
  t.is((await registered()).certificates.length, before, 'signed twice, it is one certificate');

  await mkdir(at('empty'));
  const empty = await sign('empty', 'grants-3');
  t.is(empty.code, 2);
  t.regex(empty.err, /there is no request in .*empty/);
  await writeFile(at('empty', 'junk.json'), 'x');
  t.is((await sign('empty', 'grants-3')).code, 1);
  await t.throwsAsync(readdir(at('grants-3')), undefined, 'nothing was signed, and nothing was made');
});
