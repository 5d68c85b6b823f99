import { closeSync, openSync, readSync } from 'node:fs';
import test from 'ava';
import { type NativeBinary, nativeBinary, type ReadAt } from './native-binary.ts';
import { elf } from './testing/made-elf.ts';

const of = (bytes: Buffer): NativeBinary | undefined =>
  nativeBinary((offset, length) => bytes.subarray(Math.min(offset, bytes.byteLength), offset + length));

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
