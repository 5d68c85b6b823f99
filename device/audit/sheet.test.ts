import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import test from 'ava';
import sharp from 'sharp';
import type { EvidenceFile, EvidenceRecord } from '../evidence/record/record.ts';
import { escapeHtml } from '../kernel/html.ts';
import { pageWidths } from '../kernel/testing/page-widths.ts';
import type { PackParts } from './pack-parts.ts';
import { hasCodes, printable } from './pdf-text.ts';
import { buildSheet } from './sheet.ts';
import { sheetHtml } from './sheet-html.ts';
import type { Sheet } from './sheet-model.ts';
import { sheetPdf } from './sheet-pdf.ts';
import { Keeper } from './shown-files.ts';
import { type momentAt, type SampleOptions, samplePack, samplePlate, unreadPlate } from './testing/sample-pack.ts';

const run = promisify(execFile);

const jpeg = await sharp({ create: { width: 640, height: 360, channels: 3, background: '#357' } })
  .jpeg()
  .toBuffer();
const png = await sharp({ create: { width: 60, height: 40, channels: 3, background: '#753' } })
  .png()
  .toBuffer();
const pictures = ({ role }: EvidenceFile): Buffer => {
  if (role === 'close-up' || role === 'plate-crop' || role === 'plate-vehicle') return png;
  return role === 'plate' ? samplePlate.content : jpeg;
};

async function sheetOf(parts: PackParts): Promise<Sheet> {
  const keeper = new Keeper();
  for (const [i, { opened }] of parts.files.entries()) {
    const file = parts.record.files[i];
    if (file === undefined || opened === undefined) continue;
    for await (const _ of keeper.keep(file, opened()));
  }
  return buildSheet(parts, keeper);
}

const make = (options: Partial<SampleOptions> = {}) => sheetOf(samplePack({ size: 5, index: 2, ...options }));

