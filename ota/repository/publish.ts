import { join } from 'node:path';
import type { Metadata, Root, Targets } from '@tufjs/models';
import { writeWholeFile } from '../../device/kernel/durable-file.ts';
import { AtalayaError } from '../../device/kernel/errors.ts';
import type { Files } from '../../device/kernel/files.ts';
import type { RepositoryName } from '../contract/repository.ts';
import {
  type Chain,
  chainFault,
  publishChain,
  readChain,
  removeOldChains,
  signChain,
  stageChain,
  targetsOf,
} from './chain.ts';
import { isEnough, isSame, writeMetadata } from './metadata.ts';
import { locked, placesIn, readRoots, readSettings, type TakeLock } from './repository-folder.ts';
import type { MetadataSigner } from './signers/metadata-signer.ts';
import { dropStaged, isSigned, type Staged, stagedIn, standingsOf } from './staged.ts';
import { targetFault } from './target-files.ts';

export interface Publishing {
  readonly files: Files;
  readonly folder: string;
  /** Keys of the image's snapshot and timestamp, in any order; of a role whose key is being replaced the old one besides, where it is there. */
  readonly signers: readonly MetadataSigner[];
  readonly lock: TakeLock;
  /** UTC, milliseconds. */
  readonly now: number;
  /** Only that repository; both unless said otherwise. */
  readonly of?: RepositoryName;
  /** Only signs the image's snapshot and timestamp anew; what waits for signatures goes on waiting. */
  readonly renew?: boolean;
}

export interface Published {
  /** What units see now that they did not see before, a line each; empty where there was nothing to do. */
  readonly changes: readonly string[];
  /** Units that ask between two writes may be told of a bad signature, once: the old online key was not there to sign besides. */
  readonly seam: boolean;
}

/**
 * Publishes what is staged and signed by enough keys. Everything is checked as a unit would before the first byte is written; then targets
 * and snapshot go out, which nobody refers to yet, and then the one file that makes them seen. After a power cut at any moment units see
 * the repository before it or after it, and the same call goes on from there.
 *
 * Throws `document-refused` for what lacks signatures, has run out, contradicts what is published, or whose files are not whole;
 * `key-missing` where a key of snapshot or timestamp is not among `signers`; `store-locked`.
 */
export const publish = (publishing: Publishing): Promise<Published> =>
  locked(publishing.files, publishing.folder, publishing.lock, async () => {
    const { of, renew } = publishing;
    const next = of === 'image' || renew === true ? undefined : await readyDirectorRoot(publishing);
    // Before the director's root goes out: what is refused of the image would hide that it has.
    const plan = of === 'director' ? undefined : await planImage(publishing);
    const director = of === 'image' || renew === true ? [] : await publishDirectorRoot(publishing, next);
    if (plan === undefined) return { changes: director, seam: false };
    const image = await publishImage(publishing, plan);
    return { changes: [...director, ...image.changes], seam: image.seam };
  });

const readyDirectorRoot = async ({ files, folder, now }: Publishing): Promise<Metadata<Root> | undefined> =>
  ready(files, folder, 'director', await readRoots(files, folder, 'director'), now);

async function publishDirectorRoot(
  { files, folder }: Publishing,
  next: Metadata<Root> | undefined,
): Promise<readonly string[]> {
  if (next === undefined) return [];
  const changes = await writeRoot(files, folder, 'director', next);
  await dropStaged(files, folder, { repository: 'director', role: 'root' });
  return changes;
}

/** What the image repository is to become. */
interface Plan {
  readonly newest: Root | undefined;
  readonly root: Metadata<Root> | undefined;
  readonly before: Chain | undefined;
  readonly chain: Chain | undefined;
}

