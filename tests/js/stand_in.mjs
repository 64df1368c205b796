// A rented provider's stand-in for the JavaScript tests: one HTTP server that speaks OpenAI's chat completions, Anthropic's Messages
// (with count_tokens), Gemini's generateContent and OpenAI's embeddings, also where Gemini has them, as their vendors publish them. What it answers, the request's text says: the last
// "case:NAME" in it picks a row of `answers` or `failures` below. It is strict where the vendors are: a wrong key is 401, a member
// that the protocol does not know is 400. `requests` holds what came, for tests to look at.
import { createServer } from 'node:http';

export const providerKey = 'provider-key';
export const signature = 'EqoBCkgIBRABGAIiQL8+/signed==';
export const callSignature = 'CiQBjz1rXx+Gemini/signed==';  // Gemini's, of a call or a text
export const redacted = 'EmwKAhgBEgy3va3pzix/LafPsn4a==';
export const schema = {
  type: 'object',
  properties: { city: { type: 'string' }, degrees: { type: 'integer' } },
  required: ['city', 'degrees'],
  additionalProperties: false,
};

// Usage is disjoint here: input without cached and written, output without reasoning; each protocol sums as it does.
const usage = { input: 21, cached: 0, written: 0, output: 9, reasoning: 0 };
const weather = (city) => ({ name: 'weather', arguments: { city, unit: 'C' } });

// reason: stop, length, tools, stop_string, filter.
export const answers = {
  text: { text: 'Grüße, Welt! 你好 👋\n"quoted" \\ done.', reason: 'stop', usage },
  tool: { text: 'Let me look.', calls: [weather('Köln')], reason: 'tools', usage },
  parallel: { text: '', calls: [weather('Köln'), weather('Oslo')], reason: 'tools', usage },
  after_tool: { text: 'It is 7 degrees.', reason: 'stop', usage },
  schema: { text: '{"city": "Köln", "degrees": 7}', reason: 'stop', usage },
  thinking: { thinking: 'First I consider 7 × 6.', text: '42', reason: 'stop', usage: { ...usage, reasoning: 5 } },
  thinking_tool: {
    thinking: 'I need the weather.', text: '', calls: [weather('Rome')], reason: 'tools', usage: { ...usage, reasoning: 4 },
  },
  cached: { text: 'ok', reason: 'stop', usage: { input: 7, cached: 1024, written: 256, output: 2, reasoning: 0 } },
  length: { text: 'cut of', reason: 'length', usage },
  stop_string: { text: 'before ', stop: 'END', reason: 'stop_string', usage },
  filter: { text: '', reason: 'filter', usage: { ...usage, output: 0 } },
};

// Before the answer, by HTTP status; `broken` and `cut` in the middle of a stream.
export const failures = { bad: 400, denied: 401, unknown: 404, large: 413, busy: 429, fault: 500, overloaded: 529 };
export const retryAfter = '7';

const pieces = (text) => text.match(/[^]{1,5}/gu) ?? [];
const json = (value) => JSON.stringify(value);

class Refusal extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

function known(body, names) {
  for (const name of Object.keys(body)) {
    if (!names.includes(name)) throw new Refusal(400, `${name}: Extra inputs are not permitted`);
  }
}

function required(body, names) {
  for (const name of names) if (body[name] === undefined) throw new Refusal(400, `${name}: Field required`);
}

// Every protocol: key(headers), read(body, path) checks, whole(answer, body, path), events(answer, body, path) as [name, data] pairs,
// error(status, message), broken: the event that says inside a 200 that it went wrong.

