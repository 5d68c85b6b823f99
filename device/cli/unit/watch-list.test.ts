import { createPublicKey } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { Command, CommanderError } from 'commander';
import { AtalayaError } from '../../kernel/errors.ts';
import { utcMilliseconds } from '../../kernel/units.ts';
import { openWatchList } from '../../plate/lists/open-watch-list.ts';
import { parsePlateRows } from './plate-rows.ts';
import { addWatchList } from './watch-list.ts';

interface Call {
  readonly said: readonly string[];
  readonly error: unknown;
}

async function call(...args: readonly string[]): Promise<Call> {
  const said: string[] = [];
  const quiet = { writeOut: () => {}, writeErr: () => {} };
  const program = new Command('atalaya-unit').version('1.2.3').exitOverride().configureOutput(quiet);
  addWatchList(
    program,
    (line) => said.push(line),
    () => {},
  );
  try {
    await program.parseAsync(['node', 'atalaya-unit', ...args]);
    return { said, error: undefined };
  } catch (error) {
    return { said, error };
  }
}

async function folder(t: ExecutionContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'watch-list-'));
  t.teardown(() => rm(path, { recursive: true, force: true }));
  return path;
}

/** A folder with a key pair and a file of plates, and a call of `sign` in it. */
async function desk(t: ExecutionContext, plates: string, name = 'plates.csv') {
  const at = await folder(t);
  const [key, out, file] = [join(at, 'lists.pem'), join(at, 'stolen.json'), join(at, name)];
  await writeFile(file, plates);
  const made = await call('watch-list', 'new-key', '--out', key);
  const trusted = made.said[0] ?? t.fail();
  const sign = (...more: readonly string[]) =>
    call('watch-list', 'sign', file, '--key', key, '--name', 'stolen', '--version', '3', '--out', out, ...more);
  return { at, key, out, trusted, made, sign };
}

const message = ({ error }: Call): string => (error instanceof Error ? error.message : '');

test('a new key is for its owner alone, its public half for everybody, and none is written over', async (t) => {
  const { key, trusted, made } = await desk(t, '');
  t.is(trusted, key.replace('lists.pem', 'lists.public.pem'));
  t.is((await stat(key)).mode & 0o777, 0o600);
  t.regex(await readFile(key, 'utf8'), /BEGIN PRIVATE KEY/);
  const publicKey = createPublicKey(await readFile(trusted, 'utf8'));
  t.is(publicKey.asymmetricKeyType, 'ed25519');
  t.regex(made.said[1] ?? '', /^key [0-9a-f]{64}$/);
  const before = await readFile(key);
  t.regex(message(await call('watch-list', 'new-key', '--out', key)), /is there already/);
  await rm(trusted);
  t.regex(message(await call('watch-list', 'new-key', '--out', key)), /never overwritten/);
  t.deepEqual(await readFile(key), before);
});

test('plates are signed, and the list is told from its head, never its plates', async (t) => {
  const { out, trusted, sign } = await desk(t, 'id,plate\r\ncase-17,abcd-12\r\n"case-18" ; "ZZ 99.9"\r\n\r\n');
  const signed = await sign('--expires', '2999-12-31', '--one-off', 'doubtful');
  t.is(signed.error, undefined);
  t.deepEqual(signed.said.slice(1, 3), ['list stolen, version 3', '2 entries; one character off: doubtful']);
  t.true(signed.said.includes('expires 3000-01-01T00:00:00.000Z'));
  const checked = await call('watch-list', 'check', out, '--trusted', trusted);
  t.is(checked.error, undefined);
  t.deepEqual(checked.said, signed.said.slice(1));
  t.notRegex([...signed.said, ...checked.said].join('\n'), /abcd-?12|zz ?99/i);
  const key = createPublicKey(await readFile(trusted, 'utf8'));
  const list = openWatchList(await readFile(out, 'utf8'), key, { utc: utcMilliseconds(Date.now()), reliable: true });
  t.is(list.entries, 2);
  t.like(JSON.parse(await readFile(out, 'utf8')).entries, [
    { id: 'case-17', plate: 'ABCD12' },
    { id: 'case-18', plate: 'ZZ999' },
  ]);
});

test('a JSON list is signed as well', async (t) => {
  const { sign } = await desk(t, JSON.stringify([{ id: 'a', plate: 'ABCD12', note: 'blue' }]), 'plates.json');
  t.deepEqual((await sign()).said.slice(1, 3), ['list stolen, version 3', '1 entry; one character off: every']);
});

