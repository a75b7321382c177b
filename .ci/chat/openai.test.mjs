// The official OpenAI client against the chat door.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';

import OpenAI from 'openai';
import { zodFunction, zodResponseFormat } from 'openai/helpers/zod';
import { z } from 'zod';

import { keys, openDoor } from './door.mjs';
import { said, scenes, usage } from './model.mjs';

let door;
let client;
before(async () => {
  door = await openDoor();
  client = clientOf(keys.desk);
});
after(() => door.close());

const clientOf = (apiKey) => new OpenAI({ baseURL: door.url, apiKey, maxRetries: 0 });
const says = (content) => ({ model: 'support', messages: [{ role: 'user', content }] });

function isUsageOf(turns, got) {
  assert.deepEqual(
    [got.prompt_tokens, got.completion_tokens, got.prompt_tokens_details.cached_tokens, got.completion_tokens_details.reasoning_tokens],
    [usage.prompt, usage.completion, usage.cached, usage.reasoning].map((n) => n * turns),
  );
}

test('it lists the agents as models', async () => {
  const names = async (of) => (await Array.fromAsync(of.models.list())).map((model) => model.id);
  assert.deepEqual(await names(client), ['sales', 'support']);
  assert.deepEqual(await names(clientOf(keys.narrow)), ['support']);
  assert.equal((await client.models.retrieve('support')).object, 'model');
});

test('it gets a whole message', async () => {
  const { data, response } = await client.chat.completions.create(says('do the work')).withResponse();
  assert.equal(data.choices.length, 1);
  assert.deepEqual([data.choices[0].message.content, data.choices[0].finish_reason, data.choices[0].message.tool_calls], [said('work'), 'stop', undefined]);
  isUsageOf(scenes.work.length, data.usage);
  assert.match(response.headers.get('x-drawbridge-run'), /^run_/);
});

test('its stream helper gets one clean message', async () => {
  const stream = client.chat.completions.stream({ ...says('do the work'), stream_options: { include_usage: true } });
  let words = '';
  let deltas = 0;
  stream.on('content', (delta) => {
    words += delta;
    deltas += 1;
  });
  const completion = await stream.finalChatCompletion();
  assert.equal(words, said('work'));
  assert.ok(deltas > 3, `${deltas} deltas`);
  assert.equal(completion.choices.length, 1);
  assert.deepEqual([completion.choices[0].message.content, completion.choices[0].finish_reason], [said('work'), 'stop']);
  assert.equal(completion.choices[0].message.tool_calls, undefined);
  isUsageOf(scenes.work.length, completion.usage);
});

test('a plain stream can be left in the middle', async () => {
  const stream = await client.chat.completions.create({ ...says('be slow'), stream: true });
  for await (const chunk of stream) {
    assert.equal(chunk.object, 'chat.completion.chunk');
    break;
  }
});

test('a conversation goes on, with pictures', async () => {
  const picture = { type: 'image_url', image_url: { url: 'data:image/png;base64,iVBORw0KGgo=' } };
  const messages = [
    { role: 'user', content: 'hello' },
    { role: 'assistant', content: said('hello') },
    { role: 'user', content: [{ type: 'text', text: 'hello again, and look at this' }, picture] },
  ];
  const { choices } = await client.chat.completions.create({ model: 'support', messages, temperature: 0.5, seed: 7, stop: ['END'], max_completion_tokens: 500 });
  assert.equal(choices[0].message.content, said('hello'));
  const asked = door.model.asked.at(-1);
  assert.deepEqual(asked.messages.slice(-3), messages, 'the model gets what was said as it was said');
  assert.deepEqual([asked.temperature, asked.seed, asked.stop, asked.max_completion_tokens], [0.5, 7, ['END'], 500]);
});