const openai = {
  key: (headers) => headers.authorization?.replace(/^Bearer /, ''),
  read(body) {
    known(body, ['model', 'messages', 'tools', 'tool_choice', 'parallel_tool_calls', 'response_format', 'stream', 'stream_options',
      'max_completion_tokens', 'max_tokens', 'temperature', 'top_p', 'stop', 'seed', 'n', 'user', 'metadata', 'store',
      'reasoning_effort', 'service_tier', 'logprobs', 'top_logprobs']);
    required(body, ['model', 'messages']);
    const asked = new Set();
    for (const [i, message] of body.messages.entries()) {
      for (const call of message.tool_calls ?? []) asked.add(call.id);
      if (message.role === 'tool' && !asked.has(message.tool_call_id)) {
        throw new Refusal(400, `messages.${i}: tool_call_id of no preceding call`);
      }
    }
  },
  message: ({ thinking, text, calls, reason }) => ({
    role: 'assistant',
    content: text === '' ? null : text,
    refusal: null,
    ...(thinking && { reasoning_content: thinking }),
    ...(calls && {
      tool_calls: calls.map((call, i) => ({
        id: `call_${i}Abc`, type: 'function', function: { name: call.name, arguments: json(call.arguments) },
      })),
    }),
    ...(reason !== 'tools' && { annotations: [] }),
  }),
  finish: { stop: 'stop', length: 'length', tools: 'tool_calls', stop_string: 'stop', filter: 'content_filter' },
  usage: ({ usage: { input, cached, written, output, reasoning } }) => ({
    prompt_tokens: input + cached + written,
    completion_tokens: output + reasoning,
    total_tokens: input + cached + written + output + reasoning,
    prompt_tokens_details: { cached_tokens: cached, audio_tokens: 0 },
    completion_tokens_details: {
      reasoning_tokens: reasoning, audio_tokens: 0, accepted_prediction_tokens: 0, rejected_prediction_tokens: 0,
    },
  }),
  whole(answer, body) {
    return {
      id: 'chatcmpl-B9MBs8CjcvOU2jLn4n570S5qMJKcT', object: 'chat.completion', created: 1741569952, model: body.model,
      choices: [{ index: 0, message: this.message(answer), logprobs: null, finish_reason: this.finish[answer.reason] }],
      usage: this.usage(answer), service_tier: 'default', system_fingerprint: 'fp_44709d6fcb',
    };
  },
  events(answer, body) {
    const wantsUsage = body.stream_options?.include_usage === true;
    const chunk = (choices, total = null) => ['', {
      id: 'chatcmpl-B9MBs8CjcvOU2jLn4n570S5qMJKcT', object: 'chat.completion.chunk', created: 1741569952, model: body.model,
      service_tier: 'default', system_fingerprint: 'fp_44709d6fcb', choices, ...(wantsUsage && { usage: total }), obfuscation: 'xY7',
    }];
    const delta = (value, reason = null) => chunk([{ index: 0, delta: value, logprobs: null, finish_reason: reason }]);
    const events = [delta({ role: 'assistant', content: answer.calls && answer.text === '' ? null : '', refusal: null })];
    for (const piece of pieces(answer.thinking ?? '')) events.push(delta({ reasoning_content: piece }));
    for (const piece of pieces(answer.text)) events.push(delta({ content: piece }));
    for (const [i, call] of (answer.calls ?? []).entries()) {
      const start = { index: i, id: `call_${i}Abc`, type: 'function', function: { name: call.name, arguments: '' } };
      events.push(delta({ tool_calls: [start] }));
      for (const piece of pieces(json(call.arguments))) {
        events.push(delta({ tool_calls: [{ index: i, function: { arguments: piece } }] }));
      }
    }
    events.push(delta({}, this.finish[answer.reason]));
    if (wantsUsage) events.push(chunk([], this.usage(answer)));
    return [...events, ['', '[DONE]']];
  },
  types: { 400: 'invalid_request_error', 401: 'invalid_request_error', 404: 'invalid_request_error', 429: 'requests' },
  codes: { 401: 'invalid_api_key', 404: 'model_not_found', 429: 'rate_limit_exceeded' },
  error(status, message) {
    return { error: { message, type: this.types[status] ?? 'server_error', param: null, code: this.codes[status] ?? null } };
  },
  broken: ['', { error: { message: 'The server had an error', type: 'server_error', param: null, code: 'server_error' } }],
};

