import { join } from 'node:path';
import { unitId } from '../../cloud-bridge/contract/names.ts';
import { makeFolders, readWholeFile, writeWholeFile } from '../../device/kernel/durable-file.ts';
import { AtalayaError } from '../../device/kernel/errors.ts';
import { parse } from '../../device/kernel/schema.ts';
import type { TreeFiles } from '../../device/kernel/tree-files.ts';
import { repositoryNames } from '../contract/repository.ts';
import type { Target } from '../contract/target.ts';
import { readChain, targetsOf } from './chain.ts';
import { placesIn, readRoots } from './repository-folder.ts';
import { keepTarget } from './target-files.ts';

/** What was written on a stick. */
export interface Stick {
  readonly targets: readonly Target[];
  /** The first day on which the unit no longer takes it. */
  readonly until: string;
}

/**
 * Lays out for one unit what it would ask for over the link, in a folder that goes on a stick. The files of targets first and the timestamps
 * last: a stick that was pulled out too soon holds the update before it, or none. Throws `document-refused` where the unit has no job,
 * `store-full`, `store-failed`.
 */
export async function makeStick(files: TreeFiles, folder: string, unit: string, out: string): Promise<Stick> {
  parse(unitId, unit, 'the name of the unit', 'document-refused');
  const places = placesIn(folder);
  const from = { image: places.metadata('image'), director: places.unit(unit) } as const;
  const image = await readChain(files, from.image, 'image');
  const director = await readChain(files, from.director, `director/${unit}`);
  if (image === undefined || director === undefined) {
    throw new AtalayaError(
      'document-refused',
      director === undefined ? `${unit} has no job` : 'the image repository is not published yet',
      {
        hint: 'Name targets with --install, or run: atalaya-ota director assign',
      },
    );
  }
  const targets = targetsOf(director.targets.signed, `the metadata of ${unit}`);
  for (const target of targets) await keepTarget(files, out, target, places.target(target));
  const ends: string[] = [];
  for (const [repository, chain] of [
    ['image', image],
    ['director', director],
  ] as const) {
    const roots = await readRoots(files, folder, repository);
    await makeFolders(files, join(out, repository));
    const copy = (name: string, base: string) => copyFile(files, join(base, name), join(out, repository, name));
    for (const { signed } of roots) await copy(`${signed.version}.root.json`, places.metadata(repository));
    await copy(`${chain.targets.signed.version}.targets.json`, from[repository]);
    await copy(`${chain.snapshot.signed.version}.snapshot.json`, from[repository]);
    ends.push(...[chain.timestamp, chain.snapshot, chain.targets].map(({ signed }) => signed.expires));
    ends.push(roots.at(-1)?.signed.expires ?? '');
  }
  for (const repository of repositoryNames) {
    await copyFile(files, join(from[repository], 'timestamp.json'), join(out, repository, 'timestamp.json'));
  }
  return { targets, until: ends.sort()[0] ?? '' };
}

async function copyFile(files: TreeFiles, from: string, to: string): Promise<void> {
  const bytes = await readWholeFile(files, from);
  if (bytes === undefined)
    throw new AtalayaError('store-damaged', `${from} is missing`, { hint: 'Run: atalaya-ota check' });
  await writeWholeFile(files, to, bytes);
}
