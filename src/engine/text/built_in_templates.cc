// The chat templates that a training config may name (chat_template: chatml, ...), written for the formats that the
// models' makers document. `generation` marks nothing here: which tokens are an assistant's follows from
// RenderedChat.contents.
#include <string>
#include <utility>
#include <vector>

#include "engine/text/chat_template.h"

namespace understudy {

namespace {

constexpr const char* kChatml = R"({%- for message in messages %}
{{- '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>\n' }}
{%- endfor %}
{%- if add_generation_prompt %}
{{- '<|im_start|>assistant\n' }}
{%- endif %})";

constexpr const char* kLlama3 = R"({%- for message in messages %}
{%- if loop.first %}
{{- bos_token }}
{%- endif %}
{{- '<|start_header_id|>' + message['role'] + '<|end_header_id|>\n\n' + message['content'] | trim + '<|eot_id|>' }}
{%- endfor %}
{%- if add_generation_prompt %}
{{- '<|start_header_id|>assistant<|end_header_id|>\n\n' }}
{%- endif %})";

constexpr const char* kAlpaca = R"({{- bos_token }}
{%- for message in messages %}
{%- if message['role'] == 'system' %}
{{- message['content'] + '\n\n' }}
{%- elif message['role'] == 'user' %}
{{- '### Instruction:\n' + message['content'] + '\n\n' }}
{%- elif message['role'] == 'assistant' %}
{{- '### Response:\n' + message['content'] + eos_token }}
{%- else %}
{{- raise_exception('the alpaca template knows the roles system, user and assistant, not ' + message['role']) }}
{%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
{{- '### Response:\n' }}
{%- endif %})";

// Mistral's formats: a system message stands at the head of a user's turn (of the first in v1, of the last in v2 and
// v3), and turns alternate. They differ in the spaces around [INST] and before the answer.
constexpr const char* kMistralV1 = R"({{- bos_token }}
{%- set state = namespace(system='') %}
{%- for message in messages %}
{%- if message['role'] == 'system' %}
{%- set state.system = message['content'] + '\n\n' %}
{%- elif message['role'] == 'user' %}
{{- ' [INST] ' + state.system + message['content'] + ' [/INST]' }}
{%- set state.system = '' %}
{%- elif message['role'] == 'assistant' %}
{{- ' ' + message['content'] + eos_token }}
{%- else %}
{{- raise_exception('the mistral templates know the roles system, user and assistant, not ' + message['role']) }}
{%- endif %}
{%- endfor %})";

constexpr const char* kMistralV2V3 = R"({{- bos_token }}
{%- set system = messages | selectattr('role', 'equalto', 'system') | map(attribute='content') | join('\n\n') | trim %}
{%- set last_user = messages | selectattr('role', 'equalto', 'user') | list | length %}
{%- set state = namespace(users=0) %}
{%- for message in messages %}
{%- if message['role'] == 'user' %}
{%- set state.users = state.users + 1 %}
{{- '[INST] ' }}
{%- if system and state.users == last_user %}
{{- system + '\n\n' }}
{%- endif %}
{{- message['content'] | trim + '[/INST]' }}
{%- elif message['role'] == 'assistant' %}
{{- ' ' + message['content'] | trim + eos_token }}
{%- elif message['role'] != 'system' %}
{{- raise_exception('the mistral templates know the roles system, user and assistant, not ' + message['role']) }}
{%- endif %}
{%- endfor %})";

constexpr const char* kMistralV3Tekken = R"({{- bos_token }}
{%- set system = messages | selectattr('role', 'equalto', 'system') | map(attribute='content') | join('\n\n') %}
{%- set last_user = messages | selectattr('role', 'equalto', 'user') | list | length %}
{%- set state = namespace(users=0) %}
{%- for message in messages %}
{%- if message['role'] == 'user' %}
{%- set state.users = state.users + 1 %}
{{- '[INST]' }}
{%- if system and state.users == last_user %}
{{- system + '\n\n' }}
{%- endif %}
{{- message['content'] + '[/INST]' }}
{%- elif message['role'] == 'assistant' %}
{{- message['content'] + eos_token }}
{%- elif message['role'] != 'system' %}
{{- raise_exception('the mistral templates know the roles system, user and assistant, not ' + message['role']) }}
{%- endif %}
{%- endfor %})";

// What Qwen's two formats share: tools are described in the system turn, calls stand in <tool_call>, results in
// <tool_response>.
constexpr const char* kQwenTools = R"(
{{- '# Tools\n\nYou may call one or more functions to assist with the user query.\n\n' }}
{{- 'You are provided with function signatures within <tools></tools> XML tags:\n<tools>' }}
{%- for tool in tools %}
{{- '\n' }}
{{- tool | tojson }}
{%- endfor %}
{{- '\n</tools>\n\nFor each function call, return a json object with function name and arguments ' }}
{{- 'within <tool_call></tool_call> XML tags:\n<tool_call>\n' }}
{{- '{\"name\": <function-name>, \"arguments\": <args-json-object>}\n</tool_call><|im_end|>\n' }}
)";
constexpr const char* kQwenResults = R"({%- elif message['role'] == 'tool' %}
{%- if loop.first or messages[loop.index0 - 1]['role'] != 'tool' %}
{{- '<|im_start|>user' }}
{%- endif %}
{{- '\n<tool_response>\n' + message['content'] + '\n</tool_response>' }}
{%- if loop.last or messages[loop.index0 + 1]['role'] != 'tool' %}
{{- '<|im_end|>\n' }}
{%- endif %}
{%- endif %}
{%- endfor %}
)";

