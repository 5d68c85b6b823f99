import type { Box, Detection } from '../../detect/detection.ts';
import type { Infraction } from '../../judge/infraction.ts';
import { kindOf } from '../../track/classes.ts';
import type { NearbyFrame, Searched, Surroundings } from './bystander-memory.ts';

/**
 * What is covered in the copy for the operator.
 *
 * People: the whole box of every person, and of every two-wheeler with as much above it as a rider takes. They are covered wherever they
 * are, the accused's box included: a pedestrian before it, its driver, its passengers and the rider of an accused two-wheeler, whose
 * plate may be covered with the rider. Vehicles: of each that is not the accused, the lower part, where plates are mounted, except inside
 * the accused's box.
 *
 * Each box is covered with a margin, which grows with the time between the frame that is shown and the one in which it was seen; where
 * the shown frame itself was not looked at, also the way between two boxes that may be of one and the same. What the detector looked at
 * and did not find is not covered; what it did not look at is not shown. A box that does not say where it is (not a number) makes
 * everything unknown: then the accused's box alone is shown.
 */
export interface Redaction {
  /** False where it is not known who stands where, so that the accused's box alone is shown. */
  readonly known: boolean;
  /** What is shown at all. */
  readonly shown: readonly Area[];
  /** The accused's box in the picture; undefined where it is not known, or lies outside. */
  readonly accused: Area | undefined;
  /** Covered wherever they are. */
  readonly people: readonly Area[];
  /** Covered except inside `accused`. */
  readonly vehicles: readonly Area[];
}

