import test from 'ava';
import fc from 'fast-check';
import type { DiskFacts } from './block-device.ts';
import { describeDisk, judgeDisk } from './judge-disk.ts';
import { disksIn, factsIn, systemDisks } from './system-disks.ts';
import { card } from './testing/faulty-disk.ts';

const image = 700e6;
const wish = { path: card.path, image, fixedDisk: undefined, file: false };
const why = (facts: Partial<DiskFacts>, more = {}): string => {
  const verdict = judgeDisk({ ...card, ...facts }, { ...wish, ...more });
  return verdict.kind === 'good' ? 'good' : `${verdict.why}. ${verdict.hint}`;
};

test('a card in a reader is taken; everything that may be something else is refused with what to do', (t) => {
  t.is(why({}), 'good');
  t.regex(why({ kind: 'partition', parent: '/dev/sdz' }), /one partition.*whole disk is \/dev\/sdz/);
  t.regex(why({ kind: 'other' }), /no disk/);
  t.regex(why({ kind: 'file' }), /is a file.*--file/);
  t.regex(why({}, { file: true }), /is no file/);
  t.regex(why({ mounted: ['/boot/efi', '/'] }), /this machine runs from/);
  t.regex(why({ mounted: ['[SWAP]'] }), /this machine runs from/);
  t.regex(why({ mounted: ['/media/card'] }), /umount \/media\/card/);
  t.regex(why({ held: ['vg-home'] }), /in use by vg-home/);
  t.regex(why({ size: 0 }), /no card in it/);
  t.regex(why({ readOnly: true }), /lock/);
  t.regex(why({ size: image - 1 }), /larger one/);
  t.regex(why({ size: 2e12 }), /more than a card has.*--fixed-disk sdz/);
  t.regex(why({ size: 3e12, removable: false }, { fixedDisk: 'sdz' }), /2\.2 TB/);
  const gone = judgeDisk(undefined, wish);
  t.true(gone.kind === 'refused' && /there is no \/dev\/sdz/.test(gone.why));
});

test('a disk that cannot be taken out has to be named twice', (t) => {
  t.regex(why({ removable: false }), /--to \/dev\/sdz --fixed-disk sdz/);
  t.regex(why({ removable: false }, { fixedDisk: 'sda' }), /same disk/);
  t.is(why({ removable: false }, { fixedDisk: 'sdz' }), 'good');
  t.is(why({ removable: false }, { fixedDisk: '/dev/sdz' }), 'good');
});

test('naming it twice opens no disk that is used', (t) => {
  const used = fc.record({
    mounted: fc.array(fc.constantFrom('/', '/home', '[SWAP]', '/media/x', '/srv'), { maxLength: 2 }),
    held: fc.array(fc.constantFrom('md0', 'luks'), { maxLength: 1 }),
    removable: fc.boolean(),
    size: fc.integer({ min: 0, max: 4e9 }),
    readOnly: fc.boolean(),
  });
  const rule = fc.property(used, fc.constantFrom(undefined, 'sdz'), (facts, fixedDisk) => {
    const good = judgeDisk({ ...card, ...facts }, { ...wish, fixedDisk }).kind === 'good';
    const free = facts.mounted.length === 0 && facts.held.length === 0 && !facts.readOnly && facts.size >= image;
    return good === (free && (facts.removable || fixedDisk !== undefined));
  });
  t.notThrows(() => fc.assert(rule));
});

/** As lsblk 2.38 writes it, of a laptop with an encrypted disk, swap below it, and a card in a reader. */
const laptop = {
  blockdevices: [
    {
      ...{
        name: 'nvme0n1',
        path: '/dev/nvme0n1',
        type: 'disk',
        rm: false,
        hotplug: false,
        ro: false,
        size: 512_110_190_592,
      },
      ...{ model: 'KXG60ZNV512G', serial: 'X9', tran: 'nvme', mountpoints: [null] },
      children: [
        {
          ...{
            name: 'nvme0n1p3',
            path: '/dev/nvme0n1p3',
            type: 'part',
            rm: false,
            hotplug: false,
            ro: false,
            size: 5e11,
          },
          ...{ model: null, serial: null, tran: 'nvme', mountpoints: [null] },
          children: [
            {
              ...{
                name: 'swap',
                path: '/dev/mapper/swap',
                type: 'crypt',
                rm: false,
                hotplug: false,
                ro: false,
                size: 8e9,
              },
              ...{ model: null, serial: null, tran: null, mountpoints: ['[SWAP]'] },
            },
          ],
        },
      ],
    },
    {
      ...{ name: 'sdb', path: '/dev/sdb', type: 'disk', rm: true, hotplug: true, ro: false, size: 31_914_983_424 },
      ...{ model: 'STORAGE\u001b[2J DEVICE', serial: '000000001206', tran: 'usb', mountpoints: [null] },
      children: [
        {
          ...{ name: 'sdb1', path: '/dev/sdb1', type: 'part', rm: true, hotplug: true, ro: false, size: 3e10 },
          ...{ model: null, serial: null, tran: null, mountpoints: ['/media/ann/CARD'] },
        },
      ],
    },
  ],
};

test('what lsblk says is read with what lies on each disk', (t) => {
  t.like(factsIn(laptop, '/dev/nvme0n1'), { kind: 'disk', mounted: ['[SWAP]'], held: ['swap'], removable: false });
  t.like(factsIn(laptop, '/dev/sdb'), { kind: 'disk', mounted: ['/media/ann/CARD'], held: [], removable: true });
  t.like(factsIn(laptop, '/dev/sdb1'), { kind: 'partition', parent: '/dev/sdb' });
  t.is(factsIn(laptop, '/dev/mapper/swap')?.kind, 'other');
  t.is(factsIn(laptop, '/dev/sdc'), undefined);
  t.deepEqual(
    disksIn(laptop).map(({ path }) => path),
    ['/dev/nvme0n1', '/dev/sdb'],
  );
  t.throws(() => disksIn({ blockdevices: [{ name: 'sda' }] }), { code: 'store-failed' });
  t.throws(() => factsIn({ blockdevices: [{ name: 'sda' }] }, '/dev/sda'), { code: 'store-failed' });
  const named = describeDisk(factsIn(laptop, '/dev/sdb') ?? card);
  t.is(named, '/dev/sdb  STORAGE?[2J DEVICE  serial 000000001206  31.9 GB  usb, removable');
});

test('the disks of this machine: what it runs from is refused, a file is a file', async (t) => {
  t.is(await systemDisks.look('/dev/no-such-disk'), undefined);
  t.is((await systemDisks.look(import.meta.filename))?.kind, 'file');
  t.is((await systemDisks.look('/dev/null'))?.kind, 'other');
});