test('parse gets an answer of the form it asked for', async () => {
  const format = zodResponseFormat(z.object({ total: z.number() }), 'sums');
  const { choices } = await client.chat.completions.parse({ ...says('do the sums'), response_format: format });
  assert.deepEqual(choices[0].message.parsed, { total: 3 });
  assert.equal(door.model.asked.at(-1).response_format.json_schema.name, 'sums');
});

test('a run is cancelled with its client, if that was asked for', async () => {
  const stopped = new AbortController();
  const options = { signal: stopped.signal, headers: { 'x-drawbridge-on-disconnect': 'cancel' } };
  const { data, response } = await client.chat.completions.create({ ...says('be slow'), stream: true }, options).withResponse();
  stopped.abort();
  await Array.fromAsync(data).catch((error) => assert.ok(error instanceof OpenAI.APIUserAbortError, error)); // or it just ends
  const run = response.headers.get('x-drawbridge-run');
  assert.equal(await ended(run), 'cancelled');
});

test('a run is cancelled by its id', async () => {
  const { data, response } = await client.chat.completions.create({ ...says('be slow'), stream: true }).withResponse();
  const run = response.headers.get('x-drawbridge-run');
  await client.post(`/runs/${run}/cancel`);
  await Array.fromAsync(data).catch((error) => assert.ok(error instanceof OpenAI.APIError, error));
  assert.equal(await ended(run), 'cancelled');
});

// ended is the state that a run ends in.
async function ended(run) {
  for (let tries = 0; tries < 100; tries += 1) {
    const { state } = await client.get(`/runs/${run}`);
    if (!['queued', 'running', 'waiting'].includes(state)) return state;
    await pause(100);
  }
  return 'not ended';
}

for (const stream of [false, true]) {
  test(`runTools calls a tool of the client's own, ${stream ? 'streamed' : 'whole'}`, async () => {
    const asked = [];
    const weather = zodFunction({
      name: 'get_weather',
      description: 'The weather in a city.',
      parameters: z.object({ city: z.string() }),
      function: ({ city }) => {
        asked.push(city);
        return { city, degrees: 21 };
      },
    });
    const before = door.model.asked.length;
    const runner = client.chat.completions.runTools({ ...says('how is the weather?'), stream, tools: [weather] });
    assert.equal(await runner.finalContent(), said('weather', 1));
    assert.deepEqual(asked, ['Malmö']);
    const messages = runner.messages;
    assert.deepEqual(messages.map((m) => m.role), ['user', 'assistant', 'tool', 'assistant']);
    assert.deepEqual(messages[1].tool_calls.map((call) => call.function.name), ['get_weather'], 'only the client\'s own call is handed over');
    assert.equal(door.model.asked.length - before, 2, 'the same run went on');
    assert.match(JSON.stringify(door.model.asked.at(-1).messages), /degrees/);
  });
}

test('its errors are its own classes', async () => {
  const fails = (promise, kind, more) => assert.rejects(promise, (error) => {
    assert.ok(error instanceof kind, `${error.constructor.name}: ${error.message}`);
    for (const [name, value] of Object.entries(more)) assert.equal(error[name], value, name);
    return true;
  });
  await fails(clientOf('nobody').models.list(), OpenAI.AuthenticationError, { code: 'invalid_api_key' });
  await fails(client.chat.completions.create({ ...says('hello'), model: 'nobody' }), OpenAI.NotFoundError, { code: 'model_not_found', param: 'model' });
  await fails(client.chat.completions.create({ ...says('hello'), logprobs: true }), OpenAI.BadRequestError, { param: 'logprobs', type: 'invalid_request_error' });
  await fails(client.chat.completions.create({ ...says('hello'), n: 2, stream: true }), OpenAI.BadRequestError, { param: 'n' });
  await fails(client.chat.completions.create(says('be refused')), OpenAI.InternalServerError, { status: 502 });
  const hurried = clientOf(keys.hurried);
  await hurried.chat.completions.create(says('hello'));
  await fails(hurried.chat.completions.create(says('hello')), OpenAI.RateLimitError, { code: 'rate_limit_exceeded' });
});