test('what is wrong with the plates is refused by its place, writes nothing and repeats nothing', async (t) => {
  for (const [plates, reason] of [
    ['', /no entry/],
    ['id,plate\n', /no entry/],
    ['id,plate\na,QXJK74\nb\n', /line 3: there are not two columns/],
    ['id,plate\na,QXJK74\nb,QXJK75,x\n', /line 3: there are not two columns/],
    ['id,plate\na,QXJK74\nb,\n', /line 3: the plate is not/],
    ['id,plate\na,QXJK74\nb b,QXJK75\n', /line 3: the id is not/],
    ['a1,QXJK74\nb1,QXJK75\n', /line 1: it does not name the columns/],
    ['case,plates\na1,QXJK74\n', /line 1: it does not name the columns/],
    ['id,plate\nQXJK74,QXJK74\n', /entries\[0\] holds a plate/],
    ['id,plate\na,QXJK74\nb,qxjk-74\n', /the entries a and b have the same plate/],
    ['id,plate\na,QXJK74\na,QXJK75\n', /the id a stands at/],
    ['[{"id":"a","plate":QXJK74}]', /is not JSON/],
    ['{"plates":["QXJK74"]}', /no list of entries/],
    ['[{"id":"a","plate":74},"QXJK74"]', /entry 1: the plate is not.*entry 2: the id is not/s],
  ] as const) {
    const { at, sign } = await desk(t, plates);
    const before = await readdir(at);
    const refused = await sign();
    t.true(refused.error instanceof AtalayaError);
    t.regex(message(refused), reason);
    t.notRegex(`${message(refused)}${String((refused.error as Error).stack)}`, /QXJK7/i);
    t.deepEqual(await readdir(at), before);
    t.deepEqual(refused.said, []);
  }
});

test('a column may come first or last, where the first line says so', (t) => {
  const rows = [{ id: 'a', plate: 'ABCD12' }];
  t.deepEqual(parsePlateRows('plate;id\nABCD12;a\n', 'x'), rows);
  t.deepEqual(parsePlateRows('\uFEFFID,Plate\na,ABCD12', 'x'), rows);
  t.deepEqual(parsePlateRows('id,plate\na,ABCD12', 'x'), rows);
});

test('a wrong call is refused before anything is written', async (t) => {
  const { at, sign } = await desk(t, 'id,plate\na,ABCD12\n');
  for (const more of [
    ['--version', '0'],
    ['--version', '1.5'],
    ['--name', 'Stolen'],
    ['--expires', 'soon'],
    ['--expires', '2026-02-30'],
    ['--one-off', 'some'],
  ]) {
    const { error } = await sign(...more);
    t.true(error instanceof CommanderError, more.join(' '));
  }
  t.regex(message(await sign('--expires', '2020-01-01')), /expires before it is issued/);
  t.regex(message(await sign('--key', join(at, 'none.pem'))), /no signing key/);
  t.deepEqual((await readdir(at)).sort(), ['lists.pem', 'lists.public.pem', 'plates.csv']);
});

test('a signed list is not written over, and neither is what it is made of', async (t) => {
  const { at, out, sign } = await desk(t, 'id,plate\na,ABCD12\n');
  t.is((await sign()).error, undefined);
  const first = await readFile(out);
  t.regex(message(await sign('--version', '4')), /is there already/);
  t.deepEqual(await readFile(out), first);
  t.regex(message(await sign('--out', join(at, 'plates.csv'))), /is there already/);
  t.is(await readFile(join(at, 'plates.csv'), 'utf8'), 'id,plate\na,ABCD12\n');
});

test('a list that does not hold is refused by check', async (t) => {
  const { at, out, trusted, key, sign } = await desk(t, 'id,plate\na,ABCD12\n');
  await sign();
  const other = await desk(t, '');
  t.regex(message(await call('watch-list', 'check', out, '--trusted', other.trusted)), /is signed by the key/);
  t.regex(message(await call('watch-list', 'check', out, '--trusted', key)), /holds a private key/);
  const altered = join(at, 'altered.json');
  await writeFile(altered, (await readFile(out, 'utf8')).replace('ABCD12', 'ABCD13'));
  const refused = await call('watch-list', 'check', altered, '--trusted', trusted);
  t.regex(message(refused), /was altered/);
  t.deepEqual(refused.said, []);
  t.regex(message(await call('watch-list', 'check', join(at, 'none'), '--trusted', trusted)), /does not exist/);
});

test("the program's own --version stands before the command", async (t) => {
  const { error } = await call('--version');
  t.true(error instanceof CommanderError && error.code === 'commander.version');
});