constexpr const char* kQwen25Head = R"({%- set has_system = messages[0]['role'] == 'system' %}
{%- set system = messages[0]['content'] if has_system else 'You are Qwen, created by Alibaba Cloud. You are a helpful assistant.' %}
{%- if tools %}
{{- '<|im_start|>system\n' + system + '\n\n' }}
)";
constexpr const char* kQwen25Turns = R"({%- else %}
{{- '<|im_start|>system\n' + system + '<|im_end|>\n' }}
{%- endif %}
{%- for message in messages %}
{%- if message['role'] == 'user' or (message['role'] == 'system' and not loop.first) %}
{{- '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>\n' }}
{%- elif message['role'] == 'assistant' %}
{{- '<|im_start|>assistant' }}
{%- if message['content'] %}
{{- '\n' + message['content'] }}
{%- elif not message['tool_calls'] %}
{{- '\n' }}
{%- endif %}
{%- for call in message['tool_calls'] or [] %}
{%- set call = call['function'] or call %}
{{- '\n<tool_call>\n{"name": "' }}
{{- call['name'] }}
{{- '", "arguments": ' }}
{{- call['arguments'] | tojson }}
{{- '}\n</tool_call>' }}
{%- endfor %}
{{- '<|im_end|>\n' }}
)";
constexpr const char* kQwen25End = R"({%- if add_generation_prompt %}
{{- '<|im_start|>assistant\n' }}
{%- endif %})";

// Reasoning of earlier turns is left out: it is kept only after the last question that a user asked.
constexpr const char* kQwen3Head = R"({%- if tools %}
{{- '<|im_start|>system\n' }}
{%- if messages[0]['role'] == 'system' %}
{{- messages[0]['content'] + '\n\n' }}
{%- endif %}
)";
constexpr const char* kQwen3Turns = R"({%- elif messages[0]['role'] == 'system' %}
{{- '<|im_start|>system\n' + messages[0]['content'] + '<|im_end|>\n' }}
{%- endif %}
{%- set state = namespace(last_question=messages | length - 1, found=false) %}
{%- for message in messages[::-1] %}
{%- if not state.found and message['role'] == 'user' and not (message['content'].startswith('<tool_response>') and message['content'].endswith('</tool_response>')) %}
{%- set state.found = true %}
{%- set state.last_question = loop.revindex0 %}
{%- endif %}
{%- endfor %}
{%- for message in messages %}
{%- if message['role'] == 'user' or (message['role'] == 'system' and not loop.first) %}
{{- '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>\n' }}
{%- elif message['role'] == 'assistant' %}
{%- set content = message['content'] or '' %}
{%- set reasoning = '' %}
{%- if message['reasoning_content'] is string %}
{%- set reasoning = message['reasoning_content'] %}
{%- elif '</think>' in content %}
{%- set reasoning = content.split('</think>')[0].rstrip('\n').split('<think>')[-1].lstrip('\n') %}
{%- set content = content.split('</think>')[-1].lstrip('\n') %}
{%- endif %}
{{- '<|im_start|>assistant\n' }}
{%- if loop.index0 > state.last_question and (loop.last or reasoning) %}
{{- '<think>\n' + reasoning.strip('\n') + '\n</think>\n\n' + content.lstrip('\n') }}
{%- else %}
{{- content }}
{%- endif %}
{%- for call in message['tool_calls'] or [] %}
{%- if (loop.first and content) or not loop.first %}
{{- '\n' }}
{%- endif %}
{%- set call = call['function'] or call %}
{{- '<tool_call>\n{"name": "' }}
{{- call['name'] }}
{{- '", "arguments": ' }}
{%- if call['arguments'] is string %}
{{- call['arguments'] }}
{%- else %}
{{- call['arguments'] | tojson }}
{%- endif %}
{{- '}\n</tool_call>' }}
{%- endfor %}
{{- '<|im_end|>\n' }}
)";
constexpr const char* kQwen3End = R"({%- if add_generation_prompt %}
{{- '<|im_start|>assistant\n' }}
{%- if enable_thinking is defined and enable_thinking is false %}
{{- '<think>\n\n</think>\n\n' }}
{%- endif %}
{%- endif %})";

std::string qwen(const char* head, const char* turns, const char* end) {
  return std::string(head) + kQwenTools + turns + kQwenResults + end;
}

const std::vector<std::pair<std::string_view, std::string>>& templates() {
  static const std::vector<std::pair<std::string_view, std::string>> all = {
      {"chatml", kChatml},
      {"llama3", kLlama3},
      {"alpaca", kAlpaca},
      {"mistral_v1", kMistralV1},
      {"mistral_v2v3", kMistralV2V3},
      {"mistral_v3_tekken", kMistralV3Tekken},
      {"qwen_25", qwen(kQwen25Head, kQwen25Turns, kQwen25End)},
      {"qwen3", qwen(kQwen3Head, kQwen3Turns, kQwen3End)},
  };
  return all;
}

}  // namespace

std::optional<std::string> ChatTemplate::built_in(std::string_view name) {
  for (const auto& [known, source] : templates()) {
    if (name == known) return source;
  }
  return std::nullopt;
}

std::vector<std::string> ChatTemplate::built_in_names() {
  std::vector<std::string> names;
  for (const auto& [name, source] : templates()) names.emplace_back(name);
  return names;
}

}  // namespace understudy