/** Whole pixels inside the picture, `right` and `bottom` excluded; never empty. */
export interface Area {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

/** Where the accused is, in the frame that is shown and in those around it. */
export interface Accused {
  readonly class: Infraction['class'];
  readonly box: Box | undefined;
  /** Its box in another frame, where its track has one. */
  boxIn(frame: number): Box | undefined;
}

/** Of the box's longer side, on each side: a detector's boxes sit up to a tenth off. */
const margin = 0.15;
const leastMargin = 4;
/** What the margin grows by a second: 1.5 body heights, a brisk walk. */
const growth = 1.5;
/** Of a two-wheeler's height, above it: a rider's head is at 1.8 m, a bicycle's top at 1 m. */
const riderAbove = 0.8;
/** Of a vehicle's height: plates of cars, vans, buses and lorries are mounted below this. */
const plateShare = 0.6;
/** Boxes of one kind that overlap so much are of one and the same vehicle. */
const sameVehicle = 0.5;

/** Decides what is covered in a picture; never throws, whatever the boxes are. */
export function planRedaction(
  width: number,
  height: number,
  accused: Accused,
  surroundings: Surroundings | undefined,
): Redaction {
  const inside = (span: Span): Area | undefined => areaIn(width, height, span);
  const keep = accused.box === undefined ? undefined : spanOf(accused.box);
  const people: Area[] = [];
  const vehicles: Area[] = [];
  let known = true;
  const cover = (areas: Area[], span: Span, seconds: number) => {
    const area = inside(widened(span, seconds));
    if (area !== undefined) areas.push(area);
  };
  const seen = (surroundings?.frames ?? []).map((frame) => ({
    frame,
    found: frame.detections.map((one) => readBox(one)),
  }));
  const itself = seen.some(({ frame }) => frame.offset === 0);
  for (const { frame, found } of seen) {
    const away = Math.abs(frame.offset) / 1000;
    const own = accused.boxIn(frame.sequence) ?? accused.box;
    for (const one of found) {
      if (one.span === undefined) known = false;
      else if (isOwn(one.detection, one.span, accused, own)) {
        if (kindOf(accused.class) === 'two-wheeler') cover(people, above(one.span), away);
      } else if (kindOf(one.detection.class) === 'four-wheeler') cover(vehicles, lowerPart(one.span), away);
      else cover(people, bodyOf(one.detection, one.span), away);
    }
  }
  if (!itself) {
    for (const [one, other] of waysBetween(seen)) {
      const areas = kindOf(one.detection.class) === 'four-wheeler' ? vehicles : people;
      const part = areas === vehicles ? lowerPart : (span: Span) => bodyOf(one.detection, span);
      cover(areas, around(part(one.span), part(other.span)), 0);
    }
  }
  const kept = keep === undefined ? undefined : inside(keep);
  const alone = kept === undefined ? [] : [kept];
  if (surroundings === undefined || !known) {
    return {
      known: false,
      shown: alone,
      accused: kept,
      people: people.flatMap((one) => shared(one, kept)),
      vehicles: [],
    };
  }
  return {
    known,
    shown: [...searchedAreas(width, height, surroundings.searched), ...alone],
    accused: kept,
    people,
    vehicles,
  };
}

function searchedAreas(width: number, height: number, searched: Searched): readonly Area[] {
  const picture = { left: 0, top: 0, right: width, bottom: height };
  if (searched === 'auto') return [picture];
  return searched.flatMap((region) => {
    const span = spanOf(region);
    if (span === undefined) return [];
    // Inwards: of a pixel that a region cuts, a part was not looked at.
    const { left, top, right, bottom } = span;
    const area = { left: Math.ceil(left), top: Math.ceil(top), right: Math.floor(right), bottom: Math.floor(bottom) };
    return shared(area, picture);
  });
}

/** The area that both have; none where they have none. */
export function shared(one: Area, other: Area | undefined): readonly Area[] {
  if (other === undefined) return [];
  const area = {
    left: Math.max(one.left, other.left),
    top: Math.max(one.top, other.top),
    right: Math.min(one.right, other.right),
    bottom: Math.min(one.bottom, other.bottom),
  };
  return area.left < area.right && area.top < area.bottom ? [area] : [];
}

/** Pixels, not rounded, each pair in order; ends may be infinite. */
interface Span {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

interface Read {
  readonly detection: Detection;
  readonly span: Span | undefined;
}

const readBox = (detection: Detection): Read => ({ detection, span: spanOf(detection.box) });

/** Undefined where a side is not a number; a box of negative size covers what it covers the other way round. */
function spanOf({ x, y, width, height }: Box): Span | undefined {
  const [right, bottom] = [x + width, y + height];
  if ([x, y, right, bottom].some(Number.isNaN)) return undefined;
  return {
    left: Math.min(x, right),
    top: Math.min(y, bottom),
    right: Math.max(x, right),
    bottom: Math.max(y, bottom),
  };
}

/** A difference of two equal infinities is nothing. */
const length = (from: number, to: number): number => (to > from ? to - from : 0);

function widened({ left, top, right, bottom }: Span, seconds: number): Span {
  const longer = Math.max(length(left, right), length(top, bottom));
  const by = leastMargin + longer * (margin + growth * seconds);
  return { left: less(left, by), top: less(top, by), right: -less(-right, by), bottom: -less(-bottom, by) };
}

/** Infinity less infinity is taken as far to the left as anything. */
const less = (from: number, by: number): number =>
  by === Number.POSITIVE_INFINITY ? Number.NEGATIVE_INFINITY : from - by;

function above(span: Span): Span {
  const { top, bottom } = span;
  return { ...span, top: less(top, length(top, bottom) * riderAbove), bottom: top };
}

function bodyOf({ class: kind }: Detection, span: Span): Span {
  return kindOf(kind) === 'two-wheeler' ? { ...span, top: above(span).top } : span;
}

function lowerPart(span: Span): Span {
  const { top, bottom } = span;
  const plates = less(bottom, length(top, bottom) * plateShare);
  return { ...span, top: Math.max(top, plates) };
}

const around = (one: Span, other: Span): Span => ({
  left: Math.min(one.left, other.left),
  top: Math.min(one.top, other.top),
  right: Math.max(one.right, other.right),
  bottom: Math.max(one.bottom, other.bottom),
});

/** True for a detection of the accused vehicle itself. */
function isOwn({ class: kind }: Detection, span: Span, accused: Accused, box: Box | undefined): boolean {
  const own = box === undefined ? undefined : spanOf(box);
  if (own === undefined || kindOf(kind) === 'person' || kindOf(kind) !== kindOf(accused.class)) return false;
  return overlap(span, own) >= sameVehicle;
}

/** Intersection over union; not a number, and so too small for anything, where a box is empty or has no end. */
function overlap(one: Span, other: Span): number {
  const shared =
    length(Math.max(one.left, other.left), Math.min(one.right, other.right)) *
    length(Math.max(one.top, other.top), Math.min(one.bottom, other.bottom));
  return shared / (size(one) + size(other) - shared);
}

const size = ({ left, top, right, bottom }: Span): number => length(left, right) * length(top, bottom);

type Placed = Read & { readonly span: Span };

/** Pairs of boxes before and after the shown frame that may be one and the same: of one kind, and not further apart than they are large. */
function waysBetween(
  seen: readonly { readonly frame: NearbyFrame; readonly found: readonly Read[] }[],
): readonly (readonly [Placed, Placed])[] {
  const placed = (wanted: (offset: number) => boolean): readonly Placed[] =>
    seen.flatMap(({ frame, found }) =>
      (wanted(frame.offset) ? found : []).filter((one): one is Placed => one.span !== undefined),
    );
  const after = placed((offset) => offset > 0);
  return placed((offset) => offset < 0).flatMap((one) =>
    after
      .filter((other) => kindOf(one.detection.class) === kindOf(other.detection.class) && near(one.span, other.span))
      .map((other) => [one, other] as const),
  );
}

function near(one: Span, other: Span): boolean {
  const reach = Math.max(length(one.left, one.right), length(one.top, one.bottom));
  return (
    length(one.right, other.left) <= reach &&
    length(other.right, one.left) <= reach &&
    length(one.bottom, other.top) <= reach &&
    length(other.bottom, one.top) <= reach
  );
}

function areaIn(width: number, height: number, { left, top, right, bottom }: Span): Area | undefined {
  const area = {
    left: Math.max(0, Math.floor(left)),
    top: Math.max(0, Math.floor(top)),
    right: Math.min(width, Math.ceil(right)),
    bottom: Math.min(height, Math.ceil(bottom)),
  };
  return area.left < area.right && area.top < area.bottom ? area : undefined;
}
