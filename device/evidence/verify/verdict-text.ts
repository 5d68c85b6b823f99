import { type Finding, mostFindings, type Verdict } from './finding.ts';

/** Characters of a line, so that it can be read on a phone. */
const lineWidth = 80;

/** A verdict for a person: OK or FAILED first, then what was found, failures before notices, then the counts. */
export function verdictText(verdict: Verdict): string {
  const { ok, unit, checkpoint, findings, counts, witnessed, seconds } = verdict;
  const lines: string[] = [ok ? 'OK' : `FAILED: ${plural(counts.failures, 'failure')}`];
  if (unit !== undefined) lines.push(...wrapped(`unit ${printable(unit)}`, ''));
  if (checkpoint !== undefined)
    lines.push(`checkpoint over ${plural(checkpoint.size, 'entry', 'entries')}`, `  root ${checkpoint.root}`);
  for (const { name, time } of witnessed) {
    lines.push(...wrapped(`witness ${printable(name)} at ${witnessTime(time)}`, '  '));
  }
  for (const severity of ['failure', 'notice'] as const) {
    const total = severity === 'failure' ? counts.failures : counts.notices;
    for (const finding of findings) if (finding.severity === severity) lines.push('', ...findingLines(finding));
    if (total > mostFindings) lines.push('', `and ${plural(total - mostFindings, `more ${severity}`)}`);
  }
  lines.push('', ...countLines(verdict), `${seconds.toFixed(1)} s`);
  return `${lines.join('\n')}\n`;
}

/** The verdict as JSON, two spaces deep. */
export const verdictJson = (verdict: Verdict): string => `${JSON.stringify(verdict, undefined, 2)}\n`;

function findingLines({ severity, part, path, byte, check, says }: Finding): string[] {
  const place = `${printable(path)}${byte === undefined ? '' : `, byte ${byte}`}`;
  return [
    ...wrapped(`${severity === 'failure' ? 'FAILURE' : 'notice'} ${part}: ${place}`, '  '),
    ...wrapped(printable(says), '  ', '  '),
    ...wrapped(`(${check})`, '  ', '  '),
  ];
}

function countLines({ counts }: Verdict): string[] {
  const { records, evidence, actions, unknown, erased, held, signatures, files, tiles, bundles, bytes } = counts;
  const said = [
    plural(records, 'entry', 'entries'),
    `${evidence} of evidence`,
    plural(actions, 'action'),
    `${unknown} unknown`,
    `${erased} erased`,
    `${held} held`,
    plural(signatures, 'signature'),
    plural(files, 'age file'),
    plural(tiles, 'tile'),
    plural(bundles, 'entry bundle'),
    `${bytes} bytes`,
    plural(counts.notices, 'notice'),
  ];
  return wrapped(said.join(', '), '');
}

const plural = (count: number, one: string, many = `${one}s`): string => `${count} ${count === 1 ? one : many}`;

/** A witness may state any 64-bit number. */
const witnessTime = (seconds: number): string =>
  seconds < 253402300800 ? new Date(seconds * 1000).toISOString() : `second ${seconds}`;

/** What a stranger wrote must not move the cursor of a terminal. */
const printable = (text: string): string => text.replace(/[^\x20-\x7e\u00a0-\u024f]/g, '?');

/** Words in lines of at most `lineWidth`; a word that is longer is cut. */
function wrapped(text: string, indent: string, first = ''): string[] {
  const lines: string[] = [];
  let line = first;
  let empty = true;
  for (const word of text.split(' ')) {
    let rest = word;
    if (!empty && line.length + 1 + rest.length > lineWidth) {
      lines.push(line);
      line = indent;
      empty = true;
    }
    if (!empty) line += ' ';
    while (line.length + rest.length > lineWidth) {
      const room = lineWidth - line.length;
      lines.push(line + rest.slice(0, room));
      rest = rest.slice(room);
      line = indent;
    }
    line += rest;
    empty = false;
  }
  return [...lines, line];
}
