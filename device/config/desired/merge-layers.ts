import { isSettings, type Settings } from './settings.ts';

/** Settings of a fleet, a group, a site, a unit: what a document for one unit is made of. */
export interface Layer {
  readonly name: string;
  readonly settings: Settings;
}

export interface MergedLayers {
  readonly settings: Settings;
  /** Which layer each field's value is from, by its path. */
  readonly origin: ReadonlyMap<string, string>;
}

/**
 * Lays layers over one another, the general ones first. Objects are merged, lists replaced whole; null takes out what the layers below
 * say, so that the unit's own value is in force. What comes out holds no null.
 */
export function mergeLayers(layers: readonly Layer[]): MergedLayers {
  const origin = new Map<string, string>();
  const settings = layers.reduce<Settings>((below, layer) => merge(below, layer.settings, '', layer.name, origin), {});
  return { settings, origin };
}

function merge(below: Settings, above: Settings, at: string, layer: string, origin: Map<string, string>): Settings {
  const merged = new Map(Object.entries(below));
  for (const [name, value] of Object.entries(above)) {
    if (value === undefined) continue;
    const path = at === '' ? name : `${at}.${name}`;
    const under = merged.get(name);
    if (isSettings(value)) {
      if (!isSettings(under)) forget(origin, path);
      const inner = merge(isSettings(under) ? under : {}, value, path, layer, origin);
      if (Object.keys(inner).length > 0) merged.set(name, inner);
      else merged.delete(name);
      continue;
    }
    forget(origin, path);
    if (value === null) merged.delete(name);
    else {
      merged.set(name, value);
      origin.set(path, layer);
    }
  }
  return Object.fromEntries(merged);
}

/** Whatever was said of a field, and of those in it. */
function forget(origin: Map<string, string>, path: string): void {
  for (const known of [...origin.keys()]) {
    if (known === path || known.startsWith(`${path}.`)) origin.delete(known);
  }
}
