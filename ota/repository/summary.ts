import type { Root } from '@tufjs/models';
import type { Target } from '../contract/target.ts';
import { targetsOf } from './chain.ts';
import { fingerprintOf, roles } from './metadata.ts';
import { type Staged, standingsOf } from './staged.ts';

/** What a key holder is about to sign, for their own eyes: all of it that differs from what is published. */
export function summaryOf(staged: Staged, what: string): readonly string[] {
  const { repository, role, metadata, roots } = staged;
  const { version, expires } = metadata.signed;
  const lines = [
    `${role} of the ${repository} repository, version ${version}, good until ${expires}`,
    `fingerprint ${fingerprintOf(metadata)}`,
    roots[0] === undefined
      ? 'the first root: whoever signs it founds the repository'
      : `below the first root ${fingerprintOf(roots[0])}`,
  ];
  lines.push(
    ...(staged.role === 'root'
      ? rootChanges(staged.metadata.signed, roots.at(-1)?.signed)
      : targetChanges(staged, what)),
  );
  // Which role it is stands in it too; the reader has held it against what the file says.
  const extra = Object.keys(metadata.signed.unrecognizedFields).filter((name) => name !== '_type');
  if (extra.length > 0)
    lines.push(`! it holds fields that this program does not know: ${JSON.stringify(extra).slice(0, 200)}`);
  for (const { name, by, threshold } of standingsOf(staged)) {
    lines.push(
      `${by.length} of ${threshold} signatures by ${name}${by.length === 0 ? '' : `: ${by.map(short).join(', ')}`}`,
    );
  }
  return lines;
}

export const short = (keyId: string): string => keyId.slice(0, 16);

function rootChanges(next: Root, before: Root | undefined): readonly string[] {
  const lines = roles.flatMap((role) => {
    const now = next.roles[role];
    const then = before?.roles[role];
    const ids = now?.keyIDs ?? [];
    const old = then?.keyIDs ?? [];
    const kind = (id: string) => next.keys[id]?.keyType ?? before?.keys[id]?.keyType ?? '';
    return [
      ...ids.filter((id) => !old.includes(id)).map((id) => `+ ${role}: key ${short(id)} (${kind(id)})`),
      ...old.filter((id) => !ids.includes(id)).map((id) => `- ${role}: key ${short(id)} (${kind(id)})`),
      ...(then?.threshold === now?.threshold
        ? []
        : [
            `~ ${role}: ${now?.threshold ?? 0} of ${ids.length} keys have to sign, before ${then?.threshold ?? 0} of ${old.length}`,
          ]),
    ];
  });
  return lines.length === 0 ? ['no key and no threshold is changed'] : lines;
}

function targetChanges(staged: Extract<Staged, { role: 'targets' }>, what: string): readonly string[] {
  const now = new Map(targetsOf(staged.metadata.signed, what).map((target) => [target.target, target]));
  const then = new Map(
    staged.current === undefined ? [] : targetsOf(staged.current.signed, what).map((target) => [target.target, target]),
  );
  const lines = [...now.values()].flatMap((target) => {
    const before = then.get(target.target);
    if (before === undefined) return [`+ ${describe(target)}`];
    return JSON.stringify(before) === JSON.stringify(target)
      ? []
      : [`! ${describe(target)}`, `  in the place of another of the same name: ${describe(before)}`];
  });
  lines.push(...[...then.values()].filter(({ target }) => !now.has(target)).map((target) => `- ${describe(target)}`));
  return lines.length === 0 ? [`no target is changed: ${now.size} as before`] : lines;
}

/** One line of a target. */
export function describe({ target, length, sha256, description }: Target): string {
  const { kind, name, version, release, hardware, unit, patchFrom } = description;
  const of = unit === undefined ? '' : ` of ${unit}`;
  const patch = patchFrom === undefined ? '' : `, patch from ${patchFrom.slice(0, 8)}`;
  return `${target}: ${kind} ${name} ${version}${of}, release ${release}, for ${hardware.join(' ')}${patch}, ${length} bytes, ${sha256.slice(0, 16)}`;
}
