/**
 * Files of a published repository, as a unit asks for them over the link and as they lie on a stick. The director's are those of one unit:
 * the centre has them in a folder a unit, and gives each unit its own.
 *
 *     image/N.root.json  image/timestamp.json  image/N.snapshot.json  image/N.targets.json
 *     director/...       the same
 *     targets/SHA256.NAME
 */
export const repositoryNames = ['image', 'director'] as const;
export type RepositoryName = (typeof repositoryNames)[number];

export const repositoryPath =
  /^((image|director)\/(timestamp|[1-9][0-9]{0,8}\.(root|snapshot|targets))\.json|targets\/[0-9a-f]{64}\.[a-z0-9]+([._+-][a-z0-9]+)*)$/;

/** Bytes of the longest path. */
export const longestPath = 220;

/** Whether it is a path of the layout; such a path never leads out of a folder. */
export const isRepositoryPath = (path: string): boolean => path.length <= longestPath && repositoryPath.test(path);

export const targetPath = ({ target, sha256 }: { readonly target: string; readonly sha256: string }): string =>
  `targets/${sha256}.${target}`;

/** Bytes of the longest metadata that anybody reads, by its role. */
export const longestMetadata = {
  root: 256 * 1024,
  timestamp: 16 * 1024,
  snapshot: 64 * 1024,
  targets: 1024 * 1024,
} as const;

/** Targets that one piece of metadata names at most: what reads it needs time by the square of them. */
export const mostTargets = 500;

/** Where a repository's files come from. */
export interface RepositorySource {
  /** For messages: `the link`, `/media/usb`. */
  readonly name: string;
  /**
   * A whole small file; undefined where the source says that it has none. `came` is told of bytes as they come over a link, those of a file that
   * never becomes whole among them. Throws `link-down`, `deadline-exceeded`, and `document-refused` beyond `most` bytes.
   */
  metadata(path: string, most: number, came?: (bytes: number) => void): Promise<Buffer | undefined>;
}
