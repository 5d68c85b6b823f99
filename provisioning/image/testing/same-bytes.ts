import { linkSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { buildImage, type ImageRequest } from '../build-image.ts';

/**
 * Makes an image twice, each time from the packages alone: nothing that one call has made is there for the other. Takes as long as two cold
 * builds. Gives both hashes.
 */
export async function buildTwice(
  request: Omit<ImageRequest, 'out' | 'updateLock'>,
): Promise<readonly [string, string]> {
  const made: string[] = [];
  for (let round = 0; round < 2; round += 1) {
    const cache = mkdtempSync(join(request.cache, 'twice-'));
    try {
      const packages = join(request.cache, 'packages');
      mkdirSync(join(cache, 'packages'));
      for (const name of readdirSync(packages)) linkSync(join(packages, name), join(cache, 'packages', name));
      const built = await buildImage({ ...request, cache, out: join(cache, 'image'), updateLock: false });
      made.push(built.sha256);
    } finally {
      rmSync(cache, { recursive: true });
    }
  }
  return made as [string, string];
}
