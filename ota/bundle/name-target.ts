import { AtalayaError } from '../../device/kernel/errors.ts';
import { targetName } from '../contract/names.ts';
import type { TargetDescription } from '../contract/target.ts';

const wholeEnding = '.tar.zst';
const patchEnding = '.patch';

type Named = Pick<TargetDescription, 'name' | 'version' | 'release' | 'hardware'>;

/** Of a target's name: `any` for whatever machine there is, else the hardware, sorted. */
function hardwareWord(hardware: readonly string[]): string {
  const sorted = [...new Set(hardware)].sort();
  return sorted.join() === 'arm64,x64' ? 'any' : sorted.join('+');
}

/** `NAME-VERSION-rRELEASE-HARDWARE.tar.zst`. Throws `usage-invalid` where that is too long for a name. */
export function wholeName({ name, version, release, hardware }: Named): string {
  return checked(`${name}-${version.toLowerCase()}-r${release}-${hardwareWord(hardware)}${wholeEnding}`);
}

/** The same with `.from-XXXXXXXX.patch`: the first digits of the SHA-256 of the tree that it is applied to. Throws `usage-invalid`. */
export function patchName(named: Named, base: string): string {
  return checked(`${wholeName(named).slice(0, -wholeEnding.length)}.from-${base.slice(0, 8)}${patchEnding}`);
}

function checked(name: string): string {
  if (targetName.safeParse(name).success) return name;
  throw new AtalayaError('usage-invalid', `${name} is no name for a target: it is too long, or has two dots in a row`, {
    hint: 'Give a shorter version, or fewer kinds of hardware.',
  });
}
