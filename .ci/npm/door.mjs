// A drawbridge for a test file: the built binary with a store of its own, three keys and
// a mounted server whose tool reports its progress. DRAWBRIDGE names the binary.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

export const binary = resolve(process.env.DRAWBRIDGE ?? '../../bin/drawbridge');

export const keys = {
  desk: 'desk-key-0123456789abcdef', // everything
  reader: 'reader-key-0123456789abcdef', // looks up customers
  counter: 'counter-key-0123456789abcdef', // the mounted tool
};

export async function openDoor() {
  const folder = mkdtempSync(join(tmpdir(), 'drawbridge-clients-'));
  const config = join(folder, 'drawbridge.yaml');
  const counter = fileURLToPath(new URL('counter.mjs', import.meta.url));
  writeFileSync(config, `
store: {url: "sqlite://${folder}/drawbridge.db"}
server:
  listen: 127.0.0.1:0
  keys:
    - {name: desk, key: ${keys.desk}, tools: ["crm_*", "payment_*", "email_*"], effects: [read, write, message, money]}
    - {name: reader, key: ${keys.reader}, tools: ["crm_get_*", "crm_search_*"]}
    - {name: counter, key: ${keys.counter}, tools: ["far__*"]}
tools:
  mcp:
    - {name: far, command: ["${process.execPath}", "${counter}"], effects: {"*": read}}
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
    base,
    folder,
    // What an assistant's settings would say to have it as a child process.
    child: (key) => ({ command: binary, args: ['mcp', '-c', config], env: { ...process.env, DRAWBRIDGE_KEY: key } }),
    async close() {
      server.kill('SIGTERM');
      assert.equal(await exited, 0, 'the server did not stop in order');
      rmSync(folder, { recursive: true });
    },
  };
}
