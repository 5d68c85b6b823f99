import { readFile, rm, writeFile } from 'node:fs/promises';
import test from 'ava';
import { makePersonKey, signerOf } from '../../../cloud-bridge/contract/person-key.ts';
import { canonicalJson } from '../../../device/kernel/canonical-json.ts';
import { ManualClock } from '../../../device/kernel/manual-clock.ts';
import { signDocument } from '../../../device/kernel/signed/sign-document.ts';
import { milliseconds } from '../../../device/kernel/units.ts';
import { found, madeReport, testedAt } from '../../accept/testing/made-test.ts';
import { provision } from '../../testing/program-call.ts';
import { folderOf, identity, jpeg, png, stored, trustFiles } from './testing/accept-files.ts';

test('without a centre: signed, both sheets, and never more than incomplete', async (t) => {
  const at = await folderOf(t);
  const clock = new ManualClock(Date.parse(testedAt));
  const ana = makePersonKey();
  await writeFile(at('ana.pem'), ana.privatePem, { mode: 0o600 });
  const dirty = [found('wear', 'doubtful', '<script>alert(1)</script> & "worn"')];
  await writeFile(at('report.json'), JSON.stringify(madeReport(dirty)));
  await writeFile(at('shot.jpg'), jpeg);
  await writeFile(at('drawn.png'), png);
  await writeFile(at('identity.json'), JSON.stringify(identity));
  const given = ['--report', at('report.json'), '--picture', at('shot.jpg'), '--calibration', at('drawn.png')];
  const who = ['--technician', 'Ana', '--key', at('ana.pem'), '--identity', at('identity.json')];
  const call = ['accept', 'north-1', ...given, ...who, '--out', at('out')];
  const said = await provision(call, { clock, types: ['y', 'it was exchanged', 'y'] });
  t.is(said.code, 1, said.err);
  t.regex(
    said.out,
    /^north-1: Incomplete: not accepted\n[\s\S]*line door \(door\) was not tried[\s\S]*No test evidence/,
  );
  const document = await stored(at('out'));
  t.like(document, {
    unit: 'north-1',
    outcome: 'incomplete',
    by: { name: 'Ana', role: null, key: ana.id },
    centre: null,
  });
  t.is(document.identity?.serial, '10000000abcd');
  const html = await readFile(at('out/sheet.html'), 'utf8');
  t.true(html.includes('&lt;script&gt;') && !html.includes('<script'));
  t.regex(html, /Incomplete: not accepted[\s\S]*writing 18\.4 MB\/s, held against writing at least 5 MB\/s/);
  t.is(html.match(/<img /g)?.length, 3, 'the picture, the calibration, the QR code');
  const pdf = await readFile(at('out/sheet.pdf'));
  t.is(pdf.subarray(0, 5).toString(), '%PDF-');
  const verifying = ['accept', 'verify', at('out'), ...(await trustFiles(at, ana.publicPem))];
  const holds = await provision(verifying, { clock });
  t.is(holds.code, 0, holds.out);
  t.regex(holds.out, /Signed by Ana, technician/);

  await t.notThrowsAsync(readFile(at('out/steps.json')));
  const again = await provision(call, { clock, types: [] });
  t.regex(again.err, /Going on where the earlier call ended/);
  t.notRegex(again.err, /Look at the picture/);
  await clock.advance(milliseconds(5 * 3_600_000));
  t.regex((await provision(call, { clock, types: [] })).err, /more than 4 hours old[\s\S]*counts for 4 hours only/);
});

