import { basename, join } from 'node:path';
import { AtalayaError } from '../../../device/kernel/errors.ts';
import type { BundleTree, KeptEntry } from '../../../provisioning/bundle/plan-bundle.ts';
import { planBundle } from '../../../provisioning/bundle/plan-bundle.ts';
import { nodeFlags, quietLibraries, smallMemory } from '../../../provisioning/service/service-settings.ts';
import type { ArchiveFile } from '../../archive/write-archive.ts';
import { billName, billOfMaterials } from '../../bundle/bill-of-materials.ts';
import { diskFile, madeFile, manifestFile } from '../../bundle/bundle-files.ts';
import { licencePage, licencePageName } from '../../bundle/licence-page.ts';
import { licenceTexts } from '../../bundle/licence-texts.ts';
import { commandScript, nodeScript, startScript } from '../../bundle/start-script.ts';
import { type BundleManifest, bundleSchemaId, startName } from '../../contract/bundle.ts';
import { dataForms } from '../../contract/data-forms.ts';
import { carriedParts } from './carried-parts.ts';

/** What a person says of a program's bundle. */
export interface ProgramFacts {
  readonly release: number;
  readonly version: string;
  readonly hardware: readonly string[];
}

export interface ComposedBundle {
  readonly manifest: BundleManifest;
  readonly files: readonly ArchiveFile[];
}

const nodeLink = 'node_modules/.bin/node';
const packageName = 'package.json';

/**
 * Everything of a program's bundle: what is kept of the staged folder, and what is made for it. Throws `document-refused` with every reason why the
 * folder gives no bundle.
 */
export async function composeProgram(tree: BundleTree, folder: string, facts: ProgramFacts): Promise<ComposedBundle> {
  const plan = planBundle(tree);
  if (plan.kind === 'refused') throw refused(plan.faults);
  const found = await carriedParts(plan, tree, folder);
  if (found.kind === 'refused') throw refused(found.faults);
  const { parts } = found;
  const [first] = tree.programs;
  if (first === undefined) throw refused(['there is nothing to start']);
  const common = new Map([
    ...licenceTexts(),
    ...(parts.program.licence === 'Apache-2.0' ? [['Apache-2.0', tree.read('LICENSE')] as const] : []),
  ]);
  const licences = licencePage({ ...parts, program: { ...parts.program, version: facts.version } }, common);
  if (licences.kind === 'refused') throw refused(licences.faults);
  const manifest: BundleManifest = {
    schema: bundleSchemaId,
    kind: 'program',
    name: 'unit',
    version: facts.version,
    release: facts.release,
    hardware: [...new Set(facts.hardware)].sort(),
    cpu: tree.cpu,
    libraries: [...plan.libraries],
    data: dataForms,
  };
  const script = { cpu: tree.cpu, flags: nodeFlags, environment: `${smallMemory} ${quietLibraries}` };
  const made = [
    manifestFile(manifest),
    madeFile(startName, startScript(first, script), true),
    ...tree.programs.map((path) => madeFile(`bin/${commandOf(path)}`, commandScript(path, script), true)),
    madeFile(nodeLink, nodeScript(tree.cpu), true),
    madeFile(packageName, packageText(tree.read(packageName), facts.version)),
    madeFile(billName, billOfMaterials(parts, manifest)),
    madeFile(licencePageName, licences.text),
  ];
  const taken = new Set(made.map(({ path }) => path));
  const copied = plan.kept.flatMap((entry) => (taken.has(entry.path) ? [] : [copyOf(entry, folder)]));
  return { manifest, files: [...copied, ...made] };
}

/** What a person calls a program by: its file's name. */
function commandOf(path: string): string {
  const name = basename(path).replace(/\.[jt]s$/, '');
  // On a unit the one that publishers have is not there.
  return name === 'atalaya-ota-unit' ? 'atalaya-ota' : name;
}

function copyOf(entry: KeptEntry, folder: string): ArchiveFile {
  const { path } = entry;
  if (entry.kind === 'link') throw refused([`${path} is a link to ${entry.target}; a bundle has none`]);
  return diskFile(path, join(folder, path), { size: entry.size, executable: entry.mode === 0o755 });
}

/** What the program asks its `package.json` for, with the version that the bundle is called: a unit says of itself what its bundle says. */
function packageText(text: string, version: string): string {
  const { name, description, license, type } = JSON.parse(text) as Readonly<Record<string, unknown>>;
  return `${JSON.stringify({ name, version, description, license, private: true, type }, undefined, 2)}\n`;
}

const refused = (faults: readonly string[]): AtalayaError =>
  new AtalayaError('document-refused', `this program gives no bundle:\n${faults.map((one) => `  ${one}`).join('\n')}`, {
    hint: 'Each line says what is missing or in the way; provisioning/bundle/package-rules.ts says what is left of packages.',
  });
