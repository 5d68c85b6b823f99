import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { statementOf } from '../evidence/record/plate-file.ts';
import { sealPlate } from '../evidence/sealing/plate-commitment.ts';
import { plateRead, plateUnread } from '../evidence/testing/plates.ts';
import { isAtalayaError } from '../kernel/errors.ts';
import { escapeHtml, html } from '../kernel/html.ts';
import { neverRead, type TrackPlate } from '../plate/vote/track-plate.ts';
import { htmlReport, writeHtmlReport } from './html-report.ts';
import { type OpenPicture, readPictures } from './report-pictures.ts';
import type { RunRecord } from './run-record.ts';
import { sampleRun, sampleTruth } from './sample-run.fixture.ts';
import { compareWithTruth } from './truth.ts';

const comparison = compareWithTruth(sampleRun, sampleTruth);
const page = htmlReport(sampleRun, comparison, new Map());

async function folder(t: { teardown(done: () => Promise<void>): void }): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'run-report-'));
  t.teardown(() => rm(path, { recursive: true, force: true }));
  return path;
}

/** Pictures that begin as a JPEG does, of so many bytes. */
const pictures =
  (bytes: number): OpenPicture =>
  async () => {
    const jpeg = Buffer.alloc(bytes, 0x55);
    jpeg.set([0xff, 0xd8, 0xff, 0xe0]);
    return jpeg;
  };

