import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import test from 'ava';
import sharp from 'sharp';
import { sheetHtml } from '../../../device/audit/sheet-html.ts';
import { sheetPdf } from '../../../device/audit/sheet-pdf.ts';
import { systemCode } from '../../../device/kernel/errors.ts';
import type { Acceptance } from '../../accept/acceptance.ts';
import { someProof } from '../../accept/testing/fake-unit.ts';
import { found, madeReport, testedAt } from '../../accept/testing/made-test.ts';
import { enrolmentCodeModules } from '../../identity/enrolment-code.ts';
import { acceptanceSheet, outcomeWords } from './acceptance-sheet.ts';
import { qrPicture } from './qr-picture.ts';
import { jpeg } from './testing/accept-files.ts';

const hostile = '<img src=x onerror=alert(1)> & "quoted" \u0142';
const identity = { serial: 'B-1', fingerprint: 'ab'.repeat(32), evidenceKey: null, certificate: null };
const document: Omit<Acceptance, 'files'> = {
  ...{ schema: 'atalaya/acceptance/1', unit: 'north-1', outcome: 'refused', began: testedAt, at: testedAt },
  ...{ by: { name: `Ana ${hostile}`, role: 'technician', key: 'cd'.repeat(32) }, program: '0.1.0', identity },
  ...{ centre: hostile, clockAheadS: -0.4, evidence: { ...someProof, says: `it ${hostile}` }, decided: false },
  test: madeReport([found('camera', 'failed', `covered ${hostile}`)], { site: `Site ${hostile}` }),
  lines: [{ name: 'door', outcome: 'stuck', says: `stuck ${hostile}`, at: testedAt }],
  picture: { sha256: '1'.repeat(64), taken: testedAt, good: true },
  doubts: [{ about: 'wear', says: `worn ${hostile}`, answer: `because ${hostile}` }],
  ...{ refusal: `no ${hostile}`, faults: [`camera: covered ${hostile}`], missing: [`missing ${hostile}`] },
};
const sheet = acceptanceSheet(document, { picture: jpeg, calibration: undefined });

test('whatever anybody wrote stands in the sheet as text', (t) => {
  const html = sheetHtml(sheet);
  t.notRegex(html, /<img src=x/);
  const said = html.match(/&lt;img src=x onerror=alert\(1\)&gt; &amp; &quot;quoted&quot; \u0142/g)?.length ?? 0;
  t.true(said >= 10, `${said} texts of eleven`);
  t.regex(html, /Refused/);
});

test('the PDF says the outcome, the faults and the answers', async (t) => {
  const pieces: Uint8Array[] = [];
  for await (const piece of sheetPdf(sheet)) pieces.push(piece);
  const pdf = Buffer.concat(pieces);
  t.is(pdf.toString('latin1', 0, 5), '%PDF-');
  t.is(pdf.toString('latin1').match(/\/Subtype \/Image/g)?.length, 2, 'the picture and the QR code');
  const folder = await mkdtemp(join(tmpdir(), 'accept-sheet-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  await writeFile(join(folder, 'sheet.pdf'), pdf);
  try {
    const { stdout } = await promisify(execFile)('pdftotext', ['-layout', join(folder, 'sheet.pdf'), '-']);
    t.regex(stdout, new RegExp(`north-1\\s+${outcomeWords.refused}`));
    t.regex(stdout, /camera: covered[\s\S]*missing[\s\S]*Answered: because[\s\S]*Input door \(door\): stuck/);
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw error;
    t.log('the text of the PDF is not looked at: pdftotext is not installed');
  }
});

test('the QR code has every module, one pixel each, and its quiet zone', async (t) => {
  const modules = enrolmentCodeModules(identity);
  const { data, info } = await sharp(qrPicture(modules)).greyscale().raw().toBuffer({ resolveWithObject: true });
  t.deepEqual([info.width, info.height], [modules.length + 8, modules.length + 8]);
  for (let y = 0; y < info.height; y += 1) {
    for (let x = 0; x < info.width; x += 1) {
      const dark = modules[y - 4]?.[x - 4] === true;
      if ((data[(y * info.width + x) * info.channels] === 0) !== dark) return t.fail(`${x}, ${y}`);
    }
  }
});
