import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { formatLock, packagesOfUris, parseLock } from './lock.ts';
import { planImage } from './plan.ts';

const line = `'http://deb.debian.org/debian/pool/main/c/chrony/chrony_4.3-2%2bdeb12u1_amd64.deb' chrony_4.3-2+deb12u1_amd64.deb 291234 SHA256:${'ab'.repeat(32)}`;

test('what apt says becomes a lock, and the lock is read back', (t) => {
  const [found] = packagesOfUris(`Reading package lists...\n${line}\n'http://x/y' z 1 MD5Sum:aa\n`);
  t.deepEqual(found, {
    ...{ name: 'chrony', version: '4.3-2+deb12u1', architecture: 'amd64', size: 291_234, sha256: 'ab'.repeat(32) },
    path: 'debian/pool/main/c/chrony/chrony_4.3-2%2bdeb12u1_amd64.deb',
  });
  const lock = { installed: found === undefined ? [] : [found], loader: found === undefined ? [] : [found] };
  t.deepEqual(parseLock(formatLock(lock), 'x.lock'), lock);
});

test('the locks that are kept hold every package of their plans', (t) => {
  for (const board of ['qemu-x86', 'qemu-arm64', 'rpi4'] as const) {
    const plan = planImage(board);
    const text = readFileSync(join(import.meta.dirname, 'locks', `${board}.lock`), 'utf8');
    const lock = parseLock(text, board);
    const names = lock.installed.map(({ name }) => name);
    t.deepEqual(
      plan.packages.filter((name) => !names.includes(name)),
      [],
    );
    t.deepEqual(lock.loader.map(({ name }) => name).sort(), [...plan.board.loader].sort());
    t.is(formatLock(lock), text);
    t.true(
      [...lock.installed, ...lock.loader].every(
        ({ architecture }) => architecture === 'all' || architecture === plan.board.architecture,
      ),
    );
  }
});

test('a lock that somebody wrote into is refused with its line', (t) => {
  const good = formatLock({ installed: [...packagesOfUris(line)], loader: [] });
  for (const [from, to] of [
    ['installed', 'other'],
    [' amd64 ', ' riscv '],
    [' 291234 ', ' -1 '],
    ['debian/pool', '../pool'],
    ['debian/pool', '/pool'],
    ['chrony 4', 'chrony;rm 4'],
    ['ab'.repeat(32), 'ab'],
    ['.deb', '.deb more'],
  ] as const) {
    t.throws(
      () => parseLock(good.replace(from, to), 'x.lock'),
      { code: 'document-refused', message: /line 2 of x\.lock/ },
      to,
    );
  }
  t.throws(() => parseLock('# nothing\n', 'x.lock'), { code: 'document-refused', message: /no package/ });
});
