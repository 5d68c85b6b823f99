import { type Milliseconds, milliseconds } from '../kernel/units.ts';
import { depthInside } from '../scene/geometry.ts';
import { laneAt, type Scene, type Zone } from '../scene/scene.ts';
import { holds } from '../scene/schedule.ts';
import type { Infraction } from './infraction.ts';
import type { Sight, Subject } from './subject.ts';
import type { Moment } from './trail.ts';

/** Boxes of a stand: so many at least, and so many a second of it. */
const neededMoments = { least: 8, aSecond: 2 } as const;

/**
 * Seconds for which it has been watched standing at its place, and since `from` on the watch where that is later. Time in which it was
 * hidden for over a second does not count. `undefined` where it was seen too rarely for a judgement.
 */
export function standingTime({ watched, stand }: Moment, from = milliseconds(0)): number | undefined {
  const standing = (watched - Math.max(stand.watchedBefore, from)) / 1000;
  const needed = Math.max(neededMoments.least, neededMoments.aSecond * standing);
  return stand.moments >= needed ? standing : undefined;
}

/** The same reading serves forbidden stopping and the blocked box. */
export interface Standing {
  readonly rule: 'stopping' | 'blocked-box';
  readonly what: string;
}

/**
 * Accuses who stands in the zone longer than allowed while the rule holds. A vehicle stands while its foot stays within 15 % of its size of one
 * place; the box may jitter. Only time in which it was watched counts, and only from inside the zone; hidden for so long that another vehicle
 * can have taken its place, it begins anew.
 */
export function observeStanding(
  { subject, moments }: Sight,
  zone: Zone,
  scene: Scene,
  { rule, what }: Standing,
  entered: WeakMap<Subject, Milliseconds>,
): Infraction | undefined {
  if (subject.accused.has(rule) || !zone.classes.includes(subject.class)) return undefined;
  for (const moment of moments) {
    const depth = depthInside(zone.polygon, moment.foot);
    if (depth < 0 || !holds(zone.when, moment.time.utc, scene.timeZone)) {
      // A box that jitters over the edge keeps its count.
      if (depth < -0.1 * moment.box.width || depth >= 0) entered.delete(subject);
      continue;
    }
    const inside = entered.get(subject) ?? moment.watched;
    entered.set(subject, inside);
    const standing = standingTime(moment, inside);
    if (standing === undefined || standing <= zone.allowed) continue;
    subject.accused.add(rule);
    return {
      rule,
      frame: moment.frame,
      time: moment.time,
      track: subject.track.id,
      class: subject.class,
      lane: laneAt(scene, moment.foot)?.name,
      box: moment.box,
      measured: { rule, zone: zone.name, standingS: standing, allowedS: zone.allowed },
      findings: [
        { name: 'zone', value: zone.name, says: `The wheels are inside ${what} ${zone.name}.` },
        {
          name: 'rule-holds',
          value: true,
          says: zone.when === undefined ? 'The rule holds at all times.' : 'The rule holds at this time of the week.',
        },
        {
          name: 'standing',
          value: standing,
          unit: 's',
          limit: zone.allowed,
          says: `It has stood at one place for ${standing.toFixed(2)} s; ${zone.allowed} s are allowed.`,
        },
        { name: 'class', value: subject.class, says: `The rule judges vehicles of class ${zone.classes.join(', ')}.` },
      ],
    };
  }
  return undefined;
}
