import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import sharp from 'sharp';
import { makePersonKey } from '../../../cloud-bridge/contract/person-key.ts';
import { undated } from '../../../device/capture/frame-times.ts';
import { MjpegCamera } from '../../../device/capture/mjpeg-camera.ts';
import { toRgb } from '../../../device/capture/to-rgb.ts';
import { systemClock } from '../../../device/kernel/clock.ts';
import { readReferences } from '../../../device/scene/drift/references-file.ts';
import { loadScene } from '../../../device/scene/load-scene.ts';
import { provision } from '../../testing/program-call.ts';

const device = join(import.meta.dirname, '../../../device');
const street = join(device, 'scene/examples/street.yaml');

const call = (...args: readonly string[]) => provision(['calibrate', ...args]);

async function folderOf(t: ExecutionContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'calibrate-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

async function photoIn(folder: string): Promise<string> {
  const camera = new MjpegCamera({
    path: join(device, 'capture/street/street.mjpeg'),
    nominalRate: 15,
    start: undated,
    onDamage: () => {},
  });
  const { signal } = new AbortController();
  await camera.open(signal);
  const path = join(folder, 'photo.jpg');
  for await (const { picture } of camera.frames(signal)) {
    const { data, width, height } = toRgb(picture);
    await sharp(data, { raw: { width, height, channels: 3 } })
      .jpeg({ quality: 90 })
      .toFile(path);
    break;
  }
  await camera.close();
  return path;
}

const truth = JSON.parse(await readFile(join(device, 'capture/street/truth.json'), 'utf8')) as {
  readonly survey: {
    readonly controlPoints: readonly { readonly id: string; readonly px: number[]; readonly road: number[] }[];
  };
};
const points = (change: (text: string, i: number) => string = (text) => text): string =>
  [
    'date: 2026-03-01',
    'picture: { width: 1920, height: 1080 }',
    'pixelError: 0.7',
    'plan:',
    ...truth.survey.controlPoints.map(({ id, px, road }, i) =>
      change(`  - { name: ${id}, image: [${px.join(', ')}], road: [${road.join(', ')}] }`, i),
    ),
  ].join('\n');

const isThere = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );

test('from a picture and points to a certified scene that the unit takes', async (t) => {
  const folder = await folderOf(t);
  const at = (name: string) => join(folder, name);
  const photo = await photoIn(folder);
  await writeFile(at('points.yaml'), points());
  await writeFile(at('scene.yaml'), await readFile(street));
  const files = ['--points', at('points.yaml'), '--scene', at('scene.yaml')];
  const fitted = await call(
    'fit',
    ...files,
    '--picture',
    photo,
    '--drawing',
    at('drawn.png'),
    '--out',
    at('fitted.yaml'),
  );
  t.is(fitted.code, 0, fitted.err);
  t.regex(fitted.out, /16 points: points surveyed[\s\S]*dash-near .* off by 0\.\d\d px/);
  t.regex(fitted.out, /the camera stands 7\.0 m above the road/);
  t.regex(fitted.out, /km\/h at 50 km\/h \(1 sigma\)/);
  const drawn = await sharp(at('drawn.png')).metadata();
  t.deepEqual([drawn.width, drawn.height], [1920, 1080]);

  const drives = ['lane,reference_kmh,reference_u_kmh,measured_kmh,measured_u_kmh'];
  for (const lane of ['A1', 'A2']) for (const kmh of [48, 55, 67]) drives.push(`${lane},${kmh},0.15,${kmh + 0.4},0.7`);
  await writeFile(at('drives.csv'), drives.join('\n'));
  const checked = await call('check', '--drives', at('drives.csv'));
  t.is(checked.code, 0);
  t.regex(checked.out, /^Passed: all 6 drives agree/);

  const key = makePersonKey();
  await writeFile(at('me.pem'), key.privatePem, { mode: 0o600 });
  await writeFile(at('me.public.pem'), key.publicPem);
  const who = [
    '--number',
    'K 7/26',
    '--issuer',
    'an office',
    '--technician',
    'A. Ruiz',
    '--unit',
    'north-1',
    '--site',
    'High Street',
  ];
  const expires = `${new Date(systemClock.utc()).getUTCFullYear() + 1}-06-30`;
  const signing = ['--scene', at('fitted.yaml'), '--key', at('me.pem'), ...who, '--expires', expires];
  const outs = ['--out', at('certificate.json'), '--scene-out', at('certified.yaml')];
  const signed = await call(
    'sign',
    ...signing,
    ...outs,
    '--drives',
    at('drives.csv'),
    '--instrument',
    'tape 30 m=T-0042',
  );
  t.is(signed.code, 0, signed.err);
  t.regex(signed.err, /The unit needs the scene alone: .*--unit north-1 .*--scene .*certified\.yaml/);
  const scene = await loadScene(at('certified.yaml'));
  t.like(scene.certificate, { number: 'K 7/26', issuer: 'an office', expires });

  const verifying = [at('certificate.json'), '--key', at('me.public.pem')];
  const verified = await call('verify', ...verifying, '--scene', at('certified.yaml'));
  t.is(verified.code, 0, verified.out);
  t.notRegex(verified.out, /FAILS/);
  const other = await call('verify', ...verifying, '--scene', at('scene.yaml'));
  t.is(other.code, 1);
  t.regex(other.out, /FAILS {2}The scene was changed/);

  const made = await call(
    'references',
    '--picture',
    photo,
    '--scene',
    at('certified.yaml'),
    '--out',
    at('references.json'),
  );
  t.is(made.code, 0, made.err);
  t.true(readReferences(await readFile(at('references.json'), 'utf8'), 'references.json').patches.length >= 6);
});

