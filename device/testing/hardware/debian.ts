import { createHash } from 'node:crypto';
import { chmodSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { milliseconds } from '../../kernel/units.ts';
import { isOfNetwork, runCommand, Unavailable } from './commands.ts';

export const suite = 'bookworm';
export const mirror = 'http://deb.debian.org/debian';
const keyring = '/usr/share/keyrings/debian-archive-keyring.gpg';

/** The kernel's packages that are taken, each with its version. */
export interface KernelPackages {
  /** As `uname -r` says it: `6.12.95+deb12-amd64`. */
  readonly release: string;
  /** `name=version`. */
  readonly image: string;
  readonly headers: string;
  readonly commonHeaders: string;
  readonly kbuild: string;
  readonly source: string;
}

/**
 * Debian's archive with backports, seen through an apt configuration of its own in a folder: nothing of the host's own configuration is
 * read or changed, and nothing is installed.
 */
export class DebianArchive {
  readonly #folder: string;
  readonly #log: string;

  constructor(folder: string, log: string) {
    this.#folder = folder;
    this.#log = log;
  }

  /** Fetches the lists anew. Throws `Unavailable` without a network. */
  async update(): Promise<void> {
    mkdirSync(join(this.#folder, 'lists', 'partial'), { recursive: true });
    mkdirSync(join(this.#folder, 'archives', 'partial'), { recursive: true });
    // apt fetches as a user of its own.
    for (const name of ['.', 'lists', 'archives']) chmodSync(join(this.#folder, name), 0o755);
    const line = (name: string): string => `deb [signed-by=${keyring}] ${mirror} ${name} main\n`;
    writeFileSync(join(this.#folder, 'sources.list'), line(suite) + line(`${suite}-backports`));
    try {
      await this.#apt('apt-get', ['update', '-qq'], 120_000);
    } catch (error) {
      if (isOfNetwork(error)) throw new Unavailable(`no network to ${mirror}`);
      throw error;
    }
  }

  /** SHA-256 of the suite's signed release file: it changes with each point release, and the root file system with it. */
  get suiteDigest(): string {
    const lists = join(this.#folder, 'lists');
    const name = readdirSync(lists).find((one) => one.endsWith(`_${suite}_InRelease`));
    if (name === undefined) throw new Unavailable(`the release file of ${suite} could not be fetched`);
    return createHash('sha256')
      .update(readFileSync(join(lists, name)))
      .digest('hex');
  }

  /** The newest kernel of backports. */
  async kernelPackages(): Promise<KernelPackages> {
    const depends = await this.#apt('apt-cache', ['-t', `${suite}-backports`, 'depends', 'linux-image-amd64'], 30_000);
    const image = /Depends: (linux-image-(\S+)-amd64)/.exec(depends);
    if (image?.[1] === undefined || image[2] === undefined) throw new Error('backports name no kernel');
    const base = image[2];
    const version = /^Version: (\S+)$/m.exec(await this.#apt('apt-cache', ['show', image[1]], 30_000))?.[1];
    if (version === undefined) throw new Error(`${image[1]} has no version`);
    const pinned = (name: string): string => `${name}=${version}`;
    return {
      release: `${base}-amd64`,
      image: pinned(image[1]),
      headers: pinned(`linux-headers-${base}-amd64`),
      commonHeaders: pinned(`linux-headers-${base}-common`),
      kbuild: pinned(`linux-kbuild-${base}`),
      source: pinned(`linux-source-${base.split('.').slice(0, 2).join('.')}`),
    };
  }

  /** Downloads packages into a folder; gives the file of each, in their order. */
  async download(packages: readonly string[], folder: string): Promise<readonly string[]> {
    mkdirSync(folder, { recursive: true });
    try {
      await this.#apt('apt-get', ['download', '-qq', ...packages], 600_000, folder);
    } catch (error) {
      if (isOfNetwork(error)) throw new Unavailable(`no network to ${mirror}`);
      throw error;
    }
    const files = readdirSync(folder);
    return packages.map((one) => {
      const name = one.split('=')[0] ?? '';
      const file = files.find((entry) => entry.startsWith(`${name}_`));
      if (file === undefined) throw new Error(`${one} was not downloaded`);
      return join(folder, file);
    });
  }

  #apt(program: 'apt-get' | 'apt-cache', args: readonly string[], deadline: number, cwd?: string): Promise<string> {
    const options = {
      'Dir::Etc::SourceList': join(this.#folder, 'sources.list'),
      'Dir::Etc::SourceParts': '/dev/null',
      'Dir::State::Lists': join(this.#folder, 'lists'),
      'Dir::Cache': this.#folder,
      'Acquire::Languages': 'none',
      'APT::Architecture': 'amd64',
      'APT::Update::Error-Mode': 'any',
      'APT::Sandbox::User': 'root',
    };
    const given = Object.entries(options).flatMap(([name, value]) => ['-o', `${name}=${value}`]);
    return runCommand(program, [...given, ...args], {
      deadline: milliseconds(deadline),
      log: this.#log,
      ...(cwd === undefined ? {} : { cwd }),
    });
  }
}
