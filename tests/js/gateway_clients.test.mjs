// The official clients of OpenAI, Anthropic and Google through `understudy gateway`, in front of stand_in.mjs: towards a target of its
// own protocol a client sees what it sees directly, ids and all; towards another's it sees the same answer as docs/protocols.md says.
// Needs UNDERSTUDY_BINARY.
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import { answers, callSignature, failures, providerKey, retryAfter, schema, signature, start_stand_in } from './stand_in.mjs';

let OpenAI;
let Anthropic;
let Google;
try {
  ({ default: OpenAI } = await import('openai'));
  ({ default: Anthropic } = await import('@anthropic-ai/sdk'));
  Google = await import('@google/genai');
} catch {
  console.log('understudy-skip: the clients are not installed; run npm ci in tests/js');
  process.exit(0);
}

const virtualKey = 'uk-test-application';
const folder = mkdtempSync(join(tmpdir(), 'understudy-js-'));
const config = join(folder, 'gateway.yml');
const models = { openai: 'gpt-test', anthropic: 'claude-test', google: 'gemini-test' };
const providers = { openai: 'openai', anthropic: 'claude', google: 'google' };  // their names in the config
let standIn;
let gateway;
let address;
const clients = {};  // by vendor: {direct, through}
let exchangesBegun = 0;

// Who says 429 is not asked again for a while: each call that provokes it has a model of its own.
const busy_model = (vendor, way) => `busy-${vendor}-${Object.keys(ways[vendor]).indexOf(way)}`;

function busy_rows() {
  const rows = [];
  for (const vendor of Object.keys(ways)) {
    for (const way of Object.keys(ways[vendor])) {
      const model = busy_model(vendor, way);
      rows.push(`  ${model}: [${providers[vendor]}/${model}]`);
    }
  }
  return rows.join('\n');
}

function write_config() {
  writeFileSync(config, `
listen: 127.0.0.1:0
capture: {redact: []}
defaults: {retries: {attempts: 1, budget: 1s}, breaker: {failures: 1000, within: 30s, open: 100ms}, health: {every: never}}
providers:
  openai: {vendor: openai, base_url: "${standIn.address}/v1", keys: [env:STAND_IN_KEY], allow_private_address: true}
  claude: {vendor: anthropic, base_url: "${standIn.address}", keys: [env:STAND_IN_KEY], allow_private_address: true}
  google: {vendor: gemini, base_url: "${standIn.address}", keys: [env:STAND_IN_KEY], allow_private_address: true}
models:
  gpt-test: [openai/gpt-test]
  claude-test: [claude/claude-test]
  gemini-test: [google/gemini-test]
  embed-test: [openai/embed-test]
  embed-mixed: [claude/none, google/embed-google]
${busy_rows()}
keys:
  application: {sha256: ${createHash('sha256').update(virtualKey).digest('hex')}}
`);
}

// Resolves with the address that the gateway prints once it listens.
function started(child) {
  return new Promise((resolve, reject) => {
    let printed = '';
    child.stdout.on('data', (bytes) => {
      printed += bytes;
      const found = printed.match(/^listening on (http:\/\/\S+)\n/m);
      if (found) resolve(found[1]);
    });
    child.on('exit', (status) => reject(new Error(`the gateway ended with ${status}: ${printed}`)));
  });
}

before(async () => {
  standIn = await start_stand_in();
  write_config();
  gateway = spawn(process.env.UNDERSTUDY_BINARY, ['gateway', config], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, STAND_IN_KEY: providerKey },
  });
  address = await started(gateway);
  for (const [how, base, key] of [['direct', standIn.address, providerKey], ['through', address, virtualKey]]) {
    const make = {
      openai: new OpenAI({ baseURL: `${base}/v1`, apiKey: key, maxRetries: 0 }),
      anthropic: new Anthropic({ baseURL: base, apiKey: key, maxRetries: 0 }),
      google: new Google.GoogleGenAI({ apiKey: key, httpOptions: { baseUrl: base } }),
    };
    for (const [vendor, client] of Object.entries(make)) (clients[vendor] ??= {})[how] = client;
  }
});

