import type { Metadata, Root, Targets } from '@tufjs/models';
import { unitId } from '../../cloud-bridge/contract/names.ts';
import type { Clock } from '../../device/kernel/clock.ts';
import { makeFolders } from '../../device/kernel/durable-file.ts';
import { AtalayaError } from '../../device/kernel/errors.ts';
import { listIfThere } from '../../device/kernel/files.ts';
import { parse } from '../../device/kernel/schema.ts';
import { systemTreeFiles, type TreeFiles } from '../../device/kernel/tree-files.ts';
import type { Director } from '../contract/director.ts';
import { type DirectorField, updateJob } from '../contract/job.ts';
import type { Target } from '../contract/target.ts';
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
import { addSignature, expiryAfter, hasSigned, isEnough } from './metadata.ts';
import { openPublished } from './published-files.ts';
import {
  highestVersion,
  locked,
  placesIn,
  readRoots,
  readSettings,
  type TakeLock,
  waitingLock,
} from './repository-folder.ts';
import type { MetadataSigner } from './signers/metadata-signer.ts';
import { targetsMetadata } from './stage-changes.ts';
import { fieldOf, jobFault, targetsFor, verifiedImage } from './unit-chain.ts';

export interface DirectorOptions {
  /** A publisher's folder. */
  readonly folder: string;
  /** The director's online keys. */
  readonly keys: {
    readonly targets: MetadataSigner;
    readonly snapshot: MetadataSigner;
    readonly timestamp: MetadataSigner;
  };
  readonly clock: Clock;
  readonly files?: TreeFiles;
  readonly lock?: TakeLock;
  /** `refresh` also signs what other keys have signed that a root names or has named: after a rotation in which none of them was stolen. */
  readonly adopt?: boolean;
}

const onlineRoles = ['targets', 'snapshot', 'timestamp'] as const;

/** Throws `key-missing` where the director's root is not published or does not name the keys; `document-refused`, `store-damaged`. */
export async function openDirector(options: DirectorOptions): Promise<Director> {
  const files = options.files ?? systemTreeFiles;
  await readSettings(files, options.folder);
  const director = new FolderDirector(options, files, options.lock ?? waitingLock());
  await director.root();
  return director;
}

/** Reads and serves only; for whoever has no keys. `assign` and `refresh` throw `key-missing`. */
export function readDirector(folder: string, clock: Clock, files: TreeFiles = systemTreeFiles): Director {
  const none = (): never => {
    throw new AtalayaError('key-missing', 'the director was opened without its keys', {
      hint: 'Give --targets-key, --snapshot-key and --timestamp-key.',
    });
  };
  const key = {
    keyId: '',
    publicKey: { keytype: 'ed25519', scheme: 'ed25519', keyval: { public: '' } },
    sign: none,
  } as const;
  return new FolderDirector({ folder, clock, keys: { targets: key, snapshot: key, timestamp: key } }, files, none);
}

class FolderDirector implements Director {
  readonly #options: DirectorOptions;
  readonly #files: TreeFiles;
  readonly #lock: TakeLock;
  #last: Promise<unknown> = Promise.resolve();

  constructor(options: DirectorOptions, files: TreeFiles, lock: TakeLock) {
    this.#options = options;
    this.#files = files;
    this.#lock = lock;
  }

