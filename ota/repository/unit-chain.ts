import { isDeepStrictEqual } from 'node:util';
import { AtalayaError } from '../../device/kernel/errors.ts';
import type { Files } from '../../device/kernel/files.ts';
import type { UpdateJob } from '../contract/job.ts';
import { type DirectorField, directorField } from '../contract/job.ts';
import type { Target } from '../contract/target.ts';
import { type Chain, chainFault, readChain, targetsOf } from './chain.ts';
import { placesIn, readRoots } from './repository-folder.ts';

/** What the director says to one unit, and what it may say. */

/** The signed field `atalaya`; undefined where there is none that a unit would take. */
export function fieldOf({ targets }: Chain): DirectorField | undefined {
  const { atalaya } = targets.signed.unrecognizedFields;
  const parsed = directorField.safeParse(atalaya);
  return parsed.success ? parsed.data : undefined;
}

/** Why no unit would begin the job, put beside the one that stands; undefined where it would. */
export function jobFault(next: DirectorField, stands: DirectorField | undefined, now: number): string | undefined {
  const { id, issued, notBefore, expires } = next.job;
  const end = Date.parse(expires);
  if (end <= now) return `is over already: it expires ${expires}`;
  if (end <= Date.parse(issued)) return 'expires before it is issued';
  if (notBefore !== undefined && end <= Date.parse(notBefore)) return 'expires before it may begin';
  if (stands === undefined) return undefined;
  if (stands.job.id === id) return isDeepStrictEqual(stands, next) ? undefined : 'has the id of another job';
  return Date.parse(issued) < Date.parse(stands.job.issued)
    ? `is issued before ${stands.job.id}, which the unit has already`
    : undefined;
}

/**
 * The image repository, as a unit would verify it. Throws `key-missing` where nothing is published yet and `authority-expired` where it has
 * run out: both pass when its publisher signs; `store-damaged`.
 */
export async function verifiedImage(files: Files, folder: string, now: number): Promise<readonly Target[]> {
  const root = (await readRoots(files, folder, 'image')).at(-1)?.signed;
  const chain = await readChain(files, placesIn(folder).metadata('image'), 'image');
  if (root === undefined || chain === undefined)
    throw new AtalayaError('key-missing', 'the image repository is not published yet', {
      hint: 'Run: atalaya-ota publish',
    });
  const fault = chainFault(root, chain);
  if (fault !== undefined) {
    throw new AtalayaError('store-damaged', `the ${fault} of the image repository is not signed by enough keys`, {
      hint: 'Run: atalaya-ota check',
    });
  }
  const out = [root, chain.timestamp.signed, chain.snapshot.signed, chain.targets.signed].find(
    ({ expires }) => Date.parse(expires) <= now,
  );
  if (out !== undefined) {
    throw new AtalayaError(
      'authority-expired',
      `the ${out.type} of the image repository has run out on ${out.expires}`,
      { hint: 'Renew it first: atalaya-ota expire' },
    );
  }
  return targetsOf(chain.targets.signed, 'the image repository');
}

/** What the metadata of a unit's job names: what it installs, in its order, and every patch that leads to that. Throws `document-refused`. */
export function targetsFor(unit: string, job: UpdateJob, image: readonly Target[]): readonly Target[] {
  const install = job.install.map((name) => {
    const found = image.find(({ target }) => target === name);
    if (found === undefined) throw refused(`there is no published target ${name}`, 'Look with: atalaya-ota targets');
    if (found.description.patchFrom !== undefined)
      throw refused(`${name} is a patch`, 'Name the whole target that it leads to.');
    const of = found.description.unit ?? unit;
    if (of !== unit) throw refused(`${name} is the scene of ${of}, and not of ${unit}`, 'Name the scene of this unit.');
    return found;
  });
  if (install.filter(({ description }) => description.kind === 'program').length > 1)
    throw refused('the job installs two programs', 'A unit runs one.');
  const parts = install.map(({ description: { kind, name } }) => `${kind} ${name}`);
  const twice = parts.find((part, i) => parts.indexOf(part) !== i);
  if (twice !== undefined) throw refused(`the job installs the ${twice} twice`, 'Name each component once.');
  const trees = new Set(install.map(({ description }) => description.tree.sha256));
  const patches = image.filter(
    ({ description: { patchFrom, tree } }) => patchFrom !== undefined && trees.has(tree.sha256),
  );
  return [...install, ...patches];
}

const refused = (message: string, hint: string): AtalayaError =>
  new AtalayaError('document-refused', message, { hint });