after(async () => {
  gateway.removeAllListeners('exit');
  const ended = new Promise((resolve) => gateway.on('exit', resolve));
  gateway.kill('SIGTERM');
  assert.equal(await ended, 0, 'SIGTERM ends the gateway in good order');
  await standIn.close();
  rmSync(folder, { recursive: true });
});

// ---- what each client is asked, and how

const parameters = {
  type: 'object',
  properties: { city: { type: 'string' }, unit: { type: 'string', enum: ['C', 'F'] } },
  required: ['city', 'unit'],
  additionalProperties: false,
};
const system = 'You are terse.';
const wants_tools = (name) => ['tool', 'parallel', 'thinking_tool', 'after_tool'].includes(name);

const requests = {
  openai: (model, name) => ({
    model,
    messages: [{ role: 'system', content: system }, { role: 'user', content: `case:${name}` }],
    max_completion_tokens: 500,
    ...(wants_tools(name) && {
      tools: [{ type: 'function', function: { name: 'weather', description: 'How it is', parameters, strict: true } }],
    }),
    ...(name === 'schema' && { response_format: { type: 'json_schema', json_schema: { name: 'report', schema, strict: true } } }),
    ...(name === 'stop_string' && { stop: ['END'] }),
  }),
  anthropic: (model, name) => ({
    model,
    system,
    messages: [{ role: 'user', content: [{ type: 'text', text: `case:${name}`, cache_control: { type: 'ephemeral' } }] }],
    max_tokens: 2000,
    ...(wants_tools(name) && { tools: [{ name: 'weather', description: 'How it is', input_schema: parameters }] }),
    ...(name === 'schema' && { output_config: { format: { type: 'json_schema', schema } } }),
    ...(name === 'stop_string' && { stop_sequences: ['END'] }),
    ...(name.startsWith('thinking') && { thinking: { type: 'enabled', budget_tokens: 1024 } }),
  }),
  google: (model, name) => ({
    model,
    contents: [{ role: 'user', parts: [{ text: `case:${name}` }] }],
    config: {
      systemInstruction: system,
      maxOutputTokens: 500,
      ...(wants_tools(name) && {
        tools: [{ functionDeclarations: [{ name: 'weather', description: 'How it is', parametersJsonSchema: parameters }] }],
      }),
      ...(name === 'schema' && { responseMimeType: 'application/json', responseJsonSchema: schema }),
      ...(name === 'stop_string' && { stopSequences: ['END'] }),
      ...(name.startsWith('thinking') && { thinkingConfig: { thinkingBudget: 1024, includeThoughts: true } }),
    },
  }),
};

async function all(stream) {
  const items = [];
  for await (const item of await stream) items.push(item);
  return items;
}

// Everything that a client can be asked; each gives what the client made of the answer.
const ways = {
  openai: {
    whole: (client, request) => client.chat.completions.create(request),
    stream: (client, request) => all(client.chat.completions.create({ ...request, stream: true })),
    'stream with usage': (client, request) =>
      all(client.chat.completions.create({ ...request, stream: true, stream_options: { include_usage: true } })),
    helper: (client, request) => client.chat.completions.stream(request).finalChatCompletion(),
    parse: (client, request) => client.chat.completions.parse(request),
  },
  anthropic: {
    whole: (client, request) => client.messages.create(request),
    stream: (client, request) => all(client.messages.create({ ...request, stream: true })),
    helper: (client, request) => client.messages.stream(request).finalMessage(),
    count: (client, { model, messages, tools }) => client.messages.countTokens({ model, messages, ...(tools && { tools }) }),
  },
  google: {
    whole: (client, request) => client.models.generateContent(request),
    stream: (client, request) => all(client.models.generateContentStream(request)),
    chat: async (client, { contents, ...rest }) => {
      const chat = client.chats.create(rest);
      const items = await all(chat.sendMessageStream({ message: contents[0].parts }));
      return { items, history: chat.getHistory() };
    },
  },
};

