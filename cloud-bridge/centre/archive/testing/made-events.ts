import type { JsonValue } from '../../../../device/kernel/canonical-json.ts';
import { sha256 } from '../../../../device/kernel/hash.ts';
import type { Archive, Arrived, ArrivedPart } from '../archive.ts';

export const stream = '0123456789abcdef';

/** An event of a unit; whatever differs is named. */
export function madeEvent(sequence: number, other: Partial<Arrived> = {}): Arrived {
  return {
    unit: 'unit-1',
    lane: 'infraction',
    stream,
    sequence,
    previous: sequence - 1,
    kind: 'infraction',
    time: new Date(1_770_000_000_000 + sequence * 1000).toISOString(),
    data: { record: { schema: 'x/1', unit: 'unit-1', sequence }, signature: 'c2ln' },
    forwardTo: [],
    ...other,
  };
}

export function madeEvents(from: number, to: number, other: Partial<Arrived> = {}): Arrived[] {
  return Array.from({ length: to - from + 1 }, (_, i) => madeEvent(from + i, other));
}

/** An event in pieces; `said`: the digest that they claim. */
export function madeParts(event: Arrived, count: number, said?: string): ArrivedPart[] {
  const text = Buffer.from(JSON.stringify(event.data));
  const each = Math.ceil(text.byteLength / count);
  const { data: _, forwardTo: __, ...rest } = event;
  return Array.from({ length: count }, (___, index) => ({
    ...rest,
    part: { index, count, sha256: said ?? sha256(text) },
    content: text.subarray(index * each, (index + 1) * each),
  }));
}

export const longData = (length: number): JsonValue => ({ text: 'ö"\\ '.repeat(length / 4) });

export async function sequences(archive: Archive): Promise<number[]> {
  return (await archive.events({ order: 'sequence', limit: 10_000 })).map(({ sequence }) => sequence);
}

export function shuffled<T>(list: readonly T[], random: () => number): T[] {
  return list
    .map((one) => ({ one, at: random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ one }) => one);
}
