import { isDeepStrictEqual } from 'node:util';
import type { JsonValue } from '../../device/kernel/canonical-json.ts';

export interface SettingChange {
  /** `signal.beacon.onMs`. */
  readonly path: string;
  /** Undefined where the settings do not speak of it: the unit's own value is in force. */
  readonly before: JsonValue | undefined;
  readonly after: JsonValue | undefined;
}

type Settings = { readonly [field: string]: JsonValue | undefined };

const isObject = (value: JsonValue | undefined): value is Settings =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The fields in which two parts of a configuration differ, by path; lists are one value. */
export function settingChanges(before: Settings, after: Settings, above = ''): readonly SettingChange[] {
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort();
  return names.flatMap((name): readonly SettingChange[] => {
    const path = above === '' ? name : `${above}.${name}`;
    const [one, other] = [before[name], after[name]];
    if (isDeepStrictEqual(one, other)) return [];
    if ((isObject(one) || one === undefined) && (isObject(other) || other === undefined))
      return settingChanges(one ?? {}, other ?? {}, path);
    return [{ path, before: one, after: other }];
  });
}
