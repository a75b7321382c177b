// A drawbridge with one source a sender, and receivers of its own: of the callbacks that
// it owes, and of the samples that `drawbridge webhook test` sends. DRAWBRIDGE names
// the binary.
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';

import { startModel } from '../chat/model.mjs';

const binary = resolve(process.env.DRAWBRIDGE ?? '../../bin/drawbridge');
const whsec = () => `whsec_${randomBytes(32).toString('base64')}`;

export const secrets = {
  stripe: `whsec_${randomBytes(24).toString('hex')}`, // Stripe's is text
  github: randomBytes(24).toString('hex'),
  standard: whsec(),
  openai: whsec(),
  callback: whsec(),
};

// startReceiver notes each request, its exact bytes included, and answers 204.
async function startReceiver() {
  const got = [];
  const waiting = [];
  const server = createServer(async (request, response) => {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const delivery = { headers: request.headers, body: Buffer.concat(chunks).toString('utf8') };
    got.push(delivery);
    response.writeHead(204).end();
    waiting.splice(0).forEach((wake) => wake());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${server.address().port}/`,
    // first is the first delivery that fits.
    async first(fits) {
      for (;;) {
        const found = got.find(fits);
        if (found) return found;
        await new Promise((wake) => waiting.push(wake));
      }
    },
    close: () => server.close(),
  };
}

export async function openIntake() {
  const model = await startModel();
  const callbacks = await startReceiver();
  const samples = await startReceiver();
  const folder = mkdtempSync(join(tmpdir(), 'drawbridge-senders-'));
  const config = join(folder, 'drawbridge.yaml');
  const sources = ['stripe', 'github', 'standard', 'openai'].map((scheme) => `
  ${scheme}:
    scheme: ${scheme}
    secrets: ["${secrets[scheme]}"]
    agent: clerk
    prompt: hello
    callback: {url: "${callbacks.url}", secret: "${secrets.callback}"}`);
  writeFileSync(config, `
store: {url: "sqlite://${folder}/drawbridge.db"}
server: {listen: "127.0.0.1:0"}
model: {base_url: "${model.url}", api_key: sk-model, name: ci-model}
agents:
  clerk: {instructions: Say hello.}
webhooks:${sources.join('')}
log: {format: json}
`);
  const server = spawn(binary, ['serve', '-c', config], { stdio: ['ignore', 'ignore', 'pipe'] });
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
    callbacks,
    // post delivers to a source, and gives the status and the answer.
    async post(source, headers, body) {
      const answer = await fetch(`${base}/webhooks/${source}`, { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body });
      return { status: answer.status, ...(await answer.json()) };
    },
    // sample is what `drawbridge webhook test` sends for a source.
    async sample(source) {
      await promisify(execFile)(binary, ['webhook', 'test', source, '-c', config, '--url', samples.url]);
      const marks = { stripe: 'stripe-signature', github: 'x-hub-signature-256', standard: 'webhook-signature' };
      return samples.first(({ headers }) => headers[marks[source]]);
    },
    async close() {
      server.kill('SIGTERM');
      const code = await exited;
      for (const one of [model, callbacks, samples]) one.close();
      rmSync(folder, { recursive: true });
      assert.equal(code, 0, 'the server did not stop in order');
    },
  };
}
