import test from 'ava';
import type { BundleManifest } from '../contract/bundle.ts';
import { unfit } from './fit-parts.ts';

const part = (kind: BundleManifest['kind'], name: string): BundleManifest => ({
  ...{ schema: 'atalaya/bundle/1', kind, name, version: '1', release: 1, hardware: ['x64'] },
});
const program = part('program', 'unit');

test('models are many, and of scene and people a slot has one under one name', (t) => {
  const models = [part('model', 'cars'), part('model', 'plates')];
  t.is(unfit([program, ...models, part('scene', 'north'), part('trust', 'people')], [1]), undefined);
  for (const kind of ['scene', 'trust'] as const)
    t.like(unfit([program, part(kind, 'north'), part(kind, 'south')], [1]), {
      code: 'component-unfit',
      detail: `there would be two of kind ${kind} in the slot, north and south; publish the new one under the name of the old`,
    });
  t.like(unfit(models, [1]), { code: 'component-unfit', detail: 'there would be no program in the slot' });
});
