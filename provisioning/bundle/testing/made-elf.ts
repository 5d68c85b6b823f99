/** An ELF of 64 bits with one loaded segment at address 0x10000 and a dynamic section that needs the named libraries. */
export function elf(machine: number, needs: readonly string[]): Buffer {
  const head = Buffer.alloc(64 + 2 * 56);
  head.write('\x7fELF\x02\x01\x01', 'latin1');
  head.writeUInt16LE(3, 16);
  head.writeUInt16LE(machine, 18);
  head.writeBigUInt64LE(64n, 32);
  head.writeUInt16LE(56, 54);
  head.writeUInt16LE(2, 56);
  const strings = Buffer.from(`\0${needs.map((name) => `${name}\0`).join('')}`.padEnd(512, '\0'));
  const tags: (readonly [bigint, bigint])[] = needs.map((name) => [1n, BigInt(strings.indexOf(name))]);
  tags.push([5n, BigInt(0x10000 + head.byteLength)], [0n, 0n]);
  const dynamic = Buffer.alloc(tags.length * 16);
  for (const [i, [tag, value]] of tags.entries()) {
    dynamic.writeBigInt64LE(tag, i * 16);
    dynamic.writeBigUInt64LE(value, i * 16 + 8);
  }
  const segments = [
    [1, 0, 0x10000, head.byteLength + strings.byteLength],
    [2, head.byteLength + strings.byteLength, 0x20000, dynamic.byteLength],
  ] as const;
  for (const [i, [type, offset, address, size]] of segments.entries()) {
    head.writeUInt32LE(type, 64 + i * 56);
    head.writeBigUInt64LE(BigInt(offset), 64 + i * 56 + 8);
    head.writeBigUInt64LE(BigInt(address), 64 + i * 56 + 16);
    head.writeBigUInt64LE(BigInt(size), 64 + i * 56 + 32);
  }
  return Buffer.concat([head, strings, dynamic]);
}
