// The official TypeScript MCP clients against a running drawbridge: every
// transport, both generations of the SDK, both protocol eras.
// DRAWBRIDGE names the binary; the test brings its own store and configuration.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, test } from 'node:test';

import * as v1 from '@modelcontextprotocol/sdk/client/index.js';
import { SSEClientTransport as SSE1 } from '@modelcontextprotocol/sdk/client/sse.js';
import { StdioClientTransport as Stdio1 } from '@modelcontextprotocol/sdk/client/stdio.js';
import { StreamableHTTPClientTransport as HTTP1 } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import * as v2 from '@modelcontextprotocol/client';
import { StdioClientTransport as Stdio2 } from '@modelcontextprotocol/client/stdio';

const binary = resolve(process.env.DRAWBRIDGE ?? '../../bin/drawbridge');
const folder = mkdtempSync(join(tmpdir(), 'drawbridge-clients-'));
const config = join(folder, 'drawbridge.yaml');
const key = 'desk-key-0123456789abcdef';
const readerKey = 'reader-key-0123456789abcdef';
let server;
let base;

before(async () => {
  writeFileSync(config, `
store: {url: "sqlite://${folder}/drawbridge.db"}
server:
  listen: 127.0.0.1:0
  keys:
    - {name: desk, key: ${key}, tools: ["*"], effects: [read, write, message, money]}
    - {name: reader, key: ${readerKey}, tools: ["crm_get_*", "crm_search_*"]}
log: {format: json}
`);
  server = spawn(binary, ['serve', '-c', config], { stdio: ['ignore', 'ignore', 'pipe'] });
  for await (const line of createInterface({ input: server.stderr })) {
    const entry = JSON.parse(line);
    if (entry.msg === 'serving') {
      base = entry.address;
      break;
    }
  }
  assert.ok(base, 'the server did not say that it serves');
  server.stderr.resume();
});

after(async () => {
  const ended = new Promise((done) => server.once('exit', (code) => done(code)));
  server.kill('SIGTERM');
  assert.equal(await ended, 0, 'the server did not stop in order');
  rmSync(folder, { recursive: true });
});

const authorized = (k) => ({ requestInit: { headers: { Authorization: `Bearer ${k}` } } });
const child = () => ({ command: binary, args: ['mcp', '-c', config] });
const me = { name: 'ci', version: '1' };

const transports = {
  1: { stdio: () => new Stdio1(child()), sse: (k) => new SSE1(new URL(`${base}/sse`), authorized(k)), http: (k) => new HTTP1(new URL(`${base}/mcp`), authorized(k)) },
  2: {
    stdio: () => new Stdio2(child()),
    sse: (k) => new v2.SSEClientTransport(new URL(`${base}/sse`), authorized(k)),
    http: (k) => new v2.StreamableHTTPClientTransport(new URL(`${base}/mcp`), authorized(k)),
  },
};
const clients = {
  'sdk 1': { sdk: 1, make: () => new v1.Client(me) },
  'sdk 2, legacy': { sdk: 2, make: () => new v2.Client(me) },
  'sdk 2, newest protocol it can have': { sdk: 2, make: () => new v2.Client(me, { versionNegotiation: { mode: 'auto' } }) },
};

for (const [name, { sdk, make }] of Object.entries(clients)) {
  for (const transport of ['stdio', 'sse', 'http']) {
    test(`${name} over ${transport} lists and calls tools`, async () => {
      const client = make();
      await client.connect(transports[sdk][transport](key));
      try {
        await exercise(client, `${sdk}-${transport}-${name.length}`);
      } finally {
        await client.close();
      }
    });
  }
  test(`${name} sees only what its key may call`, async () => {
    const client = make();
    await client.connect(transports[sdk].http(readerKey));
    try {
      const { tools } = await client.listTools();
      assert.ok(tools.length > 3);
      for (const tool of tools) assert.match(tool.name, /^crm_(get|search)_/);
      const refused = await attempt(client, 'crm_create_customer', { name: 'X' });
      assert.match(refused, /crm_create_customer/);
    } finally {
      await client.close();
    }
  });
}

// attempt gives the error text of a call that must not work, whether the server
// answers with a tool error or a protocol error.
async function attempt(client, name, args) {
  try {
    const result = await client.callTool({ name, arguments: args });
    assert.equal(result.isError, true, `${name} was carried out`);
    return result.content[0].text;
  } catch (error) {
    return error.message;
  }
}

async function exercise(client, unique) {
  const { tools } = await client.listTools();
  const names = tools.map((tool) => tool.name);
  for (const needed of ['crm_search_customers', 'payment_create_refund', 'email_send']) assert.ok(names.includes(needed), `no ${needed}`);
  assert.deepEqual(names, [...names].sort(), 'the order is by name');
  for (const tool of tools) {
    assert.ok(tool.description && tool.outputSchema, tool.name);
    for (const hint of ['readOnlyHint', 'destructiveHint', 'idempotentHint', 'openWorldHint']) assert.equal(typeof tool.annotations[hint], 'boolean', `${tool.name} ${hint}`);
  }

  const email = `client-${unique}@example.com`;
  const made = await client.callTool({ name: 'crm_create_customer', arguments: { name: 'Client Under Test', email } });
  assert.ok(!made.isError, JSON.stringify(made.content));
  assert.deepEqual(JSON.parse(made.content[0].text), made.structuredContent, 'text and structured content say the same');
  const found = await client.callTool({ name: 'crm_get_customer', arguments: { customer: email } });
  assert.equal(found.structuredContent.customer.email, email);

  const wrong = await client.callTool({ name: 'email_send', arguments: { to: 'not a list', subject: 'x', text: 'y' } });
  assert.equal(wrong.isError, true);
  for (const part of [/\bto\b/, /array/, /example/i]) assert.match(wrong.content[0].text, part);
  await attempt(client, 'crm_no_such_tool', {});
}

test('without a key nobody gets in', async () => {
  const response = await fetch(`${base}/mcp`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{}' });
  assert.equal(response.status, 401);
  assert.match(response.headers.get('www-authenticate'), /Bearer/);
});