async function publishImage(publishing: Publishing, plan: Plan): Promise<Published> {
  const { files, folder } = publishing;
  const at = placesIn(folder).metadata('image');
  const { newest, root, before, chain } = plan;
  const under = (one: Root | undefined, other: Chain | undefined) =>
    one === undefined || other === undefined || chainFault(one, other) === undefined;
  const changes: string[] = [];
  if (chain !== undefined) await stageChain(files, at, chain);
  const chainFirst = under(newest, chain);
  const writeChain = async () => {
    if (chain === undefined) return;
    await publishChain(files, at, chain);
    const { targets, snapshot, timestamp } = chain;
    changes.push(
      `image targets ${targets.signed.version}, snapshot ${snapshot.signed.version}, timestamp ${timestamp.signed.version}, good until ${timestamp.signed.expires}`,
    );
  };
  if (newest !== undefined && chainFirst) await writeChain();
  if (root !== undefined) changes.push(...(await writeRoot(files, folder, 'image', root)));
  if (newest === undefined || !chainFirst) await writeChain();
  if (publishing.renew !== true) {
    await dropStaged(files, folder, { repository: 'image', role: 'targets' });
    await dropStaged(files, folder, { repository: 'image', role: 'root' });
  }
  if (chain !== undefined) await removeOldChains(files, at, chain);
  const seam = root !== undefined && newest !== undefined && !chainFirst && !under(root.signed, before);
  return { changes, seam };
}

async function planImage(publishing: Publishing): Promise<Plan> {
  const { files, folder, now, renew } = publishing;
  const roots = await readRoots(files, folder, 'image');
  const newest = roots.at(-1)?.signed;
  const root = renew === true ? undefined : await ready(files, folder, 'image', roots, now);
  const inForce = root?.signed ?? newest;
  if (inForce === undefined)
    throw refused('the image repository has no root', 'Sign and publish staged/image.root.json.');
  const before = await readChain(files, placesIn(folder).metadata('image'), 'image');
  const staged = renew === true ? undefined : await stagedIn(files, folder, 'image', 'targets');
  const targets = staged === undefined ? undefined : await checkTargets(publishing, staged.metadata, inForce, before);
  if (targets === undefined && before === undefined)
    throw refused('the image repository has no targets', 'Sign and publish staged/image.targets.json.');
  const keep = targets ?? before?.targets;
  if (keep === undefined || !isEnough(inForce, 'targets', keep)) {
    throw refused(
      'the published targets are not signed by enough keys of the new root',
      'Stage and sign them again: atalaya-ota add',
    );
  }
  const needed =
    targets !== undefined || renew === true || before === undefined || chainFault(inForce, before) !== undefined;
  if (!needed) return { newest, root, before, chain: undefined };
  const settings = await readSettings(files, folder);
  const chain = await signChain(keep, before, {
    files,
    folder: placesIn(folder).metadata('image'),
    now,
    days: settings.days.image,
    signers: {
      snapshot: signersOf('snapshot', publishing.signers, inForce, newest),
      timestamp: signersOf('timestamp', publishing.signers, inForce, newest),
    },
  });
  const fault = chainFault(inForce, chain);
  if (fault !== undefined)
    throw refused(`${fault} would not be signed by enough keys`, 'Give every --key that signs it.');
  return { newest, root, before, chain };
}

/** Keys of a role under the root to come, and where they are there under the one before. */
function signersOf(
  role: 'snapshot' | 'timestamp',
  signers: readonly MetadataSigner[],
  root: Root,
  newest: Root | undefined,
): readonly MetadataSigner[] {
  const of = (one: Root | undefined) => one?.roles[role]?.keyIDs ?? [];
  const { threshold = 1 } = root.roles[role] ?? {};
  if (signers.filter(({ keyId }) => of(root).includes(keyId)).length < threshold) {
    throw new AtalayaError('key-missing', `no key is given that signs the ${role} of the image repository`, {
      hint: `Give --key for: ${of(root).map(short).join(', ')}${signers.length === 0 ? '' : `; given: ${signers.map(({ keyId }) => short(keyId)).join(', ')}`}`,
    });
  }
  return signers.filter(({ keyId }) => of(root).includes(keyId) || of(newest).includes(keyId));
}

