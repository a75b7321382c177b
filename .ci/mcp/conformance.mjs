// The conformance suite of the MCP project against a running drawbridge: both of its
// lines, both eras, one endpoint. It is judged by scenarios, never by the sum of checks:
// a good part of those holds against a closed port too.
//
// FIXTURE names the binary built with the tag "conformance", PRODUCT the ordinary one,
// ROUNDS how often each is asked. expected.json lists what may fail, each with its
// reason; what is listed there and passes fails this run, so that the list stays true.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';

const expected = JSON.parse(readFileSync(new URL('expected.json', import.meta.url)));
const rounds = Number(process.env.ROUNDS ?? 10);
const suites = [
  { name: '0.1 active', package: 'conformance-0.1', args: [], scored: 30 },
  { name: '0.2 2025-11-25', package: 'conformance-0.2', args: ['--requirements', '2025-11-25'], scored: 30 },
  { name: '0.2 2026-07-28', package: 'conformance-0.2', args: ['--requirements', '2026-07-28'], scored: 37 },
];

async function serve(binary) {
  const folder = mkdtempSync(join(tmpdir(), 'drawbridge-conformance-'));
  const config = join(folder, 'drawbridge.yaml');
  writeFileSync(config, `store: {url: "sqlite://${folder}/drawbridge.db"}\nserver: {listen: "127.0.0.1:0"}\nlog: {format: json}\n`);
  const server = spawn(resolve(binary), ['serve', '-c', config], { stdio: ['ignore', 'ignore', 'pipe'] });
  let base;
  for await (const line of createInterface({ input: server.stderr })) {
    const entry = JSON.parse(line);
    if (entry.msg === 'serving') {
      base = entry.address;
      break;
    }
  }
  assert.ok(base, `${binary} did not say that it serves`);
  server.stderr.resume();
  return {
    url: `${base}/mcp`,
    stop: async () => {
      const ended = new Promise((done) => server.once('exit', done));
      server.kill('SIGTERM');
      assert.equal(await ended, 0, `${binary} did not stop in order`);
      rmSync(folder, { recursive: true });
    },
  };
}

// ask runs a suite and reads its summary: which scenarios held, and which do not count.
async function ask(suite, url) {
  const run = spawn(process.execPath, [`node_modules/${suite.package}/dist/index.js`, 'server', '--url', url, ...suite.args], { stdio: ['ignore', 'pipe', 'pipe'] });
  let text = '';
  for (const stream of [run.stdout, run.stderr]) stream.setEncoding('utf8').on('data', (part) => (text += part));
  const code = await new Promise((done) => run.once('close', done));
  const summary = text.slice(text.indexOf('=== SUMMARY ==='));
  const held = new Map();
  const unscored = new Set();
  for (const line of summary.split('\n')) {
    let m;
    if ((m = /^([✓✗]) (\S+): \d+ passed, \d+ failed/.exec(line))) held.set(m[2], m[1] === '✓');
    else if ((m = /^ {2}[✓✗] (\S+) \(/.exec(line))) unscored.add(m[1]);
  }
  return { code, text, held, scored: [...held.keys()].filter((name) => !unscored.has(name)) };
}

const problems = [];
const problem = (text) => {
  problems.push(text);
  console.error(`! ${text}`);
};

const fixture = await serve(process.env.FIXTURE);
for (let round = 1; round <= rounds; round++) {
  for (const suite of suites) {
    const { code, text, held, scored } = await ask(suite, fixture.url);
    const allowed = expected.failures[suite.name] ?? {};
    const good = scored.filter((name) => held.get(name)).length;
    console.log(`round ${round}, ${suite.name}: ${good}/${scored.length} scored scenarios, ${held.size} in all, exit ${code}`);
    const before = problems.length;
    if (scored.length !== suite.scored) problem(`${suite.name}: ${scored.length} scored scenarios were run, and ${suite.scored} are to be`);
    if (code !== 0) problem(`${suite.name}: exit code ${code}`);
    for (const [name, ok] of held) {
      if (!ok && !allowed[name]) problem(`${suite.name}: ${name} failed`);
      if (!ok && allowed[name] && scored.includes(name)) problem(`${suite.name}: ${name} is scored, and may not be expected to fail`);
      if (ok && allowed[name]) problem(`${suite.name}: ${name} passes: take it out of expected.json`);
    }
    if (problems.length > before) console.error(text);
  }
}
await fixture.stop();

// The product itself, without any of the suite's tools.
const product = await serve(process.env.PRODUCT);
for (const suite of suites.slice(1)) {
  const { text, held } = await ask(suite, product.url);
  const failed = expected.without_fixture[suite.name].filter((name) => !held.get(name));
  console.log(`without the fixture, ${suite.name}: ${expected.without_fixture[suite.name].length - failed.length} of those that need none hold`);
  for (const name of failed) problem(`without the fixture, ${suite.name}: ${name} failed`);
  if (failed.length > 0) console.error(text);
}
await product.stop();

if (problems.length > 0) {
  console.error(`${problems.length} problems`);
  process.exit(1);
}
