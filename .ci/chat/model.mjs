// A model for these tests: OpenAI's chat API over HTTP, playing the scene that the
// latest user message asks for, in many small deltas. It notes what breaks the
// protocol's first rule: each call is answered once, right behind it.
import { once } from 'node:events';
import { createServer } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';

// What each answer of the model costs.
export const usage = { prompt: 100, cached: 40, completion: 10, reasoning: 3 };

// The scenes, by a word of the user's: for each turn what the model says and calls.
export const scenes = {
  work: [
    { text: 'Let me look.', calls: [['crm_search_customers', { q: 'lindqvist' }], ['crm_list_tasks', {}]] },
    { text: 'Now the products.', calls: [['crm_search_products', {}], ['crm_search_deals', {}]] },
    { text: 'All is well — no open tasks, and åäö survive.' },
  ],
  weather: [
    { text: 'Let me check.', calls: [['get_weather', { city: 'Malmö' }], ['crm_list_tasks', {}]] },
    { text: 'It is fine.' },
  ],
  slow: [{ text: 'Sorry for the delay.', wait: 2500 }],
  sums: [{ text: '', calls: [['crm_list_tasks', {}]] }, { text: '{"total":3}' }],
  refused: [{ text: '', status: 401 }],
  hello: [{ text: 'Hello there.' }],
};

// said is a scene's words, as one message holds them.
export const said = (scene, from = 0) => scenes[scene].slice(from).map((turn) => turn.text).join('\n\n');

export async function startModel() {
  const asked = [];
  const problems = [];
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    const question = JSON.parse(body);
    asked.push(question);
    problems.push(...judge(question));
    await answer(question, response, asked.length);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { url: `http://127.0.0.1:${server.address().port}/v1`, asked, problems, close: () => server.close() };
}

function judge({ messages, stream, tools }) {
  const found = [];
  if (stream !== true) found.push('the request is not streamed');
  if (tools?.length === 0) found.push('an empty list of tools');
  let open = new Set();
  for (const [i, m] of messages.entries()) {
    if (m.role === 'tool') {
      if (!open.delete(m.tool_call_id)) found.push(`messages[${i}] answers no open call`);
      continue;
    }
    if (open.size > 0) found.push(`messages[${i}] comes before the results of ${[...open]}`);
    open = new Set((m.tool_calls ?? []).map((call) => call.id));
  }
  if (open.size > 0) found.push('calls without results at the end');
  return found;
}

const textOf = (content) => (typeof content === 'string' ? content : content.map((part) => part.text ?? '').join(''));

// turnOf finds the scene, and which of its turns it is the time for.
function turnOf(messages) {
  const last = messages.findLastIndex((m) => m.role === 'user');
  const name = Object.keys(scenes).find((word) => textOf(messages[last].content).includes(word));
  const scene = scenes[name] ?? scenes.hello;
  const turn = messages.slice(last).filter((m) => m.role === 'assistant').length;
  return scene[Math.min(turn, scene.length - 1)];
}

// complete gives null to what a strict function requires and a scene leaves out.
function complete(args, name, tools) {
  const parameters = tools?.find((tool) => tool.function.name === name)?.function.parameters;
  const missing = (parameters?.required ?? []).filter((key) => !(key in args));
  return JSON.stringify({ ...args, ...Object.fromEntries(missing.map((key) => [key, null])) });
}

async function answer({ model, messages, tools, stream_options }, response, number) {
  const turn = turnOf(messages);
  if (turn.wait) await pause(turn.wait);
  if (turn.status) {
    response.writeHead(turn.status, { 'content-type': 'application/json' });
    response.end('{"error":{"message":"no","type":"invalid_request_error","param":null,"code":null}}');
    return;
  }
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  const envelope = { id: `chatcmpl-${number}`, object: 'chat.completion.chunk', created: 1, model };
  const send = (more) => response.write(`data: ${JSON.stringify({ ...envelope, ...more })}\n\n`);
  const say = (delta, finish_reason = null) => send({ choices: [{ index: 0, delta, finish_reason }] });
  say({ role: 'assistant', content: '' });
  for (const piece of turn.text.match(/.{1,3}/gsu) ?? []) {
    say({ content: piece });
    await pause(2); // as a model does: what comes at once may be passed on at once
  }
  for (const [index, [name, args]] of (turn.calls ?? []).entries()) {
    say({ tool_calls: [{ index, id: `call_m${number}_${index}`, type: 'function', function: { name, arguments: '' } }] });
    for (const piece of complete(args, name, tools).match(/.{1,5}/gsu)) say({ tool_calls: [{ index, function: { arguments: piece } }] });
  }
  say({}, turn.calls ? 'tool_calls' : 'stop');
  if (stream_options?.include_usage) {
    send({
      choices: [],
      usage: {
        prompt_tokens: usage.prompt,
        completion_tokens: usage.completion,
        total_tokens: usage.prompt + usage.completion,
        prompt_tokens_details: { cached_tokens: usage.cached },
        completion_tokens_details: { reasoning_tokens: usage.reasoning },
      },
    });
  }
  response.end('data: [DONE]\n\n');
}
