import test from 'ava';
import { madeKey } from './testing/made-keys.ts';
import { floorsPlaces, metadataPlace, preparedUnit } from './testing/made-unit.ts';

test('metadata that is lost opens nothing, and what is damaged is fetched again', async (t) => {
  const { made, unit } = preparedUnit();
  await using _ = unit;
  const old = made.image.served();
  await (await unit.open()).check(made.source);
  made.image.rotate('timestamp', [madeKey()]);
  await (await unit.open()).check(made.source);
  const honest = made.image.served();
  for (const damage of ['remove', Buffer.from('{'), Buffer.alloc(0), Buffer.from('{"schema":1}')] as const) {
    await unit.damage(metadataPlace, damage);
    const keeper = await unit.open();
    t.is(keeper.versions().image?.timestamp, 3);
    made.image.serve(old);
    t.like(await keeper.check(made.source), { code: 'root-rollback' });
    made.image.serve(honest);
    t.like(await keeper.check(made.source), { kind: 'verified' });
  }
});

test('one bit of the metadata or of a copy of the floors that turned is noticed and mended', async (t) => {
  const { made, unit } = preparedUnit();
  await using _ = unit;
  await (await unit.open()).check(made.source);
  const whole = await unit.disk();
  for (const place of [metadataPlace, ...floorsPlaces] as const) {
    const bytes = Buffer.from(whole[place] as string);
    const digit = (/version\\*":\d/.exec(whole[place] as string)?.index ?? -1) + (place === metadataPlace ? 10 : 9);
    t.regex(String.fromCharCode(bytes[digit] as number), /^\d$/);
    bytes[digit] = (bytes[digit] as number) ^ 1;
    await unit.damage(place, bytes);
    const keeper = await unit.open();
    t.is(keeper.notices.length, 1, place);
    t.like(await keeper.check(made.source), { kind: 'verified' });
    t.deepEqual((await unit.open()).notices, [], place);
  }
});

test('floors that are lost in both copies are taken from the metadata; lost with it, only the running program bounds', async (t) => {
  const { made, unit } = preparedUnit();
  await using _ = unit;
  const old = made.image.served();
  made.image.publish();
  const first = await unit.open();
  t.regex(first.notices.join(), /nothing was ever accepted/);
  await first.check(made.source);
  await first.confirmed([{ kind: 'program', name: 'unit', release: 2 }]);
  for (const place of floorsPlaces) await unit.damage(place, Buffer.from('gone'));
  const keeper = await unit.open();
  t.regex(keeper.notices.join(), /taken from the metadata/);
  made.image.serve(old);
  t.like(await keeper.check(made.source), { code: 'timestamp-rollback' });
  for (const place of floorsPlaces) await unit.damage(place, Buffer.from('gone'));
  await unit.damage(metadataPlace, 'remove');
  unit.running = [{ kind: 'program', name: 'unit', release: 2 }];
  const poor = await unit.open();
  t.regex(poor.notices.join(), /only what runs now bounds/);
  t.like(await poor.check(made.source), { code: 'release-rollback' });
});
