import type { BundleManifest } from '../contract/bundle.ts';

/** How the programs of a bundle are run. */
export interface ScriptSettings {
  readonly cpu: NonNullable<BundleManifest['cpu']>;
  /** Arguments of Node, as a shell reads them. */
  readonly flags: string;
  /** Assignments, as a shell reads them: `A=1 B=2`. */
  readonly environment: string;
}

/** Node, below the root of a bundle. */
export const nodePath = (cpu: ScriptSettings['cpu']): string => `node_modules/node-linux-${cpu}/bin/node`;

/** What npm would have made a link to Node: a bundle has no links. */
export const nodeScript = (cpu: ScriptSettings['cpu']): string =>
  `#!/bin/sh\nexec "\${0%/*}/../node-linux-${cpu}/bin/node" "$@"\n`;

/** `start` at the root: runs `entry` with the bundle's own Node. It is called by a path, as the launcher does. */
export const startScript = (entry: string, { cpu, flags, environment }: ScriptSettings): string => `#!/bin/sh
root=\${0%/*}
export ${environment}
exec "$root/${nodePath(cpu)}" ${flags} "$root/${entry}" "$@"
`;

/** A command in `bin/`: also by a link from a folder of commands, and it stays with the bundle that the link led to. */
export const commandScript = (entry: string, { cpu, flags, environment }: ScriptSettings): string => `#!/bin/sh
root=$(dirname "$(readlink -f "$0")")/..
export ${environment}
exec "$root/${nodePath(cpu)}" ${flags} "$root/${entry}" "$@"
`;
