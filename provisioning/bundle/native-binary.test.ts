import { closeSync, openSync, readSync } from 'node:fs';
import test from 'ava';
import { type NativeBinary, nativeBinary, type ReadAt } from './native-binary.ts';

const of = (bytes: Buffer): NativeBinary | undefined =>
  nativeBinary((offset, length) => bytes.subarray(Math.min(offset, bytes.byteLength), offset + length));

/** An ELF of 64 bits with one loaded segment at address 0x10000 and a dynamic section that needs the named libraries. */
function elf(machine: number, needs: readonly string[]): Buffer {
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

test('processor, C library and wanted libraries of an ELF', (t) => {
  const needs = ['libstdc++.so.6', 'libc.so.6'];
  t.deepEqual(of(elf(183, needs)), { kind: 'elf', cpu: 'arm64', libc: 'glibc', needs });
  t.deepEqual(of(elf(62, [])), { kind: 'elf', cpu: 'x64', libc: 'glibc', needs: [] });
  t.like(of(elf(183, ['libc.musl-aarch64.so.1'])), { libc: 'musl' });
  t.deepEqual(of(elf(40, needs)), { kind: 'other', of: 'processor 40' });
});

test('binaries of other systems, and what is none', (t) => {
  const pe = Buffer.alloc(256);
  pe.write('MZ');
  pe.writeUInt32LE(128, 60);
  t.is(of(pe), undefined, 'two letters make no binary');
  pe.write('PE\0\0', 128, 'latin1');
  t.deepEqual(of(pe), { kind: 'other', of: 'Windows' });
  for (const magic of ['cffaedfe', 'cafebabe']) {
    t.deepEqual(of(Buffer.concat([Buffer.from(magic, 'hex'), Buffer.alloc(100)])), { kind: 'other', of: 'macOS' });
  }
  for (const text of ['', '#!/bin/sh\n', '\0asm\x01\0\0\0', '{}'.padEnd(100)]) t.is(of(Buffer.from(text)), undefined);
});

test('an ELF that is cut anywhere is never taken for one of ours, and never throws', (t) => {
  const whole = elf(183, ['libc.so.6']);
  for (let length = 4; length < whole.byteLength - 32; length += 1) {
    const found = of(whole.subarray(0, length));
    // With the dynamic section gone nothing is needed; what is cut before it is another matter.
    t.true(found?.kind === 'other' || (found?.kind === 'elf' && found.needs.length === 0), `${length} bytes`);
  }
});

test('the Node that runs this is for this machine', (t) => {
  const file = openSync(process.execPath, 'r');
  t.teardown(() => closeSync(file));
  const read: ReadAt = (offset, length) => {
    const bytes = Buffer.alloc(length);
    return bytes.subarray(0, readSync(file, bytes, 0, length, offset));
  };
  const found = nativeBinary(read);
  t.is(found?.kind === 'elf' ? found.cpu : undefined, process.arch as never);
  t.true(found?.kind === 'elf' && found.needs.includes('libc.so.6'));
});