// Headers tell of the connection: of a response they are no part of the comparison, of an error only Retry-After is.
function bare(value) {
  if (Array.isArray(value)) value.forEach(bare);
  if (value?.items) bare(value.items);
  if (value?.sdkHttpResponse) delete value.sdkHttpResponse;
  return value;
}

async function outcome(client, way, request) {
  try {
    return { value: bare(await way(client, structuredClone(request))) };
  } catch (error) {
    if (error instanceof assert.AssertionError) throw error;
    return {
      thrown: error.constructor.name, status: error.status, message: error.message, body: error.error, code: error.code,
      type: error.type, param: error.param, requestId: error.requestID ?? null, retryAfter: error.headers?.get?.('retry-after') ?? null,
    };
  }
}

async function both(vendor, way, request) {
  const call = ways[vendor][way];
  if (way !== 'count') exchangesBegun += 1;
  return [await outcome(clients[vendor].direct, call, request), await outcome(clients[vendor].through, call, request)];
}

// ---- one protocol

for (const vendor of Object.keys(ways)) {
  test(`${vendor}: every answer is the one that comes directly`, async () => {
    for (const name of Object.keys(answers)) {
      for (const way of Object.keys(ways[vendor])) {
        const [direct, through] = await both(vendor, way, requests[vendor](models[vendor], name));
        assert.deepEqual(through, direct, `case:${name}, ${way}`);
        // Of an answer that was cut off, the helper that parses says so.
        const may_throw = ['length', 'filter'].includes(name);
        if (!may_throw) assert.equal(direct.thrown, undefined, `case:${name}, ${way}: ${direct.message}`);
      }
    }
  });

  test(`${vendor}: the request's own faults are told in the provider's words`, async () => {
    for (const name of ['bad', 'large']) {
      for (const way of Object.keys(ways[vendor])) {
        const [direct, through] = await both(vendor, way, requests[vendor](models[vendor], name));
        assert.deepEqual(through, direct, `case:${name}, ${way}`);
        assert.equal(direct.status, failures[name]);
      }
    }
  });

  test(`${vendor}: a provider's failure is of the same class and status`, async () => {
    for (const name of ['unknown', 'busy', 'fault', 'overloaded']) {
      for (const way of Object.keys(ways[vendor])) {
        const model = name === 'busy' ? busy_model(vendor, way) : models[vendor];
        const [direct, through] = await both(vendor, way, requests[vendor](model, name));
        const kind = ({ thrown, status, retryAfter, requestId }) => ({ thrown, status, retryAfter, requestId });
        assert.deepEqual(kind(through), kind(direct), `case:${name}, ${way}: ${through.message}`);
        assert.equal(direct.status, failures[name]);
        if (vendor !== 'google') assert.equal(direct.retryAfter, name === 'busy' ? retryAfter : null);
      }
    }
  });

  test(`${vendor}: a key of the gateway that a provider does not take is no fault of the client's`, async () => {
    for (const way of Object.keys(ways[vendor])) {
      const [direct, through] = await both(vendor, way, requests[vendor](models[vendor], 'denied'));
      assert.equal(direct.status, 401);
      assert.equal(through.status, 502, `${way}: ${through.message}`);
    }
  });

  test(`${vendor}: an error inside a stream is thrown as it is directly, and a cut stream never looks whole`, async () => {
    for (const way of Object.keys(ways[vendor]).filter((way) => /stream|helper|chat/.test(way))) {
      const [direct, through] = await both(vendor, way, requests[vendor](models[vendor], 'broken'));
      assert.ok(direct.thrown, `${way}: the stand-in broke off`);
      assert.deepEqual(through, direct, way);
      const [, cut] = await both(vendor, way, requests[vendor](models[vendor], 'cut'));
      assert.ok(cut.thrown, `${way}: ${JSON.stringify(cut.value)}`);
    }
  });
}

// ---- across protocols

