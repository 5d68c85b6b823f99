import { type ZodType, z } from 'zod';

/** One field of a file that people write: a row of its reference page. */
export interface FieldReference {
  /** `lanes[].name`: `[]` for each element of a list. */
  readonly path: string;
  readonly type: string;
  /** As it is written in the file; undefined where there is none. */
  readonly default: string | undefined;
  readonly required: boolean;
  readonly says: string;
  /** When a new value takes effect (`apply` of the field's metadata), its own or that of the list that it stands in. */
  readonly apply?: string;
  /** Unit of the figure (`unit` of the field's metadata). */
  readonly unit?: string;
}

/** What is read of a JSON Schema here. */
interface Node {
  readonly type?: string;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly properties?: Readonly<Record<string, Node>>;
  readonly required?: readonly string[];
  readonly items?: Node;
  readonly prefixItems?: readonly Node[];
  readonly anyOf?: readonly Node[];
  readonly oneOf?: readonly Node[];
  readonly default?: unknown;
  readonly description?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
  readonly apply?: unknown;
  readonly unit?: unknown;
}

/** Every field of a schema in its order, nested ones after their parents: documentation that cannot drift from what is checked. */
export function referenceOf(schema: ZodType): FieldReference[] {
  const root = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as Node;
  return onePerPath(fieldsOf(root, ''));
}

/** The alternatives of a section share fields: one row for each, with every type that it has. */
function onePerPath(fields: readonly FieldReference[]): FieldReference[] {
  const rows = new Map<string, FieldReference>();
  for (const field of fields) {
    const before = rows.get(field.path);
    const types = new Set([...(before?.type.split(' or ') ?? []), ...field.type.split(' or ')]);
    rows.set(field.path, {
      ...(before ?? field),
      type: [...types].join(' or '),
      required: field.required && (before?.required ?? true),
    });
  }
  return [...rows.values()];
}

/** The fields as a Markdown table, with a column for when they take effect where the schema says it of any. */
export function referenceTable(schema: ZodType): string {
  const fields = referenceOf(schema);
  const applied = fields.some(({ apply }) => apply !== undefined);
  const rows = fields.map(({ path, type, unit, required, says, apply, default: value }) => {
    const fallback = required ? 'required' : value === undefined ? '' : `\`${value}\``;
    const figure = unit === undefined ? type : `${type}, ${unit}`;
    const when = applied ? [apply === undefined ? '' : `\`${apply}\``] : [];
    return `| ${[`\`${path}\``, cell(figure), cell(fallback), ...when, cell(says)].join(' | ')} |`;
  });
  const head = ['field', 'type', 'default', ...(applied ? ['apply'] : []), 'what it means'];
  return [`| ${head.join(' | ')} |`, `|${'---|'.repeat(head.length)}`, ...rows].join('\n');
}

function fieldsOf(node: Node, path: string, above?: string): FieldReference[] {
  if (node.items !== undefined && node.prefixItems === undefined) return fieldsOf(node.items, `${path}[]`, above);
  const alternatives = node.anyOf ?? node.oneOf;
  if (alternatives !== undefined) return alternatives.flatMap((one) => fieldsOf(one, path, above));
  return Object.entries(node.properties ?? {}).flatMap(([name, field]) => {
    const at = path === '' ? name : `${path}.${name}`;
    const apply = typeof field.apply === 'string' ? field.apply : above;
    const nested = fieldsOf(field, at, apply);
    const own: FieldReference = {
      path: at,
      type: typeOf(field),
      default: nested.length > 0 || field.default === undefined ? undefined : JSON.stringify(field.default),
      required: (node.required ?? []).includes(name),
      says: field.description ?? '',
      ...(apply === undefined ? {} : { apply }),
      ...(typeof field.unit === 'string' ? { unit: field.unit } : {}),
    };
    return [own, ...nested];
  });
}

function typeOf(node: Node): string {
  const alternatives = node.anyOf ?? node.oneOf;
  if (alternatives !== undefined) return [...new Set(alternatives.map(typeOf))].join(' or ');
  if (node.const !== undefined) return `\`${String(node.const)}\``;
  if (node.enum !== undefined) return node.enum.map((value) => `\`${String(value)}\``).join(', ');
  if (node.prefixItems !== undefined) return `[${node.prefixItems.map(typeOf).join(', ')}]`;
  if (node.items !== undefined) return `list of ${typeOf(node.items)}`;
  if (node.properties !== undefined) return 'section';
  const bounds = [
    node.minimum !== undefined && Math.abs(node.minimum) < 1e15 ? `from ${node.minimum}` : '',
    node.exclusiveMinimum !== undefined ? `above ${node.exclusiveMinimum}` : '',
    node.maximum !== undefined && node.maximum < 1e15 ? `to ${node.maximum}` : '',
  ].filter(Boolean);
  const kind = node.type === 'integer' ? 'whole number' : node.type === 'string' ? 'text' : (node.type ?? 'any');
  return [kind, ...bounds].join(' ');
}

/** A table's cell holds no bar and no line break. */
function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ');
}
