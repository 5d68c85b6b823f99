import { Writable } from 'node:stream';
import test from 'ava';
import { type Clock, systemClock } from '../kernel/clock.ts';
import { fraction, milliseconds, utcMilliseconds } from '../kernel/units.ts';
import { alertLine, infractionLines, progressText, RunConsole, type RunProgress } from './console.ts';
import { sampleRun, sampleTruth, timeOf } from './sample-run.fixture.ts';
import { summaryText } from './summary.ts';
import { colourStyle, plainStyle, printable, type TerminalEnvironment, table, wrap } from './terminal.ts';
import { compareWithTruth } from './truth.ts';

const escapeCode = '\u001b';
const comparison = compareWithTruth(sampleRun, sampleTruth);
const progress: RunProgress = {
  framesDone: 0,
  framesTotal: 300,
  tracksLive: 5,
  skipped: 2,
  damaged: 0,
  infractions: 1,
  memoryBytes: 212_000_000,
};

/** A stream that keeps what it was given, and a clock that is set by hand. */
class Screen extends Writable {
  readonly isTTY: boolean;
  readonly columns: number | undefined;
  text = '';

  constructor(isTTY: boolean, columns?: number) {
    super();
    this.isTTY = isTTY;
    this.columns = columns;
  }

  override _write(chunk: Buffer, _: string, done: () => void): void {
    this.text += chunk.toString();
    done();
  }
}

function consoleOn(stream: Screen, environment: TerminalEnvironment = {}) {
  const hand = { now: 0 };
  const clock: Clock = { ...systemClock, monotonic: () => milliseconds(hand.now) };
  return { run: new RunConsole({ stream, clock, environment }), hand };
}

const lastLine = (text: string) => text.split('\n').at(-1) ?? '';

test('on a terminal one progress line is rewritten, and gives way to an infraction', (t) => {
  const screen = new Screen(true, 80);
  const { run, hand } = consoleOn(screen, { NO_COLOR: '1' });
  for (const framesDone of [0, 25, 50]) {
    run.progress({ ...progress, framesDone });
    hand.now += 1000;
  }
  t.is(screen.text.split('\n').length, 1);
  t.is(
    lastLine(screen.text).split(`\r${escapeCode}[2K`).at(-1),
    'frame 50/300 · 16 % · 25.0/s · 1 infraction · 2 skipped · 5 tracks · 212 MB',
  );
  screen.text = '';
  const [first] = sampleRun.infractions;
  run.infraction(first ?? t.fail());
  t.true(screen.text.startsWith(`\r${escapeCode}[2K12:00:01.600  frame 24  WRONG-WAY  car #2  lane A1`));
  t.true(screen.text.endsWith('unit-1-000001\n'));
});

test('on a terminal progress is written no more often than a person can read, and never wider than it', (t) => {
  const screen = new Screen(true, 40);
  const { run, hand } = consoleOn(screen);
  for (let framesDone = 0; framesDone < 100; framesDone += 1) {
    run.progress({ ...progress, framesDone });
    hand.now += 10;
  }
  const writes = screen.text.split('\r').slice(1);
  t.true(writes.length >= 6 && writes.length <= 8, `${writes.length} writes in a second`);
  for (const write of writes) {
    const seen = write.replaceAll(new RegExp(`${escapeCode}\\[\\d*[mK]`, 'g'), '');
    t.true(seen.length < 40, seen);
    t.regex(seen, /^frame \d+\/300 · \d+ %/);
  }
});

test('into a file a progress line comes every few seconds, without any code, and an infraction stays one line', (t) => {
  const screen = new Screen(false);
  const { run, hand } = consoleOn(screen);
  for (let framesDone = 0; framesDone < 300; framesDone += 1) {
    run.progress({ ...progress, framesDone });
    hand.now += 40;
  }
  t.is(screen.text.trim().split('\n').length, 3);
  for (const sealed of sampleRun.infractions) run.infraction(sealed);
  run.notice('frame 12 is damaged: unexpected end');
  run.summary(sampleRun, comparison);
  t.false(screen.text.includes(escapeCode));
  t.false(screen.text.includes('\r'));
  t.regex(
    screen.text,
    /^12:00:15\.867 {2}frame 238 {2}RED-LIGHT {2}car #14 {2}lane A1 {2}red for 3\.9 s, 45 km\/h {2}evidence unit-1-000006$/m,
  );
});

