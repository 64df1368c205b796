// OpenAI's own JavaScript client against `understudy serve` with a tiny random model: what it says is noise, but always the same
// noise, and everything around it has to be as the client expects. Needs UNDERSTUDY_BINARY and UNDERSTUDY_MODEL_MAKER.
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

let OpenAI;
try {
  ({ default: OpenAI } = await import('openai'));
} catch {
  console.log('understudy-skip: the openai package is not installed; run npm ci in tests/js');
  process.exit(0);
}

const folder = mkdtempSync(join(tmpdir(), 'understudy-js-'));
const messages = [{ role: 'user', content: 'Say something.' }];
const fixed = { model: 'tiny', messages, temperature: 0, max_tokens: 12 };
let server;
let address;
let client;

// Resolves with the address that the server prints once it listens.
function started(child) {
  return new Promise((resolve, reject) => {
    let printed = '';
    child.stdout.on('data', (bytes) => {
      printed += bytes;
      const found = printed.match(/^listening on (http:\/\/\S+)\n/);
      if (found) resolve(found[1]);
    });
    child.on('exit', (status) => reject(new Error(`the server ended with ${status}: ${printed}`)));
  });
}

async function metric(name) {
  const text = await (await fetch(`${address}/metrics`)).text();
  return Number(text.match(new RegExp(`^${name} (\\S+)$`, 'm'))[1]);
}

async function eventually(condition) {
  for (let i = 0; i < 500; i += 1) {
    if (await condition()) return true;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return false;
}

before(async () => {
  const model = join(folder, 'tiny');
  execFileSync(process.env.UNDERSTUDY_MODEL_MAKER, [model]);
  server = spawn(process.env.UNDERSTUDY_BINARY, ['serve', model, '--listen', '127.0.0.1:0', '--compute', 'f32'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  address = await started(server);
  client = new OpenAI({ baseURL: `${address}/v1`, apiKey: 'none', maxRetries: 0 });
});

after(async () => {
  server.removeAllListeners('exit');
  const ended = new Promise((resolve) => server.on('exit', (status) => resolve(status)));
  server.kill('SIGTERM');
  assert.equal(await ended, 0, 'SIGTERM ends the server in good order');
  rmSync(folder, { recursive: true });
});

test('a chat completion', async () => {
  const answer = await client.chat.completions.create(fixed);
  assert.equal(answer.object, 'chat.completion');
  assert.match(answer.id, /^chatcmpl-/);
  assert.equal(answer.choices[0].message.role, 'assistant');
  assert.equal(typeof answer.choices[0].message.content, 'string');
  assert.ok(['stop', 'length'].includes(answer.choices[0].finish_reason));
  assert.ok(answer.usage.completion_tokens > 0 && answer.usage.completion_tokens <= 12);
  assert.equal(answer.usage.total_tokens, answer.usage.prompt_tokens + answer.usage.completion_tokens);
});

test('a stream gives the same text, its role first, its usage last', async () => {
  const whole = await client.chat.completions.create(fixed);
  const stream = await client.chat.completions.create({ ...fixed, stream: true, stream_options: { include_usage: true } });
  const chunks = [];
  for await (const chunk of stream) chunks.push(chunk);
  assert.equal(chunks[0].choices[0].delta.role, 'assistant');
  const text = chunks.map((chunk) => chunk.choices[0]?.delta.content ?? '').join('');
  assert.equal(text, whole.choices[0].message.content);
  assert.equal(chunks.at(-2).choices[0].finish_reason, whole.choices[0].finish_reason);
  assert.deepEqual(chunks.at(-1).choices, []);
  assert.equal(chunks.at(-1).usage.completion_tokens, whole.usage.completion_tokens);
});

test("the client's own stream helper puts the answer together", async () => {
  const whole = await client.chat.completions.create(fixed);
  const answer = await client.chat.completions.stream(fixed).finalChatCompletion();
  assert.equal(answer.choices[0].message.content, whole.choices[0].message.content);
});

test('log-probabilities come with bytes and alternatives', async () => {
  const answer = await client.chat.completions.create({ ...fixed, logprobs: true, top_logprobs: 3 });
  const tokens = answer.choices[0].logprobs.content;
  assert.ok(tokens.length > 0);
  for (const token of tokens) {
    assert.ok(token.logprob <= 0 && Array.isArray(token.bytes));
    assert.equal(token.top_logprobs.length, 3);
    assert.equal(token.top_logprobs[0].logprob, token.logprob, 'greedy takes the most probable token');
  }
});

test('a seed makes a drawn answer come again, and n draws several', async () => {
  const drawn = { ...fixed, temperature: 1, seed: 7, n: 2 };
  const first = await client.chat.completions.create(drawn);
  const again = await client.chat.completions.create(drawn);
  assert.equal(first.choices.length, 2);
  assert.deepEqual(
    first.choices.map((choice) => choice.message.content),
    again.choices.map((choice) => choice.message.content),
  );
  assert.notEqual(first.choices[0].message.content, first.choices[1].message.content);
});

test('completions continue a prompt', async () => {
  const answer = await client.completions.create({ model: 'tiny', prompt: 'Once', max_tokens: 5, temperature: 0, logprobs: 2 });
  assert.equal(answer.object, 'text_completion');
  assert.equal(answer.choices[0].logprobs.tokens.length, answer.choices[0].logprobs.token_logprobs.length);
  const stream = await client.completions.create({ model: 'tiny', prompt: 'Once', max_tokens: 5, temperature: 0, stream: true });
  let text = '';
  for await (const chunk of stream) text += chunk.choices[0].text;
  assert.equal(text, answer.choices[0].text);
});

test('models are listed and shown', async () => {
  const names = [];
  for await (const model of client.models.list()) names.push(model.id);
  assert.deepEqual(names, ['tiny']);
  assert.equal((await client.models.retrieve('tiny')).id, 'tiny');
});

test("errors are the client's own classes", async () => {
  const create = (more) => client.chat.completions.create({ ...fixed, ...more });
  await assert.rejects(create({ model: 'gpt-9' }), (error) => {
    assert.ok(error instanceof OpenAI.NotFoundError);
    assert.equal(error.code, 'model_not_found');
    return true;
  });
  await assert.rejects(create({ temperature: 5 }), (error) => {
    assert.ok(error instanceof OpenAI.BadRequestError);
    assert.equal(error.param, 'temperature');
    return true;
  });
  await assert.rejects(create({ messages: [{ role: 'user', content: 'x'.repeat(1000) }] }), (error) => {
    assert.ok(error instanceof OpenAI.BadRequestError);
    assert.equal(error.code, 'context_length_exceeded');
    return true;
  });
  await assert.rejects(create({ response_format: { type: 'json_object' } }), OpenAI.BadRequestError);
});

test('several clients at once get the answers that they get alone', async () => {
  const texts = ['a', 'b', 'c', 'd', 'e', 'f'];
  const ask = async (text) =>
    (await client.chat.completions.create({ ...fixed, messages: [{ role: 'user', content: text }] })).choices[0].message.content;
  const alone = [];
  for (const text of texts) alone.push(await ask(text));
  assert.deepEqual(await Promise.all(texts.map(ask)), alone);
});

test('a stream that its client leaves is cancelled', async () => {
  const stream = await client.chat.completions.create({ ...fixed, max_tokens: 200, n: 8, stream: true });
  for await (const chunk of stream) {
    if (chunk.choices.length > 0) break;  // leaving the loop aborts the request
  }
  assert.ok(await eventually(async () => (await metric('understudy_active_requests')) === 0));
  assert.equal(await metric('understudy_waiting_requests'), 0);
});
