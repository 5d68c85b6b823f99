const tcp = 6;
/** Flag of TCP (RFC 9293, 3.1): a connection begins. */
const syn = 0x02;

/** What TCP over IPv4 carries in one direction, and how much of it it had carried before, by its own numbers (RFC 9293, 3.4). */
export class TcpPayload {
  /** Of each connection, by its ports, the number that follows the highest that was seen. */
  readonly #ends = new Map<number, number>();
  #bytes = 0;
  #again = 0;

  /** Bytes in all. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Of these, what was seen before. */
  get again(): number {
    return this.#again;
  }

  /** One packet, from the header of IP on, in the order in which they were sent. What is no TCP over IPv4 is passed over. */
  see(packet: Buffer): void {
    const header = ((packet[0] ?? 0) & 0x0f) * 4;
    if ((packet[0] ?? 0) >> 4 !== 4 || packet[9] !== tcp || packet.byteLength < header + 20) return;
    const ports = packet.readUInt32BE(header);
    const flags = packet[header + 13] ?? 0;
    if ((flags & syn) !== 0) this.#ends.delete(ports);
    const bytes = packet.readUInt16BE(2) - header - ((packet[header + 12] ?? 0) >> 4) * 4;
    if (bytes <= 0) return;
    const end = (packet.readUInt32BE(header + 4) + bytes) >>> 0;
    // Numbers run in a circle: of two the later one is less than half a circle ahead.
    const ahead = (end - (this.#ends.get(ports) ?? end - bytes)) | 0;
    if (ahead > 0) this.#ends.set(ports, end);
    this.#bytes += bytes;
    this.#again += bytes - Math.min(bytes, Math.max(0, ahead));
  }
}
