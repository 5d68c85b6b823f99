import { jobViewOf, unitUpdateViewOf } from '../updates/update-views.ts';
import { type Handlers, json, unknown } from './answer.ts';
import type { Services } from './services.ts';

type UpdateRoute = 'updates' | 'unitUpdates';

/** Jobs of a unit that are listed. */
const mostListed = 100;

/** What there is to update to, and how it stands with units. */
export function updateHandlers({ bridge }: Services): Pick<Handlers, UpdateRoute> {
  return {
    updates: async () => json({ signs: bridge.updates.signs, targets: [...(await bridge.updates.targets())] }),
    unitUpdates: async ({ parameters: { unit } }) => {
      if ((await bridge.twins.twin(unit)) === undefined) return unknown(`unit ${unit}`);
      const standing = (await bridge.updates.standing(unit)) ?? { unit };
      const history = await bridge.updates.history(unit, mostListed);
      return json({ ...unitUpdateViewOf(standing), history: history.map(jobViewOf) });
    },
  };
}
