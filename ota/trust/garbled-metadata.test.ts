import test from 'ava';
import fc from 'fast-check';
import { readWholeFile } from '../../device/kernel/durable-file.ts';
import { MemoryFiles } from '../../device/kernel/testing/memory-files.ts';
import { contentOf, type JsonObject, signedMetadata } from './testing/made-keys.ts';
import {
  type MadeRepository,
  madeRepositories,
  one,
  type RoleName,
  roleNames,
  two,
} from './testing/made-repositories.ts';
import { floorsPlaces, MadeUnit, metadataPlace } from './testing/made-unit.ts';

function prepared() {
  const made = madeRepositories();
  made.release(one, two);
  made.assign([two]);
  return made;
}

test('whatever bytes of a file turn on the way, the answer is a refusal, or the job as it was signed; never a fault', async (t) => {
  const made = prepared();
  await using unit = new MadeUnit(made);
  const keeper = await unit.open();
  const file = fc.constantFrom(
    'timestamp.json',
    '2.snapshot.json',
    '2.targets.json',
    '1.snapshot.json',
    '1.targets.json',
  );
  const turned = fc.array(fc.tuple(fc.nat(), fc.integer({ min: 1, max: 255 })), { minLength: 1, maxLength: 4 });
  let refusals = 0;
  await fc.assert(
    fc.asyncProperty(fc.constantFrom('image', 'director'), file, turned, async (name, which, turns) => {
      made.source.answer = (path) => {
        if (path !== `${name}/${which}`) return undefined;
        const bytes = Buffer.from(made[name].files.get(which) ?? '{}');
        for (const [at, by] of turns) {
          const place = at % bytes.byteLength;
          bytes[place] = (bytes[place] as number) ^ by;
        }
        return { bytes };
      };
      const checked = await (await unit.open({ files: new MemoryFiles() })).check(made.source);
      if (checked.kind === 'refused') refusals += 1;
      else if (checked.kind !== 'verified' || JSON.stringify(checked.install) !== JSON.stringify([two])) return false;
      return true;
    }),
    { numRuns: 150 },
  );
  made.source.answer = () => undefined;
  t.true(refusals > 50, `${refusals}`);
  t.is((await keeper.check(made.source)).kind, 'verified');
});

test('whatever a field becomes that the right keys sign, the answer is a refusal or a job; never a fault', async (t) => {
  const made = prepared();
  await using unit = new MadeUnit(made);
  const values = fc.oneof(
    fc.jsonValue({ maxDepth: 3 }),
    fc.constantFrom(0, -1, 2 ** 53, '', '2', null, [], {}),
  ) as fc.Arbitrary<never>;
  const roles = fc.constantFrom<RoleName>('timestamp', 'snapshot', 'targets');
  await fc.assert(
    fc.asyncProperty(fc.constantFrom('image', 'director'), roles, fc.nat(), values, async (name, role, at, value) => {
      const repository: MadeRepository = made[name];
      const honest = repository.served();
      const versions = roleNames.map((one) => repository.roles[one].version);
      const file = repository.newest(role);
      const { signed } = contentOf(repository.files.get(file) as Buffer);
      const places = placesIn(signed);
      replace(signed, places[at % places.length] as readonly string[], value);
      repository.files.set(file, signedMetadata(signed as JsonObject, repository.roles[role].keys));
      if (role === 'targets') repository.publishSnapshot();
      if (role !== 'timestamp') repository.publishTimestamp();
      const checked = await (await unit.open({ files: new MemoryFiles() })).check(made.source);
      repository.serve(honest);
      for (const [index, one] of roleNames.entries()) repository.roles[one].version = versions[index] as number;
      return checked.kind === 'refused' || checked.kind === 'verified';
    }),
    { numRuns: 200 },
  );
  t.pass();
});

test('whatever lies where the unit keeps its own, it opens, and never below what runs', async (t) => {
  const made = prepared();
  await using unit = new MadeUnit(made);
  unit.running = [{ kind: 'program', name: 'unit', release: 3 }];
  await (await unit.open()).confirmed(unit.running);
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(metadataPlace, ...floorsPlaces),
      fc.oneof(fc.uint8Array(), fc.json()),
      async (place, junk) => {
        if ((await readWholeFile(unit.files, place)) === undefined && place === metadataPlace) return true;
        await unit.damage(place, Buffer.from(junk as string));
        const checked = await (await unit.open()).check(made.source);
        return checked.kind === 'refused' && checked.code === 'release-rollback';
      },
    ),
    { numRuns: 60 },
  );
  t.pass();
});

type Place = readonly string[];

/** Every field of a value, by its way. */
function placesIn(value: unknown, way: Place = []): Place[] {
  if (typeof value !== 'object' || value === null) return [way];
  const below = Object.entries(value).flatMap(([name, one]) => placesIn(one, [...way, name]));
  return way.length === 0 ? below : [way, ...below];
}

function replace(value: object, [name = '', ...rest]: Place, by: unknown): void {
  if (rest.length === 0) Reflect.set(value, name, by);
  else replace(Reflect.get(value, name) as object, rest, by);
}

test('a refusal is told in a few words of ours, whatever the names of fields are', async (t) => {
  const made = prepared();
  await using unit = new MadeUnit(made);
  const keeper = await unit.open();
  const name = `\u009b2J${'long '.repeat(3000)}`;
  for (const where of ['signed', 'signatures', 'top', 'meta'] as const) {
    made.source.answer = (path) => {
      if (path !== 'image/timestamp.json') return undefined;
      const { signatures, signed } = contentOf(made.image.files.get('timestamp.json') ?? Buffer.from('{}'));
      const [one = {}] = signatures as JsonObject[];
      const { meta } = signed;
      const content = {
        signatures: [where === 'signatures' ? { ...one, [name]: 1 } : one],
        signed:
          where === 'meta'
            ? { ...signed, meta: { ...(meta as JsonObject), [name]: 1 } }
            : { ...signed, ...(where === 'signed' ? { version: name } : {}) },
        ...(where === 'top' ? { [name]: 1 } : {}),
      };
      return { bytes: Buffer.from(JSON.stringify(content)) };
    };
    const checked = await keeper.check(made.source);
    if (checked.kind !== 'refused') return t.fail(`${where}: ${checked.kind}`);
    t.is(checked.code, 'metadata-malformed');
    t.regex(checked.detail, /^[\x20-\x7e]{1,200}$/, where);
  }
});
