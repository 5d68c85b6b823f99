import { Buffer } from 'node:buffer';
import { type Milliseconds, milliseconds } from '../units.ts';
import { isSystemFault, type SystemCalls } from './system-calls.ts';

/** The variables by which systemd tells a service how to speak with it. */
export interface ServiceEnvironment {
  readonly NOTIFY_SOCKET?: string | undefined;
  readonly WATCHDOG_USEC?: string | undefined;
  readonly WATCHDOG_PID?: string | undefined;
}

/** What the manager of services is told. Each answers whether it could be told; none throws. */
export interface ServiceNotify {
  /** True where somebody listens. */
  readonly told: boolean;
  /** A sign of life is due so often, undefined where none is asked for. Half of it is a good beat. */
  readonly watchdog: Milliseconds | undefined;
  /** The start is over: `READY=1`. */
  ready(): boolean;
  /** A sign of life: `WATCHDOG=1`. */
  alive(): boolean;
  /** From now on, until the service is started again, a sign of life is due within so long: `WATCHDOG_USEC=`. */
  within(time: Milliseconds): boolean;
  /** One line for `systemctl status`. */
  status(line: string): boolean;
  /** The start or the end takes so much longer from now on: `EXTEND_TIMEOUT_USEC=`. */
  extend(time: Milliseconds): boolean;
  /** The end has begun: `STOPPING=1`. */
  stopping(): boolean;
  close(): void;
}

const longestStatus = 200;

/**
 * Speaks with systemd by the protocol of sd_notify(3): datagrams of `NAME=value` lines to the socket in `NOTIFY_SOCKET`, a path or,
 * with `@`, a name in the abstract name space. Where the variable is not set, nobody is told and nothing fails. A message that would
 * have to wait is dropped: a unit does not stand still for its supervisor.
 *
 * `calls` is asked for only where there is a socket.
 */
export function openServiceNotify(
  environment: ServiceEnvironment,
  pid: number,
  calls: () => SystemCalls,
): ServiceNotify {
  const address = environment.NOTIFY_SOCKET;
  const told = address !== undefined && /^[/@]./.test(address);
  const system = told ? calls() : undefined;
  let socket = system?.datagramSocket();
  const send = (message: string): boolean => {
    if (system === undefined || socket === undefined || address === undefined) return false;
    try {
      system.sendTo(socket, address, Buffer.from(message));
      return true;
    } catch (error) {
      if (isSystemFault(error)) return false;
      throw error;
    }
  };
  return {
    told,
    watchdog: told ? watchdogOf(environment, pid) : undefined,
    ready: () => send('READY=1'),
    alive: () => send('WATCHDOG=1'),
    within: (time) => send(`WATCHDOG_USEC=${Math.round(time * 1000)}`),
    status: (line) => send(`STATUS=${line.replaceAll(/\s+/g, ' ').slice(0, longestStatus)}`),
    extend: (time) => send(`EXTEND_TIMEOUT_USEC=${Math.round(time * 1000)}`),
    stopping: () => send('STOPPING=1'),
    close: () => {
      if (system !== undefined && socket !== undefined) system.close(socket);
      socket = undefined;
    },
  };
}

/** sd_watchdog_enabled(3): the time counts for the process that is named, or for any where none is. */
function watchdogOf({ WATCHDOG_USEC, WATCHDOG_PID }: ServiceEnvironment, pid: number): Milliseconds | undefined {
  if (WATCHDOG_USEC === undefined || !/^[1-9][0-9]{0,14}$/.test(WATCHDOG_USEC)) return undefined;
  if (WATCHDOG_PID !== undefined && WATCHDOG_PID !== String(pid)) return undefined;
  return milliseconds(Number(WATCHDOG_USEC) / 1000);
}