// What a client read, whatever its protocol: the answer in the form of the stand-in's rows.
const read = {
  openai(answer) {
    const { message, finish_reason: reason } = answer.choices[0];
    return {
      thinking: message.reasoning_content ?? '',
      text: message.content ?? '',
      calls: (message.tool_calls ?? []).map(({ function: call }) => (
        { name: call.name, arguments: JSON.parse(call.arguments) }
      )),
      reason,
      usage: {
        prompt: answer.usage.prompt_tokens, cached: answer.usage.prompt_tokens_details?.cached_tokens ?? 0,
        answer: answer.usage.completion_tokens,
      },
    };
  },
  anthropic(answer) {
    const of = (type) => answer.content.filter((block) => block.type === type);
    const usage = answer.usage;
    const cached = usage.cache_read_input_tokens ?? 0;
    const prompt = usage.input_tokens + (usage.cache_creation_input_tokens ?? 0) + cached;
    return {
      thinking: of('thinking').map((block) => block.thinking).join(''),
      text: of('text').map((block) => block.text).join(''),
      calls: of('tool_use').map((block) => ({ name: block.name, arguments: block.input })),
      reason: answer.stop_reason,
      usage: { prompt, cached, answer: usage.output_tokens },
    };
  },
  google(answer) {
    const [candidate] = answer.candidates;
    const parts = candidate.content?.parts ?? [];
    const usage = answer.usageMetadata;
    const said = parts.filter((part) => part.text !== undefined);
    return {
      thinking: said.filter((part) => part.thought).map((part) => part.text).join(''),
      text: said.filter((part) => !part.thought).map((part) => part.text).join(''),
      calls: parts.filter((part) => part.functionCall).map(({ functionCall: call }) => ({ name: call.name, arguments: call.args })),
      reason: candidate.finishReason,
      usage: {
        prompt: usage.promptTokenCount, cached: usage.cachedContentTokenCount ?? 0,
        answer: (usage.candidatesTokenCount ?? 0) + (usage.thoughtsTokenCount ?? 0),
      },
    };
  },
};

const reasons = {
  openai: { stop: 'stop', length: 'length', tools: 'tool_calls', stop_string: 'stop', filter: 'content_filter' },
  anthropic: { stop: 'end_turn', length: 'max_tokens', tools: 'tool_use', stop_string: 'stop_sequence', filter: 'refusal' },
  google: { stop: 'STOP', length: 'MAX_TOKENS', tools: 'STOP', stop_string: 'STOP', filter: 'SAFETY' },
};

// Gemini's client leaves the collecting of a stream to the application.
function collected(chunks) {
  const parts = chunks.flatMap((chunk) => chunk.candidates?.[0]?.content?.parts ?? []);
  const { finishReason } = chunks.flatMap((chunk) => chunk.candidates ?? []).findLast((candidate) => candidate.finishReason);
  return { candidates: [{ content: { parts }, finishReason }], usageMetadata: chunks.at(-1).usageMetadata };
}

// OpenAI's helper keeps the last piece of a member that it does not know: thoughts are the application's to collect.
async function with_thoughts(stream) {
  let thoughts = '';
  const details = [];
  stream.on('chunk', ({ choices: [choice] }) => {
    thoughts += choice?.delta.reasoning_content ?? '';
    details.push(...(choice?.delta.reasoning_details ?? []));
  });
  const answer = await stream.finalChatCompletion();
  const { message } = answer.choices[0];
  if (thoughts !== '') message.reasoning_content = thoughts;
  if (details.length > 0) message.reasoning_details = details;
  return answer;
}

// The whole answer, and the one that the client puts together from a stream.
const gathered = {
  openai: {
    whole: ways.openai.whole,
    stream: (client, request) =>
      with_thoughts(client.chat.completions.stream({ ...request, stream_options: { include_usage: true } })),
  },
  anthropic: { whole: ways.anthropic.whole, stream: ways.anthropic.helper },
  google: { whole: ways.google.whole, stream: async (client, request) => collected(await ways.google.stream(client, request)) },
};

