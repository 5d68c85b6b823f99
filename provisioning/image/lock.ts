import { AtalayaError } from '../../device/kernel/errors.ts';

/** A Debian package as it goes into an image. */
export interface LockedPackage {
  readonly name: string;
  readonly version: string;
  /** amd64, arm64 or all. */
  readonly architecture: string;
  /** Bytes. */
  readonly size: number;
  /** Hexadecimal. */
  readonly sha256: string;
  /** Way in the archive, from its root. */
  readonly path: string;
}

/** Every package of one board's image: those that are installed, and those that only give their boot loader. */
export interface ImageLock {
  readonly installed: readonly LockedPackage[];
  readonly loader: readonly LockedPackage[];
}

const beginning =
  '# Debian packages of an image: part, name, version, architecture, bytes, SHA-256, path. Made by: atalaya-provision image --update-lock';
const word = /^[A-Za-z0-9][A-Za-z0-9.+:~_-]*$/;

/** One line a package, sorted, so that a change of one package is a change of one line. */
export function formatLock(lock: ImageLock): string {
  const lines = (['installed', 'loader'] as const).flatMap((part) =>
    lock[part]
      .map(({ name, version, architecture, size, sha256, path }) =>
        [part, name, version, architecture, size, sha256, path].join(' '),
      )
      .sort(),
  );
  return `${[beginning, ...lines].join('\n')}\n`;
}

/** Reads a lock. Throws `document-refused` with the line that is wrong. */
export function parseLock(text: string, file: string): ImageLock {
  const lock = { installed: [] as LockedPackage[], loader: [] as LockedPackage[] };
  for (const [index, line] of text.split('\n').entries()) {
    if (line === '' || line.startsWith('#')) continue;
    const [part, name = '', version = '', architecture = '', size = '', sha256 = '', path = '', more] = line.split(' ');
    const good =
      (part === 'installed' || part === 'loader') &&
      [name, version].every((one) => word.test(one)) &&
      /^(amd64|arm64|all)$/.test(architecture) &&
      /^[1-9][0-9]{0,11}$/.test(size) &&
      /^[0-9a-f]{64}$/.test(sha256) &&
      /^[A-Za-z0-9][A-Za-z0-9.+~_%/-]*\.deb$/.test(path) &&
      !path.includes('..') &&
      more === undefined;
    if (!good) {
      throw new AtalayaError('document-refused', `line ${index + 1} of ${file} is no package of an image`, {
        hint: 'Take the file as it was kept, or make it anew with --update-lock.',
      });
    }
    lock[part].push({ name, version, architecture, size: Number(size), sha256, path });
  }
  if (lock.installed.length === 0) throw new AtalayaError('document-refused', `${file} names no package`);
  return lock;
}

/**
 * The lines of `apt-get --print-uris` with SHA-256 forced: `'URI' FILE SIZE SHA256:HASH`.
 */
export function packagesOfUris(text: string): readonly LockedPackage[] {
  return text.split('\n').flatMap((line) => {
    const match = /^'https?:\/\/[^/']+\/([^']+)' (\S+)_(\S+)_(\S+)\.deb (\d+) SHA256:([0-9a-f]{64})$/.exec(line);
    if (match === null) return [];
    const [, path = '', name = '', version = '', architecture = '', size = '', sha256 = ''] = match;
    return [{ name, version: decodeURIComponent(version), architecture, size: Number(size), sha256, path }];
  });
}
