import type { RuleName } from './infraction.ts';

const ruleTitles: Record<RuleName, string> = {
  speeding: 'Speeding',
  'red-light': 'Red light',
  'stop-line': 'Stop line',
  'wrong-way': 'Wrong way',
  stopping: 'Forbidden stopping',
  'blocked-box': 'Blocked box',
  'restricted-lane': 'Restricted lane',
};

/** The rule's name as a person writes it: `Red light`. */
export const ruleTitle = (rule: RuleName): string => ruleTitles[rule];
