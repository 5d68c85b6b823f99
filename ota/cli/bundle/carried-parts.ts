import { join } from 'node:path';
import { z } from 'zod';
import { sha256, sha256File } from '../../../device/kernel/hash.ts';
import { parse } from '../../../device/kernel/schema.ts';
import { isLicence } from '../../../provisioning/bundle/package-rules.ts';
import type { BundlePlan, BundleTree } from '../../../provisioning/bundle/plan-bundle.ts';
import type { CarriedModel, CarriedPackage, CarriedParts, LicenceText } from '../../bundle/carried.ts';
import { nodePath } from '../../bundle/start-script.ts';

type Planned = Extract<BundlePlan, { kind: 'planned' }>;

export type FoundParts =
  | { readonly kind: 'found'; readonly parts: CarriedParts }
  /** Sentences: what cannot be stated of a part. */
  | { readonly kind: 'refused'; readonly faults: readonly string[] };

const licenceField = z.union([z.string(), z.object({ type: z.string() }).transform(({ type }) => type)]);
const person = z.union([z.string(), z.object({ name: z.string() }).transform(({ name }) => name)]);
const packageFile = z.object({
  name: z.string(),
  version: z.string(),
  license: licenceField.optional(),
  /** How it was written before 2014. */
  licenses: z.union([licenceField, z.array(licenceField).transform((some) => some.join(' OR '))]).optional(),
  author: person.optional().catch(undefined),
  repository: z
    .union([z.string(), z.object({ url: z.string() }).transform(({ url }) => url)])
    .optional()
    .catch(undefined),
});

const modelFile = z.object({
  id: z.string(),
  version: z.string(),
  licence: z.string(),
  provenance: z.object({
    description: z.string(),
    package: z.string().optional(),
    version: z.string().optional(),
    integrity: z.string().optional(),
  }),
});

/** What a planned bundle carries, from what lies in the staged folder. Throws `document-refused` for a `package.json` or a manifest that is none. */
export async function carriedParts(plan: Planned, tree: BundleTree, folder: string): Promise<FoundParts> {
  const faults: string[] = [];
  const texts = textsOf(plan, tree);
  const packages = [...plan.packages].map(([place, needs]): CarriedPackage => {
    const file = `${place}/package.json`;
    const { name, version, license, licenses, author, repository } = readJson(tree, file, packageFile);
    const { integrity, version: locked } = tree.lock.get(place) ?? {};
    if (integrity === undefined || !/^sha512-[A-Za-z0-9+/]{86}==$/.test(integrity))
      faults.push(`the lock has no SHA-512 of ${place}`);
    if (locked !== undefined && locked !== version) faults.push(`${place} is ${version}, and ${locked} in the lock`);
    const origin = [author, repository].filter((one) => one !== undefined && one !== '').join(', ');
    return {
      folder: place,
      name,
      version,
      licence: license ?? licenses,
      origin: origin === '' ? undefined : origin,
      integrity: integrity ?? '',
      needs,
      texts: texts(place, (inside) => isLicence(name, inside)),
    };
  });
  const models = tree.models.map((name): CarriedModel => {
    const file = `.build/models/${name}/manifest.json`;
    const { id, version, licence, provenance } = readJson(tree, file, modelFile);
    const { description, package: source, version: sourceVersion, integrity } = provenance;
    if (id !== name) faults.push(`the model in .build/models/${name} calls itself ${id}`);
    return {
      id,
      version,
      licence,
      description,
      sha256: sha256(tree.read(file)),
      source:
        source === undefined || sourceVersion === undefined || integrity === undefined
          ? undefined
          : { name: source, version: sourceVersion, integrity },
      texts: texts(`.build/models/${name}`, (inside) => isLicence('', inside)),
    };
  });
  const own = readJson(tree, 'package.json', packageFile);
  const runtime = `node_modules/node-linux-${tree.cpu}`;
  const asked = plan.kept.flatMap(({ path, part, neededBy }) =>
    part === 'package' && path.endsWith('/package.json') && !neededBy.startsWith('node_modules/')
      ? [path.slice(0, -'/package.json'.length)]
      : [],
  );
  if (own.license === undefined) faults.push('the program states no licence in its package.json');
  if (faults.length > 0) return { kind: 'refused', faults };
  return {
    kind: 'found',
    parts: {
      program: {
        name: own.name,
        version: own.version,
        licence: own.license ?? '',
        texts: [{ path: 'LICENSE', text: tree.read('LICENSE') }],
      },
      runtime: {
        version: packages.find(({ folder: place }) => place === runtime)?.version ?? '',
        folder: runtime,
        sha256: await sha256File(join(folder, nodePath(tree.cpu))),
      },
      packages,
      models,
      asked: asked.filter((place) => plan.packages.has(place)),
    },
  };
}

/** Licence texts of the kept files right in a folder, not in packages below it. */
function textsOf({ kept }: Planned, tree: BundleTree) {
  const byFolder = Map.groupBy(
    kept,
    ({ path }) => /^(.*node_modules\/(?:@[^/]+\/)?[^/]+|\.build\/models\/[^/]+)\//.exec(path)?.[1] ?? '',
  );
  return (folder: string, isOne: (inside: string) => boolean): LicenceText[] =>
    (byFolder.get(folder) ?? []).flatMap(({ path }) => {
      const inside = path.slice(folder.length + 1);
      return isOne(inside) ? [{ path: inside, text: tree.read(path) }] : [];
    });
}

function readJson<T>(tree: BundleTree, path: string, schema: z.ZodType<T>): T {
  let value: unknown;
  try {
    value = JSON.parse(tree.read(path));
  } catch {
    value = undefined;
  }
  return parse(schema, value, path, 'document-refused');
}