test('the last progress line is of the end, on a terminal and in a file, however soon the end comes', (t) => {
  const skipped = 160;
  for (const [screen, ends] of [
    [new Screen(true, 80), /frame 300\/300 · 100 % · [^\n]*160 skipped[^\n]*$/],
    [new Screen(false), /frame 300\/300 · 100 % · [^\n]*160 skipped[^\n]*\n$/],
  ] as const) {
    const { run, hand } = consoleOn(screen);
    for (const judged of [1, 100, 139, 140]) {
      run.progress({ ...progress, skipped, framesDone: judged + skipped });
      hand.now += 10;
    }
    t.regex(screen.text.replaceAll(new RegExp(`${escapeCode}\\[0?m`, 'g'), ''), ends);
    const before = screen.text.length;
    if (!screen.isTTY) run.progress({ ...progress, skipped, framesDone: 300 });
    t.is(screen.text.length, before, 'and once');
  }
});

test('colours only on a terminal that wants them', (t) => {
  const coloured = (screen: Screen, environment: TerminalEnvironment) => {
    consoleOn(screen, environment).run.summary(sampleRun, comparison);
    return screen.text.includes(`${escapeCode}[`);
  };
  t.true(coloured(new Screen(true, 80), {}));
  t.false(coloured(new Screen(true, 80), { NO_COLOR: '1' }));
  t.false(coloured(new Screen(true, 80), { TERM: 'dumb' }));
  t.false(coloured(new Screen(false), {}));
});

