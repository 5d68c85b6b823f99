import { KeeperWorld } from './keeper-world.ts';
import { type Cast, makeCast, signedDesired } from './signed.ts';

/** Where tests of the keeper begin. */
export interface Scenes extends Cast {
  /** A document that is applied at once. */
  readonly live: (onMs: number, version: number) => Promise<Buffer>;
  /** One that needs a start. */
  readonly restart: (threads: number, version: number) => Promise<Buffer>;
  /** A unit that no document has come to. */
  readonly started: () => Promise<KeeperWorld>;
  /** A unit that runs with version 1, confirmed, which holds the beacon for 1111 ms. */
  readonly settledAtOne: () => Promise<KeeperWorld>;
}

export async function makeScenes(): Promise<Scenes> {
  const cast = await makeCast();
  const { supervisor, operator } = cast.signers;
  const live = (onMs: number, version: number) => signedDesired({ signal: { beacon: { onMs } } }, version, supervisor);
  const started = async () => {
    const world = new KeeperWorld(cast);
    await world.start();
    await world.keeper.begin();
    return world;
  };
  return {
    ...cast,
    live,
    restart: (threads, version) => signedDesired({ detector: { threads } }, version, operator),
    started,
    settledAtOne: async () => {
      const world = await started();
      await world.keeper.desired(await live(1111, 1));
      await world.pass(2000);
      return world;
    },
  };
}
