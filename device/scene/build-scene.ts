import { AtalayaError } from '../kernel/errors.ts';
import { kilometresPerHour, seconds } from '../kernel/units.ts';
import { checkScene, type SceneFault } from './check-scene.ts';
import { cross, type Point, subtract, unit } from './geometry.ts';
import { buildGroundPlane, type GroundPlane, type LensOfMarks } from './ground-plane.ts';
import { isDrawn } from './is-drawn.ts';
import { lensBefore, lensFault } from './lens.ts';
import type { Lane, PhasePlan, Scene, SpeedLimits, StopLine, Zone } from './scene.ts';
import { motorVehicles, type SceneDocument, vehicles } from './scene-schema.ts';

export type BuiltScene =
  | { readonly ok: true; readonly scene: Scene }
  | { readonly ok: false; readonly faults: readonly SceneFault[] };

/**
 * Builds the scene for pictures of the given size (default: the size that it was drawn for). Another size of the same aspect (within
 * 1 %) is scaled; another aspect throws 'scene-mismatch', unless nothing is drawn. Faults of the scene itself are returned, named by their place.
 */
export function buildScene(document: SceneDocument, picture: Scene['picture'] = document.picture): BuiltScene {
  const faults = checkScene(document);
  if (faults.length > 0) return { ok: false, faults };
  const scale = scaling(document, picture);
  const at = ({ x, y }: Point): Point => ({ x: x * scale.x, y: y * scale.y });
  const all = (points: readonly Point[]): readonly Point[] => points.map(at);

  let ground: GroundPlane | undefined;
  if (document.calibration !== undefined) {
    const { points, pixelError = 1, roadError = 0.03, allowedResidual = 4, scaleError, lens } = document.calibration;
    const bending = lens && lensFault({ k1: lens.k1, k2: lens.k2 ?? 0 });
    if (bending !== undefined) return { ok: false, faults: [{ path: ['calibration', 'lens'], message: bending }] };
    const built = buildGroundPlane(
      points.map(({ image, road }) => ({ image: at(image), road })),
      {
        image: pixelError * scale.x,
        road: roadError,
        ...(scaleError !== undefined && scaleError > 0 && { scale: scaleError }),
      },
      allowedResidual * scale.x,
      picture,
      lens && lensOfMarks(lens, picture, lens.centre && at(lens.centre)),
    );
    if (!built.ok) return { ok: false, faults: [{ path: ['calibration', 'points'], message: built.reason }] };
    ground = built.plane;
    const beyond = beyondHorizon(document, (point) => built.plane.toRoad(at(point)) === undefined);
    if (beyond.length > 0) return { ok: false, faults: beyond };
  }

  const lanes = (document.lanes ?? []).map(
    (lane): Lane => ({
      name: lane.name,
      polygon: all(lane.polygon),
      direction: lane.direction && all(lane.direction),
      limit: lane.limitKmh === undefined ? undefined : kilometresPerHour(lane.limitKmh),
      limitSource: lane.limitSource,
      restriction: lane.only && { only: lane.only, when: lane.onlyWhen, grace: seconds(lane.graceS ?? 2) },
    }),
  );
  const zones = (list: SceneDocument['noStopping']): readonly Zone[] =>
    (list ?? []).map((zone) => ({
      name: zone.name,
      polygon: all(zone.polygon),
      allowed: seconds(zone.allowedS),
      when: zone.when,
      classes: zone.classes ?? motorVehicles,
    }));

  return {
    ok: true,
    scene: {
      name: document.name,
      picture,
      timeZone: document.timeZone ?? 'UTC',
      ground,
      surveyed: document.calibration?.date,
      certificate: document.calibration?.certificate,
      speed: document.speed && buildLimits(document.speed, all),
      lanes,
      signals: (document.signals ?? []).map((head) => ({
        name: head.name,
        lamp: head.lamp && at(head.lamp),
        phases: buildPlan(head.phases),
      })),
      stopLines: (document.stopLines ?? []).map((line) => buildStopLine(line, lanes, all)),
      countingLines: (document.countingLines ?? []).map((line) => ({
        name: line.name,
        points: all(line.points),
        left: line.directions?.left ?? 'left',
        right: line.directions?.right ?? 'right',
        classes: line.classes ?? vehicles,
      })),
      noStopping: zones(document.noStopping),
      boxJunctions: zones(document.boxJunctions),
      regions: Array.isArray(document.regions)
        ? document.regions.map((one) => ({ ...at(one), width: one.width * scale.x, height: one.height * scale.y }))
        : 'auto',
      plates: document.plates,
      ignore: (document.ignore ?? []).map(all),
    },
  };
}

type LensDocument = NonNullable<NonNullable<SceneDocument['calibration']>['lens']>;

