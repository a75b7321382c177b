// What senders' own libraries sign is taken in, and what is sent verifies by them.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { Webhooks } from '@octokit/webhooks';
import OpenAI from 'openai';
import { Webhook as StandardWebhook } from 'standardwebhooks';
import Stripe from 'stripe';
import { Webhook as SvixWebhook } from 'svix';

import { openIntake, secrets } from './intake.mjs';

let intake;
before(async () => {
  intake = await openIntake();
});
after(() => intake.close());

const stripe = new Stripe('sk_test_nothing_is_called');
const octokit = new Webhooks({ secret: secrets.github });

// taken asserts that a delivery is accepted, and the same one known when it comes again;
// with another body it is refused.
async function taken(source, headers, body) {
  const first = await intake.post(source, headers, body);
  assert.deepEqual([first.status, first.duplicate], [200, false]);
  assert.match(first.id, /^evt_/);
  const again = await intake.post(source, headers, body);
  assert.deepEqual([again.status, again.duplicate, again.id], [200, true, first.id]);
  assert.equal((await intake.post(source, headers, `${body} `)).status, 401);
  return first.id;
}

// verifies asserts that a delivery is what was signed, and that nothing else is.
function verifies(Webhook, secret, { body, headers }) {
  const webhook = new Webhook(secret);
  webhook.verify(body, headers);
  assert.throws(() => webhook.verify(`${body} `, headers), /signature/i);
}

test('what stripe signs is taken', async () => {
  const payload = JSON.stringify({ id: 'evt_ci', object: 'event', type: 'charge.succeeded', data: { object: { id: 'ch_1' } } });
  await taken('stripe', { 'stripe-signature': stripe.webhooks.generateTestHeaderString({ payload, secret: secrets.stripe }) }, payload);
});

test('what @octokit/webhooks signs is taken', async () => {
  const payload = JSON.stringify({ action: 'opened', issue: { number: 1, title: 'åäö' } });
  const headers = { 'x-hub-signature-256': await octokit.sign(payload), 'x-github-delivery': 'd-1', 'x-github-event': 'issues' };
  await taken('github', headers, payload);
});

for (const [library, Webhook, prefix] of [['standardwebhooks', StandardWebhook, 'webhook'], ['svix', SvixWebhook, 'svix']]) {
  test(`what ${library} signs is taken`, async () => {
    const payload = '{"type":"user.created",  "data":{"n":1}}';
    const at = new Date();
    const id = `msg_${library}`;
    const headers = {
      [`${prefix}-id`]: id,
      [`${prefix}-timestamp`]: String(Math.floor(at.getTime() / 1000)),
      [`${prefix}-signature`]: new Webhook(secrets.standard).sign(id, at, payload),
    };
    await taken('standard', headers, payload);
  });
}

test('a callback verifies by standardwebhooks, svix and openai', async () => {
  const payload = JSON.stringify({ id: 'evt_callback', object: 'event', type: 'response.completed', created_at: 1, data: { id: 'resp_1' } });
  const at = new Date();
  const id = 'wh_callback';
  const headers = {
    'webhook-id': id,
    'webhook-timestamp': String(Math.floor(at.getTime() / 1000)),
    'webhook-signature': new StandardWebhook(secrets.openai).sign(id, at, payload),
  };
  const event = await taken('openai', headers, payload);
  const told = await intake.callbacks.first(({ body }) => JSON.parse(body).data.event === event);
  assert.equal(JSON.parse(told.body).type, 'run.succeeded');
  const openai = new OpenAI({ apiKey: 'sk-nothing-is-called', webhookSecret: secrets.callback });
  assert.deepEqual(await openai.webhooks.unwrap(told.body, told.headers), JSON.parse(told.body));
  for (const Webhook of [StandardWebhook, SvixWebhook]) verifies(Webhook, secrets.callback, told);
  await assert.rejects(openai.webhooks.unwrap(`${told.body} `, told.headers), OpenAI.InvalidWebhookSignatureError);
});

test('a sample for stripe verifies by constructEvent', async () => {
  const { headers, body } = await intake.sample('stripe');
  assert.equal(stripe.webhooks.constructEvent(body, headers['stripe-signature'], secrets.stripe).object, 'event');
  assert.throws(() => stripe.webhooks.constructEvent(`${body} `, headers['stripe-signature'], secrets.stripe), Stripe.errors.StripeSignatureVerificationError);
});

test('a sample for github verifies by @octokit/webhooks', async () => {
  const { headers, body } = await intake.sample('github');
  assert.equal(await octokit.verify(body, headers['x-hub-signature-256']), true);
  assert.equal(await octokit.verify(`${body} `, headers['x-hub-signature-256']), false);
});

test('a sample for standard verifies by standardwebhooks and svix', async () => {
  const sample = await intake.sample('standard');
  for (const Webhook of [StandardWebhook, SvixWebhook]) verifies(Webhook, secrets.standard, sample);
});