function expected(vendor, target, row) {
  const { input, cached, written, output, reasoning } = row.usage;
  // Only Anthropic says which stop string it was.
  const told = row.reason === 'stop_string' && target !== 'anthropic' ? 'stop' : row.reason;
  return {
    thinking: row.thinking ?? '',
    text: row.text,
    calls: row.calls ?? [],
    reason: reasons[vendor][told],
    usage: { prompt: input + cached + written, cached, answer: output + reasoning },
  };
}

// The stand-in's requests are checked by itself: a member that the target's protocol does not know is refused.
for (const vendor of Object.keys(ways)) {
  for (const target of Object.keys(ways).filter((other) => other !== vendor)) {
    test(`${vendor}'s client of a model of ${target}`, async () => {
      for (const [name, row] of Object.entries(answers)) {
        // OpenAI's helper throws where an answer was cut off.
        for (const [way, ask] of Object.entries(gathered[vendor])) {
          if (vendor === 'openai' && way === 'stream' && ['length', 'filter'].includes(name)) continue;
          exchangesBegun += 1;
          const answer = await ask(clients[vendor].through, requests[vendor](models[target], name));
          assert.deepEqual(read[vendor](answer), expected(vendor, target, row), `case:${name}, ${way}`);
        }
      }
    });
  }
}

test('a schema, tools, a system prompt and limits arrive in the words of the target', async () => {
  for (const vendor of Object.keys(ways)) {
    const asked = {};
    for (const target of Object.keys(ways)) {
      exchangesBegun += 3;
      for (const name of ['schema', 'tool', 'stop_string']) {
        await gathered[vendor].whole(clients[vendor].through, requests[vendor](models[target], name));
        (asked[target] ??= {})[name] = standIn.requests.at(-1).body;
      }
    }
    const { openai, anthropic, google } = asked;
    assert.deepEqual(openai.schema.response_format.json_schema.schema, schema);
    assert.deepEqual(anthropic.schema.output_config.format, { type: 'json_schema', schema });
    assert.deepEqual(google.schema.generationConfig.responseJsonSchema, schema);
    assert.deepEqual(openai.tool.tools[0].function.parameters, parameters);
    assert.deepEqual(anthropic.tool.tools[0].input_schema, parameters);
    assert.deepEqual(google.tool.tools[0].functionDeclarations[0].parametersJsonSchema, parameters);
    assert.equal(openai.tool.messages[0].content, system);
    assert.match(JSON.stringify(anthropic.tool.system), new RegExp(system));
    assert.equal(google.tool.systemInstruction.parts[0].text, system);
    assert.deepEqual([openai.stop_string.stop].flat(), ['END']);
    assert.deepEqual(anthropic.stop_string.stop_sequences, ['END']);
    assert.deepEqual(google.stop_string.generationConfig.stopSequences, ['END']);
  }
});

// ---- tools: an answer goes back with the result of its calls, as each vendor's guide shows it

const results = {
  openai(request, answer) {
    const { message } = answer.choices[0];
    const told = message.tool_calls.map((call) => ({ role: 'tool', tool_call_id: call.id, content: 'case:after_tool' }));
    return { ...request, messages: [...request.messages, message, ...told] };
  },
  anthropic(request, answer) {
    const calls = answer.content.filter((block) => block.type === 'tool_use');
    const content = calls.map((call) => ({ type: 'tool_result', tool_use_id: call.id, content: 'case:after_tool' }));
    const more = [{ role: 'assistant', content: answer.content }, { role: 'user', content }];
    return { ...request, messages: [...request.messages, ...more] };
  },
  google(request, answer) {
    const { content } = answer.candidates[0];
    const calls = content.parts.filter((part) => part.functionCall);
    const parts = calls.map(({ functionCall: { id, name } }) => ({
      functionResponse: { ...(id && { id }), name, response: { output: 'case:after_tool' } },
    }));
    return { ...request, contents: [...request.contents, { role: 'model', ...content }, { role: 'user', parts }] };
  },
};

