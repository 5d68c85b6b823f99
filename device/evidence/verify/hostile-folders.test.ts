import { spawnSync } from 'node:child_process';
import { closeSync, ftruncateSync, mkdirSync, openSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { canonicalJson } from '../../kernel/canonical-json.ts';
import { parseKey } from './keys.ts';
import { busyUnit, ed25519, failures, told, verdictOnPack, verdictOnStore } from './testing/attacks.ts';
import { frame, packOf, payloadOf, putJournal, putSums, storeOf, type Tree, written } from './testing/tiny-folders.ts';
import { digest, type JsonObject, TinyUnit } from './testing/tiny-unit.ts';
import { verifyPack } from './verify-pack.ts';
import { verifyStore } from './verify-store.ts';

/** What a stranger may lay into a folder to keep the check from coming to an end: each is a finding, soon, and nothing is thrown. */

const pipe = (path: string): void => {
  rmSync(path, { force: true, recursive: true });
  if (spawnSync('mkfifo', [path]).status !== 0) throw new Error(`no pipe ${path}`);
};
const link = (path: string, to: string): void => {
  rmSync(path, { force: true, recursive: true });
  symlinkSync(to, path);
};
const lay: Readonly<Record<string, (path: string) => void>> = {
  'a pipe': pipe,
  'a device': (path) => link(path, '/dev/zero'),
  'a link to itself': (path) => link(path, path),
  'a folder': (path) => {
    rmSync(path, { force: true, recursive: true });
    mkdirSync(path);
  },
};

const soon = async <T>(work: Promise<T>): Promise<T> => {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('the check does not come to an end')), 5000);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
};

for (const [what, put] of Object.entries(lay)) {
  test(`${what} in the place of a file of a pack`, async (t) => {
    const unit = busyUnit();
    const paths = ['SHA256SUMS', 'record.json', 'leaf', 'log/checkpoint', 'keys/unit.pem', 'files/still-0.jpg.age'];
    for (const path of paths) {
      using folder = written(packOf(unit, 1, { since: 3 }));
      put(join(folder.path, path));
      const verdict = await soon(verifyPack(folder.path, { key: parseKey(unit.pem) }));
      t.true(
        failures(verdict).some((one) => one.path === path),
        `${path}: ${told(verdict)}`,
      );
    }
  });

  test(`${what} in the place of a file of a store`, async (t) => {
    const unit = busyUnit();
    const tree = storeOf(unit, { perSegment: 2 });
    const blob = [...tree.keys()].find((path) => path.startsWith('blobs/')) as string;
    const keys = [...tree.keys()].find((path) => path.startsWith('keys/')) as string;
    const tile = 'log/tile/0/000.p/6';
    for (const path of [
      'journal/000000000003.journal',
      blob,
      keys,
      tile,
      'log/checkpoint',
      'public/unit.pem',
      'journal',
      'log/tile',
    ]) {
      using folder = written(tree);
      put(join(folder.path, path));
      const verdict = await soon(verifyStore(folder.path, { key: parseKey(unit.pem) }));
      t.true(failures(verdict).length > 0, path);
    }
  });
}

interface PackRecord {
  readonly files: readonly object[];
  readonly sealing: { readonly keys: object };
}

const withRecord = (tree: Tree, change: (record: PackRecord) => unknown): void => {
  const record = JSON.parse(String(tree.get('record.json'))) as PackRecord;
  change(record);
  tree.set('record.json', Buffer.from(canonicalJson(record as never)));
  putSums(tree);
};

test('a header of a third of a gigabyte is refused before it is read', async (t) => {
  const unit = busyUnit();
  const tree = packOf(unit, 1);
  const huge = 350 * 1024 ** 2;
  withRecord(tree, (record) => {
    for (const file of record.files) Object.assign(file, { header: huge, bytes: huge });
    Object.assign(record.sealing.keys, { bytes: record.files.length * huge });
  });
  using folder = written(tree);
  for (const name of ['still-0.jpg', 'still-1.jpg']) {
    const file = openSync(join(folder.path, `files/${name}.age`), 'w');
    ftruncateSync(file, huge);
    closeSync(file);
  }
  const before = process.memoryUsage().rss;
  let most = 0;
  const look = setInterval(() => {
    most = Math.max(most, process.memoryUsage().rss);
  }, 20);
  await verifyPack(folder.path, { key: parseKey(unit.pem) });
  clearInterval(look);
  t.true(most - before < 300e6, `${Math.round(most / 1e6)} MB`);
});

