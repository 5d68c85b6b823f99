import test from 'ava';
import fc from 'fast-check';
import { type Layer, mergeLayers } from './merge-layers.ts';
import { isSettings, overlay, type Settings } from './settings.ts';

test('the particular goes over the general, lists go whole, and null gives the unit its own value back', (t) => {
  const { settings, origin } = mergeLayers([
    { name: 'fleet', settings: { log: { level: 'warn', keepDays: 7 }, evidence: { witnesses: ['a', 'b'] } } },
    { name: 'group-north', settings: { log: { level: 'info' }, evidence: { witnesses: ['c'] } } },
    { name: 'site-gate', settings: { log: { keepDays: null }, flags: { strobe: false } } },
    { name: 'unit-7', settings: { flags: null } },
  ]);
  t.deepEqual(settings, { log: { level: 'info' }, evidence: { witnesses: ['c'] } });
  t.deepEqual(Object.fromEntries(origin), { 'log.level': 'group-north', 'evidence.witnesses': 'group-north' });
});

test('a value over a section, and a section over a value', (t) => {
  const { settings, origin } = mergeLayers([
    { name: 'one', settings: { a: { b: 1, c: 2 }, d: 3 } },
    { name: 'two', settings: { a: 4, d: { e: 5 } } },
  ]);
  t.deepEqual(settings, { a: 4, d: { e: 5 } });
  t.deepEqual(Object.fromEntries(origin), { a: 'two', 'd.e': 'two' });
});

const { settings: anySettings } = fc.letrec<{ settings: Settings }>((tie) => ({
  settings: fc.dictionary(
    fc.constantFrom('a', 'b', 'c', '__proto__', 'constructor'),
    fc.oneof({ depthSize: 'small' }, fc.constant(null), fc.nat(3), fc.constant([1]), tie('settings')),
    { maxKeys: 3 },
  ),
}));

function leaves(settings: Settings, above = ''): string[] {
  return Object.entries(settings).flatMap(([name, value]) => {
    const path = `${above}${above === '' ? '' : '.'}${name}`;
    return isSettings(value) ? leaves(value, path) : [path];
  });
}

const hasNull = (value: unknown): boolean =>
  value === null || (isSettings(value) && Object.values(value).some(hasNull));

test('what comes out holds no null, and each of its fields has one origin, which holds it', (t) => {
  const layers = fc.array(anySettings, { maxLength: 4 });
  fc.assert(
    fc.property(layers, (all) => {
      const named: Layer[] = all.map((settings, i) => ({ name: `layer-${i}`, settings }));
      const { settings, origin } = mergeLayers(named);
      t.false(hasNull(settings));
      t.deepEqual([...origin.keys()].sort(), leaves(settings).sort());
      t.false('b' in {}, 'nothing is put into every object');
      // Laid over a file it is what the layers one after the other would be, where none takes anything back.
      if (!all.some(hasNull)) t.deepEqual(leaves(overlay({}, settings)), leaves(settings));
    }),
  );
});

test('null over a file leaves the file, at every depth', (t) => {
  const own: Settings = { a: { b: 1, c: [1, 2] } };
  t.deepEqual(overlay(own, { a: { b: null } }), own);
  t.deepEqual(overlay(own, { a: null }), own);
  t.deepEqual(overlay(own, { a: { c: [], d: 2 } }), { a: { b: 1, c: [], d: 2 } });
  t.deepEqual(own, { a: { b: 1, c: [1, 2] } });
});
