import type { LineState } from '../signal/contract/line-state.ts';
import type { SelfTestFinding } from './contract/self-test-report.ts';
import type { LinesFacts } from './facts.ts';
import { passed, troubled, untested } from './findings.ts';

type Open = Extract<LinesFacts, { readonly kind: 'open' }>;
const check = 'lines';

/** Each line on its own, then what lines say together. */
export function judgeLines(facts: LinesFacts): readonly SelfTestFinding[] {
  switch (facts.kind) {
    case 'simulated':
      return [untested('lines-simulated', { check, says: 'The configuration has no wires (signal.lines.driver).' })];
    case 'unavailable':
      return [troubled('failed', 'lines-unavailable', { check, says: facts.says })];
    case 'open': {
      const found = [
        ...facts.lines.map((line) => judgeLine(line, facts.watchedMs)),
        ...facts.heads.flatMap((head) => judgeHead(head, facts.lines)),
        ...facts.unknown.map((name) =>
          troubled('failed', 'line-unknown', { check, subject: name, says: `There is no output ${name} to pulse.` }),
        ),
      ];
      if (found.length > 0) return found;
      return [untested('lines-none', { check, says: 'The configuration names no line.' })];
    }
  }
}

function judgeLine(line: LineState, watchedMs: number): SelfTestFinding {
  const { name: subject, role, fault } = line;
  const named = { check, subject } as const;
  if (fault !== undefined)
    return troubled('failed', 'line-dead', { ...named, says: `The line of ${role} does not answer: ${fault}` });
  return line.direction === 'output' ? judgeOutput(line) : judgeInput(line, watchedMs);
}

function judgeOutput({ name: subject, role, pulsed }: LineState): SelfTestFinding {
  const named = { check, subject } as const;
  if (pulsed === undefined) {
    return untested('line-output-idle', {
      ...named,
      says: `${role} was opened and left safe; it is pulsed only on request.`,
    });
  }
  if (!pulsed) return troubled('failed', 'line-pulse-failed', { ...named, says: `${role} could not be switched.` });
  return passed('line-pulsed', {
    ...named,
    says: `${role} was switched on and off; whether it lit, somebody has to see.`,
  });
}

function judgeInput({ name: subject, role, active, changes = 0 }: LineState, watchedMs: number): SelfTestFinding {
  const named = { check, subject } as const;
  const stands = active === undefined ? 'not known' : active ? 'on' : 'off';
  const figures = [{ name: 'changes', value: changes, unit: '1' }];
  const words = { ...named, figures };
  if (active === undefined)
    return troubled('failed', 'line-dead', { ...words, says: `The line of ${role} could not be read.` });
  if (role === 'door' && active) return troubled('doubtful', 'line-door-open', { ...words, says: 'The door is open.' });
  if (role === 'tamper' && active) {
    return troubled('doubtful', 'line-tampered', { ...words, says: 'The tamper switch is on.' });
  }
  if (role === 'spare') return untested('line-spare', { ...words, says: `Nothing uses this input; it is ${stands}.` });
  if (changes > 0) {
    return passed('line-good', {
      ...words,
      says: `${role} is ${stands} and has changed ${changes === 1 ? 'once' : `${changes} times`}.`,
    });
  }
  return troubled('doubtful', 'line-unchanged', {
    ...words,
    says: `${role} is ${stands}, and has not changed in ${duration(watchedMs)}.`,
  });
}

/** Lamps that are never lit together (a red and amber before green is usual in many countries). */
function judgeHead(
  { head, red, green }: Open['heads'][number],
  lines: readonly LineState[],
): readonly SelfTestFinding[] {
  const isLit = (name: string | undefined): boolean => lines.find((one) => one.name === name)?.active === true;
  if (green === undefined || !isLit(red) || !isLit(green)) return [];
  const says = `${head} shows red (${red}) and green (${green}) at once.`;
  return [troubled('failed', 'lamps-contradict', { check, subject: head, says })];
}

export function duration(ms: number): string {
  if (ms < 120_000) return `${Math.round(ms / 1000)} s`;
  return ms < 7_200_000 ? `${Math.round(ms / 60_000)} min` : `${Math.round(ms / 3_600_000)} h`;
}
