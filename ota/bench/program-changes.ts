import { lockedVersion, nodePackage, type Release, versionsOf } from './lay-programs.ts';
import { newestPatchPair, versionBefore } from './pick-versions.ts';

/** What one release has and the next has otherwise. */
export interface ProgramChange {
  readonly change: string;
  readonly base: Release;
  readonly result: Release;
}

/** What every change but one leads to: the checkout as it is. */
export const checkout: Release = { name: 'checkout', release: 2 };

const editedFile = 'pipeline.ts';
/** One without packages of its own, that gets a new version every few weeks. */
const dependency = 'systeminformation';
const nodeLine = 24;

/** A file before five lines of it were taken out. */
function withMoreLines(text: string): string {
  let left = 5;
  const lines = text.split('\n').flatMap((line, i) => {
    if (left === 0 || !/^(export |async )*(function|class|interface|const) /.test(line)) return [line];
    left -= 1;
    return [`const measured${i} = 'line ${i} of what the release before had here';`, line];
  });
  return lines.join('\n');
}

/** The changes that are measured; those of packages only where the registry can be reached. `quick`: without the releases of Node. */
export async function programChanges(
  root: string,
  quick: boolean,
  say: (text: string) => void,
): Promise<readonly ProgramChange[]> {
  const oneFile: ProgramChange = {
    change: 'one file',
    base: { name: 'one-file', release: 1, edit: { file: editedFile, change: withMoreLines } },
    result: checkout,
  };
  return [oneFile, ...(await dependencyChange(root, say)), ...(quick ? [] : await nodeChanges(say))];
}

async function dependencyChange(root: string, say: (text: string) => void): Promise<readonly ProgramChange[]> {
  const is = lockedVersion(root, dependency);
  const versions = await versionsOf(dependency);
  const was = is === undefined || versions === undefined ? undefined : versionBefore(versions, is);
  if (is === undefined || was === undefined) {
    say(`# ota: no version of ${dependency} before ours can be had from the registry: left out`);
    return [];
  }
  const base: Release = { name: 'dependency', release: 1, packages: { [dependency]: was } };
  return [{ change: `${dependency} ${was} to ${is}`, base, result: checkout }];
}

async function nodeChanges(say: (text: string) => void): Promise<readonly ProgramChange[]> {
  const versions = await versionsOf(nodePackage);
  const pair = newestPatchPair(versions ?? [], nodeLine);
  if (pair === undefined) {
    say('# ota: no releases of Node can be had from the registry: left out');
    return [];
  }
  const [was, is] = pair;
  const node = (name: string, release: number, version: string): Release => ({
    ...{ name, release, packages: { [nodePackage]: version } },
  });
  return [{ change: `Node ${was} to ${is}`, base: node('node-base', 1, was), result: node('node-result', 2, is) }];
}
