// Other clients that people use, on each transport and with a key: the Inspector's
// command line, OpenAI's agents SDK and the Vercel AI SDK.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { after, before, test } from 'node:test';

import { createMCPClient } from '@ai-sdk/mcp';
import { Experimental_StdioMCPTransport as StdioTransport } from '@ai-sdk/mcp/mcp-stdio';
import { MCPServerSSE, MCPServerStdio, MCPServerStreamableHttp } from '@openai/agents';

import { keys, openDoor } from './door.mjs';

let door;
before(async () => (door = await openDoor()));
after(() => door.close());

const transports = ['stdio', 'sse', 'http'];
const headers = (key) => ({ Authorization: `Bearer ${key}` });
const address = (transport) => `${door.base}/${transport === 'sse' ? 'sse' : 'mcp'}`;

// inspect runs the Inspector's command line.
async function inspect(transport, key, ...args) {
  const child = door.child(key);
  const target =
    transport === 'stdio' ? ['-e', `DRAWBRIDGE_KEY=${key}`, child.command, ...child.args] : [address(transport), '--transport', transport, '--header', `Authorization: Bearer ${key}`];
  const [launcher, command] = ['node_modules/@modelcontextprotocol/inspector/clients/launcher/build/index.js', transport === 'stdio' ? [...args, '--', ...target.slice(2)] : args];
  const run = spawn(process.execPath, [launcher, '--cli', ...(transport === 'stdio' ? target.slice(0, 2) : target), ...command], {
    env: { ...process.env, HOME: door.folder },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [out, err] = ['', ''];
  run.stdout.setEncoding('utf8').on('data', (part) => (out += part));
  run.stderr.setEncoding('utf8').on('data', (part) => (err += part));
  return { code: await new Promise((done) => run.once('close', done)), out, err };
}

for (const transport of transports) {
  test(`the Inspector finds nothing amiss in the list over ${transport}`, async () => {
    const { code, out, err } = await inspect(transport, keys.desk, '--method', 'tools/list', '--strict');
    assert.equal(code, 0, err);
    assert.doesNotMatch(err, /warning|error/i);
    assert.ok(JSON.parse(out).tools.some((tool) => tool.name === 'payment_create_refund'));
  });

  test(`the Inspector lists and calls what its key may over ${transport}`, async () => {
    const list = await inspect(transport, keys.reader, '--method', 'tools/list');
    assert.equal(list.code, 0, list.err);
    for (const tool of JSON.parse(list.out).tools) assert.match(tool.name, /^crm_(get|search)_/);
    const found = await inspect(transport, keys.reader, '--method', 'tools/call', '--tool-name', 'crm_search_customers', '--tool-arg', 'q=nobody');
    assert.equal(found.code, 0, found.err);
    assert.ok(JSON.parse(found.out).structuredContent);
    const refused = await inspect(transport, keys.reader, '--method', 'tools/call', '--tool-name', 'crm_create_customer', '--tool-arg', 'name=X');
    assert.match(refused.out + refused.err, /crm_create_customer/);
  });

  test(`the agents SDK lists and calls what its key may over ${transport}`, async () => {
    const server = agentsServer(transport, keys.reader);
    await server.connect();
    try {
      const tools = await server.listTools();
      assert.ok(tools.length > 3);
      for (const tool of tools) assert.match(tool.name, /^crm_(get|search)_/);
      const found = await server.callTool('crm_search_customers', { q: 'nobody' });
      assert.match(JSON.stringify(found), /customers/);
      assert.doesNotMatch(JSON.stringify(found), /"isError":true|invalid/);
      assert.match(await refusal(() => server.callTool('crm_create_customer', { name: 'X' })), /crm_create_customer/);
    } finally {
      await server.close();
    }
  });

  test(`the AI SDK lists and calls what its key may over ${transport}`, async () => {
    const options = transport === 'stdio' ? new StdioTransport(door.child(keys.reader)) : { type: transport, url: address(transport), headers: headers(keys.reader) };
    const client = await createMCPClient({ transport: options });
    try {
      const tools = await client.tools();
      assert.ok(Object.keys(tools).length > 3);
      for (const name of Object.keys(tools)) assert.match(name, /^crm_(get|search)_/);
      const call = { toolCallId: '1', messages: [] };
      const found = await tools.crm_search_customers.execute({ q: 'nobody' }, call);
      assert.match(JSON.stringify(found), /customers/);
      assert.doesNotMatch(JSON.stringify(found), /"isError":true|invalid/);
      assert.match(await refusal(() => tools.crm_get_customer.execute({ customer: 'nobody@example.com' }, call)), /nobody@example\.com/);
    } finally {
      await client.close();
    }
  });
}

function agentsServer(transport, key) {
  if (transport === 'stdio') return new MCPServerStdio({ name: 'drawbridge', ...door.child(key) });
  const options = { name: 'drawbridge', url: address(transport), requestInit: { headers: headers(key) }, eventSourceInit: { fetch: (url, init) => fetch(url, { ...init, headers: { ...init?.headers, ...headers(key) } }) } };
  return transport === 'sse' ? new MCPServerSSE(options) : new MCPServerStreamableHttp(options);
}

// refusal is the text of a call's error, however the client gives it.
async function refusal(call) {
  try {
    return JSON.stringify(await call());
  } catch (error) {
    return error.message;
  }
}
