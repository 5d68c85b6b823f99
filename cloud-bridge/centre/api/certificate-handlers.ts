import { type Handlers, json, refuse } from './answer.ts';
import type { Services } from './services.ts';

/** Renewal of certificates. */
export function certificateHandlers({ bridge }: Services): Pick<Handlers, 'renewals' | 'deliverRenewal'> {
  return {
    renewals: async () => json({ renewals: [...(await bridge.certificates.list())] }),
    deliverRenewal: async ({ person, parameters: { unit }, body: { grant } }) => {
      const given = await bridge.certificates.deliver(unit, grant, person.name);
      if (given.kind === 'refused') return refuse(409, 'document-refused', given.reason);
      const { sha256, relayed } = given;
      const answer = { unit, version: grant.version, sha256, broker: bridge.brokerView };
      return json({ ...answer, ...(relayed === undefined ? {} : { relayed }) });
    },
  };
}
