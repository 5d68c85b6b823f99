import type { SelfTestFigure, SelfTestFinding, SelfTestOutcome, SelfTestReport } from './contract/self-test-report.ts';
import { remedyOf } from './remedies.ts';

/** Columns of a phone held upright, less one. */
export const narrow = 46;

const marks: Readonly<Record<SelfTestOutcome, string>> = {
  passed: 'ok    ',
  doubtful: 'look  ',
  failed: 'FAILED',
  'not-tested': '-     ',
};

/** What a self-test found, a line or more each: `ok     clock: ...`. No line is longer than `width`. */
export function reportLines(report: SelfTestReport, width: number): readonly string[] {
  const found = report.findings.flatMap((one) => {
    const said =
      one.outcome === 'not-tested' ? `${titleOf(one)}: not tested. ${one.says}` : `${titleOf(one)}: ${one.says}`;
    return wrapped(said, width, `${marks[one.outcome]} `, '       ');
  });
  return [...wrapped(headline(report), width), ...found, ...wrapped(summary(report), width)];
}

/** For each trouble: what it is, what it does, and what to do. The failed ones first, each in the order in which they are mended. */
export function doctorLines(report: SelfTestReport, width: number): readonly string[] {
  const troubles = ['failed', 'doubtful'].flatMap((outcome) =>
    report.findings.filter((one) => one.outcome === outcome),
  );
  const parts = troubles.flatMap((one) => ['', ...troubleLines(one, width)]);
  const untested = report.findings.filter(({ outcome }) => outcome === 'not-tested').map(titleOf);
  const left = untested.length === 0 ? [] : ['', ...wrapped(`Not tested: ${untested.join(', ')}.`, width)];
  return [...wrapped(headline(report), width), ...parts, ...left, '', ...wrapped(summary(report), width)];
}

function troubleLines(finding: SelfTestFinding, width: number): readonly string[] {
  const remedy = remedyOf(finding.code);
  const title = `${finding.outcome === 'failed' ? 'FAILED' : 'LOOK AT'} ${titleOf(finding)} (${finding.code})`;
  const figures = finding.figures.filter(isMissed).map(figureWords);
  return [
    ...wrapped(title, width),
    ...wrapped(finding.says, width, '  '),
    ...figures.flatMap((one) => wrapped(one, width, '  ')),
    ...(remedy === undefined
      ? wrapped('This program knows no remedy: it is of newer software.', width, '  ')
      : [
          ...wrapped(`${remedy.means} ${remedy.matters}`, width, '  '),
          ...remedy.steps.flatMap((step, i) => wrapped(step, width, `  ${i + 1}. `, '     ')),
        ]),
  ];
}

const titleOf = ({ check, subject }: SelfTestFinding): string =>
  subject === undefined ? check : `${check} ${subject}`;

const isMissed = ({ value, least, most }: SelfTestFigure): boolean =>
  (least !== undefined && value < least) || (most !== undefined && value > most);

function figureWords({ name, value, unit, least, most }: SelfTestFigure): string {
  const bar = [least === undefined ? '' : `at least ${least}`, most === undefined ? '' : `at most ${most}`];
  return `${name}: ${value}${unit === '1' ? '' : ` ${unit}`}, should be ${bar.filter((one) => one !== '').join(', ')}`;
}

const headline = ({ unit, site, at }: SelfTestReport): string =>
  `${unit}${site === '' || site === unit ? '' : `, ${site}`}, ${at}`;

function summary({ outcome, findings }: SelfTestReport): string {
  const count = (wanted: SelfTestOutcome): number => findings.filter((one) => one.outcome === wanted).length;
  const tally = `${count('failed')} failed, ${count('doubtful')} to look at, ${count('passed')} good.`;
  if (outcome === 'failed') return `${tally} Not fit for service.`;
  return outcome === 'doubtful' ? `${tally} It works; somebody should look.` : `${tally} All is well.`;
}

/** Words in lines of at most `width` characters; a word that is longer stands alone and is cut into pieces. */
export function wrapped(text: string, width: number, first = '', rest = first): readonly string[] {
  const lines: string[] = [];
  const lead = (): string => (lines.length === 0 ? first : rest);
  let line = '';
  const flush = (): void => {
    lines.push(lead() + line);
    line = '';
  };
  for (const word of text.split(/\s+/).filter((one) => one !== '')) {
    let left = word;
    for (;;) {
      const room = Math.max(8, width - lead().length);
      const joined = line === '' ? left : `${line} ${left}`;
      if (joined.length <= room) {
        line = joined;
        break;
      }
      if (line !== '') flush();
      else {
        line = left.slice(0, room);
        left = left.slice(room);
        flush();
      }
    }
  }
  if (line !== '' || lines.length === 0) flush();
  return lines;
}
