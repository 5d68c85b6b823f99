import { type PollAnswer, type SystemCalls, SystemFault } from '../system-calls.ts';

/** System calls of which a test makes some its own; the kernel refuses the others. */
export function callsWith(own: Partial<SystemCalls>): SystemCalls {
  const refuse = (call: string) => (): never => {
    throw new SystemFault('ENOSYS', call);
  };
  return {
    open: refuse('open'),
    close: refuse('close'),
    read: refuse('read'),
    write: refuse('write'),
    ioctl: refuse('ioctl'),
    poll: (): PollAnswer[] => [],
    datagramSocket: refuse('socket'),
    sendTo: refuse('sendto'),
    adjustTime: refuse('ntp_adjtime'),
    ...own,
  };
}
