// OpenAI's agents SDK against the chat door, over chat completions.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { Agent, run, setDefaultOpenAIClient, setOpenAIAPI, setTracingDisabled, tool } from '@openai/agents';
import OpenAI from 'openai';
import { z } from 'zod';

import { keys, openDoor } from './door.mjs';
import { said, scenes, usage } from './model.mjs';

let door;
before(async () => {
  door = await openDoor();
  setTracingDisabled(true);
  setOpenAIAPI('chat_completions');
  setDefaultOpenAIClient(new OpenAI({ baseURL: door.url, apiKey: keys.desk, maxRetries: 0 }));
});
after(() => door.close());

const agent = (more = {}) => new Agent({ name: 'caller', instructions: 'Ask the door.', model: 'support', ...more });

test('a run gets one clean message', async () => {
  const result = await run(agent(), 'do the work');
  assert.equal(result.finalOutput, said('work'));
  assert.deepEqual(result.newItems.map((item) => item.type), ['message_output_item']);
  assert.equal(result.state.usage.inputTokens, usage.prompt * scenes.work.length);
});

test('a streamed run gets one clean message', async () => {
  const result = await run(agent(), 'do the work', { stream: true });
  let words = '';
  for await (const delta of result.toTextStream()) words += delta;
  await result.completed;
  assert.deepEqual([words, result.finalOutput], [said('work'), said('work')]);
  assert.deepEqual(result.newItems.map((item) => item.type), ['message_output_item']);
});

for (const stream of [false, true]) {
  test(`a tool of the agent's own is called, ${stream ? 'streamed' : 'whole'}`, async () => {
    const asked = [];
    const weather = tool({
      name: 'get_weather',
      description: 'The weather in a city.',
      parameters: z.object({ city: z.string() }),
      execute: ({ city }) => {
        asked.push(city);
        return `21 degrees in ${city}`;
      },
    });
    const before = door.model.asked.length;
    const result = await run(agent({ tools: [weather] }), 'how is the weather?', { stream });
    if (stream) await result.completed;
    assert.deepEqual(asked, ['Malmö']);
    assert.equal(result.finalOutput, said('weather', 1));
    assert.equal(door.model.asked.length - before, 2, 'the same run went on');
    assert.deepEqual(result.newItems.filter((item) => item.type === 'tool_call_item').map((item) => item.rawItem.name), ['get_weather']);
  });
}

test('a typed answer comes in its form', async () => {
  const result = await run(agent({ outputType: z.object({ total: z.number() }) }), 'do the sums');
  assert.deepEqual(result.finalOutput, { total: 3 });
  assert.equal(door.model.asked.at(-1).response_format.type, 'json_schema');
});

test('an error comes out as the client\'s own', async () => {
  await assert.rejects(run(agent({ model: 'nobody' }), 'hello'), OpenAI.NotFoundError);
});
