/** Two versions of a package, the older one first. */
export type VersionPair = readonly [string, string];

type Parts = readonly [number, number, number];

/** The version just before one, of those that there are; undefined where it is the first or not among them. */
export function versionBefore(versions: readonly string[], version: string): string | undefined {
  const sorted = versions.map(partsOf).sort(compare);
  const at = sorted.findIndex((one) => compare(one, partsOf(version)) === 0);
  return at < 1 ? undefined : sorted[at - 1]?.join('.');
}

/** The newest two versions of a major line that differ in the last number only, by one. */
export function newestPatchPair(versions: readonly string[], major: number): VersionPair | undefined {
  const line = versions
    .map(partsOf)
    .filter(([first]) => first === major)
    .sort(compare);
  for (let i = line.length - 1; i > 0; i -= 1) {
    const [was, is] = [line[i - 1], line[i]] as [Parts, Parts];
    if (was[1] === is[1] && was[2] + 1 === is[2]) return [was.join('.'), is.join('.')];
  }
  return undefined;
}

function partsOf(version: string): Parts {
  const [major = 0, minor = 0, patch = 0] = version.split('.').map(Number);
  return [major, minor, patch];
}

function compare(one: Parts, other: Parts): number {
  for (const i of [0, 1, 2] as const) if (one[i] !== other[i]) return one[i] - other[i];
  return 0;
}