/** The staged root, where there is one that is not published yet and enough keys have signed. */
async function ready(
  files: Files,
  folder: string,
  repository: RepositoryName,
  roots: readonly Metadata<Root>[],
  now: number,
) {
  const staged = await stagedIn(files, folder, repository, 'root');
  if (staged === undefined) return undefined;
  const published = roots[staged.metadata.signed.version - 1];
  if (published !== undefined && isSame(published, staged.metadata)) return undefined;
  const newest = roots.at(-1)?.signed;
  if (staged.metadata.signed.version !== (newest?.version ?? 0) + 1) throw stale(staged);
  const before = newest ?? staged.metadata.signed;
  if (!isSigned(staged) || !isEnough(before, 'root', staged.metadata)) throw unsigned(folder, staged);
  if (Date.parse(staged.metadata.signed.expires) <= now) throw outOfDate(staged);
  return staged.metadata;
}

/** Staged targets that are to be published; undefined where they are already. */
async function checkTargets(
  publishing: Publishing,
  metadata: Metadata<Targets>,
  root: Root,
  before: Chain | undefined,
) {
  const { files, folder, now } = publishing;
  const name: Pick<Staged, 'repository' | 'role'> = { repository: 'image', role: 'targets' };
  if (before !== undefined && isSame(before.targets, metadata)) return undefined;
  if (metadata.signed.version !== (before?.targets.signed.version ?? 0) + 1) throw stale(name);
  if (!isEnough(root, 'targets', metadata)) {
    const staged = await stagedIn(files, folder, 'image', 'targets');
    throw staged === undefined ? stale(name) : unsigned(folder, staged);
  }
  if (Date.parse(metadata.signed.expires) <= now) throw outOfDate(name);
  const known = new Set(
    before === undefined ? [] : targetsOf(before.targets.signed, 'image').map(({ sha256 }) => sha256),
  );
  for (const target of targetsOf(metadata.signed, 'staged/image.targets.json')) {
    // What is published already was hashed then: nobody waits for the lock that long again.
    const fault = await targetFault(files, folder, target, known.has(target.sha256) ? 'length' : 'hash');
    if (fault !== undefined)
      throw refused(`the file of ${target.target} ${fault}`, 'Add it again, from its file NAME.target.json.');
  }
  return metadata;
}

async function writeRoot(
  files: Files,
  folder: string,
  repository: RepositoryName,
  root: Metadata<Root>,
): Promise<readonly string[]> {
  const { version, expires } = root.signed;
  await writeWholeFile(files, join(placesIn(folder).metadata(repository), `${version}.root.json`), writeMetadata(root));
  return [`${repository} root ${version}, good until ${expires}`];
}

const refused = (message: string, hint: string): AtalayaError =>
  new AtalayaError('document-refused', message, { hint });

const short = (keyId: string): string => keyId.slice(0, 16);

const nameOf = ({ repository, role }: Pick<Staged, 'repository' | 'role'>): string =>
  `staged/${repository}.${role}.json`;

const stale = (staged: Pick<Staged, 'repository' | 'role'>): AtalayaError =>
  refused(
    `${nameOf(staged)} does not follow what is published`,
    'Something else was published meanwhile: stage the change again.',
  );

const outOfDate = (staged: Pick<Staged, 'repository' | 'role'>): AtalayaError =>
  refused(
    `${nameOf(staged)} has run out while it waited for signatures`,
    'Stage the change again, and sign it sooner.',
  );

function unsigned(folder: string, staged: Staged): AtalayaError {
  const missing = standingsOf(staged)
    .filter(({ by, threshold }) => by.length < threshold)
    .map(({ name, by, threshold }) => `${by.length} of ${threshold} by ${name}`);
  return refused(
    `${nameOf(staged)} is not signed by enough keys (${missing.join('; ') || 'of the newest root'})`,
    `Have it signed: atalaya-ota sign ${placesIn(folder).staged(staged.repository, staged.role)} --key KEY`,
  );
}
