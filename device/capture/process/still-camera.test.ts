import test from 'ava';
import { isAtalayaError } from '../../kernel/errors.ts';
import { type CameraCase, holdsLiveContract } from '../camera-contract.ts';
import type { RaspistillSettings, RpicamStillSettings } from './camera-settings.ts';
import { bareCamera, openCamera, snapshot } from './open-camera.ts';
import type { Life } from './testing/orders.ts';
import { made, makeStandIns, partsFor } from './testing/stand-ins.ts';

const never = new AbortController().signal;
const common = {
  ...made,
  ...({ startS: 15, stallS: 3, intervalS: 0.1, settleMs: 0, quality: 85 } as const),
  ...({ exposure: 'auto', gain: 'auto', flip: 'none' } as const),
};
const still: RpicamStillSettings = { kind: 'rpicam-still', ...common, index: 0, exposureMode: 'sport', awb: 'auto' };
const legacy: RaspistillSettings = { kind: 'raspistill', ...common };

async function contractCase(settings: RpicamStillSettings | RaspistillSettings): Promise<CameraCase> {
  const whole = await makeStandIns([settings.kind], [{}]);
  const other = await makeStandIns([settings.kind], [{ halfAt: 0, endAfter: { pictures: 0, message: '', code: 0 } }]);
  return {
    ...{ ...made, frames: 3, refusal: 'camera-unavailable' },
    make: async (source, onDamage) =>
      bareCamera(settings, partsFor(source === 'whole' ? whole.path : other.path, { onDamage }).parts),
    processes: async () => (await whole.running()) + (await other.running()),
  };
}

for (const [index, found] of (await Promise.all([contractCase(still), contractCase(legacy)])).entries()) {
  holdsLiveContract(test.serial, index === 0 ? 'rpicam-still' : 'raspistill', found);
}

test('the error of an interval is half of what a picture took', async (t) => {
  const { path } = await makeStandIns(['rpicam-still'], [{ startMs: 300 }]);
  const camera = bareCamera(still, partsFor(path).parts);
  for await (const frame of camera.frames(never)) {
    camera.release(frame);
    t.true(frame.time.clock.intervalError >= 150 && frame.time.clock.intervalError < 1500);
    t.is(frame.time.clock.source, 'system');
    break;
  }
});

for (const settings of [still, legacy] as const) {
  const { kind } = settings;
  const taking = async (life: Life, names: readonly string[] = [kind], startS = 15) => {
    const standIns = await makeStandIns(names, [life]);
    const began = performance.now();
    const taken = await snapshot({ ...settings, startS }, partsFor(standIns.path).parts, never).catch(
      (error: unknown) => error,
    );
    const took = performance.now() - began;
    return { taken, took, left: await standIns.running(), starts: await standIns.starts(kind) };
  };

  test(`${kind}: a snapshot is one whole picture`, async (t) => {
    const { taken, starts } = await taking({ chatter: 'words on stderr are no fault' });
    t.true(taken instanceof Uint8Array);
    t.is(starts.length, 1);
    t.log(starts[0]?.join(' '));
  });

  test(`${kind}: a missing program is an error at once`, async (t) => {
    const { taken, took } = await taking({}, []);
    t.true(isAtalayaError(taken, 'program-missing'));
    t.true(took < 2000);
  });

  test(`${kind}: a stall is an error in time, and the program is gone, whatever it ignores`, async (t) => {
    const { taken, took, left } = await taking({ stallAfter: 0, ignoresTerm: true }, [kind], 1.5);
    t.true(isAtalayaError(taken, 'camera-unavailable'));
    t.true(took > 1400 && took < 6000, `${took} ms`);
    t.is(left, 0);
  });

  test(`${kind}: half a picture is an error, never a picture`, async (t) => {
    const { taken } = await taking({ halfAt: 0, endAfter: { pictures: 0, message: '', code: 0 } });
    t.true(isAtalayaError(taken, 'camera-unavailable'));
    t.regex(String((taken as Error).message), /not whole: the picture stops before its end/);
  });

  test(`${kind}: an end with a fault is an error, though a whole picture came`, async (t) => {
    const { taken } = await taking({ endAfter: { pictures: 1, message: 'no space left', code: 70 } });
    t.true(isAtalayaError(taken, 'camera-unavailable'));
    t.regex(String((taken as Error).message), /ended with 70: no space left/);
  });
}

test('pictures that fail are tried again, and the numbers show it', async (t) => {
  const bad: Life = { refuse: 'ERROR: *** no cameras available ***' };
  const { path } = await makeStandIns(['rpicam-still'], [{}, bad, {}]);
  const { parts, faults } = partsFor(path);
  const camera = openCamera(still, parts);
  await camera.open(never);
  const numbers: number[] = [];
  for await (const frame of camera.frames(never)) {
    camera.release(frame);
    numbers.push(frame.sequence);
    if (numbers.length === 3) break;
  }
  await camera.close();
  t.is(faults.length, 1);
  t.deepEqual(numbers, [0, 2, 3]);
});

test('a still of another size is refused for good', async (t) => {
  const { path } = await makeStandIns(['raspistill'], [{ otherSizeAt: 0 }]);
  await t.throwsAsync(bareCamera(legacy, partsFor(path).parts).open(never), { code: 'scene-mismatch' });
});
