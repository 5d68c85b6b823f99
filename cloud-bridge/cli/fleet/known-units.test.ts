import test from 'ava';
import fc from 'fast-check';
import { unitsLike } from './known-units.ts';

test('units that may be meant: the nearest first, and none that is another', (t) => {
  const all = ['unit-7', 'unit-8', 'unit-70', 'north-1', 'unit-71', 'unit-10'];
  t.deepEqual(unitsLike('unit-7x', all), ['unit-7', 'unit-70', 'unit-71']);
  t.deepEqual(unitsLike('nort-1', all), ['north-1']);
  t.deepEqual(unitsLike('unti-8', all), ['unit-8']);
  t.deepEqual(unitsLike('camera', all), []);
  t.deepEqual(unitsLike('unit-7', []), []);
});

test('a name with one letter too many, too few or wrong is found', (t) => {
  const name = fc.stringMatching(/^[a-z0-9-]{4,20}$/);
  fc.assert(
    fc.property(name, fc.nat(), fc.constantFrom('more', 'less', 'other'), (unit, place, slip) => {
      const at = place % unit.length;
      const typed = `${unit.slice(0, at)}${slip === 'less' ? '' : '_'}${unit.slice(slip === 'more' ? at : at + 1)}`;
      return unitsLike(typed, ['another-place-altogether', unit])[0] === unit;
    }),
  );
  t.pass();
});
