import type { Socket } from 'node:net';
import { AtalayaError } from '../../device/kernel/errors.ts';

/** Bytes of the longest packet that we take: twice the longest message of the contract and room for what is around it. */
export const longestPacket = 256 * 1024;

/** Of the length in a fixed header (MQTT 5, 2.1.4). */
const mostLengthBytes = 4;
const publishType = 3;

/**
 * Reads the fixed headers in what a broker sends, in pieces as they come, and nothing else.
 *
 * Guarantee: a packet that we do not take is known when its fixed header is there, before its content is.
 */
export class PacketGuard {
  /** Bytes of the content that are still to come. */
  #content = 0;
  /** The first byte of a header that is not complete. */
  #first: number | undefined;
  #length = 0;
  #lengthBytes = 0;

  /** Why the connection must end; undefined where all is well. Not to be called again after a fault. */
  read(piece: Uint8Array): AtalayaError | undefined {
    for (let at = 0; at < piece.length; ) {
      if (this.#content > 0) {
        const passed = Math.min(this.#content, piece.length - at);
        this.#content -= passed;
        at += passed;
        continue;
      }
      const fault = this.#header(piece[at] ?? 0);
      if (fault !== undefined) return fault;
      at += 1;
    }
    return undefined;
  }

  #header(byte: number): AtalayaError | undefined {
    if (this.#first === undefined) {
      this.#first = byte;
      this.#length = 0;
      this.#lengthBytes = 0;
      return undefined;
    }
    this.#length += (byte & 0x7f) * 128 ** this.#lengthBytes;
    this.#lengthBytes += 1;
    if (byte >= 0x80) {
      return this.#lengthBytes < mostLengthBytes
        ? undefined
        : new AtalayaError('link-down', 'the broker sent a packet whose length is none');
    }
    const fault = faultOf(this.#first, 1 + this.#lengthBytes + this.#length);
    this.#first = undefined;
    this.#content = this.#length;
    return fault;
  }
}

/** Destroys the socket with the fault. To be called before anybody else listens to its data. */
export function guardPackets(socket: Socket): void {
  const guard = new PacketGuard();
  const look = (piece: Buffer) => {
    const fault = guard.read(piece);
    if (fault === undefined) return;
    socket.off('data', look);
    socket.destroy(fault);
  };
  socket.on('data', look);
}

function faultOf(first: number, bytes: number): AtalayaError | undefined {
  if (bytes > longestPacket) {
    return new AtalayaError('link-down', `the broker sent a packet of ${bytes} bytes, and we take ${longestPacket}`, {
      hint: 'Set the largest packet of the broker to 128 KiB, and see who publishes more.',
    });
  }
  // What is sent twice over would be kept for its second half; we subscribe at QoS 1.
  if (first >> 4 === publishType && (first & 0b0100) !== 0)
    return new AtalayaError('link-down', 'the broker sent a message of QoS 2, which we never asked for');
  return undefined;
}