/** A pack of an evidence whose record commits to `content` as its plate, with `opened` in its place. */
function packWithPlate(unit: TinyUnit, content: string, opened: string | Buffer, change: object = {}) {
  unit.evidence(2, 40, ({ files, ...record }) => {
    const [still = {}, sealed = {}] = files as readonly JsonObject[];
    const { name, bytes, sha256, header, body, making } = sealed;
    const file = { name, bytes, sha256, header, body, making, role: 'plate', mediaType: 'application/json' };
    return {
      ...record,
      files: [still, file],
      plate: { outcome: 'read', commitment: digest(content), file: 'still-1.jpg' },
      ...change,
    } as JsonObject;
  });
  const tree = packOf(unit, 1);
  tree.set('opened/still-1.jpg', Buffer.from(opened));
  putSums(tree);
  return tree;
}

test('an opened plate is whatever the record commits to, byte by byte, and nothing else', async (t) => {
  const right = '{"salt":"ab"}';
  const whole = new TinyUnit('u-1', ed25519());
  const verdict = await verdictOnPack(whole, packWithPlate(whole, right, right));
  t.true(verdict.ok, told(verdict));
  for (const other of ['', '{"salt":"ac"}', `${right} `, 'null', Buffer.alloc(5_000_000)]) {
    const unit = new TinyUnit('u-1', ed25519());
    t.regex(told(await verdictOnPack(unit, packWithPlate(unit, right, other))), /file opened\/still-1\.jpg: It is not/);
  }
});

test('an opened picture is the one that the plate names, whatever else the plate says', async (t) => {
  const plate = (pictures: unknown) => JSON.stringify({ pictures });
  const right = plate([{ name: 'still-0.jpg', sha256: digest('its pixels') }]);
  const withPicture = async (content: string, picture: string) => {
    const unit = new TinyUnit('u-1', ed25519());
    const tree = packWithPlate(unit, content, content);
    tree.set('opened/still-0.jpg', Buffer.from(picture));
    putSums(tree);
    return verdictOnPack(unit, tree);
  };
  const whole = await withPicture(right, 'its pixels');
  t.true(whole.ok, told(whole));
  for (const other of ['', 'another']) {
    t.regex(told(await withPicture(right, other)), /file opened\/still-0\.jpg: It is not the picture that the plate/);
  }
  const deep = '['.repeat(1_000_000);
  const odd = [
    deep,
    `{"pictures":${deep}`,
    'null',
    plate(null),
    plate([null, 1, {}, { name: 1, sha256: 2 }]),
    plate({}),
  ];
  for (const content of odd) {
    const verdict = await withPicture(content, 'its pixels');
    t.true(verdict.ok, told(verdict));
  }
  const away = await withPicture(plate([{ name: '../record.json', sha256: digest('x') }]), 'its pixels');
  t.true(away.ok, told(away));
});

test('what a record says of a plate fits its files', async (t) => {
  const plate = { outcome: 'read', commitment: digest('x'), file: 'still-1.jpg' };
  for (const [change, says] of [
    [{ plate: { ...plate, file: 'still-0.jpg' } }, /the one file whose role is plate/],
    [{ plate: { ...plate, text: 'AB123CD' } }, /record\.plate\.text is not a member/],
    [{ plate: { ...plate, outcome: 'unread' } }, /record\.plate\.reason is missing/],
    [{ plate: { ...plate, outcome: 'guessed' } }, /record\.plate\.outcome/],
    [{ plate: { ...plate, reason: 'unclear' } }, /record\.plate\.reason is not a member/],
    [{ plate: undefined }, /the one file whose role is plate/],
    [{ plate, files: [] }, /the one file whose role is plate/],
    [{ plate, schema: 'atalaya/evidence/2' }, /record\.files\[1\]\.role/],
  ] as const) {
    const unit = new TinyUnit('u-1', ed25519());
    t.regex(told(await verdictOnPack(unit, packWithPlate(unit, 'x', 'x', change))), says);
  }
});

