import type { Clock } from '../../../device/kernel/clock.ts';
import type { Archive } from '../archive/archive.ts';
import type { Blobs } from '../blobs/blobs.ts';
import type { Bridge } from '../bridge/bridge.ts';
import type { RolloutKeeper } from '../rollout/rollout-keeper.ts';
import type { PeopleKeeper } from './people-keeper.ts';

/** What the routes ask. */
export interface Services {
  readonly bridge: Pick<
    Bridge,
    | 'twins'
    | 'alerts'
    | 'configs'
    | 'commands'
    | 'certificates'
    | 'updates'
    | 'collector'
    | 'evidence'
    | 'live'
    | 'views'
    | 'online'
    | 'brokerView'
  >;
  readonly archive: Archive;
  readonly blobs: Blobs;
  readonly rollouts: RolloutKeeper;
  readonly people: PeopleKeeper;
  readonly clock: Clock;
}