/** Names of the elements in the order in which they open and close; throws where the nesting is wrong or an attribute unquoted. */
function skeleton(text: string): string[] {
  const open: string[] = [];
  const names: string[] = [];
  const voids = new Set(['meta', 'img', 'br', '!doctype']);
  for (const [whole, close, name, attributes, self] of text.matchAll(/<(\/?)([!a-zA-Z][a-zA-Z0-9]*)([^<>]*?)(\/?)>/g)) {
    if (name === undefined) continue;
    if (close === '/') {
      if (open.pop() !== name) throw new Error(`${whole} closes what is not open`);
    } else if (self !== '/' && !voids.has(name)) open.push(name);
    if (name !== '!doctype' && !/^(\s+[a-zA-Z][a-zA-Z0-9-]*="[^"<]*")*\s*$/.test(attributes ?? ''))
      throw new Error(`bad attributes in ${whole}`);
    names.push(
      `${close}${name} ${(attributes ?? '')
        .matchAll(/([a-zA-Z][a-zA-Z0-9-]*)="/g)
        .map((m) => m[1])
        .toArray()}`,
    );
  }
  if (open.length > 0) throw new Error(`${open.join(' ')} not closed`);
  return names;
}

/** The text of an element's content without its markup. */
const plain = (text: string) => text.replaceAll(/<[^>]*>/g, ' ').replaceAll(/\s+/g, ' ');

test('the page says what was watched, how many were judged, and how it stands against the truth', (t) => {
  const header = plain(page.slice(page.indexOf('<header>'), page.indexOf('</header>')));
  t.regex(header, /6 infractions/);
  t.regex(
    header,
    /1 wrong way, 1 restricted lane, 2 speeding, 1 forbidden stopping, 1 red light\. street\.mjpeg, recorded 2026-03-01 12:00:00 UTC\./,
  );
  t.regex(
    header,
    /all 6 infractions found, none invented\. Speed of 12 vehicles: median error 0\.30 km\/h, largest 0\.90 km\/h/,
  );
  t.regex(header, /Watched 19\.9 s Tracks 14 Crossings 12 Frames 300 Frames\/s 14\.0 Skipped 0 Damaged 1/);
});

test('each infraction has a card with its figures, its findings and its evidence', (t) => {
  const cards = page
    .split('<article')
    .slice(1)
    .map((card) => plain(card.split('</article>')[0] ?? ''));
  t.is(cards.length, 6);
  const red = cards.find((card) => card.includes('Red light')) ?? t.fail();
  for (const figure of [
    'Red light: car #14, lane A1',
    '0:15.87 · frame 238',
    'red for 3.9 s, 45 km/h',
    'Date and time 2026-03-01 12:00:15.867 UTC',
    'Red for 3.87 s',
    'The truth&#39;s moment: when it became an infraction at 0:15.85 (red-runner)',
    'red for 3.87 s 0.5 s The light was red for longer than the period of grace.',
    'went on yes',
    'Evidence unit-1-000006',
  ]) {
    t.true(red.includes(figure), figure);
  }
  const speeder = cards.find((card) => card.includes('Speeding: car #9')) ?? t.fail();
  t.true(
    speeder.includes(
      'Tolerance deducted 3.0 km/h Charged 75.5 km/h True 78.0 km/h (speeder-1) Measured less true +0.5 km/h',
    ),
  );
});

test('every track, lane, line, version and hash is on the page', (t) => {
  const text = plain(page.slice(page.indexOf('</style>')));
  t.true(text.includes('#13 car A2 0:10.80 to 0:19.87 none: it braked over the whole stretch waits-1'));
  t.true(text.includes('#9 car A1 0:06.47 to 0:09.67 78.5 ± 0.8 speeder-1 78.0 +0.5 Speeding'));
  t.true(text.includes('BUS 1 0 1 2'));
  t.true(text.includes('near towards 3 1 0 4'));
  for (const hash of ['a1', 'b2', 'c3']) t.true(text.includes(hash.repeat(32)));
  t.true(text.includes('Atalaya 0.1.0 on Node 24.21.0'));
  t.true(text.includes('ssdlite-mobilenet-v2 1.0.0, onnxruntime int8'));
});

test('what was missed and invented is named at the top', (t) => {
  const [first, ...rest] = sampleRun.infractions;
  const sealed = first ?? t.fail();
  const record: RunRecord = {
    ...sampleRun,
    infractions: [{ ...sealed, infraction: { ...sealed.infraction, track: 3 } }, ...rest],
  };
  const text = plain(htmlReport(record, compareWithTruth(record, sampleTruth), new Map()));
  t.true(text.includes('5 of 6 infractions found, 1 missed, 1 invented.'));
  t.true(text.includes('Missed: wrong way by wrong-way at 0:01.50'));
  t.true(text.includes('Invented: wrong way by car #3; away-1 did not commit it'));
});

test('the page is well formed, holds no script, and asks nothing of a network', (t) => {
  t.notThrows(() => skeleton(page));
  t.notRegex(page, /<script|javascript:|\son[a-z]+=|https?:\/\/|@import|url\(/i);
});

/** The record with every text in it that comes from outside replaced. */
function withTexts(text: string): RunRecord {
  const [first] = sampleRun.infractions;
  if (first === undefined) throw new RangeError('no infraction');
  const infraction = {
    ...first.infraction,
    lane: text,
    measured: { rule: 'red-light', head: text, line: text, redForS: 1 } as const,
    rule: 'red-light' as const,
    findings: [{ name: text, value: text, unit: text, limit: text, says: text }],
  };
  const { model } = sampleRun.versions;
  return {
    ...sampleRun,
    source: { ...sampleRun.source, name: text },
    scene: { name: text, lanes: [{ name: text, limitKmh: 50 }], lines: [text] },
    outcome: { kind: 'failed', message: text },
    infractions: [{ infraction, evidence: text, pictures: { context: text } }],
    crossings: sampleRun.crossings.map((crossing) => ({ ...crossing, line: text, direction: text })),
    tracks: sampleRun.tracks.map((track) => ({
      ...track,
      lane: text,
      speed: { stated: false, reason: text } as const,
    })),
    phases: [{ head: text, spans: sampleRun.phases[0]?.spans ?? [] }],
    versions: {
      software: text,
      runtime: text,
      model: { ...model, id: text, version: text, engine: text, sha256: text },
      sceneSha256: text,
      configSha256: text,
    },
  };
}

test('hostile texts stay texts: they change no element and no attribute of the page', (t) => {
  const harmless = skeleton(htmlReport(withTexts('abc'), undefined, new Map()));
  for (const hostile of [
    '<script>alert(1)</script>',
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    '</style></svg></title><h1>',
    '<!-- ]]> &lt;',
  ]) {
    const text = htmlReport(withTexts(hostile), undefined, new Map([[hostile, { kind: 'missing', reason: hostile }]]));
    t.deepEqual(skeleton(text), harmless, hostile);
    t.false(text.slice(text.indexOf('</style>') + 8).includes(hostile), hostile);
  }
  t.is(escapeHtml('<a href="x">\u0000&\'\u202e'), '&lt;a href=&quot;x&quot;&gt;\ufffd&amp;&#39;\ufffd');
  t.is(html`<b title="${'"'}">${['<', html`<i>${1}</i>`, undefined]}</b>`.text, '<b title="&quot;">&lt;<i>1</i></b>');
});

test('pictures are embedded, so that the page needs no other file', async (t) => {
  const root = await folder(t);
  const path = join(root, 'report.html');
  await writeHtmlReport(sampleRun, comparison, { path, open: pictures(640) });
  const text = await readFile(path, 'utf8');
  t.is(text.match(/<img src="data:image\/jpeg;base64,\/9j\//g)?.length, 18);
  t.is(text.match(/<img /g)?.length, 18);
  t.false((await readdir(root)).some((name) => name.endsWith('.part')));
});

const withPlates: RunRecord = {
  ...sampleRun,
  infractions: sampleRun.infractions.map((sealed) => ({
    ...sealed,
    pictures: { ...sealed.pictures, plate: 'plate.png', plateFile: 'plate.json' },
  })),
};

test('an opened plate stands beside its infraction, with its pixels; an unread one with its reason', async (t) => {
  const said: readonly TrackPlate[] = [plateRead('ABCD12', 104), plateUnread('too-small', 9), neverRead('reader-off')];
  const open: OpenPicture = async (evidence, name) => {
    const index = withPlates.infractions.findIndex((one) => one.evidence === evidence);
    if (name === 'plate.png') return Buffer.from('\x89PNG', 'latin1');
    if (name !== 'plate.json') return pictures(640)(evidence, name);
    const plate = said[index];
    if (plate === undefined) return index === 3 ? { missing: 'it is damaged' } : Buffer.from('{}');
    return sealPlate(statementOf(plate, 7, []), randomBytes).content;
  };
  const text = htmlReport(withPlates, comparison, await readPictures(withPlates, open));
  t.true(
    text.includes('<p>plate ABCD12 (Chile, new; read on frame 104, sure 0.99)</p><img src="data:image/png;base64,'),
  );
  t.true(text.includes('<p>plate unread: its characters had too few pixels</p>'));
  t.true(text.includes('<p>plate unread: this unit reads no plates</p>'));
  t.true(text.includes('plate.json is not shown: it is damaged.'));
  t.true(text.includes('plate.json is not shown: it is not the file of a plate.'));
  t.notThrows(() => skeleton(text));
});

test('where nothing is opened the page says nothing of plates', async (t) => {
  const open: OpenPicture = async () => ({ missing: 'it is sealed to the authority', sealed: true });
  const text = htmlReport(withPlates, comparison, await readPictures(withPlates, open));
  t.true(text.includes('annotated.jpg is not shown: it is sealed to the authority.'));
  t.notRegex(text.slice(text.indexOf('</style>')), /plate/i);
});

test('beyond the budget pictures stay in the evidence, the annotated ones last, and the page stays below 10 MB', async (t) => {
  const root = await folder(t);
  const bytes = 500_000;
  t.true(bytes * 18 * (4 / 3) > 10_000_000, 'the sample is large enough to exceed the budget');
  const path = join(root, 'report.html');
  await writeHtmlReport(sampleRun, comparison, { path, open: pictures(bytes) });
  t.true((await stat(path)).size < 10_000_000);
  const text = plain(await readFile(path, 'utf8'));
  t.true(text.includes('context.jpg is not shown: the page is full; it stays in the evidence.'));
  t.false(text.includes('annotated.jpg is not shown'));
});

test('a picture that is sealed or is none is said so, and spoils nothing else', async (t) => {
  const open: OpenPicture = async (evidence, name) => {
    if (name !== 'close-up.jpg') return pictures(640)(evidence, name);
    if (evidence === 'unit-1-000001') return { missing: 'it is sealed to the authority' };
    return evidence === 'unit-1-000002' ? Buffer.from('<svg onload="alert(1)"/>') : pictures(640)(evidence, name);
  };
  const sources = await readPictures(sampleRun, open);
  t.is(
    sources
      .values()
      .filter((one) => one.kind === 'embedded')
      .toArray().length,
    16,
  );
  const text = plain(htmlReport(sampleRun, comparison, sources));
  t.true(text.includes('close-up.jpg is not shown: it is sealed to the authority.'));
  t.true(text.includes('close-up.jpg is not shown: it is neither a JPEG nor a PNG.'));
});

test('a page that cannot be written is a fault with its path, and leaves nothing half-written', async (t) => {
  const root = await folder(t);
  await mkdir(join(root, 'report.html'));
  const options = { path: join(root, 'report.html'), open: pictures(640) };
  const error = await t.throwsAsync(writeHtmlReport(sampleRun, comparison, options), {
    message: /report\.html cannot be written/,
  });
  t.true(isAtalayaError(error, 'store-failed'));
  t.deepEqual(await readdir(root), ['report.html']);
});

test('a page for a folder that is not there is refused with what to do', async (t) => {
  const root = await folder(t);
  const path = join(root, 'missing', 'report.html');
  const error = await t.throwsAsync(writeHtmlReport(sampleRun, comparison, { path, open: pictures(640) }));
  t.is(error?.message, `The run report ${path} cannot be written: its folder does not exist`);
  t.true(
    isAtalayaError(error, 'store-failed') && error.hint?.startsWith('Give --report a file in a folder that exists'),
  );
});

test('a run without frames, lanes or infractions still makes a page', (t) => {
  const bare: RunRecord = {
    ...sampleRun,
    watched: undefined,
    outcome: { kind: 'interrupted' },
    infractions: [],
    crossings: [],
    tracks: [],
    phases: [],
    scene: { name: 'bare', lanes: [], lines: [] },
  };
  const text = htmlReport(bare, undefined, new Map());
  t.notThrows(() => skeleton(text));
  t.true(plain(text).includes('No infraction was judged in this run.'));
  t.true(plain(text).includes('The run was interrupted before the source ended.'));
});

test('a run of days keeps the page small: the newest tracks are drawn, the counts have all', (t) => {
  const [track] = sampleRun.tracks;
  const tracks = Array.from({ length: 20_000 }, (_, i) => ({ ...(track ?? t.fail()), lane: 'A1', id: i + 1 }));
  const text = htmlReport({ ...sampleRun, tracks, infractions: [] }, undefined, new Map());
  t.true(text.length < 3_000_000);
  t.true(plain(text).includes('the newest 1000 of 20000 tracks'));
  t.true(plain(text).includes('A1 20000 20000'));
});
