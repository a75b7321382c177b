// The chat door on the wire: what no client shows of a stream.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { keys, openDoor } from './door.mjs';
import { said, scenes, usage } from './model.mjs';

let door;
before(async () => { door = await openDoor(); });
after(() => door.close());

const ask = (body, headers = {}, key = keys.desk) =>
  fetch(`${door.url}/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${key}`, ...headers },
    body: JSON.stringify({ model: 'support', stream: true, stream_options: { include_usage: true }, ...body }),
  });
const says = (content) => ({ messages: [{ role: 'user', content }] });

// read takes a stream apart and holds it to the rules of one.
async function read(response) {
  assert.equal(response.status, 200);
  assert.match(response.headers.get('content-type'), /^text\/event-stream/);
  const chunks = [];
  let [comments, done, gap, last] = [0, false, 0, Date.now()];
  let rest = '';
  for await (const bytes of response.body.pipeThrough(new TextDecoderStream())) {
    gap = Math.max(gap, Date.now() - last);
    last = Date.now();
    const events = (rest + bytes).split('\n\n');
    rest = events.pop();
    for (const event of events) {
      assert.ok(!done, `after [DONE]: ${event}`);
      if (event.startsWith(':')) comments += 1;
      else if (event === 'data: [DONE]') done = true;
      else chunks.push(JSON.parse(event.replace(/^data: /, '')));
    }
  }
  assert.ok(done && rest === '', 'the stream has no end');
  const deltas = chunks.flatMap((chunk) => chunk.choices);
  assert.deepEqual([deltas[0].delta.role, deltas.filter((choice) => choice.delta.role).length], ['assistant', 1], 'the role comes first, once');
  const finishes = deltas.map((choice) => choice.finish_reason).filter(Boolean);
  assert.equal(finishes.length, 1, 'one finish_reason');
  assert.equal(deltas.at(-1).finish_reason, finishes[0], 'and it is the last');
  assert.equal(new Set(chunks.map((chunk) => chunk.id)).size, 1, 'one id');
  const join = (name) => deltas.map((choice) => choice.delta[name] ?? '').join('');
  return {
    chunks, comments, gap, finish: finishes[0], content: join('content'), reasoning: join('reasoning_content'), pieces: deltas.filter((choice) => choice.delta.content).length,
    calls: deltas.filter((choice) => choice.delta.tool_calls), usage: chunks.at(-1).usage,
  };
}

test('a run of several turns is one clean message', async () => {
  const response = await ask(says('do the work'));
  assert.match(response.headers.get('x-drawbridge-run'), /^run_/);
  const stream = await read(response);
  assert.deepEqual([stream.content, stream.finish, stream.reasoning], [said('work'), 'stop', '']);
  assert.deepEqual(stream.calls, [], 'calls of our own are nobody else\'s');
  assert.ok(stream.pieces > 3, `the words came in ${stream.pieces} pieces`);
  const turns = scenes.work.length;
  assert.equal(stream.usage.prompt_tokens, turns * usage.prompt);
  assert.equal(stream.usage.completion_tokens, turns * usage.completion);
  assert.equal(stream.usage.prompt_tokens_details.cached_tokens, turns * usage.cached);
  assert.equal(stream.usage.completion_tokens_details.reasoning_tokens, turns * usage.reasoning);
});

test('a silent model does not leave the stream silent', async () => {
  const stream = await read(await ask(says('be slow')));
  assert.ok(stream.comments >= 2, `${stream.comments} comments`);
  assert.ok(stream.gap < 2200, `${stream.gap} ms of silence`);
  assert.equal(stream.content, said('slow'));
});

test('what is done is shown to who asks for it only', async () => {
  const stream = await read(await ask(says('do the work'), { 'x-drawbridge-activity': 'true' }));
  for (const [name] of scenes.work.flatMap((turn) => turn.calls ?? [])) assert.match(stream.reasoning, new RegExp(name));
  assert.deepEqual([stream.content, stream.calls.length], [said('work'), 0]);
});

test('requests with one idempotency key are one run', async () => {
  const before = door.model.asked.length;
  const again = () => ask(says('do the work, once'), { 'idempotency-key': 'once' });
  const responses = await Promise.all([again(), again()]);
  const streams = await Promise.all(responses.map(read));
  const late = await again();
  streams.push(await read(late));
  assert.equal(new Set([...responses, late].map((r) => r.headers.get('x-drawbridge-run'))).size, 1);
  for (const stream of streams) assert.equal(stream.content, said('work'));
  assert.equal(door.model.asked.length - before, scenes.work.length, 'the model was asked for one run');
  const other = await ask(says('something else'), { 'idempotency-key': 'once' });
  assert.equal(other.status, 422);
  assert.equal((await other.json()).error.type, 'invalid_request_error');
});

test('every refusal has the shape of OpenAI\'s errors', async () => {
  const cases = [
    [401, await ask(says('hello'), {}, 'nobody')],
    [400, await ask({ ...says('hello'), logprobs: true })],
    [400, await ask({ messages: [] })],
    [404, await ask({ ...says('hello'), model: 'nobody' })],
    [404, await ask({ ...says('hello'), model: 'sales' }, {}, keys.narrow)],
    [404, await fetch(`${door.url}/completions`, { method: 'POST', headers: { authorization: `Bearer ${keys.desk}` } })],
  ];
  for (const [status, response] of cases) {
    const { error } = await response.json();
    assert.equal(response.status, status, error.message);
    assert.ok(error.message && error.type && 'param' in error && 'code' in error, JSON.stringify(error));
  }
});

test('a key that asks too often is told when to come back', async () => {
  assert.equal((await read(await ask(says('hello'), {}, keys.hurried))).content, said('hello'));
  const refused = await ask(says('hello'), {}, keys.hurried);
  assert.equal(refused.status, 429);
  assert.ok(Number(refused.headers.get('retry-after')) > 0);
  assert.equal((await refused.json()).error.code, 'rate_limit_exceeded');
});

test('the run behind an answer can be looked up, by its owner only', async () => {
  const response = await ask(says('hello'));
  await read(response);
  const address = `${door.url}/runs/${response.headers.get('x-drawbridge-run')}`;
  const look = (key) => fetch(address, { headers: { authorization: `Bearer ${key}` } });
  const mine = await (await look(keys.desk)).json();
  assert.deepEqual([mine.agent, mine.state], ['support', 'succeeded']);
  assert.equal((await look(keys.narrow)).status, 404);
});