const anthropic = {
  key: (headers) => headers['x-api-key'],
  read(body, path) {
    const counts = path.endsWith('/count_tokens');
    known(body, ['model', 'messages', 'system', 'tools', 'tool_choice', 'thinking', 'output_config', 'cache_control',
      ...(counts ? [] : ['max_tokens', 'stream', 'temperature', 'top_p', 'top_k', 'stop_sequences', 'metadata', 'service_tier'])]);
    required(body, counts ? ['model', 'messages'] : ['model', 'messages', 'max_tokens']);
    const asked = new Set();
    for (const [i, message] of body.messages.entries()) {
      const content = Array.isArray(message.content) ? message.content : [];
      for (const [j, block] of content.entries()) this.read_block(block, `messages.${i}.content.${j}`, asked);
    }
  },
  read_block(block, where, asked) {
    if (block.type === 'tool_use') asked.add(block.id);
    if (block.type === 'tool_result' && !asked.has(block.tool_use_id)) {
      throw new Refusal(400, `${where}: unexpected \`tool_use_id\` found in \`tool_result\` blocks: ${block.tool_use_id}`);
    }
    if (block.type === 'thinking' && block.signature !== signature) throw new Refusal(400, `${where}: Invalid \`signature\``);
    if (block.type === 'redacted_thinking' && block.data !== redacted) throw new Refusal(400, `${where}: Invalid \`data\``);
  },
  blocks: ({ thinking, text, calls }) => [
    ...(thinking ? [{ type: 'thinking', thinking, signature }, { type: 'redacted_thinking', data: redacted }] : []),
    ...(text === '' ? [] : [{ type: 'text', text }]),
    ...(calls ?? []).map((call, i) => ({ type: 'tool_use', id: `toolu_0${i}Xyz`, name: call.name, input: call.arguments })),
  ],
  stop: { stop: 'end_turn', length: 'max_tokens', tools: 'tool_use', stop_string: 'stop_sequence', filter: 'refusal' },
  usage: ({ usage: { input, cached, written, output, reasoning } }) => ({
    input_tokens: input,
    cache_creation_input_tokens: written,
    cache_read_input_tokens: cached,
    cache_creation: { ephemeral_5m_input_tokens: written, ephemeral_1h_input_tokens: 0 },
    output_tokens: output + reasoning,
    service_tier: 'standard',
  }),
  whole(answer, body, path) {
    if (path.endsWith('/count_tokens')) return { input_tokens: 2095 };
    return {
      id: 'msg_013Zva2CMHLNnXjNJJKqJ2EF', type: 'message', role: 'assistant', model: body.model, content: this.blocks(answer),
      stop_reason: this.stop[answer.reason], stop_sequence: answer.stop ?? null, usage: this.usage(answer),
    };
  },
  deltas(block) {
    if (block.type === 'text') return pieces(block.text).map((text) => ({ type: 'text_delta', text }));
    if (block.type === 'tool_use') {
      return ['', ...pieces(json(block.input))].map((text) => ({ type: 'input_json_delta', partial_json: text }));
    }
    if (block.type !== 'thinking') return [];
    const thoughts = pieces(block.thinking).map((thinking) => ({ type: 'thinking_delta', thinking }));
    return [...thoughts, { type: 'signature_delta', signature }];
  },
  opened(block) {
    if (block.type === 'text') return { type: 'text', text: '' };
    if (block.type === 'tool_use') return { ...block, input: {} };
    return block.type === 'thinking' ? { type: 'thinking', thinking: '', signature: '' } : block;
  },
  events(answer, body) {
    const event = (type, more) => [type, { type, ...more }];
    const message = { ...this.whole(answer, body, ''), content: [], stop_reason: null, stop_sequence: null };
    message.usage = { ...message.usage, output_tokens: 1 };
    const events = [event('message_start', { message }), event('ping')];
    for (const [index, block] of this.blocks(answer).entries()) {
      events.push(event('content_block_start', { index, content_block: this.opened(block) }));
      for (const delta of this.deltas(block)) events.push(event('content_block_delta', { index, delta }));
      events.push(event('content_block_stop', { index }));
    }
    const delta = { stop_reason: this.stop[answer.reason], stop_sequence: answer.stop ?? null };
    events.push(event('message_delta', { delta, usage: { output_tokens: this.usage(answer).output_tokens } }));
    return [...events, event('message_stop')];
  },
  types: {
    400: 'invalid_request_error', 401: 'authentication_error', 404: 'not_found_error', 413: 'request_too_large',
    429: 'rate_limit_error', 529: 'overloaded_error',
  },
  error(status, message) {
    return {
      type: 'error', error: { type: this.types[status] ?? 'api_error', message }, request_id: 'req_011CSHoEeqs5C35K2UUqR7Fy',
    };
  },
  broken: ['error', { type: 'error', error: { type: 'overloaded_error', message: 'Overloaded' } }],
};

