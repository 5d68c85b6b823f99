import { z } from 'zod';
import { parse } from '../../device/kernel/schema.ts';
import type { TfNode } from './read-graph.ts';

/** TensorFlow attributes as protobuf's JSON spells them: strings as byte lists, integers as decimal strings. */

const integers = z.object({ list: z.object({ i: z.array(z.coerce.number<string | number>().int()) }) });
const text = z.object({
  s: z.union([
    z.array(z.number()).transform((bytes) => String.fromCharCode(...bytes)),
    z.base64().transform((s) => atob(s)),
  ]),
});
const real = z.object({ f: z.number() });

export interface ConvolutionAttributes {
  readonly strides: readonly [number, number];
  readonly dilations: readonly [number, number];
  readonly padding: 'SAME' | 'VALID';
}

/** Strides and dilations as `[y, x]`. Throws `bundle-invalid` for a layout other than NHWC. */
export function convolutionAttributes(node: TfNode): ConvolutionAttributes {
  const schema = z.object({
    strides: integers.transform(({ list }) => spatial(list.i)),
    dilations: integers.transform(({ list }) => spatial(list.i)).default([1, 1]),
    padding: text.transform(({ s }) => s).pipe(z.enum(['SAME', 'VALID'])),
    data_format: text
      .transform(({ s }) => s)
      .pipe(z.literal('NHWC'))
      .optional(),
  });
  return parse<ConvolutionAttributes>(
    schema as z.ZodType<ConvolutionAttributes>,
    node.attr,
    `node ${node.name}`,
    'bundle-invalid',
  );
}

/** The epsilon of a batch normalisation. */
export function epsilonAttribute(node: TfNode): number {
  return parse(z.object({ epsilon: real }), node.attr, `node ${node.name}`, 'bundle-invalid').epsilon.f;
}

function spatial(values: readonly number[]): [number, number] {
  const [, y, x] = values;
  return [y ?? Number.NaN, x ?? Number.NaN];
}
