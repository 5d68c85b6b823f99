import { z } from 'zod';
import { sceneSchema } from './scene-schema.ts';

/** The part of JSON Schema that the scene's schema uses. */
interface Node {
  readonly description?: string;
  readonly type?: string;
  readonly properties?: Readonly<Record<string, Node>>;
  readonly required?: readonly string[];
  readonly items?: Node;
  readonly anyOf?: readonly Node[];
}

const begin = '<!-- fields: generated, see reference.ts -->';
const end = '<!-- end of fields -->';

/** Every field of the scene file as a Markdown list, one line each: path, whether it is required, what it means. */
export function fieldList(): string {
  const root = z.toJSONSchema(sceneSchema, { io: 'input' }) as Node;
  return linesOf(root, '').join('\n');
}

/** The page with its list brought up to date. Throws a RangeError where the page has lost its markers. */
export function withFieldList(page: string): string {
  const from = page.indexOf(begin);
  const to = page.indexOf(end);
  if (from < 0 || to < from) throw new RangeError('the page has no place for the list of fields');
  return `${page.slice(0, from)}${begin}\n\n${fieldList()}\n\n${page.slice(to)}`;
}

function linesOf(node: Node, path: string): readonly string[] {
  return Object.entries(node.properties ?? {}).flatMap(([key, child]) => {
    const own = path === '' ? key : `${path}.${key}`;
    const needed = node.required?.includes(key) ? ' (required)' : '';
    return [`- \`${own}\`${needed}: ${child.description ?? ''}`, ...deeper(child, own)];
  });
}

function deeper(node: Node, path: string): readonly string[] {
  if (node.anyOf !== undefined) return node.anyOf.flatMap((one) => deeper(one, path));
  if (node.items !== undefined) return deeper(node.items, `${path}[]`);
  return linesOf(node, path);
}
