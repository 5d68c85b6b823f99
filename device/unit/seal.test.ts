import test from 'ava';
import { FrameRing } from '../capture/frame-ring.ts';
import { EvidenceStore } from '../evidence/evidence-store.ts';
import { ClipFrames, clipLimits } from '../evidence/pictures/clip-frames.ts';
import { createIdentity } from '../evidence/sealing/identity.ts';
import { contextAt, frameOf, infractionAt } from '../evidence/testing/fixtures.ts';
import { inMemory } from '../evidence/testing/stores.ts';
import { MemoryFiles } from '../kernel/testing/memory-files.ts';
import { milliseconds } from '../kernel/units.ts';
import { neverRead } from '../plate/vote/track-plate.ts';
import { UnitModes } from './modes.ts';
import { sealInfraction } from './seal.ts';

test('evidence that is sealed while the unit does without clips and plates says so by what it lists, and is whole', async (t) => {
  const { recipient } = await createIdentity();
  const recipients = { authority: [recipient], operators: [] };
  const store = await EvidenceStore.open('/evidence', inMemory(new MemoryFiles(), { recipients }));
  t.teardown(() => store.close());
  const modes = new UnitModes();
  const clips = new ClipFrames({ ...clipLimits, bytes: 1e6 });
  const ring = new FrameRing(1e6, () => {});
  for (let i = 100; i <= 180; i += 1) ring.push(frameOf(i)).release();
  const { raw, calibration, provenance } = contextAt(170);
  const seal = {
    ...{ store, calibration, provenance },
    scene: { lanes: [], stopLines: [] } as never,
    before: milliseconds(200),
    get clipBefore() {
      return modes.clipReach(milliseconds(2000));
    },
    clipAfter: milliseconds(200),
    bystanders: { around: () => undefined } as never,
    get clips() {
      return modes.clips ? clips : undefined;
    },
    plates: { models: [], plateOf: async () => neverRead('reader-off') },
    inHaste: () => false,
  };
  const once = async () => {
    const { record } = await sealInfraction(seal, infractionAt(170), raw, ring);
    const clip = record.files.find(({ role }) => role === 'clip');
    return { roles: record.files.map(({ role }) => role), making: clip?.making ?? '', record };
  };
  const whole = await once();
  t.true(whole.roles.includes('clip'));
  const switches = modes.switches(() => {});
  const set = (name: 'clips-shorter' | 'clips-not-made') => {
    const one = switches[name];
    if (one !== 'stated') one(true);
  };
  set('clips-shorter');
  const short = await once();
  t.log(whole.making, '|', short.making);
  t.not(short.making, whole.making);
  set('clips-not-made');
  const none = await once();
  t.deepEqual(
    none.roles,
    whole.roles.filter((role) => role !== 'clip'),
  );
  t.is(ring.length, 81, 'nothing is held any more that the ring would not hold');
  t.is(clips.heldBytes, 0);
  for (const { record } of [whole, short, none]) t.false(JSON.stringify(record).includes('want of time'));
});
