import test from 'ava';
import { parse } from 'yaml';
import { renewalGrant } from '../../cloud-bridge/contract/certificate.ts';
import { readWholeFile, writeWholeFile } from '../../device/kernel/durable-file.ts';
import { ManualClock } from '../../device/kernel/manual-clock.ts';
import { parseScene } from '../../device/scene/load-scene.ts';
import { sceneFault } from '../cli/enrol/scene-fault.ts';
import { grant, longestEnrolmentDocument, longestSceneText } from '../contract/enrolment-documents.ts';
import { LinkingFiles } from '../testing/linking-files.ts';
import { madeAuthority, testTools } from '../testing/made-authority.ts';
import { grantFor, madeUnit, unitFolder } from '../testing/made-unit.ts';
import type { GrantParts } from './compose-grant.ts';
import { emptyScene } from './granted-scene.ts';
import type { UnitEnrolmentOptions } from './unit-enrolment.ts';

const size = { width: 1280, height: 720 };
const sceneText = (name: string, more = '') =>
  `# drawn by hand\nname: ${name}\npicture: { width: 1280, height: 720 }\n${more}`;
const referencesText = (scene: string, picture = size) =>
  JSON.stringify({
    schema: 'atalaya/scene-references/1',
    scene,
    picture,
    made: '2026-05-04T10:00:00.000Z',
    patches: [0, 100, 200].map((x) => ({ x, y: 0, grey: Buffer.alloc(48 * 48, x).toString('base64') })),
  });

/** A unit and its authority; `give` makes and installs a grant. */
async function placed(more: Partial<UnitEnrolmentOptions> = { sceneFault }) {
  const files = new LinkingFiles();
  const authority = await madeAuthority('/ca', testTools(new ManualClock(Date.now()), new LinkingFiles()));
  const unit = madeUnit(files, more);
  const path = (name: string) => `${unitFolder}/current/${name}`;
  return {
    unit,
    authority,
    give: async (parts: GrantParts) => {
      const { enrolled } = await unit.identity();
      const order = { parts, ...(enrolled === undefined ? {} : { enrolled }) };
      return unit.install(JSON.stringify(await grantFor(authority, await unit.signingRequest(), order)));
    },
    read: async (name: string) => (await readWholeFile(files, path(name)))?.toString(),
    settings: async () => parse((await readWholeFile(files, path('unit.yaml')))?.toString() ?? ''),
    change: async (name: string, text: string) => {
      const { enrolled } = await unit.identity();
      const generation = String(enrolled?.version).padStart(10, '0');
      return writeWholeFile(files, `${unitFolder}/generations/${generation}/${name}`, Buffer.from(text));
    },
  };
}

test('the scene of a unit without one is a scene, fits every picture, and judges nothing', (t) => {
  t.is(sceneFault({ scene: emptyScene, references: undefined }), undefined);
  const scene = parseScene(emptyScene, 'scene.yaml', { width: 640, height: 480 });
  t.like(scene, { name: 'not drawn yet', ground: undefined, speed: undefined, plates: undefined });
  for (const list of [scene.lanes, scene.stopLines, scene.countingLines, scene.noStopping, scene.boxJunctions]) {
    t.deepEqual(list, []);
  }
});

test('a unit gets its scene by a grant, keeps it through others, and another one takes its place', async (t) => {
  const at = await placed();
  t.like(await at.give({ site: 'North gate' }), { kind: 'installed', scene: 'none' });
  t.is(await at.read('scene.yaml'), emptyScene);
  t.like(await at.settings(), { scene: 'scene.yaml' });
  t.false('references' in (await at.settings()));

  const [first, references] = [sceneText('North'), referencesText('North')];
  t.like(await at.give({ scene: first, references }), { kind: 'installed', scene: 'granted' });
  const stands = async (what: string) => {
    t.is(await at.read('scene.yaml'), first, what);
    t.is(await at.read('references.json'), references, what);
    t.like(await at.settings(), { scene: 'scene.yaml', references: 'references.json' }, what);
  };
  await stands('given');
  t.like(await at.settings(), { unit: { site: 'North gate' } });
  t.like(await at.give({ site: 'Elsewhere' }), { kind: 'installed', scene: 'granted' });
  await stands('after a grant that says something else');
  const asked = await at.unit.renewalRequest();
  const order = { enrolled: asked.enrolled, renews: true };
  const renewal = await at.unit.install(JSON.stringify(await grantFor(at.authority, asked.csr, order)));
  t.like(renewal, { kind: 'installed', scene: 'granted' });
  await stands('after a renewal');

  const second = sceneText('North', 'countingLines: [{ name: A, points: [[0, 9], [99, 9]] }]\n');
  t.like(await at.give({ scene: second }), { kind: 'installed' });
  t.is(await at.read('scene.yaml'), second);
  t.is(await at.read('references.json'), references, 'of a scene of the same name');
  t.like(await at.give({ references: '' }), { kind: 'installed', scene: 'granted' });
  t.is(await at.read('references.json'), undefined);
  t.false('references' in (await at.settings()));
  t.like(await at.give({ site: 'Yard' }), { kind: 'installed' });
  t.is(await at.read('references.json'), undefined, 'taken away for good');
  t.is(await at.read('scene.yaml'), second);
});

test('what somebody changed by hand at the unit stays until a grant brings a scene', async (t) => {
  const at = await placed();
  await at.give({ scene: sceneText('North') });
  const changed = sceneText('North', 'plates: { formats: [es] }\n');
  await at.change('scene.yaml', changed);
  const asked = await at.unit.renewalRequest();
  const order = { enrolled: asked.enrolled, renews: true };
  await at.unit.install(JSON.stringify(await grantFor(at.authority, asked.csr, order)));
  t.is(await at.read('scene.yaml'), changed);
  await at.give({ scene: sceneText('North') });
  t.is(await at.read('scene.yaml'), sceneText('North'));
});

