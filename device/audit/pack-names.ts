const plain = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,99}$/;

/**
 * The names that the files of a record go by in a pack, in their order: a record is signed, but its names were not chosen by whoever
 * unpacks it. A name of up to 100 letters, digits, `.`, `_` and `-` that does not begin with `.`, `-` or `file-` stays, unless a file
 * before it has it in any case of its letters; each other becomes `file-` and its place from 1. `verify.sh` does the same.
 */
export function packNames(names: readonly string[]): string[] {
  const taken = new Set<string>();
  return names.map((name, i) => {
    const lower = name.toLowerCase();
    const kept = plain.test(name) && !lower.startsWith('file-') && !taken.has(lower);
    const given = kept ? name : `file-${i + 1}`;
    taken.add(given.toLowerCase());
    return given;
  });
}