test('the summary holds measured against true for every infraction, in 80 columns', (t) => {
  const text = summaryText(sampleRun, comparison, plainStyle);
  for (const line of text.split('\n')) t.true([...line].length <= 80, line);
  t.regex(text, /^6 infractions: 6 of 6 true ones found, 0 missed, 0 invented\.$/m);
  t.regex(text, /^0:07\.93 +speeding +#9 car +A1 +78\.5 ±0\.8 km\/h +78\.0 km\/h +\+0\.5 km\/h$/m);
  t.regex(text, /^0:15\.87 +red-light +#14 car +A1 +red for 3\.9 s +at 0:15\.85 +\+0\.02 s$/m);
  t.regex(text, /median error 0\.30 km\/h, largest 0\.90 km\/h/);
  t.regex(text, /300 frames, 14\.0 frames\/s, 0 skipped, 1 damaged, 1874 detections, 14 tracks/);
  t.regex(text, /^BUS +1 +0 +1 +2$/m);
  t.regex(text, /^near +towards +3 +1 +0 +4$/m);
  t.regex(text, /^far +- +0 +0 +0 +0$/m);
});

test('the summary names what was missed and what was invented', (t) => {
  const [first, ...rest] = sampleRun.infractions;
  const moved = { ...(first ?? t.fail()), infraction: { ...(first ?? t.fail()).infraction, track: 3 } };
  const record = { ...sampleRun, infractions: [moved, ...rest] };
  const text = summaryText(record, compareWithTruth(record, sampleTruth), plainStyle);
  t.regex(text, /^6 infractions: 5 of 6 true ones found, 1 missed, 1 invented\.$/m);
  t.regex(text, /^ +- +wrong-way +wrong-way +A1 +MISSED +at 0:01\.50$/m);
  t.regex(text, /^0:01\.60 +wrong-way +#3 car +A1 +12\.4 m +INVENTED$/m);
});

test('without a truth, without frames, after an interruption: the summary says what there is', (t) => {
  const text = summaryText(
    {
      ...sampleRun,
      watched: undefined,
      outcome: { kind: 'failed', message: 'source-truncated: the file\n  ends in frame 0' },
      infractions: [],
      crossings: [],
      tracks: [],
      counts: { frames: 0, skipped: 0, damaged: 0, lost: 0, alerts: 0, detections: 0, peakMemoryBytes: undefined },
    },
    undefined,
    plainStyle,
  );
  t.regex(text, /no frame came/);
  t.regex(text, /^The run was stopped by a fault: source-truncated: the file ends in frame 0$/m);
  t.regex(text, /^No infraction\.$/m);
});

test('an alert names list, entry, match, track and time of day, and begins a line of its own', (t) => {
  const time = { ...timeOf(0), utc: utcMilliseconds(Date.UTC(2026, 2, 1, 14, 3, 22, 400)) };
  const alert = {
    list: 'stolen',
    entry: 'case-17',
    match: 'exact',
    confidence: fraction(0.97),
    track: 12,
    frame: 7,
    time,
  } as const;
  t.is(alertLine(alert), 'ALERT stolen: entry case-17, exact (track 12, 14:03:22)');
  const undated = { ...time, elapsed: milliseconds(5440), clock: { ...time.clock, dated: false } };
  t.is(
    alertLine({ ...alert, match: 'one-off', time: undated }),
    'ALERT stolen: entry case-17, one-off (track 12, date unknown, +0:05.44)',
  );
  t.false(alertLine({ ...alert, list: `a${escapeCode}[2J`, entry: 'b\nc' }).includes(escapeCode));
  const screen = new Screen(true, 80);
  const { run } = consoleOn(screen, { NO_COLOR: '1' });
  run.progress(progress);
  run.alert(alert);
  t.true(screen.text.endsWith(`\r${escapeCode}[2K${alertLine(alert)}\n`));
});

test('names from outside cannot steer the terminal', (t) => {
  const hostile = `A1${escapeCode}[2J\u009b31m\r\nroot\u202e`;
  const [first] = sampleRun.infractions;
  const sealed = first ?? t.fail();
  const evil = { ...sealed, evidence: hostile, infraction: { ...sealed.infraction, lane: hostile } };
  const record = {
    ...sampleRun,
    infractions: [evil],
    source: { ...sampleRun.source, name: hostile },
    scene: { ...sampleRun.scene, name: hostile, lines: [hostile] },
  };
  const screen = new Screen(false);
  const { run } = consoleOn(screen);
  run.opening([hostile]);
  run.notice(hostile);
  run.infraction(evil);
  run.summary(record, compareWithTruth(record, sampleTruth));
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what must not be there.
  t.notRegex(screen.text, /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e]/);
  t.is(printable('a\u001b[31mb'), 'a\ufffd[31mb');
});

test('a progress line without a known end has no share, and a rate only once there is one', (t) => {
  t.is(
    progressText({ ...progress, framesTotal: undefined, framesDone: 7, damaged: 1 }, undefined, 80),
    'frame 7 · 1 infraction · 2 skipped · 1 damaged · 5 tracks · 212 MB',
  );
});

test('lines are wrapped between their pieces, and a table is narrowed where it may be', (t) => {
  const sealed = sampleRun.infractions[1] ?? t.fail();
  for (const columns of [40, 60, 80]) {
    const lines = infractionLines(sealed, columns);
    for (const line of lines) t.true(line.length <= columns, line);
    t.true(lines.join(' ').endsWith('evidence unit-1-000002'));
  }
  t.deepEqual(wrap(['aaa', 'bbb', 'ccc'], 8, ', ', '  '), ['aaa, bbb', '  ccc']);
  const columns = [
    { title: 'name', align: 'left', narrows: true },
    { title: 'n', align: 'right' },
  ] as const;
  t.deepEqual(table(columns, [{ cells: ['a very long name', '12'] }], 14, plainStyle), [
    'name         n',
    'a very lo…  12',
  ]);
  t.is(colourStyle.bad('x'), `${escapeCode}[31mx${escapeCode}[39m`);
});