test('every byte that is changed afterwards is found, and so is everybody who may not', async (t) => {
  const at = await folderOf(t);
  const clock = new ManualClock(Date.parse(testedAt));
  const ana = makePersonKey();
  await writeFile(at('ana.pem'), ana.privatePem, { mode: 0o600 });
  await writeFile(at('report.json'), JSON.stringify(madeReport()));
  await writeFile(at('shot.jpg'), jpeg);
  const call = ['accept', 'north-1', '--report', at('report.json'), '--picture', at('shot.jpg')];
  await provision([...call, '--technician', 'Ana', '--key', at('ana.pem'), '--out', at('out')], {
    clock,
    types: ['y'],
  });
  const good = await readFile(at('out/acceptance.json'));
  const trust = await trustFiles(at, ana.publicPem);
  const verdict = async () => {
    const { code, out } = await provision(['accept', 'verify', at('out'), ...trust], { clock });
    return { code, fails: out.split('\n').filter((line) => line.includes('FAILS')) };
  };
  t.deepEqual(await verdict(), { code: 0, fails: [] });
  for (const name of ['sheet.html', 'sheet.pdf', 'picture.jpg']) {
    const whole = await readFile(at(`out/${name}`));
    for (const place of [0, whole.byteLength >> 1, whole.byteLength - 1]) {
      const changed = Buffer.from(whole);
      changed[place] = (changed[place] ?? 0) ^ 1;
      await writeFile(at(`out/${name}`), changed);
      const { code, fails } = await verdict();
      t.is(code, 1);
      t.regex(fails[0] ?? '', new RegExp(`${name} is not what was signed`));
    }
    await rm(at(`out/${name}`));
    t.regex((await verdict()).fails[0] ?? '', new RegExp(`${name} is missing`));
    await writeFile(at(`out/${name}`), whole);
  }
  await writeFile(at('out/calibration.png'), png);
  t.regex((await verdict()).fails[0] ?? '', /calibration.png lies there, and the document does not name it/);
  await rm(at('out/calibration.png'));
  // Each class of byte: white space, a letter of a name, a digit of a hash, of the signature, of the schema, an end.
  const text = good.toString();
  for (const [change, words] of [
    [(s: string) => `${s}\n`, /not in the form that is signed/],
    [(s: string) => s.replace('"by":{', '"by": {'), /not in the form/],
    [(s: string) => s.replace('High Street', 'High Strees'), /signature does not hold: it is not what the key/],
    [(s: string) => s.replace('"incomplete"', '"accepted"'), /signature does not hold/],
    [(s: string) => s.replace('"missing":[', '"missing":["x",'), /signature does not hold/],
    [
      (s: string) => s.replace(/"value":"./, (m) => m.replace(/.$/, (c) => (c === 'A' ? 'B' : 'A'))),
      /signature does not hold/,
    ],
    [(s: string) => s.replace('atalaya/acceptance/1', 'atalaya/acceptance/2'), /is no acceptance: schema/],
    [(s: string) => s.slice(0, -1), /is not JSON/],
    [(s: string) => s.replace('"unit":"north-1"', '"unit":"north-2"'), /signature does not hold/],
  ] as const) {
    const changed = change(text);
    t.not(changed, text);
    await writeFile(at('out/acceptance.json'), changed);
    const { code, fails } = await verdict();
    t.is(code, 1);
    t.true(
      fails.some((one) => words.test(one)),
      `${words}: ${fails.join('; ')}`,
    );
  }
  await rm(at('out/acceptance.json'));
  t.regex((await verdict()).fails[0] ?? '', /There is no acceptance.json/);
  // Signed, by somebody who states what does not follow from what was found.
  const { signature: _, ...body } = JSON.parse(text);
  const resign = async (more: object) => {
    const signed = await signDocument({ ...body, ...more }, signerOf(ana.privatePem));
    await writeFile(at('out/acceptance.json'), canonicalJson(signed));
    return (await verdict()).fails.join('; ');
  };
  t.regex(
    await resign({ outcome: 'accepted' }),
    /The decision, accepted, does not follow from what was found: incomplete would/,
  );
  t.regex(await resign({ by: { ...body.by, name: 'Berta' } }), /says Berta, and Ana, technician, signed it/);
  t.regex(await resign({ files: body.files.slice(1) }), /does not name sheet\.html/);
  t.regex(await resign({ at: '2026-03-02T12:00:00.000Z' }), /yet to come/);
  t.regex(await resign({ unit: 'north-2' }), /accepts north-2, and the test is of north-1/);
  await writeFile(at('out/acceptance.json'), good);
  await trustFiles(at, ana.publicPem, 'auditor');
  t.regex((await verdict()).fails[0] ?? '', /Ana signed it and may not accept units: /);
  await trustFiles(at, makePersonKey().publicPem);
  t.regex((await verdict()).fails[0] ?? '', /no key [0-9a-f]{16} is trusted here/);
  t.is((await provision(['accept', 'verify', at('out')], { clock })).code, 2);
});
