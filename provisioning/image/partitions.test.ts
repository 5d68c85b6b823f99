import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import fc from 'fast-check';
import { diskBytes, masterBootRecord, type PartitionSize, partitionId, placePartitions, sector } from './partitions.ts';
import { findProgram } from './run-program.ts';

const mebibyte = 1024 * 1024;
const sizes: readonly PartitionSize[] = [
  { name: 'boot', type: 0x0c, bytes: 64 * mebibyte, bootable: true },
  { name: 'root', type: 0x83, bytes: 300_000_001 },
  { name: 'data', type: 0x83, bytes: 64 * mebibyte },
];

test('partitions lie one after the other, on whole MiB, behind the boot loader', (t) => {
  const any = fc.array(fc.integer({ min: 1, max: 3e9 }), { minLength: 1, maxLength: 4 });
  const rule = fc.property(any, (bytes) => {
    const placed = placePartitions(bytes.map((one) => ({ name: 'data', type: 0x83, bytes: one })));
    return placed.every(({ offset, bytes: length, number }, index) => {
      const before = placed[index - 1];
      const free = before === undefined ? mebibyte : before.offset + before.bytes;
      return (
        number === index + 1 &&
        offset === free &&
        offset % mebibyte === 0 &&
        length >= (bytes[index] ?? 0) &&
        length % mebibyte === 0
      );
    });
  });
  t.notThrows(() => fc.assert(rule));
});

test('partx of util-linux reads the table as it was meant', (t) => {
  if (findProgram('partx') === undefined) {
    t.log('partx is missing: passed over');
    t.pass();
    return;
  }
  const folder = mkdtempSync(join(tmpdir(), 'atalaya-table-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const disk = join(folder, 'disk');
  const placed = placePartitions(sizes);
  writeFileSync(disk, masterBootRecord(new Uint8Array([0xeb, 0x63]), 0xa7a1a7a1, placed));
  truncateSync(disk, diskBytes(placed));
  const said = execFileSync('partx', ['--noheadings', '--raw', '--output', 'NR,START,SECTORS,TYPE,UUID', disk]);
  const lines = placed.map(({ number, offset, bytes, type }) =>
    [number, offset / sector, bytes / sector, `0x${type.toString(16)}`, partitionId(0xa7a1a7a1, number)].join(' '),
  );
  t.deepEqual(said.toString().trim().split('\n'), lines);
});

test('what has no room is refused', (t) => {
  t.throws(() => masterBootRecord(new Uint8Array(441), 1, []), { code: 'internal' });
  t.throws(() => placePartitions([{ name: 'data', type: 0x83, bytes: 3e12 }]), { code: 'internal' });
});
