import type { RouteBody, RouteName } from '../../contract/api.ts';

/** What a request is about, as far as a permission depends on it. */
export interface About {
  readonly parameters: Readonly<Record<string, string>>;
  readonly query: unknown;
  readonly body: unknown;
}

/** Characters that are kept of what a person wrote. */
const longest = 200;

/**
 * What an act is about, in one line, for whoever reads the chain of acts: what stands in the body is known of the act itself by its hash
 * alone. Undefined for what changes nothing.
 */
export function aboutWords(name: RouteName, { parameters, body }: About): string | undefined {
  const { unit = '', id = '', evidence = '', file = '', name: layer = '' } = parameters;
  const of = <N extends RouteName>(_: N) => body as RouteBody<N>;
  const short = (text: string) => (text.length > longest ? `${text.slice(0, longest)}...` : text);
  const because = (text: string) => (text === '' ? '' : `: ${short(text)}`);
  switch (name) {
    case 'command': {
      const { command } = of('command');
      const { reason } = command.arguments as { readonly reason?: unknown };
      return `command ${command.name} for ${command.unit}, id ${command.id}${because(typeof reason === 'string' ? reason : '')}`;
    }
    case 'releaseConfig': {
      const { document } = of('releaseConfig');
      return `configuration ${document.version} for ${unit}${because(document.note ?? '')}`;
    }
    case 'acknowledgeAlert':
      return `acknowledged alert ${id} of ${unit}${because(of('acknowledgeAlert').note)}`;
    case 'acceptKey':
      return `accepted key ${of('acceptKey').key} of ${unit}${because(of('acceptKey').reason)}`;
    case 'deliverRenewal':
      return `grant ${of('deliverRenewal').grant.version} of a certificate for ${unit}`;
    case 'putLayer':
      return `layer ${layer}, version ${of('putLayer').based + 1}`;
    case 'startRollout': {
      const { plan } = of('startRollout');
      const units = plan.groups.reduce((sum, group) => sum + group.units.length, 0);
      const what = plan.update === undefined ? '' : `, the update to ${plan.update.targets.join(', ')}`;
      return `rollout ${plan.id} started: ${units === 1 ? '1 unit' : `${units} units`}${short(what)}`;
    }
    case 'pauseRollout':
      return `rollout ${id} paused${because(of('pauseRollout').reason)}`;
    case 'resumeRollout':
      return `rollout ${id} resumed${because(of('resumeRollout').reason)}`;
    case 'abortRollout':
      return `rollout ${id} aborted${because(of('abortRollout').reason)}`;
    case 'putTrust':
      return `trust document, version ${of('putTrust').trust.version}`;
    case 'evidence':
      return `record of ${evidence}`;
    case 'evidenceFile':
      return `file ${file} of ${evidence}`;
    default:
      return undefined;
  }
}
