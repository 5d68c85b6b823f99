import { once } from 'node:events';
import { connect } from 'node:net';
import test from 'ava';
import { longestEnrolmentDocument } from '../../provisioning/contract/enrolment-documents.ts';
import { enrolmentAnswers, enrolmentRefusal } from '../../provisioning/contract/enrolment-routes.ts';
import { grouped } from '../../provisioning/contract/fingerprint.ts';
import { handleEnrolment } from '../../provisioning/enrol/handle-enrolment.ts';
import { enrolmentCodeSvg } from '../../provisioning/identity/enrolment-code.ts';
import { LinkingFiles } from '../../provisioning/testing/linking-files.ts';
import { madeAuthority, testTools } from '../../provisioning/testing/made-authority.ts';
import { grantFor, madeUnit } from '../../provisioning/testing/made-unit.ts';
import { ManualClock } from '../kernel/manual-clock.ts';
import { serveEnrolment } from './enrolment-server.ts';

async function served(minutesLeft = 12) {
  const unit = madeUnit();
  const page = async () => {
    const identity = await unit.identity();
    return { identity, codeSvg: enrolmentCodeSvg(identity), minutesLeft };
  };
  const server = await serveEnrolment('127.0.0.1:0', { page, answer: (call) => handleEnrolment(unit, call) });
  return { unit, server, at: (path: string) => `http://${server.address}${path}` };
}

test('a person reads serial and key, the technician’s program asks for the request and brings the grant', async (t) => {
  const { unit, server, at } = await served();
  t.teardown(() => server.close());
  const before = await (await fetch(at('/'))).text();
  const { fingerprint, serial } = await unit.identity();
  for (const shown of [serial, grouped(fingerprint), '<svg', 'Not enrolled', '12 more minutes'])
    t.true(before.includes(shown), shown);
  t.is(enrolmentAnswers.identity.parse(await (await fetch(at('/enrol/identity'))).json()).fingerprint, fingerprint);
  const { csr } = enrolmentAnswers.request.parse(await (await fetch(at('/enrol/request'))).json());
  const authority = await madeAuthority('/ca', testTools(new ManualClock(Date.now()), new LinkingFiles()), 'A fleet');
  const body = JSON.stringify(await grantFor(authority, csr));
  const answer = await fetch(at('/enrol/grant'), { method: 'PUT', body });
  t.is(answer.status, 200);
  const { enrolled } = enrolmentAnswers.grant.parse(await answer.json());
  const after = await fetch(at('/'));
  const page = await after.text();
  t.true(page.includes('Enrolled as north-1'));
  t.true(page.includes(grouped(enrolled.authority)));
  t.regex(after.headers.get('content-security-policy') ?? '', /default-src 'none'/);
});

test('what is no call of the contract is refused in words, and the unit stays as it was', async (t) => {
  const { unit, server, at } = await served(0);
  t.teardown(() => server.close());
  t.true((await (await fetch(at('/'))).text()).includes('No first grant is taken any more'));
  for (const [path, method, body, status] of [
    ['/enrol/grant', 'PUT', '{', 400],
    ['/enrol/grant', 'PUT', '', 400],
    ['/enrol/grant', 'GET', undefined, 405],
    ['/enrol/identity', 'PUT', 'x', 405],
    ['/enrol/grant', 'PUT', 'x'.repeat(longestEnrolmentDocument + 1), 413],
    ['/enrol/grant', 'PUT', 'x'.repeat(longestEnrolmentDocument + 500), 413],
    ['/enrol/..%2fgrant', 'GET', undefined, 404],
    ['/etc/passwd', 'GET', undefined, 404],
  ] as const) {
    const answer = await fetch(at(path), { method, ...(body === undefined ? {} : { body }) });
    t.is(answer.status, status, `${method} ${path}`);
    t.truthy(enrolmentRefusal.parse(await answer.json()).detail);
  }
  t.is((await unit.identity()).enrolled, undefined);
});

test('markup in a serial is text, and nobody who says nothing keeps the server', async (t) => {
  const unit = madeUnit(new LinkingFiles(), { serial: async () => ({ serial: '<b>1</b>', from: 'dmi' }) });
  const identity = await unit.identity();
  const server = await serveEnrolment('127.0.0.1:0', {
    page: async () => ({ identity, codeSvg: enrolmentCodeSvg(identity), minutesLeft: 1 }),
    answer: (call) => handleEnrolment(unit, call),
  });
  const text = await (await fetch(`http://${server.address}/`)).text();
  t.false(text.includes('<b>1</b>'));
  t.true(text.includes('1 more minute.'));
  const [host, port] = server.address.split(':');
  const silent = connect(Number(port), host);
  await once(silent, 'connect');
  const ended = once(silent, 'close');
  await server.close();
  await ended;
  t.pass();
});
