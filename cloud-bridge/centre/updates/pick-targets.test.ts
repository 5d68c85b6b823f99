import test from 'ava';
import { madeTargets } from '../../simulate/made-director.ts';
import { pickTargets } from './pick-targets.ts';

const [x64, arm64] = madeTargets();
if (x64 === undefined || arm64 === undefined) throw new Error('no targets');
const model = {
  ...x64,
  target: 'model.tar.zst',
  description: { ...x64.description, kind: 'model', name: 'cars' },
} as const;
const board = { ...arm64, target: 'rpi4.tar.zst', description: { ...arm64.description, hardware: ['arm64-rpi4'] } };
const patch = { ...x64, target: 'x.patch', description: { ...x64.description, patchFrom: 'a'.repeat(64) } };
const scenes = ['unit-1', 'unit-2'].map((unit) => ({
  ...x64,
  target: `scene-${unit}.tar.zst`,
  description: { ...x64.description, kind: 'scene' as const, name: `scene-${unit}`, unit },
}));
const published = [x64, arm64, model, board, patch, ...scenes];
const pick = (wanted: readonly string[], hardware?: readonly string[]) => {
  const picked = pickTargets('unit-1', wanted, published, hardware);
  return picked.kind === 'picked' ? picked.install : picked.reason;
};

test('every unit gets the target of each component that is for its hardware, the program first', (t) => {
  t.deepEqual(pick([x64.target, arm64.target], ['arm64']), [arm64.target]);
  t.deepEqual(pick([model.target, x64.target, arm64.target], ['x64']), [x64.target, model.target]);
  t.deepEqual(pick([x64.target, board.target], ['arm64', 'arm64-rpi4']), [board.target]);
});

test('every unit gets its own scene', (t) => {
  t.deepEqual(pick(['scene-unit-1.tar.zst', 'scene-unit-2.tar.zst']), ['scene-unit-1.tar.zst']);
  t.deepEqual(pick([x64.target, 'scene-unit-2.tar.zst']), [x64.target]);
  t.is(pick(['scene-unit-2.tar.zst']), 'none of the targets is for unit-1');
});

test('what cannot be told is refused', (t) => {
  t.is(pick(['unknown']), 'unknown is not published');
  t.is(pick([patch.target]), 'x.patch is a patch; name the whole target');
  t.is(pick([x64.target], ['arm64']), 'none of the targets of program unit is for arm64');
  t.is(
    pick([board.target, arm64.target], ['arm64', 'arm64-rpi4']),
    `rpi4.tar.zst and ${arm64.target} are both of program unit for arm64 or arm64-rpi4`,
  );
  t.is(
    pick([x64.target, arm64.target]),
    'the unit has not reported its hardware, and there are several targets of program unit',
  );
  t.deepEqual(pick([x64.target]), [x64.target], 'the unit judges');
  t.like(pickTargets('unit-1', [x64.target], published, ['arm64']), { lacks: ['arm64'] });
});
