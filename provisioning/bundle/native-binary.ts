/** Processors that a bundle can be for, by Node's names. */
export type BundleCpu = 'x64' | 'arm64';

/**
 * What a native program or library was built for. `elf` with `needs`: names of the libraries that the loader looks for. `other`: of another
 * system (PE, Mach-O), or of a processor that no unit has.
 */
export type NativeBinary =
  | {
      readonly kind: 'elf';
      readonly cpu: BundleCpu;
      readonly libc: 'glibc' | 'musl';
      readonly needs: readonly string[];
    }
  | { readonly kind: 'other'; readonly of: string };

/** Reads `length` bytes at `offset` of a file; fewer at its end. */
export type ReadAt = (offset: number, length: number) => Buffer;

/** e_machine of the ELF specification (gABI 4.1, figure 4-4 and its supplements). */
const machines: Readonly<Record<number, BundleCpu>> = { 62: 'x64', 183: 'arm64' };
const PT_LOAD = 1;
const PT_DYNAMIC = 2;
const DT_NEEDED = 1n;
const DT_STRTAB = 5n;
/** Beginnings of Mach-O files: 32 and 64 bits, both byte orders, and several in one. */
const machO = ['feedface', 'feedfacf', 'cefaedfe', 'cffaedfe', 'cafebabe'];

/** What a file was built for; undefined for one that is no native binary. One that is cut short is `other`. */
export function nativeBinary(read: ReadAt): NativeBinary | undefined {
  const head = read(0, 64);
  const magic = head.subarray(0, 4).toString('hex');
  if (machO.includes(magic)) return { kind: 'other', of: 'macOS' };
  if (isPe(head, read)) return { kind: 'other', of: 'Windows' };
  if (magic !== '7f454c46') return undefined;
  // Units have 64 bits, least byte first.
  if (head.byteLength < 64 || head[4] !== 2 || head[5] !== 1) return { kind: 'other', of: 'an ELF of 32 bits or cut' };
  const machine = head.readUInt16LE(18);
  const cpu = machines[machine];
  if (cpu === undefined) return { kind: 'other', of: `processor ${machine}` };
  const needs = neededLibraries(head, read);
  if (needs === undefined) return { kind: 'other', of: 'an ELF that cannot be read' };
  return {
    kind: 'elf',
    cpu,
    libc: needs.some((name) => /^libc\.musl-|^ld-musl-/.test(name)) ? 'musl' : 'glibc',
    needs,
  };
}

function isPe(head: Buffer, read: ReadAt): boolean {
  if (head.byteLength < 64 || head.toString('latin1', 0, 2) !== 'MZ') return false;
  return read(head.readUInt32LE(60), 4).toString('latin1') === 'PE\0\0';
}

interface Segment {
  readonly type: number;
  readonly offset: number;
  readonly address: bigint;
  readonly size: number;
}

/** DT_NEEDED of the dynamic section; undefined where the file ends before what it announces. */
function neededLibraries(head: Buffer, read: ReadAt): string[] | undefined {
  const [at, size, count] = [Number(head.readBigUInt64LE(32)), head.readUInt16LE(54), head.readUInt16LE(56)];
  const table = read(at, size * count);
  if (size < 56 || table.byteLength < size * count) return undefined;
  const segments = Array.from({ length: count }, (_, i): Segment => {
    const one = table.subarray(i * size);
    return {
      type: one.readUInt32LE(0),
      offset: Number(one.readBigUInt64LE(8)),
      address: one.readBigUInt64LE(16),
      size: Number(one.readBigUInt64LE(32)),
    };
  });
  const dynamic = segments.find(({ type }) => type === PT_DYNAMIC);
  if (dynamic === undefined) return [];
  const section = read(dynamic.offset, Math.min(dynamic.size, 1 << 16));
  const names: bigint[] = [];
  let strings: number | undefined;
  for (let i = 0; i + 16 <= section.byteLength; i += 16) {
    const [tag, value] = [section.readBigInt64LE(i), section.readBigUInt64LE(i + 8)];
    if (tag === DT_NEEDED) names.push(value);
    else if (tag === DT_STRTAB) strings = offsetOf(segments, value);
  }
  if (names.length === 0) return [];
  if (strings === undefined) return undefined;
  const from = strings;
  const found = names.map((name) => read(from + Number(name), 256));
  if (found.some((text) => !text.includes(0))) return undefined;
  return found.map((text) => text.toString('latin1', 0, text.indexOf(0)));
}

/** Where in the file an address of the loaded program lies. */
function offsetOf(segments: readonly Segment[], address: bigint): number | undefined {
  const holds = segments.find(
    (one) => one.type === PT_LOAD && address >= one.address && address < one.address + BigInt(one.size),
  );
  return holds === undefined ? undefined : holds.offset + Number(address - holds.address);
}