  /** The newest root, which names each of the keys. */
  async root(): Promise<Root> {
    const { folder, keys } = this.#options;
    const root = (await readRoots(this.#files, folder, 'director')).at(-1)?.signed;
    if (root === undefined) {
      throw new AtalayaError('key-missing', 'the director has no published root', {
        hint: 'Have staged/director.root.json signed, and run: atalaya-ota publish',
      });
    }
    for (const role of onlineRoles) {
      if (root.roles[role]?.threshold !== 1 || !root.roles[role].keyIDs.includes(keys[role].keyId)) {
        throw new AtalayaError(
          'key-missing',
          `root ${root.version} of the director does not take ${role} by the key ${keys[role].keyId.slice(0, 16)} alone`,
          { hint: `It takes: ${(root.roles[role]?.keyIDs ?? []).map((id) => id.slice(0, 16)).join(', ')}` },
        );
      }
    }
    return root;
  }

  async targets(): Promise<readonly Target[]> {
    const { folder } = this.#options;
    const chain = await readChain(this.#files, placesIn(folder).metadata('image'), 'image');
    const targets = chain === undefined ? [] : targetsOf(chain.targets.signed, 'the image repository');
    return [...targets].sort((a, b) => b.description.release - a.description.release || (a.target < b.target ? -1 : 1));
  }

  async assign(unit: string, input: Parameters<Director['assign']>[1]): Promise<void> {
    const name = parse(unitId, unit, 'the name of the unit', 'document-refused');
    const job = parse(updateJob, input, `the job of ${name}`, 'document-refused') as DirectorField['job'];
    const { folder, clock } = this.#options;
    await this.#alone(async () => {
      const now = clock.utc();
      const root = await this.root();
      const before = await this.#chain(name);
      const field = { unit: name, job };
      const stands = before === undefined || chainFault(root, before) !== undefined ? undefined : fieldOf(before);
      const fault = jobFault(field, stands, now);
      if (fault !== undefined)
        throw refused(`the job ${job.id} of ${name} ${fault}`, 'Correct it; the job before stands.');
      // Last: what passes by itself keeps nobody waiting whose job is refused for good.
      const targets = targetsFor(name, job, await verifiedImage(this.#files, folder, now));
      await this.#publish(name, field, targets, before);
    });
  }

  async refresh(unit: string): Promise<boolean> {
    if (!unitId.safeParse(unit).success) return false;
    // Most have time left: nobody waits for the lock to find that out.
    if ((await this.#due(unit)) === undefined) return false;
    return this.#alone(async () => {
      const before = await this.#due(unit);
      if (before === undefined) return false;
      const field = fieldOf(before);
      if (field?.unit !== unit) throw refused(`the metadata of ${unit} is not of that unit`, 'Assign its job again.');
      await this.#publish(unit, field, targetsOf(before.targets.signed, `the metadata of ${unit}`), before);
      return true;
    });
  }

  /** What is to be signed anew. Throws `document-refused` for what no root vouches for any more. */
  async #due(unit: string): Promise<Chain | undefined> {
    const { adopt, folder, clock, keys } = this.#options;
    const chain = await this.#chain(unit);
    if (chain === undefined) return undefined;
    const root = await this.root();
    const fault = chainFault(root, chain);
    if (fault !== undefined) await this.#requireAdoptable(unit, fault, chain, adopt === true);
    const { days } = await readSettings(this.#files, folder);
    const isHalfOver = (role: (typeof onlineRoles)[number]) =>
      Date.parse(chain[role].signed.expires) - clock.utc() < days.director[role] * 43_200_000;
    const isMine = onlineRoles.every((role) => hasSigned(root, keys[role].keyId, chain[role]));
    return fault !== undefined || (adopt === true && !isMine) || onlineRoles.some(isHalfOver) ? chain : undefined;
  }

  async units(): Promise<readonly string[]> {
    const places = placesIn(this.#options.folder);
    const names = (await listIfThere(this.#files, places.metadata('director'))).filter(
      (name) => unitId.safeParse(name).success,
    );
    const found: string[] = [];
    for (const name of names) {
      if ((await this.#files.look(`${places.unit(name)}/timestamp.json`))?.kind === 'file') found.push(name);
    }
    return found;
  }

  open(unit: string, path: string): ReturnType<Director['open']> {
    return openPublished(this.#files, this.#options.folder, unit, path);
  }

  #chain(unit: string): Promise<Chain | undefined> {
    return readChain(this.#files, placesIn(this.#options.folder).unit(unit), `director/${unit}`);
  }

  /** Nobody else signs meanwhile, neither here nor in another process. */
  #alone<T>(work: () => Promise<T>): Promise<T> {
    const mine = this.#last.then(() => locked(this.#files, this.#options.folder, this.#lock, work));
    this.#last = mine.catch(() => undefined);
    return mine;
  }

  /** Signed anew is only what a root has vouched for: else whoever stole a key had their jobs made good by its successor. */
  async #requireAdoptable(unit: string, fault: string, chain: Chain, adopt: boolean): Promise<void> {
    const roots = await readRoots(this.#files, this.#options.folder, 'director');
    if (adopt && roots.some(({ signed }) => chainFault(signed, chain) === undefined)) return;
    throw refused(
      `the ${fault} of ${unit} is signed by a key that the director's root no longer names`,
      adopt
        ? 'Assign its job again: no root of the director has ever taken it.'
        : 'Was that key stolen, assign the job again. Was it only replaced: atalaya-ota director refresh --adopt',
    );
  }

  /** Seen from its last write on: the timestamp. */
  async #publish(
    unit: string,
    field: DirectorField,
    targets: readonly Target[],
    before: Chain | undefined,
  ): Promise<void> {
    const { folder, keys, clock } = this.#options;
    const at = placesIn(folder).unit(unit);
    const { days } = await readSettings(this.#files, folder);
    await makeFolders(this.#files, at);
    const stands = Math.max(await highestVersion(this.#files, at, 'targets'), before?.targets.signed.version ?? 0);
    const metadata: Metadata<Targets> = targetsMetadata(
      targets,
      stands + 1,
      expiryAfter(clock.utc(), days.director.targets),
      {
        atalaya: JSON.parse(JSON.stringify(field)),
      },
    );
    await addSignature(metadata, keys.targets);
    const root = await this.root();
    if (!isEnough(root, 'targets', metadata))
      throw new AtalayaError('internal', 'the metadata does not verify under its own root');
    const chain = await signChain(metadata, before, {
      files: this.#files,
      folder: at,
      now: clock.utc(),
      days: days.director,
      signers: { snapshot: [keys.snapshot], timestamp: [keys.timestamp] },
    });
    await stageChain(this.#files, at, chain);
    await publishChain(this.#files, at, chain);
    await removeOldChains(this.#files, at, chain);
  }
}

const refused = (message: string, hint: string): AtalayaError =>
  new AtalayaError('document-refused', message, { hint });