async function pdfOf(sheet: Sheet): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of sheetPdf(sheet)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** The text of a PDF; undefined where this machine cannot read one. */
async function textOf(pdf: Buffer): Promise<string | undefined> {
  const folder = await mkdtemp(join(tmpdir(), 'sheet-'));
  try {
    await writeFile(join(folder, 'sheet.pdf'), pdf);
    const { stdout } = await run('pdftotext', ['-layout', join(folder, 'sheet.pdf'), '-']);
    return stdout;
  } catch {
    return undefined;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const hostile = '<script>alert(1)</script>"\'&\u202e\u0000 Łódź 日本';

const withHostileTexts = (record: EvidenceRecord): EvidenceRecord => ({
  ...record,
  infraction: {
    ...record.infraction,
    lane: hostile,
    findings: [{ name: hostile, value: hostile, unit: hostile, limit: hostile, says: hostile }],
  },
  provenance: { ...record.provenance, site: { id: hostile, name: hostile, direction: hostile } },
  files: record.files.map((file, i) => ({ ...file, name: `${i}${hostile}`, making: hostile })),
});

test('the sheet says what is charged, by which figures, where, when, by whom it was exported and why', async (t) => {
  const page = sheetHtml(await make());
  for (const says of [
    'A car drove at 78.2 km/h where 50 km/h is the limit; less a tolerance of 3.0 km/h, 75.2 km/h is charged, 25.2 km/h over the limit.',
    '<dt>Standard uncertainty (1 sigma)</dt><dd>±0.61 km/h</dd>',
    '<dt>Tolerance deducted</dt><dd>3.0 km/h</dd>',
    '<dt>Direction</dt><dd>northbound</dd>',
    '<dt>Date and time</dt><dd>2026-03-01 12:00:04.200 UTC</dd>',
    '<dt>Error of an interval</dt><dd>±0.5 ms (1 sigma)</dd>',
    'Sealed to the authority: files/at.jpg.age opens with its key only.',
    'Whole picture, at the moment: frame 105, 2026-03-01 12:00:04.200 UTC',
    'raw data, not a measurement',
    'entry 3 of 5 (leaf index 2)',
    '<dt>By</dt><dd>A. Auditor</dd>',
    '<dt>Why</dt><dd>Objection 12/2026</dd>',
    'sealed to the authority',
  ]) {
    t.true(page.includes(says), says);
  }
  t.notRegex(page, /AB123CD|<img|DATE UNKNOWN/);
});

test('a date that nothing states is said to be unknown, and none is shown', async (t) => {
  const undated = (moment: ReturnType<typeof momentAt>) => ({ ...moment, clock: { ...moment.clock, dated: false } });
  const sheet = await make({
    files: [],
    change: (record) => ({
      ...record,
      sealed: undated(record.sealed),
      infraction: { ...record.infraction, time: undated(record.infraction.time) },
    }),
  });
  const page = sheetHtml(sheet);
  t.regex(page, /class="warning">DATE UNKNOWN: /);
  t.regex(page, /<dt>Date and time<\/dt><dd>date unknown, \+0:04\.20<\/dd>/);
  t.notRegex(page.replace(/<dt>When<\/dt><dd>[^<]*/, ''), /\d{4}-\d\d-\d\d/);
});

test('a certificate that was not valid on the day is not overlooked', async (t) => {
  const says =
    'Certificate K 1/25 of the calibration, by an office, is valid from 2024-01-01 to 2025-01-01: it had expired.';
  const withState = (value: string) =>
    make({
      change: (record) => ({
        ...record,
        infraction: { ...record.infraction, findings: [{ name: 'calibration-certificate', value, says }] },
      }),
    });
  const expired = sheetHtml(await withState('expired'));
  t.regex(expired, /class="warning">CERTIFICATE NOT VALID/);
  t.true(expired.includes(`<dt>On that day</dt><dd>${says}</dd>`));
  t.notRegex(sheetHtml(await withState('valid')), /class="warning"|names no calibration certificate/);
  t.regex(sheetHtml(await make()), /names no calibration certificate/);
});

test('opened pictures are in the sheet, once each, and the plate only where it is the one committed to', async (t) => {
  const sheet = await make({ opened: pictures });
  const page = sheetHtml(sheet);
  t.is(page.match(/<img src="data:image\/jpeg;base64,/g)?.length, 2);
  t.is(page.match(/<img src="data:image\/png;base64,/g)?.length, 2);
  t.is(page.match(/<img class="enlarged" width="480" src="data:image\/png;base64,/g)?.length, 1);
  t.true(page.includes('AB123CD (it is the one that the record commits to)'));
  const pdf = await pdfOf(sheet);
  t.is(pdf.toString('latin1').match(/\/Subtype \/Image/g)?.length, 5);
  const other = await make({
    opened: (file) =>
      file.role === 'plate' ? Buffer.from(samplePlate.content.toString().replaceAll('AB', 'XY')) : undefined,
  });
  const false_ = sheetHtml(other);
  t.true(false_.includes('NOT THE ONE THAT THE RECORD COMMITS TO'));
  t.false(false_.includes('XY123CD'));
});

const whole = await make({ opened: pictures });
const unread = (opened?: SampleOptions['opened']) =>
  make({
    ...(opened === undefined ? {} : { opened }),
    change: (record) => ({
      ...record,
      plate: {
        outcome: 'unread',
        reason: 'frames-disagree',
        commitment: unreadPlate.commitment,
        file: 'plate.json',
      },
    }),
  });

test('an opened plate: its text, how sure, on which frame, its pictures, and every other read', (t) => {
  const page = sheetHtml(whole);
  for (const says of [
    '<dt>Format</dt><dd>Chile, new (cl-new)</dd>',
    '<dt>Probability that it is right</dt><dd>0.996</dd>',
    'A 0.990, B 0.989, 1 0.988',
    '<dt>Independent looks that say it</dt><dd>2</dd>',
    '<dt>Read on</dt><dd>frame 104, 2026-03-01 12:00:04.160 UTC; 0.04 s before the charged moment</dd>',
    "<dt>Its place</dt><dd>inside of the box that the record's track has in that frame, then track 7: (154, 60), 180 x 122 pixels</dd>",
    '<dt>In the vote</dt><dd>reads that say it: 2, weight 1.50 together; that say another text: 1, weight 0.25 together</dd>',
    '<dt>Crops</dt><dd>4 looked at, 1 not looked at for want of time</dd>',
    '<dt>Models</dt><dd>finder, version 1; reader, version 2</dd>',
    `<dt>Commitment</dt><dd><code>${samplePlate.commitment}</code></dd>`,
    'The plate, pixel by pixel: frame 104',
    'The vehicle in the same frame: frame 104',
    '<dt>Frame 101, 0:04.04</dt><dd>no text; not counted: its characters have too few pixels</dd>',
    '<dt>Frame 102, 0:04.08</dt><dd>B123CDZ, sure 0.875, weight 0.250; outvoted: it says another text</dd>',
    '<dt>Frame 104, 0:04.16</dt><dd>AB123CD, sure 0.875, weight 1.000; counted: it says the text that leads</dd>',
  ]) {
    t.true(page.includes(escapeHtml(says).replaceAll('&lt;', '<').replaceAll('&gt;', '>')), says);
  }
  t.false(page.includes('DOES NOT FIT'));
});

test('a plate that was read beside the vehicle of the track is not overlooked', async (t) => {
  const away = await make({
    opened: pictures,
    change: ({ auxiliary, ...record }) => {
      const track = auxiliary.track.map((point) => ({ ...point, box: { ...point.box, x: 400 } }));
      return { ...record, auxiliary: { ...auxiliary, track } };
    },
  });
  const page = sheetHtml(away);
  t.regex(page, /<dt>DOES NOT FIT<\/dt><dd>what is counted was read beside the vehicle[^<]*: frame 103, 104<\/dd>/);
  t.regex(page, /<dt>Its place<\/dt><dd>BESIDE the box/);
});

test('a plate that is sealed, unread or erased is said to be so, and why', async (t) => {
  const sealed = sheetHtml(await make());
  t.true(sealed.includes('<dd>read; sealed to the authority</dd>'));
  t.true(sealed.includes('files/plate.png.age opens with its key only'));
  t.notRegex(sealed, /AB123CD|Chile|Every read/);
  t.regex(
    sheetHtml(await make({ size: 7, index: 2, erasedBy: 5 })),
    /<dd>read; erased: nobody can open it any more<\/dd>/,
  );
  const why = 'unread: the frames say different texts';
  t.true(sheetHtml(await unread()).includes(`<dd>${why}; its file is sealed to the authority</dd>`));
  const opened = sheetHtml(await unread((file) => (file.role === 'plate' ? unreadPlate.content : pictures(file))));
  t.true(opened.includes(`<dd>${why}</dd>`));
  t.regex(opened, /<dt>Best shown on<\/dt><dd>frame 104/);
  t.true(opened.includes('QQ11QQ, sure 0.875; not counted: it could well be another text'));
  t.is(opened.match(/class="enlarged"/g)?.length, 1);
  // Of a read plate the record tells another story.
  t.regex(sheetHtml(await unread(pictures)), /NOT THE ONE THAT THE RECORD COMMITS TO/);
});

test('an infraction whose record says nothing of a plate has a sheet without one', async (t) => {
  const page = sheetHtml(
    await make({
      change: ({ plate: _, ...record }) => ({
        ...record,
        files: record.files.filter(({ role }) => !role.startsWith('plate')),
      }),
    }),
  );
  t.false(page.includes('<h2>Plate</h2>'));
});

test('what is no picture is said not to be one', async (t) => {
  const broken = [
    Buffer.alloc(0),
    Buffer.from('x'),
    jpeg.subarray(0, 30),
    png.subarray(0, 40),
    Buffer.from('\xff\xd8\xff', 'latin1'),
  ];
  const alpha = await sharp({ create: { width: 9, height: 9, channels: 4, background: '#3578' } })
    .png()
    .toBuffer();
  for (const content of [...broken, alpha, alpha.subarray(0, 60)]) {
    const sheet = await make({ opened: () => content });
    await t.notThrowsAsync(pdfOf(sheet));
    t.true(sheetHtml(sheet).includes('the opened file is not that of a plate'));
  }
});

test('no text of a record becomes markup, and the page may neither run nor load anything', async (t) => {
  const page = sheetHtml(await make({ change: withHostileTexts }));
  t.notRegex(page, /<script|\son\w+=|javascript:|style="/);
  t.false(page.includes('\u202e') || page.includes('\u0000'));
  t.true(page.includes('&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#39;&amp;'));
  const style = /<style>([\s\S]*?)<\/style>/.exec(page)?.[1] ?? '';
  const hash = createHash('sha256').update(style).digest('base64');
  t.true(page.includes(escapeHtml(`default-src 'none'; style-src 'sha256-${hash}'; img-src data:`)));
  t.notRegex(page, /(?:src|href)="(?!data:)/);
});

test('a character that the fonts of the PDF lack is shown by its code', async (t) => {
  t.is(printable('Łódź − 5 €\n“x”'), '<U+0141>ód<U+017A> – 5 € “x”');
  t.is(printable('日\u202e𝄞\u0000\u00ad'), '<U+65E5><U+202E><U+1D11E><U+0000><U+00AD>');
  t.true(hasCodes('日'));
  t.false(hasCodes('ñ – €'));
  const text = await textOf(await pdfOf(await make({ change: withHostileTexts })));
  if (text === undefined) {
    t.log('the text of the PDF is not looked at: pdftotext is not installed');
    return;
  }
  t.regex(text, /<U\+0141>ód<U\+017A> <U\+65E5><U\+672C>/);
  t.regex(text, /<U\+…> stands for a character/);
});

test('the PDF says what the page says', async (t) => {
  const sheet = await make({ opened: pictures, since: 2 });
  const pdf = await pdfOf(sheet);
  t.is(pdf.toString('latin1', 0, 5), '%PDF-');
  const text = await textOf(pdf);
  if (text === undefined) {
    t.log('the text of the PDF is not looked at: pdftotext is not installed');
    return;
  }
  const plain = (value: string) => value.replaceAll(/\s+/g, '');
  const whole = plain(text);
  for (const part of sheet.parts) {
    t.true(whole.includes(plain(part.title)), part.title);
    const values =
      part.kind === 'facts'
        ? part.facts.map(([, value]) => value)
        : part.kind === 'files'
          ? part.files.map(({ sha256 }) => sha256)
          : part.kind === 'findings'
            ? part.findings.map(({ says }) => says)
            : part.pictures.map(({ caption }) => caption.slice(0, 60));
    for (const value of values) t.true(whole.includes(plain(printable(value)).slice(0, 40)), value);
  }
  t.regex(text, /page 2 of \d/);
});

test('a text of any length comes to an end', async (t) => {
  const long = 'x'.repeat(200_000);
  const sheet = await make({
    files: [],
    change: (record) => ({
      ...record,
      infraction: {
        ...record.infraction,
        lane: long,
        findings: Array.from({ length: 60 }, () => ({ name: 'long', value: 1, says: long })),
      },
    }),
  });
  const pdf = await pdfOf(sheet);
  t.true(pdf.byteLength < 1_000_000);
});

test('an erased evidence says who erased it and why', async (t) => {
  const page = sheetHtml(await make({ size: 7, index: 2, erasedBy: 5 }));
  t.regex(page, /class="warning">FILES ERASED/);
  t.true(page.includes('the retention rule after 90 days'));
  t.true(page.includes('The time for which it may be kept is over.'));
  t.true(page.includes('Erased; nobody can open it any more.'));
  const parts = samplePack({ size: 7, index: 2, erasedBy: 5 });
  const { erasure } = parts;
  if (erasure === undefined) return t.fail();
  const act = JSON.parse(erasure.recordBytes.toString());
  const by = async (change: object) => {
    const recordBytes = Buffer.from(JSON.stringify({ ...act, ...change }));
    return sheetHtml(await sheetOf({ ...parts, erasure: { ...erasure, recordBytes } }));
  };
  const rule = 'the retention rule after 90 days';
  t.true((await by({ schema: 'atalaya/action/1' })).includes(rule), 'written by older software');
  const operator = { kind: 'operator', name: 'O. Perez', role: 'supervisor', key: 'ab'.repeat(32) };
  t.true((await by({ actor: operator })).includes('O. Perez (supervisor, key abababababababab)'));
  t.true((await by({ actor: { kind: 'unit', name: 'retention' } })).includes('the unit by itself (retention)'));
});

test('on a phone the page is as wide as the screen', async (t) => {
  const widths = [320, 360, 700, 1000];
  const measured = await pageWidths(sheetHtml(await make({ opened: pictures, change: withHostileTexts })), widths);
  if (measured === undefined) {
    t.log('skipped: chromium is not installed');
    t.pass();
    return;
  }
  t.is(measured.length, widths.length);
  for (const [i, width] of widths.entries()) t.true((measured[i] ?? 9999) <= width, `${measured[i]} px on ${width} px`);
});
