import { createHash } from 'node:crypto';
import {
  chmodSync,
  createReadStream,
  existsSync,
  linkSync,
  mkdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { AtalayaError, isAtalayaError } from '../../device/kernel/errors.ts';
import { milliseconds } from '../../device/kernel/units.ts';
import { type ImageLock, type LockedPackage, packagesOfUris } from './lock.ts';
import { runProgram } from './run-program.ts';

/** Debian 12, with what its security team mended and the firmware that boards start with. */
const suites: readonly (readonly [archive: string, suite: string])[] = [
  ['debian', 'bookworm'],
  ['debian', 'bookworm-updates'],
  ['debian-security', 'bookworm-security'],
];
const keyring = '/usr/share/keyrings/debian-archive-keyring.gpg';

export interface ArchiveOptions {
  /** Address above `debian/` and `debian-security/`. */
  readonly mirror: string;
  readonly architecture: 'amd64' | 'arm64';
  /** Kept between calls: lists and packages. */
  readonly cache: string;
  readonly log: string;
  readonly signal: AbortSignal;
}

/** Debian's archive through an apt configuration of its own: nothing of this machine's is read or changed, nothing is installed. */
export class DebianArchive {
  readonly #options: ArchiveOptions;

  constructor(options: ArchiveOptions) {
    this.#options = options;
  }

  /** What the archive gives today for these packages and all that they need. Throws `link-down` without a network. */
  async resolve(installed: readonly string[], loader: readonly string[]): Promise<ImageLock> {
    const folder = this.#folder;
    for (const name of ['lists/partial', 'archives/partial']) mkdirSync(join(folder, name), { recursive: true });
    for (const name of ['.', 'lists', 'archives']) chmodSync(join(folder, name), 0o755);
    const line = ([archive, suite]: readonly [string, string]): string =>
      `deb [signed-by=${keyring}] ${this.#options.mirror}/${archive} ${suite} main non-free-firmware\n`;
    writeFileSync(join(folder, 'sources.list'), suites.map(line).join(''));
    // As if nothing were installed: every package that is needed is named.
    writeFileSync(join(folder, 'status'), '');
    try {
      await this.#apt('update', '-qq');
    } catch (error) {
      if (!isAtalayaError(error, 'act-refused')) throw error;
      throw new AtalayaError('link-down', `the lists of ${this.#options.mirror} could not be fetched`, {
        hint: `Check the network, or give another archive with --mirror. ${this.#options.log} says more.`,
        cause: error,
      });
    }
    const found = await this.#apt('--print-uris', '-qq', 'install', '?essential', ...installed);
    const parts = loader.length === 0 ? '' : await this.#apt('--print-uris', '-qq', 'download', ...loader);
    return { installed: packagesOfUris(found), loader: packagesOfUris(parts) };
  }

  /**
   * Files of the packages, from the cache where it has them. Every one is held against its hash. Throws `source-missing` where the archive
   * has another version by now, `bundle-hash-mismatch` where it gives other bytes.
   */
  async fetch(packages: readonly LockedPackage[]): Promise<readonly string[]> {
    const home = join(this.#options.cache, 'packages');
    mkdirSync(home, { recursive: true });
    const queue = packages.map((one) => ({
      one,
      file: join(home, `${one.sha256.slice(0, 16)}-${basename(decodeURIComponent(one.path))}`),
    }));
    const files = queue.map(({ file }) => file);
    const work = async (): Promise<void> => {
      for (let next = queue.shift(); next !== undefined; next = queue.shift())
        await this.#fetchOne(next.one, next.file);
    };
    await Promise.all(Array.from({ length: 6 }, work));
    return files;
  }

  async #fetchOne(wanted: LockedPackage, file: string): Promise<void> {
    if (existsSync(file) && (await sha256Of(file)) === wanted.sha256) return;
    const { mirror, signal } = this.#options;
    const url = `${mirror}/${wanted.path}`;
    const response = await fetch(url, { signal: AbortSignal.any([signal, AbortSignal.timeout(300_000)]) }).catch(
      (cause: unknown) => {
        signal.throwIfAborted();
        throw new AtalayaError('link-down', `${url} could not be fetched`, {
          hint: 'Check the network, then run the same call again.',
          cause,
        });
      },
    );
    if (response.status === 404) {
      throw new AtalayaError('source-missing', `the archive has no ${wanted.name} ${wanted.version} any more`, {
        hint: 'Take the packages of today with --update-lock and look at what changed, or give an archive that still has it with --mirror.',
      });
    }
    if (!response.ok) throw new AtalayaError('link-down', `${url} answers ${response.status}`);
    const bytes = Buffer.from(await response.arrayBuffer());
    const got = createHash('sha256').update(bytes).digest('hex');
    if (got !== wanted.sha256) {
      throw new AtalayaError(
        'bundle-hash-mismatch',
        `${url} is not the package of the lock: SHA-256 ${got} and not ${wanted.sha256}`,
        {
          hint: 'Do not build with it. Try another archive with --mirror.',
        },
      );
    }
    writeFileSync(`${file}.part`, bytes);
    renameSync(`${file}.part`, file);
  }

  /** A folder that apt takes for an archive: the installed packages of the lock and nothing else. */
  async shelve(packages: readonly LockedPackage[], files: readonly string[], folder: string): Promise<void> {
    const { log, signal } = this.#options;
    const home = `main/binary-${this.#options.architecture}`;
    const lists = join(folder, 'dists/bookworm');
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(join(lists, home), { recursive: true });
    const stanzas: string[] = [];
    for (const [index, file] of files.entries()) {
      const { size, sha256 } = packages[index] as LockedPackage;
      const control = await runProgram('dpkg-deb', ['-f', file], { deadline: milliseconds(30_000), log, signal });
      const name = basename(file);
      linkSync(file, join(folder, name));
      stanzas.push(`${control.trimEnd()}\nFilename: ${name}\nSize: ${size}\nSHA256: ${sha256}\n`);
    }
    const text = Buffer.from(stanzas.join('\n'), 'latin1');
    const hash = createHash('sha256').update(text).digest('hex');
    writeFileSync(join(lists, home, 'Packages'), text);
    const names = `Suite: bookworm\nCodename: bookworm\nArchitectures: ${this.#options.architecture}\nComponents: main\n`;
    writeFileSync(join(lists, 'Release'), `${names}SHA256:\n ${hash} ${text.byteLength} ${home}/Packages\n`);
  }

  get #folder(): string {
    return join(this.#options.cache, `apt-${this.#options.architecture}`);
  }

  #apt(...args: string[]): Promise<string> {
    const folder = this.#folder;
    const settings: Readonly<Record<string, string>> = {
      'Dir::Etc::SourceList': join(folder, 'sources.list'),
      'Dir::Etc::SourceParts': '/dev/null',
      'Dir::Etc::Preferences': '/dev/null',
      'Dir::Etc::PreferencesParts': '/dev/null',
      'Dir::State::Lists': join(folder, 'lists'),
      'Dir::State::Status': join(folder, 'status'),
      'Dir::Cache': folder,
      'Acquire::Languages': 'none',
      'Acquire::ForceHash': 'SHA256',
      'APT::Architecture': this.#options.architecture,
      'APT::Architectures': this.#options.architecture,
      'APT::Install-Recommends': 'false',
      'APT::Sandbox::User': 'root',
      'APT::Update::Error-Mode': 'any',
    };
    const { log, signal } = this.#options;
    const given = Object.entries(settings).flatMap(([name, value]) => ['-o', `${name}=${value}`]);
    return runProgram('apt-get', [...given, '-y', ...args], { deadline: milliseconds(180_000), log, signal });
  }
}

export async function sha256Of(file: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file, { highWaterMark: 1 << 20 }), hash);
  return hash.digest('hex');
}