for (const vendor of Object.keys(ways)) {
  test(`${vendor}'s client sends calls, signed thoughts and results back to any model`, async () => {
    for (const target of Object.keys(ways)) {
      for (const name of ['parallel', 'thinking_tool']) {
        for (const [way, ask] of Object.entries(gathered[vendor])) {
          exchangesBegun += 2;
          const request = requests[vendor](models[target], name);
          const answer = await ask(clients[vendor].through, request);
          const second = await ask(clients[vendor].through, results[vendor](request, answer));
          assert.equal(read[vendor](second).text, answers.after_tool.text, `${target}, case:${name}, ${way}`);
          // Where the provider signs, Anthropic its thoughts and Gemini the call, the signature has come back to it.
          const sent = JSON.stringify(standIn.requests.at(-1).body);
          for (const [signer, text] of [['anthropic', signature], ['google', callSignature]]) {
            const comes_back = name === 'thinking_tool' && target === signer;
            assert.equal(sent.includes(JSON.stringify(text)), comes_back, `${target}, case:${name}, ${way}: ${sent}`);
          }
        }
      }
    }
  });

  // As at a failover: the stand-in refuses what it has not signed itself.
  test(`${vendor}'s client goes on with another model in the middle of a round of tools`, async () => {
    for (const first of Object.keys(ways)) {
      for (const second of Object.keys(ways).filter((other) => other !== first)) {
        for (const [way, ask] of Object.entries(gathered[vendor])) {
          exchangesBegun += 2;
          const request = requests[vendor](models[first], 'thinking_tool');
          const answer = await ask(clients[vendor].through, request);
          const next = { ...results[vendor](request, answer), model: models[second] };
          const text = read[vendor](await ask(clients[vendor].through, next)).text;
          assert.equal(text, answers.after_tool.text, `${first}, then ${second}, ${way}`);
          const sent = JSON.stringify(standIn.requests.at(-1).body);
          assert.ok(![signature, 'understudy:'].some((word) => sent.includes(word)), sent);
        }
      }
    }
  });
}

test("an error in the middle of another protocol's stream is an error of the client's own", async () => {
  for (const vendor of Object.keys(ways)) {
    for (const target of Object.keys(ways).filter((other) => other !== vendor)) {
      for (const name of ['broken', 'cut']) {
        exchangesBegun += 1;
        const answer = gathered[vendor].stream(clients[vendor].through, requests[vendor](models[target], name));
        await assert.rejects(answer, `${vendor}, ${target}`);
      }
    }
  }
});

test('what the target cannot say is refused with the name of the field', async () => {
  exchangesBegun += 1;
  const request = { ...requests.openai(models.anthropic, 'text'), logit_bias: { 5: 1 } };
  await assert.rejects(clients.openai.through.chat.completions.create(request), (error) => {
    assert.ok(error instanceof OpenAI.BadRequestError);
    assert.equal(error.param, 'logit_bias');
    return true;
  });
});

// ---- embeddings

test('embeddings are those that come directly, in every form of input', async () => {
  const inputs = ['one text', ['one', 'two'], [1, 2, 3], [[1, 2], [3]]];
  const forms = [{}, { encoding_format: 'float' }, { encoding_format: 'base64' }, { dimensions: 2, user: 'u' }];
  for (const input of inputs) {
    for (const form of forms) {
      const create = (client) => client.embeddings.create({ model: 'embed-test', input, ...form });
      exchangesBegun += 1;
      const [direct, through] = [await create(clients.openai.direct), await create(clients.openai.through)];
      assert.deepEqual(through, direct, JSON.stringify({ input, form }));
      assert.equal(through._request_id, direct._request_id);
      assert.ok(through.data.length > 0 && through.usage.prompt_tokens > 0);
    }
  }
  const { path, body } = standIn.requests.at(-1);
  assert.deepEqual([path, body.input, body.dimensions, body.user], ['/v1/embeddings', [[1, 2], [3]], 2, 'u']);
});

