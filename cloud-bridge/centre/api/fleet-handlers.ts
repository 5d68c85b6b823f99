import type { RouteQuery } from '../../contract/api.ts';
import type { actEntry, archivedEvent } from '../../contract/api-views.ts';
import type { EventQuery } from '../archive/archive.ts';
import type { LiveLine } from '../bridge/live-hub.ts';
import { type Handlers, json, refuse, unknown } from './answer.ts';
import type { Services } from './services.ts';

type FleetRoute =
  | 'units'
  | 'unit'
  | 'acceptKey'
  | 'events'
  | 'telemetry'
  | 'alerts'
  | 'acknowledgeAlert'
  | 'acts'
  | 'live';

/** Units, their events and alerts, and who did what. */
export function fleetHandlers({ bridge, archive, people }: Services): Pick<Handlers, FleetRoute> {
  return {
    units: async () => {
      const trust = await people.trust();
      return json({
        units: [...(await bridge.views.all())],
        broker: bridge.brokerView,
        ...(trust === undefined
          ? {}
          : {
              trust: { version: trust.version, ...(trust.expires === undefined ? {} : { expires: trust.expires }) },
            }),
      });
    },
    unit: async ({ parameters: { unit } }) => {
      const view = await bridge.views.one(unit);
      return view === undefined ? unknown(`unit ${unit}`) : json({ ...view, broker: bridge.brokerView });
    },
    acceptKey: async ({ parameters: { unit }, body: { key } }) => {
      if ((await bridge.twins.twin(unit)) === undefined) return unknown(`unit ${unit}`);
      if (!(await bridge.twins.acceptKey(unit, key))) {
        return refuse(409, 'key-mismatch', `unit ${unit} did not come with the key ${key}`);
      }
      await bridge.alerts.close(unit, 'signing-key-changed');
      await bridge.updates.keyKnown(unit);
      const view = await bridge.views.one(unit);
      return view === undefined ? unknown(`unit ${unit}`) : json(view);
    },
    events: async ({ query }) => json({ events: (await archive.events(eventQuery(query))).map(shown) }),
    telemetry: async ({ parameters: { unit }, query }) => {
      const { from, to, limit } = query;
      const asked = { unit, kinds: ['telemetry'] as const, order: 'newest' as const, limit, ...given({ from, to }) };
      return json({ events: (await archive.events(asked)).map(shown) });
    },
    alerts: async ({ query }) => json({ alerts: [...(await bridge.alerts.list(query))] }),
    acknowledgeAlert: async ({ person, parameters: { unit, id }, body: { note } }) => {
      const alert = await bridge.alerts.acknowledge(unit, id, `${person.name} (${person.role})`, note);
      return alert === undefined ? unknown(`alert ${id} of unit ${unit}`) : json(alert);
    },
    acts: async ({ query: { from, before, order, limit } }) => {
      const acts = order === 'newest' ? await archive.lastActs(before, limit) : await archive.acts(from, limit);
      return json({ acts: acts.map((entry) => entry as (typeof actEntry)['_output']) });
    },
    live: async ({ query, signal }) => ({ kind: 'lines', lines: linesOf(bridge.live.follow(query, signal)) }),
  };
}

function eventQuery({ unit, lane, kind, from, to, after, order, limit }: RouteQuery<'events'>): EventQuery {
  return { order, limit, ...given({ unit, lane, kinds: kind, from, to, afterPosition: after }) };
}

/** Without what is undefined. */
function given<T extends object>(fields: T): { [F in keyof T]?: Exclude<T[F], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as {
    [F in keyof T]?: Exclude<T[F], undefined>;
  };
}

const shown = (event: object) => event as (typeof archivedEvent)['_output'];

async function* linesOf(lines: AsyncIterable<LiveLine>): AsyncGenerator<unknown> {
  for await (const line of lines) {
    if (line.kind === 'pulse') yield undefined;
    else if (line.kind === 'missed') yield { missed: line.count };
    else if (line.kind === 'update') yield { unit: line.unit, kind: 'update', time: line.update.at, data: line.update };
    else {
      const { forwardTo: _, ...event } = line.event;
      yield event;
    }
  }
}
