import test from 'ava';
import { targetName } from '../contract/names.ts';
import { patchName, wholeName } from './name-target.ts';
import { targetFileName } from './write-target.ts';

const named = { name: 'unit', version: '1.4.0-RC.1+x', release: 12, hardware: ['arm64'] };

test('names say what a target is, and are names', (t) => {
  const base = `deadbeef${'0'.repeat(56)}`;
  t.is(wholeName(named), 'unit-1.4.0-rc.1+x-r12-arm64.tar.zst');
  t.is(wholeName({ ...named, hardware: ['x64', 'arm64'] }), 'unit-1.4.0-rc.1+x-r12-any.tar.zst');
  t.is(wholeName({ ...named, hardware: ['arm64-rpi4', 'arm64'] }), 'unit-1.4.0-rc.1+x-r12-arm64+arm64-rpi4.tar.zst');
  t.is(patchName(named, base), 'unit-1.4.0-rc.1+x-r12-arm64.from-deadbeef.patch');
  t.is(targetFileName(wholeName(named)), 'unit-1.4.0-rc.1+x-r12-arm64.target.json');
  t.is(targetFileName(patchName(named, base)), 'unit-1.4.0-rc.1+x-r12-arm64.from-deadbeef.patch.target.json');
  for (const one of [wholeName(named), patchName(named, base)]) t.true(targetName.safeParse(one).success);
});

test('what makes no name is refused', (t) => {
  t.throws(() => wholeName({ ...named, version: '1..4' }), { code: 'usage-invalid' });
  t.throws(() => wholeName({ ...named, name: 'a'.repeat(63), version: 'b'.repeat(64) }), { code: 'usage-invalid' });
});