test('points of a smaller snapshot come into the scene at their place, where the picture says its size', async (t) => {
  const folder = await folderOf(t);
  const at = (name: string) => join(folder, name);
  const photo = at('snapshot.jpg');
  await sharp(await photoIn(folder))
    .resize({ width: 960 })
    .toFile(photo);
  const halves = points((text) =>
    text.replace(/image: \[[^\]]*\]/, (all) => all.replace(/[\d.]+/g, (n) => `${Number(n) / 2}`)),
  );
  await writeFile(at('points.yaml'), halves.replace(/^picture.*$/m, '').replace('pixelError: 0.7', 'pixelError: 0.35'));
  const files = ['--points', at('points.yaml'), '--scene', street, '--picture', photo];
  const { code, err } = await call('fit', ...files, '--out', at('fitted.yaml'));
  t.is(code, 0, err);
  t.regex(err, /points of a picture of 960 x 540, put into the scene as of its own, 1920 x 1080/);
  const [whole, fitted] = [await loadScene(street), await loadScene(at('fitted.yaml'))];
  for (const { px } of truth.survey.controlPoints) {
    const [x = 0, y = 0] = px;
    const [one, other] = [whole.ground?.toRoad({ x, y }), fitted.ground?.toRoad({ x, y })];
    t.true(Math.hypot((one?.x ?? 0) - (other?.x ?? 9), (one?.y ?? 0) - (other?.y ?? 9)) < 0.3, `${x}, ${y}`);
  }
});