const gemini = {
  key: (headers) => headers['x-goog-api-key'],
  read(body) {
    known(body, ['contents', 'systemInstruction', 'tools', 'toolConfig', 'generationConfig', 'safetySettings', 'cachedContent',
      'labels']);
    required(body, ['contents']);
    for (const content of body.contents) {
      for (const part of content.parts) {
        if (part.thoughtSignature !== undefined && part.thoughtSignature !== callSignature) {
          throw new Refusal(400, 'Thought signature is not valid.');
        }
      }
    }
  },
  // A thought's signature stands on the part after it, as the vendor has it.
  parts({ thinking, text, calls }) {
    const said = [
      ...(text === '' ? [] : [{ text }]),
      ...(calls ?? []).map((call) => ({ functionCall: { name: call.name, args: call.arguments } })),
    ];
    if (!thinking) return said;
    return [{ text: thinking, thought: true }, { ...said[0], thoughtSignature: callSignature }, ...said.slice(1)];
  },
  finish: { stop: 'STOP', length: 'MAX_TOKENS', tools: 'STOP', stop_string: 'STOP', filter: 'SAFETY' },
  usage: ({ usage: { input, cached, written, output, reasoning } }) => ({
    promptTokenCount: input + cached + written,
    candidatesTokenCount: output,
    totalTokenCount: input + cached + written + output + reasoning,
    ...(cached > 0 && { cachedContentTokenCount: cached }),
    promptTokensDetails: [{ modality: 'TEXT', tokenCount: input + cached + written }],
    ...(reasoning > 0 && { thoughtsTokenCount: reasoning }),
  }),
  response: (parts, reason, total, model) => ({
    candidates: [{
      ...(parts.length > 0 && { content: { parts, role: 'model' } }), ...(reason && { finishReason: reason }), index: 0,
    }],
    usageMetadata: total, modelVersion: model, responseId: 'mAitaLmkHPPlz7IPvtfUqQ4',
  }),
  model: (path) => path.match(/models\/([^:]+):/)[1],
  whole(answer, body, path) {
    return this.response(this.parts(answer), this.finish[answer.reason], this.usage(answer), this.model(path));
  },
  events(answer, body, path) {
    const cut = [];
    for (const part of this.parts(answer)) {
      const texts = part.text === undefined ? [] : pieces(part.text);
      const { thoughtSignature, ...bare } = part;
      if (texts.length === 0) cut.push(part);
      for (const [i, text] of texts.entries()) {
        cut.push({ ...bare, text, ...(thoughtSignature && i + 1 === texts.length && { thoughtSignature }) });
      }
    }
    const last = cut.pop();
    const model = this.model(path);
    const so_far = { promptTokenCount: answer.usage.input, totalTokenCount: answer.usage.input };
    return [
      ...cut.map((part) => ['', this.response([part], null, so_far, model)]),
      ['', this.response(last ? [last] : [], this.finish[answer.reason], this.usage(answer), model)],
    ];
  },
  types: { 400: 'INVALID_ARGUMENT', 401: 'UNAUTHENTICATED', 404: 'NOT_FOUND', 429: 'RESOURCE_EXHAUSTED', 500: 'INTERNAL' },
  error(status, message) {
    return { error: { code: status, message, status: this.types[status] ?? 'UNAVAILABLE', details: [] } };
  },
  broken: ['', { error: { code: 503, message: 'The model is overloaded.', status: 'UNAVAILABLE' } }],
};

// A text's vector, or that of its tokens: numbers that 32 bits hold exactly.
const vector = (input, dimensions) =>
  Array.from({ length: dimensions }, (_, i) => (json(input).charCodeAt(i % json(input).length) - 64) / 128 + i);

