import { sha256 } from '../../device/kernel/hash.ts';
import type { BundleManifest } from '../contract/bundle.ts';
import { byCodeUnits, type CarriedModel, type CarriedPackage, type CarriedParts } from './carried.ts';
import { licenceOf } from './licence-exceptions.ts';
import { isLicenceExpression } from './spdx.ts';

export const billName = 'sbom.cdx.json';

/** Of one component: what CycloneDX 1.6 calls it. */
interface Component {
  readonly type: 'application' | 'library' | 'platform' | 'machine-learning-model';
  readonly 'bom-ref': string;
  readonly name: string;
  readonly version: string;
  readonly [field: string]: unknown;
}

/**
 * The software bill of materials: CycloneDX 1.6 (ECMA-424) as JSON. Names every package of npm with the hash of the archive that it came in, Node with
 * that of its program, every model with that of its manifest, their licences, and who needs whom. It has no date, and its serial number is made
 * of its content (RFC 9562, version 8): the same parts give the same bytes.
 */
export function billOfMaterials(
  parts: CarriedParts,
  manifest: Pick<BundleManifest, 'cpu' | 'release' | 'version'>,
): string {
  const { program, runtime, packages, models, asked } = parts;
  const root = `${program.name}@${manifest.version}`;
  const components: Component[] = [
    ...packages.map((one) => packageComponent(one, runtime.folder === one.folder)),
    runtimeComponent(runtime.version, runtime.sha256, manifest.cpu),
    ...models.map(modelComponent),
  ].sort(byRef);
  const needs = new Map<string, readonly string[]>([
    [root, [...asked, runtimeRef, ...models.map(modelRef)]],
    ...packages.map(({ folder, needs: own }) => [folder, own] as const),
    // Node came in a package; what Node needs itself is inside of it.
    [runtimeRef, [runtime.folder]],
    ...models.map((model) => [modelRef(model), []] as const),
  ]);
  const body = {
    version: 1,
    metadata: {
      component: {
        type: 'application',
        'bom-ref': root,
        name: program.name,
        version: manifest.version,
        licenses: licences(program.licence),
        properties: [{ name: 'atalaya:release', value: String(manifest.release) }],
      },
    },
    components,
    dependencies: [...needs]
      .map(([ref, dependsOn]) => ({ ref, dependsOn: [...new Set(dependsOn)].sort(byCodeUnits) }))
      .sort((a, b) => byCodeUnits(a.ref, b.ref)),
  };
  const schema = {
    $schema: 'http://cyclonedx.org/schema/bom-1.6.schema.json',
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
  };
  return `${JSON.stringify({ ...schema, serialNumber: serialOf(JSON.stringify(body)), ...body }, undefined, 2)}\n`;
}

const runtimeRef = 'node';
const modelRef = ({ id }: Pick<CarriedModel, 'id'>): string => `model/${id}`;
const byRef = (a: Component, b: Component): number => byCodeUnits(a['bom-ref'], b['bom-ref']);

function packageComponent(one: CarriedPackage, isRuntime: boolean): Component {
  const { folder, name, version, integrity, origin } = one;
  const licence = licenceOf(one);
  return {
    type: isRuntime ? 'platform' : 'library',
    'bom-ref': folder,
    ...named(name),
    version,
    ...(origin === undefined ? {} : { description: origin }),
    scope: 'required',
    hashes: [hashOf(integrity)],
    ...(licence === undefined ? {} : { licenses: licences(licence) }),
    purl: purlOf(name, version),
    properties: [{ name: 'atalaya:folder', value: folder }],
  };
}

/** Beside its package, so that whoever looks for known weaknesses of Node finds it by its own name. */
function runtimeComponent(version: string, sha256OfNode: string, cpu: BundleManifest['cpu']): Component {
  return {
    type: 'platform',
    'bom-ref': runtimeRef,
    name: 'node',
    version,
    scope: 'required',
    hashes: [{ alg: 'SHA-256', content: sha256OfNode }],
    licenses: licences('MIT'),
    cpe: `cpe:2.3:a:nodejs:node.js:${version}:*:*:*:*:*:*:*`,
    purl: `pkg:generic/node@${version}?arch=${cpu}`,
  };
}

function modelComponent(model: CarriedModel): Component {
  const { id, version, licence, description, sha256: hash, source } = model;
  const ancestor = source && {
    type: 'library',
    ...named(source.name),
    version: source.version,
    hashes: [hashOf(source.integrity)],
    purl: purlOf(source.name, source.version),
  };
  return {
    type: 'machine-learning-model',
    'bom-ref': modelRef(model),
    name: id,
    version,
    description,
    scope: 'required',
    hashes: [{ alg: 'SHA-256', content: hash }],
    licenses: licences(licence),
    ...(ancestor === undefined ? {} : { pedigree: { ancestors: [ancestor] } }),
    properties: [{ name: 'atalaya:folder', value: `.build/models/${id}` }],
  };
}

const licences = (licence: string): readonly unknown[] =>
  isLicenceExpression(licence)
    ? [{ expression: licence, acknowledgement: 'declared' }]
    : [{ license: { name: licence, acknowledgement: 'declared' } }];

/** CycloneDX has the scope of npm as the group. */
function named(name: string): { readonly group?: string; readonly name: string } {
  const [group, rest] = name.split('/');
  return rest === undefined || group === undefined ? { name } : { group, name: rest };
}

/** Package URL: https://github.com/package-url/purl-spec, type npm. */
const purlOf = (name: string, version: string): string =>
  `pkg:npm/${name.replace(/^@/, '%40')}@${encodeURIComponent(version)}`;

/** An npm integrity (W3C Subresource Integrity) as CycloneDX writes it. */
function hashOf(integrity: string): { readonly alg: string; readonly content: string } {
  const [algorithm = '', value = ''] = integrity.split('-');
  return { alg: algorithm.replace('sha', 'SHA-'), content: Buffer.from(value, 'base64').toString('hex') };
}

function serialOf(text: string): string {
  const digits = sha256(text).slice(0, 32).split('');
  digits[12] = '8';
  digits[16] = '89ab'[Number.parseInt(digits[16] ?? '0', 16) & 3] ?? '8';
  const hex = digits.join('');
  return `urn:uuid:${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
