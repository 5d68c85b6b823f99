import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import sharp from 'sharp';
import type { PlateFile } from '../evidence/record/plate-file.ts';
import type { EvidenceRecord } from '../evidence/record/record.ts';
import { contextAt, framesAround, infractionAt } from '../evidence/testing/fixtures.ts';
import { cropAt, plateModels, plateRead, plateUnread } from '../evidence/testing/plates.ts';
import { sha256 } from '../kernel/hash.ts';
import type { TrackPlate } from '../plate/vote/track-plate.ts';
import { by, done } from './testing/audit-trial.ts';
import { idOf, type MadeData, madeData, plate } from './testing/made-data.ts';
import { audit } from './testing/run-audit.ts';

/** A read of the track that was outvoted: no plate, and none of anybody's business either. */
const outvoted = `${plate.slice(1)}Z`;

async function withPlate(t: ExecutionContext, known: TrackPlate): Promise<MadeData> {
  const made = await madeData();
  t.teardown(() => made.remove());
  const store = await made.open();
  await store.seal(infractionAt(110), framesAround(110), { ...contextAt(110), plate: known, plateModels });
  await store.close();
  return made;
}

/** Every byte below a folder, names included. */
async function allOf(folder: string): Promise<Buffer> {
  const found = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = found.filter((one) => one.isFile()).map((one) => join(one.parentPath, one.name));
  const names = found.map((one) => relative(folder, join(one.parentPath, one.name)));
  return Buffer.concat([Buffer.from(names.join('\n')), ...(await Promise.all(files.map((file) => readFile(file))))]);
}

const spellings = (text: string): readonly Buffer[] => [
  Buffer.from(text),
  Buffer.from(text.toLowerCase()),
  Buffer.from(Buffer.from(text).toString('hex')),
  Buffer.from(text, 'utf16le'),
  Buffer.from([...text].join(' ')),
  Buffer.from([...text].map((one) => `"${one}"`).join(',')),
];

const json = async (path: string) => JSON.parse(await readFile(path, 'utf8'));

test('a plate stands in no clear byte of store or pack, and in what the authority opened', async (t) => {
  const made = await withPlate(t, plateRead(plate, 108));
  const id = idOf(made.unit, 1);
  const on = ['--store', made.data, ...by];
  const at = (name: string) => join(made.home, name);
  await done(t, made, 'export', id, ...on, '--out', at('sealed'));
  await done(t, made, 'export', id, ...on, '--out', at('opened'), '--identity', made.identity);
  const said = await done(t, made, 'show', id, ...on);
  const clear = Buffer.concat([await allOf(made.data), await allOf(at('sealed')), Buffer.from(said)]);
  for (const secret of [plate, outvoted, 'cl-new', 'Chile', '"confidence"', '"characters"']) {
    for (const form of spellings(secret)) t.false(clear.includes(form), secret);
  }
  const opened = await allOf(at('opened'));
  for (const secret of [plate, outvoted, 'cl-new', 'Chile']) t.true(opened.includes(secret), secret);
  // The pack that was opened has the sheet and the plate file; nothing that is signed or proven changed for it.
  const same = async (name: string) =>
    t.deepEqual(await readFile(at(`opened/${name}`)), await readFile(at(`sealed/${name}`)));
  for (const name of ['record.json', 'record.sig', 'leaf', 'files/plate.json.age']) await same(name);
  t.is(sha256(await readFile(at('opened/opened/plate.json'))), (await json(at('sealed/record.json'))).plate.commitment);
  t.deepEqual(Object.keys((await json(at('sealed/record.json'))).plate).sort(), ['commitment', 'file', 'outcome']);
  for (const pack of ['sealed', 'opened']) await done(t, made, 'verify', at(pack), '--key', made.publicKey);
});

test("the pictures are the crop's own pixels, of the frame that the plate was read on", async (t) => {
  const crop = cropAt();
  const made = await withPlate(t, plateRead(plate, 108, crop));
  const on = ['--store', made.data, ...by, '--identity', made.identity];
  const pack = join(made.home, 'pack');
  await done(t, made, 'export', idOf(made.unit, 1), ...on, '--out', pack);
  const { files }: EvidenceRecord = await json(join(pack, 'record.json'));
  const pictures = files.filter((file) => file.role === 'plate-crop' || file.role === 'plate-vehicle');
  t.deepEqual(
    pictures.map(({ name, role, frame, time, width, height }) => [name, role, frame, time.elapsedMs, width, height]),
    [
      ['plate.png', 'plate-crop', 108, 4320, 192, 64],
      ['plate-vehicle.png', 'plate-vehicle', 108, 4320, 240, 120],
    ],
  );
  for (const { name, making } of pictures) {
    const [, left = 0, top = 0] = (/from \((\d+), (\d+)\)/.exec(making) ?? []).map(Number);
    const { data, info } = await sharp(join(pack, 'opened', name))
      .raw()
      .toBuffer({ resolveWithObject: true });
    const { pixels, origin } = crop;
    const rows = Array.from({ length: info.height }, (_, y) => {
      const from = ((top - origin.y + y) * pixels.width + left - origin.x) * 3;
      return Buffer.from(pixels.data.slice(from, from + info.width * 3));
    });
    t.true(data.equals(Buffer.concat(rows)), name);
  }
  // The plate, to which the record commits, names them as they are when opened: another's picture is found without any key.
  const named = (await json(join(pack, 'opened/plate.json'))) as PlateFile;
  const digests = pictures.map(async ({ name }) => ({
    name,
    sha256: sha256(await readFile(join(pack, 'opened', name))),
  }));
  t.deepEqual(named.pictures, await Promise.all(digests));
  // The street of this record is elsewhere than the crop: whoever derives the figures again is told so, and not the text.
  const again = await audit('re-derive', pack);
  t.is(again.code, 3);
  t.regex(again.said, /Plate, the vote: reads that say it: 2, weight/);
  t.regex(again.said, /Plate, DOES NOT FIT: what is counted was read beside the vehicle/);
  t.false(again.said.includes(plate));
  await writeFile(join(pack, 'opened/plate.json'), JSON.stringify({ ...named, track: 1 }));
  t.regex((await audit('re-derive', pack)).said, /DOES NOT FIT: the opened file is not the one/);
});

test('an unread plate keeps its crop and its reason; the text that was not believed stays sealed', async (t) => {
  const made = await withPlate(t, plateUnread('unclear', 107, plate));
  const id = idOf(made.unit, 1);
  const on = ['--store', made.data, ...by];
  const pack = join(made.home, 'pack');
  await done(t, made, 'export', id, ...on, '--out', pack, '--identity', made.identity);
  const record: EvidenceRecord = await json(join(pack, 'record.json'));
  t.like(record.plate, { outcome: 'unread', reason: 'unclear' });
  t.deepEqual(
    record.files.slice(-3).map(({ role }) => role),
    ['plate', 'plate-crop', 'plate-vehicle'],
  );
  t.like((await json(join(pack, 'opened/plate.json'))) as PlateFile, { outcome: 'unread', frame: 107 });
  const clear = await allOf(made.data);
  for (const form of spellings(plate)) t.false(clear.includes(form));
});