const embeddings = {
  ...openai,
  read(body) {
    known(body, ['model', 'input', 'dimensions', 'encoding_format', 'user']);
    required(body, ['model', 'input']);
    if (!['float', 'base64', undefined].includes(body.encoding_format)) throw new Refusal(400, 'encoding_format: float or base64');
  },
  inputs: ({ input }) => (Array.isArray(input) && typeof input[0] !== 'number' ? input : [input]),
  whole(answer, body) {
    const inputs = this.inputs(body);
    const data = inputs.map((input, index) => {
      const numbers = vector(input, body.dimensions ?? 4);
      const bytes = Buffer.from(new Float32Array(numbers).buffer).toString('base64');
      return { object: 'embedding', index, embedding: body.encoding_format === 'base64' ? bytes : numbers };
    });
    const tokens = inputs.reduce((sum, input) => sum + input.length, 0);
    return { object: 'list', data, model: body.model, usage: { prompt_tokens: tokens, total_tokens: tokens } };
  },
};

function protocol_of(path) {
  if (path === '/v1/chat/completions') return openai;
  if (path === '/v1/embeddings' || path === '/v1beta/openai/embeddings') return embeddings;
  if (path.startsWith('/v1/messages')) return anthropic;
  return path.startsWith('/v1beta/models/') && path.includes(':') ? gemini : null;
}

// The bytes go out in slices that end anywhere, in the middle of letters too.
async function send(response, bytes) {
  for (let at = 0; at < bytes.length; at += 97) {
    response.write(bytes.subarray(at, at + 97));
    await new Promise((resolve) => setImmediate(resolve));
  }
}

const event_bytes = ([name, data]) =>
  Buffer.from(`${name === '' ? '' : `event: ${name}\n`}data: ${typeof data === 'string' ? data : json(data)}\n\n`);

// The provider's own id of a request: OpenAI's and Anthropic's clients show it.
const trace = (protocol, name) => {
  if (protocol === anthropic) return { 'request-id': `req_011${name}` };
  return protocol === gemini ? {} : { 'x-request-id': `req_${name}`, 'openai-processing-ms': '120' };
};

async function stream(response, protocol, name, events) {
  response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8', ...trace(protocol, name) });
  const whole = name !== 'broken' && name !== 'cut';
  const sent = whole ? events : events.slice(0, -3);
  if (name === 'broken') sent.push(protocol.broken);
  await send(response, Buffer.concat(sent.map(event_bytes)));
  if (name === 'cut') response.destroy();
  else response.end();
}

function refuse(response, protocol, name, status, message) {
  const headers = {
    'content-type': 'application/json', ...trace(protocol, name), ...(status === 429 && { 'retry-after': retryAfter }),
  };
  response.writeHead(status, headers).end(json(protocol.error(status, message)));
}

async function answer(request, response, body, path) {
  const protocol = protocol_of(path);
  if (request.method === 'GET' || protocol === null) {
    response.writeHead(request.method === 'GET' ? 200 : 404, { 'content-type': 'application/json' }).end('{"data": []}');
    return;
  }
  const name = json(body).match(/.*case:(\w+)/s)?.[1] ?? 'text';
  const status = protocol.key(request.headers) === providerKey ? failures[name] : 401;
  if (status !== undefined) return refuse(response, protocol, name, status, `case:${name}`);
  try {
    protocol.read(body, path);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return refuse(response, protocol, name, error.status, error.message);
  }
  const said = answers[name] ?? answers.text;
  const streams = protocol === gemini ? path.endsWith(':streamGenerateContent') : body.stream === true;
  if (streams) return stream(response, protocol, name, protocol.events(said, body, path));
  response.writeHead(200, { 'content-type': 'application/json', ...trace(protocol, name) });
  response.end(json(protocol.whole(said, body, path)));
}

// Resolves with {address, requests, close}.
export async function start_stand_in() {
  const requests = [];
  const server = createServer((request, response) => {
    const received = [];
    request.on('data', (bytes) => received.push(bytes));
    request.on('end', () => {
      const path = request.url.replace(/\?.*/, '');
      const body = JSON.parse(Buffer.concat(received).toString() || '{}');
      if (request.method === 'POST') requests.push({ path, headers: request.headers, body });
      answer(request, response, body, path).catch((error) => response.destroy(error));
    });
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const close = () => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  };
  return { address: `http://127.0.0.1:${server.address().port}`, requests, close };
}
