import { type ObjectClass, objectClasses } from '../detect/detection.ts';

/**
 * Classes that a detector takes for one another. A track may be fed by any class of its kind: a van flickers between car and truck, a
 * scooter between motorcycle and bicycle. The rider is a person of their own.
 */
export type Kind = 'person' | 'two-wheeler' | 'four-wheeler';

const kinds: Readonly<Record<ObjectClass, Kind>> = {
  person: 'person',
  bicycle: 'two-wheeler',
  motorcycle: 'two-wheeler',
  car: 'four-wheeler',
  bus: 'four-wheeler',
  truck: 'four-wheeler',
};

export function kindOf(objectClass: ObjectClass): Kind {
  return kinds[objectClass];
}

/** The sum of scores that each class has got. */
export type Votes = Readonly<Partial<Record<ObjectClass, number>>>;

export function addVotes(a: Votes, b: Votes): Votes {
  const sum: Partial<Record<ObjectClass, number>> = { ...a };
  for (const name of objectClasses) {
    const votes = b[name];
    if (votes !== undefined) sum[name] = (sum[name] ?? 0) + votes;
  }
  return sum;
}

/** The class with the most votes; of equal ones the first in `objectClasses`. */
export function winner(votes: Votes): ObjectClass {
  let best: ObjectClass | undefined;
  for (const name of objectClasses) {
    const own = votes[name];
    if (own !== undefined && (best === undefined || own > (votes[best] ?? 0))) best = name;
  }
  if (best === undefined) throw new RangeError('no class has got a vote');
  return best;
}

/** Each class's share of all votes; they sum to 1, and a class without votes is absent. */
export function shares(votes: Votes): ReadonlyMap<ObjectClass, number> {
  const sum = Object.values(votes).reduce((total, one) => total + one, 0);
  const share = (name: ObjectClass): number => (votes[name] ?? 0) / sum;
  return new Map(objectClasses.filter((name) => (votes[name] ?? 0) > 0).map((name) => [name, share(name)]));
}
