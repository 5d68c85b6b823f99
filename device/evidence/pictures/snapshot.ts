import { setImmediate } from 'node:timers/promises';
import type { KeptFrame } from '../../capture/kept-frame.ts';
import { AtalayaError } from '../../kernel/errors.ts';
import type { Surroundings } from './bystander-memory.ts';
import { letGo, pixelsOf, raw } from './frame-pixels.ts';
import { maskAreas } from './mask-areas.ts';
import { planRedaction } from './redact.ts';

export interface SnapshotLimits {
  /** Pixels; the height follows. A smaller picture is not enlarged. */
  readonly width: number;
  /** Of the JPEG. */
  readonly mostBytes: number;
}

const qualities = [80, 65, 50, 35, 20] as const;

/**
 * What the camera sees, for whoever aims it: people and the places of all plates are covered as in an operator's copy, and where it is not
 * known who stands where, nothing is shown but black. It is no evidence and is not kept. Throws `frame-damaged` where the frame cannot be
 * decoded, `usage-invalid` where it does not fit the bytes.
 */
export async function maskedSnapshot(
  frame: KeptFrame,
  surroundings: Surroundings | undefined,
  { width, mostBytes }: SnapshotLimits,
): Promise<Buffer> {
  const rgb = await pixelsOf(frame).catch((cause: unknown) => {
    throw new AtalayaError('frame-damaged', `frame ${frame.sequence} cannot be decoded`, { cause });
  });
  try {
    const nobody = { class: 'car', box: undefined, boxIn: () => undefined } as const;
    const plan = planRedaction(rgb.width, rgb.height, nobody, surroundings);
    const masked = await maskAreas(rgb, plan, setImmediate);
    try {
      for (const quality of qualities) {
        const jpeg = await raw(masked).resize({ width, withoutEnlargement: true }).jpeg({ quality }).toBuffer();
        if (jpeg.byteLength <= mostBytes) return jpeg;
      }
    } finally {
      // A copy of our own, whatever the frame is.
      if (masked.data.buffer instanceof ArrayBuffer) masked.data.buffer.transfer(0);
    }
  } finally {
    letGo(rgb, frame);
  }
  throw new AtalayaError('usage-invalid', `a picture ${width} wide does not fit ${mostBytes} bytes`, {
    hint: 'Ask for a narrower one.',
  });
}
