// The Vercel AI SDK against the chat door.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { APICallError, generateText, isStepCount, Output, streamText, tool } from 'ai';
import { z } from 'zod';

import { keys, openDoor } from './door.mjs';
import { said, scenes, usage } from './model.mjs';

let door;
before(async () => { door = await openDoor(); });
after(() => door.close());

const support = (apiKey = keys.desk, headers = {}) =>
  createOpenAICompatible({ name: 'drawbridge', baseURL: door.url, apiKey, headers, includeUsage: true })('support');
const call = { maxRetries: 0 };

// weather is a tool that runs in the client.
const weather = (asked) => ({
  get_weather: tool({
    description: 'The weather in a city.',
    inputSchema: z.object({ city: z.string() }),
    execute: ({ city }) => {
      asked.push(city);
      return { city, degrees: 21 };
    },
  }),
});

test('generateText gets one clean message', async () => {
  const result = await generateText({ ...call, model: support(), prompt: 'do the work' });
  assert.deepEqual([result.text, result.finishReason, result.toolCalls.length, result.steps.length], [said('work'), 'stop', 0, 1]);
  assert.deepEqual([result.usage.inputTokens, result.usage.outputTokens], [usage.prompt, usage.completion].map((n) => n * scenes.work.length));
});

test('streamText gets one clean message, and usage', async () => {
  const result = streamText({ ...call, model: support(), prompt: 'do the work' });
  let words = '';
  const kinds = new Set();
  for await (const part of result.fullStream) {
    kinds.add(part.type);
    if (part.type === 'text-delta') words += part.text;
  }
  assert.equal(words, said('work'));
  for (const kind of kinds) assert.doesNotMatch(kind, /tool|reasoning|error/);
  assert.equal(await result.finishReason, 'stop');
  const used = await result.usage;
  assert.deepEqual([used.inputTokens, used.outputTokens, used.inputTokenDetails.cacheReadTokens, used.outputTokenDetails.reasoningTokens],
    [usage.prompt, usage.completion, usage.cached, usage.reasoning].map((n) => n * scenes.work.length));
});

test('silence is bridged with what it ignores', async () => {
  const result = streamText({ ...call, model: support(), prompt: 'be slow' });
  assert.equal(await result.text, said('slow'));
});

for (const [how, headers] of [['', {}], [', with activity shown', { 'x-drawbridge-activity': 'true' }]]) {
  test(`generateText calls a tool of its own${how}`, async () => {
    const asked = [];
    const before = door.model.asked.length;
    const result = await generateText({ ...call, model: support(keys.desk, headers), prompt: 'how is the weather?', tools: weather(asked), stopWhen: isStepCount(3) });
    assert.deepEqual(asked, ['Malmö']);
    assert.deepEqual([result.text, result.steps.length, result.steps[0].finishReason], [said('weather', 1), 2, 'tool-calls']);
    assert.deepEqual(result.steps[0].toolCalls.map((c) => c.toolName), ['get_weather']);
    assert.equal(door.model.asked.length - before, 2, 'the same run went on');
  });

  test(`streamText calls a tool of its own${how}`, async () => {
    const asked = [];
    const result = streamText({ ...call, model: support(keys.desk, headers), prompt: 'how is the weather?', tools: weather(asked), stopWhen: isStepCount(3) });
    assert.equal(await result.text, said('weather', 1));
    assert.deepEqual(asked, ['Malmö']);
    assert.equal((await result.steps).length, 2);
    const reasoning = (await result.steps).map((step) => step.reasoningText ?? '').join('');
    assert.equal(/crm_list_tasks/.test(reasoning), how !== '');
  });
}

test('an object comes in the form that was asked for', async () => {
  const provider = createOpenAICompatible({ name: 'drawbridge', baseURL: door.url, apiKey: keys.desk, supportsStructuredOutputs: true });
  const output = Output.object({ schema: z.object({ total: z.number() }) });
  const whole = await generateText({ ...call, model: provider('support'), prompt: 'do the sums', output });
  assert.deepEqual(whole.output, { total: 3 });
  const streamed = streamText({ ...call, model: provider('support'), prompt: 'do the sums', output });
  assert.deepEqual(await streamed.output, { total: 3 });
  assert.equal(door.model.asked.at(-1).response_format.type, 'json_schema');
});

test('errors are API call errors that say what is wrong', async () => {
  const fails = (model, statusCode, said, more = {}) => assert.rejects(generateText({ ...call, model, prompt: 'hello', ...more }), (error) => {
    assert.ok(APICallError.isInstance(error), error);
    assert.equal(error.statusCode, statusCode);
    assert.match(error.message, said);
    return true;
  });
  await fails(support('nobody'), 401, /key/);
  await fails(createOpenAICompatible({ name: 'drawbridge', baseURL: door.url, apiKey: keys.desk })('nobody'), 404, /nobody/);
  await fails(support(), 400, /logprobs/, { providerOptions: { drawbridge: { logprobs: true } } });
  await generateText({ ...call, model: support(keys.hurried), prompt: 'hello' });
  await fails(support(keys.hurried), 429, /minute/);
});
