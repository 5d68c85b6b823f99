import { readFile, stat } from 'node:fs/promises';
import { LineCounter, parseDocument } from 'yaml';
import { AtalayaError, systemCode } from '../kernel/errors.ts';
import { buildScene } from './build-scene.ts';
import type { SceneFault } from './check-scene.ts';
import type { Scene } from './scene.ts';
import { sceneSchema } from './scene-schema.ts';

/** A scene file is written by hand; more than this is a mistake. */
const maximumBytes = 1_000_000;

/**
 * Reads a scene file and builds the scene for pictures of the given size (default: the size it was drawn for).
 *
 * Throws 'scene-invalid' with every fault's line and place, or 'scene-mismatch' for pictures of another shape.
 */
export async function loadScene(path: string, picture?: Scene['picture']): Promise<Scene> {
  let text: string;
  try {
    const { size } = await stat(path);
    if (size > maximumBytes)
      throw new AtalayaError('scene-invalid', `${path} has ${size} bytes, which is no scene file`);
    text = await readFile(path, 'utf8');
  } catch (error) {
    if (error instanceof AtalayaError) throw error;
    const missing = systemCode(error) === 'ENOENT';
    throw new AtalayaError('scene-invalid', `scene file ${path} ${missing ? 'does not exist' : 'cannot be read'}`, {
      hint: 'Name an existing YAML file; device/scene/README.md says how to draw one.',
      cause: error,
    });
  }
  return parseScene(text, path, picture);
}

/** The same for a text that is already here; `what` names it in the messages. */
export function parseScene(text: string, what: string, picture?: Scene['picture']): Scene {
  const lines = new LineCounter();
  const yaml = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const lineOf = (offset: number): number => lines.linePos(offset).line;
  if (yaml.errors.length > 0) {
    throw invalid(
      what,
      yaml.errors.map((error) => `line ${lineOf(error.pos[0])}: ${error.message}`),
    );
  }
  const named = ({ path, message }: SceneFault): string => {
    // The innermost part of the path that the file really has: a missing key is reported at its parent.
    for (let depth = path.length; depth >= 0; depth--) {
      const node = depth === 0 ? yaml.contents : yaml.getIn(path.slice(0, depth), true);
      const range = (node as { range?: [number, number, number] | null } | undefined)?.range;
      if (range) return `line ${lineOf(range[0])}: ${written(path)}: ${message}`;
    }
    return `${written(path)}: ${message}`;
  };
  const parsed = sceneSchema.safeParse(plain(yaml, what));
  if (!parsed.success) {
    throw invalid(
      what,
      parsed.error.issues.map((issue) =>
        named({ path: issue.path.filter((key) => typeof key !== 'symbol'), message: issue.message }),
      ),
    );
  }
  const built = buildScene(parsed.data, picture);
  if (!built.ok) throw invalid(what, built.faults.map(named));
  return built.scene;
}

function plain(yaml: ReturnType<typeof parseDocument>, what: string): unknown {
  try {
    return yaml.toJS({ maxAliasCount: 100 });
  } catch (error) {
    throw invalid(what, [error instanceof Error ? error.message : String(error)]);
  }
}

function invalid(what: string, faults: readonly string[]): AtalayaError {
  return new AtalayaError(
    'scene-invalid',
    `scene ${what} is refused:\n${faults.map((fault) => `  ${fault}`).join('\n')}`,
    {
      hint: 'Correct the lines named above; device/scene/README.md describes every field.',
    },
  );
}

function written(path: readonly (string | number)[]): string {
  if (path.length === 0) return '(document)';
  return path.map((key, i) => (typeof key === 'number' ? `[${key}]` : `${i > 0 ? '.' : ''}${key}`)).join('');
}
