import { BaseFetcher } from 'tuf-js';
import { DownloadHTTPError } from 'tuf-js/dist/error.js';
import { AtalayaError, isAtalayaError } from '../../device/kernel/errors.ts';
import { refusedUpdate, type UpdateRefused } from '../contract/refusals.ts';
import {
  isRepositoryPath,
  longestMetadata,
  type RepositoryName,
  type RepositorySource,
} from '../contract/repository.ts';
import { isRefused, type RoleName, readMetadata, roleNames } from './read-metadata.ts';

/**
 * Gives tuf-js its files from a source, and keeps what it gave, what it refused to give, and what the source threw: tuf-js wraps all of that
 * in errors of its own, which nobody needs to read then.
 */
export class SourceFetcher extends BaseFetcher {
  /** By the name of the file; undefined where the source has none. */
  readonly fetched = new Map<string, Buffer | undefined>();
  readonly #source: RepositorySource;
  readonly #repository: RepositoryName;
  #refusal: UpdateRefused | undefined;
  #fault: { readonly error: unknown } | undefined;

  constructor(source: RepositorySource, repository: RepositoryName) {
    super();
    this.#source = source;
    this.#repository = repository;
  }

  /** The first file that was not handed on to tuf-js, and why. */
  get refusal(): UpdateRefused | undefined {
    return this.#refusal;
  }

  /** What the source threw. */
  get fault(): { readonly error: unknown } | undefined {
    return this.#fault;
  }

  override async fetch(): Promise<never> {
    throw new AtalayaError('internal', 'metadata is fetched whole, and targets are not fetched by tuf-js');
  }

  override async downloadBytes(url: string): Promise<Buffer> {
    const file = url.slice(url.lastIndexOf('/') + 1);
    const path = `${this.#repository}/${file}`;
    const role = roleNames.find((name) => file === `${name}.json` || file.endsWith(`.${name}.json`));
    if (role === undefined || !isRepositoryPath(path))
      throw this.#refuse(refusedUpdate('metadata-malformed', `${path} is no file of a repository`));
    const bytes = await this.#ask(path, role);
    this.fetched.set(file, bytes);
    // What tuf-js takes for the end of the roots.
    if (bytes === undefined) throw new DownloadHTTPError(`${path} is not there`, 404);
    const read = readMetadata(role, bytes, path);
    if (isRefused(read)) throw this.#refuse(read);
    return bytes;
  }

  async #ask(path: string, role: RoleName): Promise<Buffer | undefined> {
    const most = longestMetadata[role];
    try {
      return await this.#source.metadata(path, most);
    } catch (error) {
      if (isAtalayaError(error, 'document-refused'))
        throw this.#refuse(refusedUpdate('metadata-endless', `${path} is longer than ${most} bytes`));
      this.#fault ??= { error };
      throw error;
    }
  }

  #refuse(refusal: UpdateRefused): Error {
    this.#refusal ??= refusal;
    return new AtalayaError('update-refused', refusal.detail);
  }
}
