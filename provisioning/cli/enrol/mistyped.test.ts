import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { madeUnit } from '../../testing/made-unit.ts';
import { provision, serveUnit } from '../../testing/program-call.ts';

const base = await mkdtemp(join(tmpdir(), 'atalaya-mistyped-'));
test.after.always(() => rm(base, { recursive: true, force: true }));
const at = (...names: string[]) => join(base, ...names);
const passphrase = 'four words of no sense';

test('digits and passphrase that are typed have three tries, a file and a flag one; who may read the file is told', async (t) => {
  await writeFile(at('pass'), `${passphrase}\n`, { mode: 0o600 });
  await writeFile(at('wrong'), 'four words of some sense\n', { mode: 0o600 });
  const made = await provision(['ca', 'init', '--out', at('ca'), '--name', 'x', '--passphrase-file', at('pass')]);
  t.is(made.code, 0, made.err);
  t.notRegex(made.err, /passphrase file/);
  const unit = madeUnit();
  const page = await serveUnit(unit);
  t.teardown(() => page.close());
  const { fingerprint } = await unit.identity();
  const digits = fingerprint.slice(-8);
  const call = ['enrol', page.address, '--unit', 'north-1', '--ca', at('ca')];

  const thrice = await provision(call, { types: ['00000000', 'yes', '11111111', digits], passphrases: [passphrase] });
  t.is(thrice.code, 2);
  t.is(thrice.err.match(/^key-mismatch: .*nothing was signed/gm)?.length, 2);
  t.regex(thrice.err, /2 tries are left[\s\S]*1 try is left/);
  const unopened = await provision(call, { types: [digits], passphrases: ['a', 'b', 'c', passphrase] });
  t.is(unopened.code, 2);
  t.regex(unopened.err, /key-wrong: [\s\S]*1 try is left[\s\S]*key-wrong/);
  const person = { types: ['00000000', digits], passphrases: ['four', passphrase] };
  for (const more of [
    ['--fingerprint', '00000000'],
    ['--passphrase-file', at('wrong')],
  ]) {
    const said = await provision([...call, ...more], { ...person, types: [digits] });
    t.is(said.code, 2);
    t.notRegex(said.err, /Try again/);
  }
  t.is((await unit.identity()).enrolled, undefined);
  const good = await provision(call, person);
  t.is(good.code, 0, good.err);

  await chmod(at('pass'), 0o640);
  const open = await provision(['ca', 'crl', '--ca', at('ca'), '--passphrase-file', at('pass')]);
  t.is(open.code, 0, open.err);
  t.regex(open.err, /Others may read or write the passphrase file .*pass \(mode 0640\). Run: chmod 600/);
});
