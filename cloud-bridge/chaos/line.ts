import { connect, createServer, type Server, type Socket } from 'node:net';

/** Bytes that wait in one direction of one connection before the sender is held back. */
const mostWaiting = 256 * 1024;
/** At a limited rate bytes go on in portions of so many milliseconds. */
const portionMs = 20;

interface Shape {
  delayMs: number;
  jitterMs: number;
  /** Bytes a millisecond. */
  rate: number;
  stalled: boolean;
}

type Way = 'up' | 'down';

/**
 * A TCP way from an address of this machine to the broker that can be broken and shaped by the byte: what a radio between a unit and its
 * broker does, and what no packet filter can do at a chosen byte.
 */
export class Line {
  readonly #server: Server;
  readonly #target: number;
  readonly #shape: Shape = { delayMs: 0, jitterMs: 0, rate: Number.POSITIVE_INFINITY, stalled: false };
  readonly #connections = new Set<Connection>();
  readonly #cutAfter: Record<Way, number> = { up: Number.POSITIVE_INFINITY, down: Number.POSITIVE_INFINITY };
  #cuts = 0;

  private constructor(server: Server, target: number) {
    this.#server = server;
    this.#target = target;
  }

  /** Listens on a free port. `target`: the port of the broker on this machine. */
  static async open(host: string, target: number): Promise<Line> {
    const server = createServer({ noDelay: true });
    const line = new Line(server, target);
    server.on('connection', (socket) => line.#take(socket));
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(0, host, resolve);
    });
    return line;
  }

  get port(): number {
    const address = this.#server.address();
    return address === null || typeof address === 'string' ? 0 : address.port;
  }

  /** Connections that were broken at a chosen byte. */
  get cuts(): number {
    return this.#cuts;
  }

  /** Breaks every connection with a reset. */
  cut(): void {
    for (const connection of this.#connections) connection.reset();
    this.#connections.clear();
  }

  /** Breaks the connection when so many further bytes have gone this way. */
  cutAfter(way: Way, bytes: number): void {
    this.#cutAfter[way] = bytes;
  }

  /** A reset that has not come yet does not come any more. */
  forgetCuts(): void {
    this.#cutAfter.up = Number.POSITIVE_INFINITY;
    this.#cutAfter.down = Number.POSITIVE_INFINITY;
  }

  /** Takes no byte further, and closes nothing. */
  stall(stalled: boolean): void {
    this.#shape.stalled = stalled;
    if (!stalled) for (const connection of this.#connections) connection.wake();
  }

  delay(delayMs: number, jitterMs: number): void {
    this.#shape.delayMs = delayMs;
    this.#shape.jitterMs = jitterMs;
  }

  /** In each direction; `undefined`: as fast as it goes. */
  limit(kbit: number | undefined): void {
    this.#shape.rate = kbit === undefined ? Number.POSITIVE_INFINITY : kbit / 8;
  }

  /** As it was at the beginning. */
  heal(): void {
    this.delay(0, 0);
    this.limit(undefined);
    this.stall(false);
  }

  async close(): Promise<void> {
    this.cut();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  #take(client: Socket): void {
    const broker = connect({ port: this.#target, host: '127.0.0.1', noDelay: true });
    const connection = new Connection(client, broker, this.#shape, (way, bytes) => this.#allowed(way, bytes));
    this.#connections.add(connection);
    connection.onOver = () => this.#connections.delete(connection);
  }

  /** How many of so many bytes may still go; fewer than all: then it is cut. */
  #allowed(way: Way, bytes: number): number {
    const left = this.#cutAfter[way];
    if (bytes < left) {
      this.#cutAfter[way] = left - bytes;
      return bytes;
    }
    this.#cutAfter[way] = Number.POSITIVE_INFINITY;
    this.#cuts += 1;
    return left;
  }
}

class Connection {
  onOver: () => void = () => {};
  readonly #sockets: readonly [Socket, Socket];
  readonly #ways: readonly OneWay[];
  #over = false;

  constructor(client: Socket, broker: Socket, shape: Shape, allowed: (way: Way, bytes: number) => number) {
    this.#sockets = [client, broker];
    const cut = () => this.reset();
    this.#ways = [
      new OneWay(client, broker, shape, (bytes) => allowed('up', bytes), cut),
      new OneWay(broker, client, shape, (bytes) => allowed('down', bytes), cut),
    ];
    for (const socket of this.#sockets) socket.on('error', () => this.#end()).on('close', () => this.#end());
  }

  reset(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy();
    this.#end();
  }

  wake(): void {
    for (const way of this.#ways) way.wake();
  }

  #end(): void {
    if (this.#over) return;
    this.#over = true;
    for (const way of this.#ways) way.end();
    for (const socket of this.#sockets) socket.destroy();
    this.onOver();
  }
}

class OneWay {
  readonly #from: Socket;
  readonly #to: Socket;
  readonly #shape: Shape;
  readonly #allowed: (bytes: number) => number;
  readonly #cut: () => void;
  readonly #queue: { data: Buffer; readonly due: number }[] = [];
  #waiting = 0;
  #lastDue = 0;
  #timer: NodeJS.Timeout | undefined;
  #over = false;

  constructor(from: Socket, to: Socket, shape: Shape, allowed: (bytes: number) => number, cut: () => void) {
    this.#from = from;
    this.#to = to;
    this.#shape = shape;
    this.#allowed = allowed;
    this.#cut = cut;
    from.on('data', (data) => this.#arrived(data));
    to.on('drain', () => this.wake());
  }

  wake(): void {
    if (this.#timer === undefined) this.#pass();
  }

  end(): void {
    this.#over = true;
    clearTimeout(this.#timer);
    this.#queue.length = 0;
  }

  #arrived(data: Buffer): void {
    const { delayMs, jitterMs } = this.#shape;
    const late = delayMs === 0 ? 0 : delayMs + (Math.random() * 2 - 1) * jitterMs;
    // Bytes of a connection never overtake one another.
    this.#lastDue = Math.max(this.#lastDue, performance.now() + late);
    this.#queue.push({ data, due: this.#lastDue });
    this.#waiting += data.byteLength;
    if (this.#waiting > mostWaiting) this.#from.pause();
    this.wake();
  }

  #pass(): void {
    this.#timer = undefined;
    while (!this.#over && !this.#shape.stalled && !this.#to.writableNeedDrain) {
      const head = this.#queue[0];
      if (head === undefined) return;
      const early = head.due - performance.now();
      if (early > 0.5) {
        this.#later(early);
        return;
      }
      this.#send(this.#portion(head));
      if (this.#shape.rate === Number.POSITIVE_INFINITY) continue;
      this.#later(portionMs);
      return;
    }
  }

  /** As much of the oldest bytes as may go at once. */
  #portion(head: { data: Buffer }): Buffer {
    const { rate } = this.#shape;
    const whole = rate === Number.POSITIVE_INFINITY || rate * portionMs >= head.data.byteLength;
    const portion = whole ? head.data : head.data.subarray(0, Math.ceil(rate * portionMs));
    if (whole) this.#queue.shift();
    else head.data = head.data.subarray(portion.byteLength);
    this.#waiting -= portion.byteLength;
    if (this.#waiting <= mostWaiting / 2) this.#from.resume();
    return portion;
  }

  #send(portion: Buffer): void {
    const allowed = this.#allowed(portion.byteLength);
    if (allowed === portion.byteLength) {
      this.#to.write(portion);
      return;
    }
    this.#over = true;
    this.#to.write(portion.subarray(0, allowed), () => this.#cut());
  }

  #later(ms: number): void {
    this.#timer = setTimeout(() => this.#pass(), ms);
  }
}