test('embeddings go to the target of a chain that has them, and their errors are the provider\'s', async () => {
  exchangesBegun += 4;
  const mixed = await clients.openai.through.embeddings.create({ model: 'embed-mixed', input: 'a', dimensions: 3 });
  assert.equal(mixed.data[0].embedding.length, 3);
  assert.equal(standIn.requests.at(-1).path, '/v1beta/openai/embeddings');
  assert.equal(standIn.requests.at(-1).body.model, 'embed-google');
  const refused = (client, request) => outcome(client, (it, body) => it.embeddings.create(body), request);
  for (const request of [{ model: 'embed-test', input: 'case:bad' }, { model: 'embed-test', input: 'a', extra: 1 }]) {
    const direct = await refused(clients.openai.direct, request);
    assert.equal(direct.status, 400);
    assert.deepEqual(await refused(clients.openai.through, request), direct);
  }
  const { status, param, message } = await refused(clients.openai.through, { model: models.anthropic, input: 'a' });
  assert.deepEqual([status, param], [400, 'model']);
  assert.match(message, /embeddings/);
});

// ---- around the answers

test("the provider's id of a request is the one that its client shows", async () => {
  for (const vendor of ['openai', 'anthropic']) {
    const request = requests[vendor](models[vendor], 'text');
    const make = {
      openai: (client, body) => client.chat.completions.create(body),
      anthropic: (client, body) => client.messages.create(body),
    }[vendor];
    const seen = [];
    for (const client of [clients[vendor].direct, clients[vendor].through]) {
      const whole = await make(client, request);
      const { data, request_id } = await make(client, { ...request, stream: true }).withResponse();
      for await (const event of data) assert.ok(event);
      const counts = vendor === 'anthropic' ? [await ways.anthropic.count(client, request)] : [];
      seen.push([whole, ...counts].map((value) => value._request_id).concat(request_id));
    }
    exchangesBegun += 2;
    assert.deepEqual(seen[1], seen[0]);
    assert.ok(seen[0].every((id) => id?.startsWith('req_')), `${seen}`);
  }
});

test('tokens are counted by a target that can, else estimated and marked so', async () => {
  const { messages } = requests.anthropic('', 'text');
  const count = (model) => clients.anthropic.through.messages.countTokens({ model, messages }).withResponse();
  const counted = await count(models.anthropic);
  assert.equal(counted.data.input_tokens, 2095);
  assert.equal(counted.response.headers.get('x-understudy-estimated'), null);
  const estimated = await count(models.openai);
  assert.ok(estimated.data.input_tokens > 0 && estimated.data.input_tokens < 50);
  assert.equal(estimated.response.headers.get('x-understudy-estimated'), 'true');
});

test('models are listed to each client in its own form', async () => {
  for (const client of [clients.openai.through, clients.anthropic.through]) {
    const names = [];
    for await (const model of client.models.list()) names.push(model.id);
    for (const model of Object.values(models)) assert.ok(names.includes(model), `${model} of ${names}`);
  }
});

test("a key that is not the gateway's is refused, and the provider's key never leaves it", async () => {
  const wrong = new OpenAI({ baseURL: `${address}/v1`, apiKey: providerKey, maxRetries: 0 });
  await assert.rejects(wrong.chat.completions.create(requests.openai(models.openai, 'text')), OpenAI.AuthenticationError);
  for (const { headers } of standIn.requests) assert.ok(!JSON.stringify(headers).includes(virtualKey));
});

test('every exchange is kept, those that broke off as partial ones', async () => {
  const listed = execFileSync(process.env.UNDERSTUDY_BINARY, ['exchanges', 'list', '--config', config, '--format', 'json'], {
    maxBuffer: 1 << 28,
  });
  const exchanges = listed.toString().trim().split('\n').map((line) => JSON.parse(line));
  assert.equal(exchanges.length, exchangesBegun);
  for (const { endpoint, partial, request, answer, usage, status } of exchanges) {
    const name = JSON.stringify(request).match(/.*case:(\w+)/s)?.[1];
    assert.equal(partial, ['broken', 'cut'].includes(name), `case:${name}`);
    if (endpoint !== '/v1/embeddings' || status !== 200) continue;
    assert.ok(request.input !== undefined && usage.input > 0);
    assert.ok(!JSON.stringify(answer ?? '').includes('embedding'), 'vectors are not kept');
  }
});
