import {
  chmodSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { readProgramFolder } from './bundle-tree.ts';
import { layBundle } from './lay-bundle.ts';

test('a bundle is laid with the modes of its plan, and is nobody else’s file', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'atalaya-lay-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const [from, to] = [join(folder, 'from'), join(folder, 'to')];
  mkdirSync(join(from, 'bin'), { recursive: true });
  writeFileSync(join(from, 'bin/run'), '#!/bin/sh\n');
  chmodSync(join(from, 'bin/run'), 0o700);
  writeFileSync(join(from, 'text'), 'as it was');
  chmodSync(join(from, 'text'), 0o666);
  symlinkSync('bin/run', join(from, 'link'));
  mkdirSync(join(to, 'old'), { recursive: true });
  const part = { part: 'package', neededBy: '' } as const;
  layBundle(
    [
      { kind: 'file', path: 'bin/run', mode: 0o755, size: 10, ...part },
      { kind: 'link', path: 'link', target: 'bin/run', ...part },
      { kind: 'file', path: 'text', mode: 0o644, size: 9, ...part },
    ],
    from,
    to,
  );
  writeFileSync(join(from, 'text'), 'otherwise');
  t.is(readFileSync(join(to, 'text'), 'utf8'), 'as it was');
  t.deepEqual(
    ['bin/run', 'text'].map((path) => lstatSync(join(to, path)).mode & 0o777),
    [0o755, 0o644],
  );
  t.deepEqual(readProgramFolder(to).entries, [
    { kind: 'file', path: 'bin/run', size: 10, executable: true },
    { kind: 'link', path: 'link', target: 'bin/run' },
    { kind: 'file', path: 'text', size: 9, executable: false },
  ]);
});