test('whatever is wrong: a sentence that says what, exit code not 0, and nothing written', async (t) => {
  const folder = await folderOf(t);
  const at = (name: string) => join(folder, name);
  await writeFile(at('scene.yaml'), await readFile(street));
  const out = at('out.yaml');
  const refusal = async (text: string, ...more: readonly string[]): Promise<string> => {
    await writeFile(at('points.yaml'), text);
    const { code, err } = await call(
      'fit',
      '--points',
      at('points.yaml'),
      '--scene',
      at('scene.yaml'),
      '--out',
      out,
      ...more,
    );
    t.not(code, 0);
    t.false(await isThere(out));
    t.notRegex(err, /internal|undefined|at .*\.ts/);
    return err;
  };
  t.regex(
    await refusal(points((text, i) => (i === 5 ? text.replace(/image: \[[^\]]*\]/, 'image: [1210, 760]') : text))),
    /point arrow-right disagrees with all others/,
  );
  t.regex(
    await refusal('date: 2026-03-01\npicture: { width: 9, height: 9 }\nplan:\n  - { image: [1, 2], road: [1, 2] }'),
    /four points are needed, 1 given/,
  );
  t.regex(await refusal(points(), '--out', at('points.yaml')), /would be written over what it is made from/);
  t.regex(await refusal('date: yesterday\nplan: []'), /date: /);
  t.regex(await refusal('a: [1'), /is not YAML/);
  t.regex(await refusal(points(), '--drawing', at('d.png')), /needs the picture to draw on/);
  t.regex(await refusal(points(), '--picture', at('none.jpg')), /there is no file/);
  t.regex(
    await refusal(
      points((text) =>
        text.replace(/image: \[[^\]]*\]/, (all) => all.replace(/[\d.]+/g, (n) => `${Number(n) / 2}`)),
      ).replace('width: 1920, height: 1080', 'width: 1280, height: 960'),
    ),
    /which is another shape/,
  );
  await writeFile(at('points.yaml'), points());
  for (const flag of ['--out', '--drawing']) {
    const picture = flag === '--drawing' ? ['--picture', at('none.jpg')] : [];
    const words = ['--points', at('points.yaml'), '--scene', at('scene.yaml'), flag, at('nosuch/x.png'), ...picture];
    const { code, err } = await call('fit', ...words);
    t.is(code, 2);
    t.regex(err, /^usage-invalid: the folder .*nosuch does not exist\n/);
    t.notRegex(err, /data disk/);
  }
  const missing = await call('fit', '--points', at('none.yaml'), '--scene', at('scene.yaml'));
  t.regex(missing.err, /the file of points .* does not exist/);

  const { privatePem } = makePersonKey();
  await writeFile(at('me.pem'), privatePem, { mode: 0o600 });
  const sign = async (...more: readonly string[]): Promise<string> => {
    const who = ['--number', '1', '--issuer', 'o', '--technician', 't', '--unit', 'u', '--site', 's'];
    const { code, err } = await call(
      'sign',
      '--scene',
      at('scene.yaml'),
      '--key',
      at('me.pem'),
      ...who,
      '--out',
      at('c.json'),
      '--scene-out',
      out,
      ...more,
    );
    t.not(code, 0);
    t.false((await isThere(out)) || (await isThere(at('c.json'))));
    return err;
  };
  t.regex(await sign('--expires', '2020-01-01', '--without-drives'), /is no day after today/);
  t.regex(await sign('--expires', '2099-01-01', '--without-drives', '--out', out), /three files/);
  t.regex(
    await sign('--expires', '2099-01-01', '--without-drives', '--scene-out', at('none/s.yaml')),
    /the folder .*none does not exist/,
  );
  t.regex(await sign('--expires', '2099-01-01'), /states its reference drives, or that there are none/);
  await writeFile(at('bad.csv'), 'lane,reference_kmh,reference_u_kmh,measured_kmh,measured_u_kmh\nA1,50,0.1,58,0.6');
  t.regex(
    await sign('--expires', '2099-01-01', '--drives', at('bad.csv')),
    /no certificate is signed on these drives: Failed/,
  );
  const checked = await call('check', '--drives', at('bad.csv'), '--json');
  t.is(checked.code, 1);
  t.like(JSON.parse(checked.out), { verdict: 'failed' });
  t.regex(await refusal(points().replace(/^picture.*$/m, '')), /nothing says which picture the points were read from/);
  const snapshot = at('snapshot.png');
  await sharp({ create: { width: 640, height: 360, channels: 3, background: '#777' } })
    .png()
    .toFile(snapshot);
  t.regex(await refusal(points(), '--picture', snapshot), /of 1920 x 1080, and the one given has 640 x 360/);
  t.regex(
    await refusal(points().replace(/^picture.*$/m, ''), '--picture', snapshot),
    /lies outside|outside the picture/,
  );
  const small = await call('references', '--picture', snapshot, '--scene', at('scene.yaml'), '--out', at('r.json'));
  t.regex(small.err, /has 640 x 360 pixels, and scene .* is drawn on 1920 x 1080[\s\S]*snapshot UNIT --width 1920/);
  const grey = at('grey.png');
  await sharp({ create: { width: 1920, height: 1080, channels: 3, background: '#777' } })
    .png()
    .toFile(grey);
  const none = await call('references', '--picture', grey, '--scene', at('scene.yaml'), '--out', at('r.json'));
  t.regex(none.err, /0 patches off the road can be told apart, 6 are needed/);
  t.false(await isThere(at('r.json')));
});