test('a picture of a plate stands beside one plate, once', async (t) => {
  for (const [roles, plates] of [
    [['plate-crop', 'context'], 0],
    [['plate-vehicle', 'plate-vehicle'], 0],
    [['plate', 'plate-crop', 'plate-crop'], 1],
  ] as const) {
    const unit = new TinyUnit('u-1', ed25519());
    unit.evidence(roles.length, 40, ({ files, ...record }) => {
      const named = (files as readonly JsonObject[]).map(
        ({ moment, origin, width, height, frame, time, ...file }, i) => {
          const role = roles[i] ?? '';
          const bare = { ...file, role };
          if (role === 'plate') return bare;
          return { ...bare, origin, width, height, frame, time, ...(role === 'context' && { moment }) };
        },
      );
      const plate = { outcome: 'read', commitment: digest('x'), file: 'still-0.jpg' };
      return { ...record, files: named, ...(plates === 1 && { plate }) } as JsonObject;
    });
    const said = told(await verdictOnPack(unit, packOf(unit, 1)));
    t.regex(said, /one file of the role plate-(crop|vehicle) at most, beside a plate/);
  }
});

test('evidence from before plates were read still verifies', async (t) => {
  const unit = new TinyUnit('u-1', ed25519());
  unit.evidence(2, 40, (record) => ({ ...record, schema: 'atalaya/evidence/2' }));
  const verdict = await verdictOnPack(unit, packOf(unit, 1));
  t.true(verdict.ok, told(verdict));
  t.is(verdict.counts.evidence, 1);
});

test('gaps in the numbers do not fill the memory', async (t) => {
  const unit = new TinyUnit('u-1', ed25519());
  const lines = [];
  for (let at = 0; at < 400; at += 1) {
    const sequence = 1 + at * 1_000_000;
    unit.append({ schema: 'x/y/9', sequence });
    lines.push({ sequence, payload: payloadOf(unit.entries.at(-1) as never) });
  }
  const tree = storeOf(busyUnit());
  for (const path of [...tree.keys()]) if (path.startsWith('journal/')) tree.delete(path);
  putJournal(tree, lines);
  const before = process.memoryUsage().arrayBuffers;
  const verdict = await verdictOnStore(unit, tree);
  t.false(verdict.ok);
  t.true(process.memoryUsage().arrayBuffers - before < 200e6, `${process.memoryUsage().arrayBuffers}`);
});

test('many damaged entries take no longer than their bytes', async (t) => {
  const unit = busyUnit();
  const tree = storeOf(unit);
  const path = 'journal/000000000001.journal';
  const parts = [tree.get(path) as Buffer];
  let at = (parts[0] as Buffer).byteLength;
  for (let n = 0; n < 20_000; n += 1) {
    const one = frame('J1', 7, 0, Buffer.from('x'.repeat(900)));
    one[200] = 0x79;
    parts.push(one);
    at += one.byteLength;
  }
  parts.push(frame('J1', 7, at, Buffer.from('{}')));
  tree.set(path, Buffer.concat(parts));
  const begun = performance.now();
  const verdict = await verdictOnStore(unit, tree);
  t.false(verdict.ok);
  t.true(performance.now() - begun < 10_000, `${performance.now() - begun} ms`);
});

test('folders within folders without end', async (t) => {
  const unit = busyUnit();
  using folder = written(packOf(unit, 1));
  const here = process.cwd();
  const deep = spawnSync(
    'sh',
    [
      '-c',
      'i=0; while [ $i -lt 30 ]; do mkdir "$1" && cd -P "./$1" || exit 1; i=$((i+1)); done',
      'sh',
      'd'.repeat(200),
    ],
    { cwd: join(folder.path, 'files') },
  );
  t.is(deep.status, 0, String(deep.stderr));
  t.is(process.cwd(), here);
  t.false((await soon(verifyPack(folder.path, { key: parseKey(unit.pem) }))).ok);
});
