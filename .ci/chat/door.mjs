// A drawbridge for a test file: the built binary with a store of its own and the
// model of model.mjs. DRAWBRIDGE names the binary.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';

import { startModel } from './model.mjs';

export const keys = {
  desk: 'desk-key-0123456789abcdef',
  narrow: 'narrow-key-0123456789abcdef', // may talk to support only
  hurried: 'hurried-key-0123456789abcdef', // may ask once a minute
};

export async function openDoor() {
  const model = await startModel();
  const folder = mkdtempSync(join(tmpdir(), 'drawbridge-chat-'));
  const config = join(folder, 'drawbridge.yaml');
  writeFileSync(config, `
store: {url: "sqlite://${folder}/drawbridge.db"}
server:
  listen: 127.0.0.1:0
  keys:
    - {name: desk, key: ${keys.desk}, tools: ["*"], effects: [read, write, message, money]}
    - {name: narrow, key: ${keys.narrow}, tools: ["*"], agents: ["support"]}
    - {name: hurried, key: ${keys.hurried}, tools: ["*"], requests_per_minute: 1}
model: {base_url: "${model.url}", api_key: sk-model, name: ci-model}
chat: {keep_alive: 1s}
agents:
  support: {instructions: Help the customer., tools: ["crm_*"]}
  sales: {instructions: Sell., tools: ["crm_search_*"]}
log: {format: json}
`);
  const server = spawn(resolve(process.env.DRAWBRIDGE ?? '../../bin/drawbridge'), ['serve', '-c', config], { stdio: ['ignore', 'ignore', 'pipe'] });
  const exited = new Promise((done) => server.once('exit', done));
  let base;
  for await (const line of createInterface({ input: server.stderr })) {
    const entry = JSON.parse(line);
    if (entry.msg === 'serving') {
      base = entry.address;
      break;
    }
  }
  assert.ok(base, 'the server did not say that it serves');
  server.stderr.resume();
  return {
    url: `${base}/v1`,
    model,
    async close() {
      server.kill('SIGTERM');
      const code = await exited;
      model.close();
      rmSync(folder, { recursive: true });
      assert.equal(code, 0, 'the server did not stop in order');
      assert.deepEqual(model.problems, [], 'the model was asked in a way that breaks the protocol');
    },
  };
}