test('a configuration that names a scene of its own goes before the empty one, and does not hide one that is given', async (t) => {
  const at = await placed();
  const configuration = { scene: '/etc/atalaya/scene.yaml', references: '/etc/atalaya/references.json' };
  t.like(await at.give({ configuration }), { kind: 'installed', scene: 'configured' });
  t.like(await at.settings(), configuration);
  t.is(await at.read('scene.yaml'), undefined);
  const hidden = await at.give({ scene: sceneText('North') });
  t.like(hidden, { kind: 'refused', reason: 'configuration-invalid' });
  t.regex(JSON.stringify(hidden), /names a file as `scene`, so the scene of the grant would not be looked at/);
  t.like(await at.give({ scene: sceneText('North'), configuration: {} }), { kind: 'installed', scene: 'granted' });
  t.like(await at.settings(), { scene: 'scene.yaml' });
});

test('whatever a unit could not run with is refused with file, line and what to do, and nothing changes', async (t) => {
  const at = await placed();
  const good = { scene: sceneText('North'), references: referencesText('North') };
  await at.give(good);
  const before = (await at.unit.identity()).enrolled;
  const head = sceneText('x');
  const cases: readonly (readonly [GrantParts, RegExp])[] = [
    [{ scene: '' }, /scene scene\.yaml is refused: .*README\.md describes every field/],
    [{ scene: sceneText('x', 'lane: []\n') }, /line 2: \(document\): Unrecognized key: "lane"/],
    [{ scene: sceneText('x', 'ignore:\n  - [[0, 0], [9, 0], [2000, 9]]\n') }, /line 5: ignore\[0\]\[2\]: .*outside/],
    [{ scene: sceneText('x', 'speed: { limitKmh: 50 }\n') }, /`calibration` is missing/],
    [{ scene: `${head}lanes: ${'['.repeat(9000)}` }, /is refused|too deeply/],
    [{ scene: `${head}ignore: [${'1,'.repeat(3000)}1]\n` }, /line 4: ignore\[0\].* \.\.\.\. Correct the lines/],
    [{ scene: 'a: &a [x]\nb: &b [*a,*a]\nc: [*b,*b]\n<<: *b\n' }, /scene scene\.yaml is refused/],
    [{ scene: '---\n---\n' }, /multiple documents/],
    [{ scene: `name: "\\e[2J"\npicture: { width: 1, height: 1 }\n` }, /line 1: name/],
    [{ scene: '\u001b[2Jname: x' }, /scene scene\.yaml is refused/],
    [{ scene: sceneText('South') }, /is of the scene North, and scene\.yaml is called South: .*--no-references/],
    [{ references: 'x' }, /references\.json is not JSON/],
    [{ references: '{}' }, /references\.json/],
    [{ references: referencesText('South') }, /is of the scene South/],
    [{ references: referencesText('North', { width: 640, height: 360 }) }, /of 640 x 360, .* drawn on 1280 x 720/],
    [{ references: referencesText('North', { width: 1600, height: 1200 }) }, /of 1600 x 1200/],
  ];
  for (const [parts, words] of cases) {
    const outcome = await at.give(parts);
    t.like(outcome, { kind: 'refused', reason: 'configuration-invalid' }, JSON.stringify(parts).slice(0, 80));
    const { detail } = outcome as { readonly detail: string };
    t.regex(detail, words);
    t.true(detail.length < 1500, `${detail.length}`);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: a text of a stranger goes onto the unit's screen.
    t.notRegex(detail, /[\u0000-\u001f]/);
    t.is(await at.read('scene.yaml'), good.scene);
    t.is(await at.read('references.json'), good.references);
  }
  t.deepEqual((await at.unit.identity()).enrolled, before);
  t.like(await at.give({ scene: sceneText('South'), references: '' }), { kind: 'installed' });
  t.like(await at.give({ references: referencesText('South', { width: 2560, height: 1440 }) }), { kind: 'installed' });

  const blank = await placed();
  t.regex(JSON.stringify(await blank.give({ references: good.references })), /give the scene too/);
  t.is((await blank.unit.identity()).enrolled, undefined);
});

test('a unit that cannot judge a scene takes none: from afar a certificate is renewed and nothing else', async (t) => {
  const at = await placed({});
  t.regex(JSON.stringify(await at.give({ scene: sceneText('North') })), /taken at the unit alone/);
  t.is((await at.unit.identity()).enrolled, undefined);
  const order = { parts: { scene: sceneText('North'), references: referencesText('North') } };
  const full = await grantFor(at.authority, await at.unit.signingRequest(), order);
  const { scene: _, references: __, ...bare } = full;
  t.true(renewalGrant.safeParse(bare).success);
  const renews = new Set(['schema', 'unit', 'version', 'issued', 'certificate', 'authorities', 'signature']);
  const others = Object.keys(grant.shape).filter((field) => !renews.has(field));
  t.true(others.includes('scene') && others.includes('references'));
  for (const field of others) t.false(renewalGrant.safeParse({ ...bare, [field]: 'x' }).success, field);
});

test('scenes and references of the greatest length fit a grant; longer ones are refused by their bytes', (t) => {
  const fields = grant.pick({ scene: true, references: true });
  const most = 'x'.repeat(longestSceneText);
  t.true(fields.safeParse({ scene: most, references: most }).success);
  t.true(JSON.stringify({ scene: most, references: most }).length < longestEnrolmentDocument / 2);
  for (const long of [`${most}x`, 'ñ'.repeat(longestSceneText / 2 + 1)]) {
    t.false(fields.safeParse({ scene: long }).success);
    t.false(fields.safeParse({ references: long }).success);
  }
});
