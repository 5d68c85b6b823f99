import { explain, isAtalayaError } from '../../../device/kernel/errors.ts';
import { milliseconds } from '../../../device/kernel/units.ts';
import type { FleetIo, Sink } from './fleet-io.ts';
import { say } from './session.ts';

/** Home, and clear what follows. */
const redraw = '\u001b[H\u001b[J';
const clear = '\u001b[2J';

/**
 * Draws again and again until the program is told to stop: over what was drawn where that is a terminal, beneath it elsewhere. A bridge
 * that cannot be reached is told, and tried again.
 */
export async function watch(io: FleetIo, seconds: number, draw: (io: FleetIo) => Promise<void>): Promise<void> {
  if (io.out.terminal) io.out.write(clear);
  while (!io.signal.aborted) {
    const drawn: string[] = [];
    // Drawn at once, so that nothing flickers.
    const out: Sink = { write: (text) => drawn.push(text), terminal: io.out.terminal, columns: io.out.columns };
    try {
      await draw({ ...io, out });
    } catch (error) {
      if (io.signal.aborted) return;
      if (!isAtalayaError(error, 'bridge-unavailable')) throw error;
      say(out, io, explain(error));
    }
    io.out.write(`${io.out.terminal ? redraw : ''}${drawn.join('')}`);
    await io.timer.sleep(milliseconds(seconds * 1000), io.signal);
  }
}
