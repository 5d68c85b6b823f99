import type { Handlers } from './answer.ts';
import { certificateHandlers } from './certificate-handlers.ts';
import { configHandlers } from './config-handlers.ts';
import { evidenceHandlers, rolloutHandlers } from './evidence-handlers.ts';
import { fleetHandlers } from './fleet-handlers.ts';
import type { Services } from './services.ts';
import { updateHandlers } from './update-handlers.ts';

/** Every route. */
export function handlersOf(services: Services): Handlers {
  return {
    ...fleetHandlers(services),
    ...configHandlers(services),
    ...certificateHandlers(services),
    ...evidenceHandlers(services),
    ...rolloutHandlers(services),
    ...updateHandlers(services),
  };
}