function lensOfMarks(
  { k1, k2 = 0, deviations = [] }: LensDocument,
  picture: Scene['picture'],
  centre: Point | undefined,
): LensOfMarks {
  return {
    lens: lensBefore({ k1, k2 }, picture, centre),
    moved: deviations.map(([d1, d2]) => lensBefore({ k1: k1 + d1, k2: k2 + d2 }, picture, centre)),
  };
}

function scaling(document: SceneDocument, picture: Scene['picture']): Point {
  const scale = { x: picture.width / document.picture.width, y: picture.height / document.picture.height };
  if (Math.abs(scale.x / scale.y - 1) <= 0.01 || !isDrawn(document)) return scale;
  const drawn = `${document.picture.width} x ${document.picture.height}`;
  throw new AtalayaError(
    'scene-mismatch',
    `scene ${document.name} is drawn for pictures of ${drawn}, the source delivers ${picture.width} x ${picture.height}, which is another shape`,
    {
      hint: 'Draw the scene on a picture of this source, or set the source to the shape that the scene was drawn for.',
    },
  );
}

function buildLimits(
  speed: NonNullable<SceneDocument['speed']>,
  all: (p: readonly Point[]) => readonly Point[],
): SpeedLimits {
  const { tolerance = 'de' } = speed;
  const byClass = new Map<keyof NonNullable<typeof speed.classes>, ReturnType<typeof kilometresPerHour>>();
  for (const [key, value] of Object.entries(speed.classes ?? {})) {
    if (value !== undefined) byClass.set(key as keyof NonNullable<typeof speed.classes>, kilometresPerHour(value));
  }
  return {
    limit: kilometresPerHour(speed.limitKmh),
    limitSource: speed.limitSource,
    byClass,
    tolerance: tolerance === 'de' ? { name: 'de', kmh: 3, percent: 3 } : { name: 'scene', ...tolerance },
    coverage: speed.coverage ?? 2,
    area: speed.area && all(speed.area),
  };
}

type StopLineDocument = NonNullable<SceneDocument['stopLines']>[number];

function buildStopLine(
  line: StopLineDocument,
  lanes: readonly Lane[],
  all: (p: readonly Point[]) => readonly Point[],
): StopLine {
  const points = all(line.points);
  const arrow = all(line.direction);
  const first = points[0] ?? { x: 0, y: 0 };
  const from = arrow[0] ?? first;
  const direction = unit(subtract(arrow.at(-1) ?? first, from)) ?? { x: 0, y: -1 };
  const across = cross(subtract(points.at(-1) ?? first, first), direction);
  return {
    name: line.name,
    points: across >= 0 ? points : points.toReversed(),
    direction,
    signal: line.signal,
    lanes: lanes.filter((lane) => line.lanes?.includes(lane.name)),
    grace: seconds(line.graceS ?? 0),
    stand: seconds(line.standS ?? 2),
  };
}

function buildPlan(phases: NonNullable<SceneDocument['signals']>[number]['phases']): PhasePlan {
  if ('schedule' in phases) return { kind: 'schedule', spans: phases.schedule.toSorted((a, b) => a.from - b.from) };
  if ('cycle' in phases) return { kind: 'cycle', offset: phases.cycle.offsetS ?? 0, steps: phases.cycle.steps };
  const { red, amber, green } = phases.input;
  return { kind: 'input', ...(red && { red }), ...(amber && { amber }), ...(green && { green }) };
}

function beyondHorizon(document: SceneDocument, isBeyond: (point: Point) => boolean): readonly SceneFault[] {
  const drawn: readonly (readonly [readonly (string | number)[], readonly Point[]])[] = [
    ...(document.lanes ?? []).flatMap((lane, i) => [
      [['lanes', i, 'polygon'], lane.polygon] as const,
      [['lanes', i, 'direction'], lane.direction ?? []] as const,
    ]),
    ...(document.stopLines ?? []).map((line, i) => [['stopLines', i, 'points'], line.points] as const),
    ...(document.countingLines ?? []).map((line, i) => [['countingLines', i, 'points'], line.points] as const),
    ...(document.noStopping ?? []).map((zone, i) => [['noStopping', i, 'polygon'], zone.polygon] as const),
    ...(document.boxJunctions ?? []).map((zone, i) => [['boxJunctions', i, 'polygon'], zone.polygon] as const),
    [['speed', 'area'], document.speed?.area ?? []] as const,
  ];
  return drawn.flatMap(([path, points]) =>
    points.flatMap((point, i) =>
      isBeyond(point)
        ? [
            {
              path: [...path, i],
              message: `(${point.x}, ${point.y}) lies beyond the horizon of the calibration, where there is no road`,
            },
          ]
        : [],
    ),
  );
}
