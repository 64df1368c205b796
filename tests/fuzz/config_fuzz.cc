// Configs of strangers: read, walked and overridden, or refused with kInvalidInput.
#include <cstddef>
#include <cstdint>

#include "base/config_node.h"
#include "base/json.h"
#include "economics/cost_input.h"
#include "economics/rent_versus_buy.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  try {
    understudy::ConfigNode node = understudy::ConfigNode::parse(text, "fuzz.yml");
    (void)understudy::dump_json(node.to_json());
    (void)understudy::to_json(understudy::rent_versus_buy(understudy::read_cost_input(node)));
    node.set("a.b", text, "--a.b");
  } catch (const understudy::Error& error) {
    CHECK(error.code() == understudy::ErrorCode::kInvalidInput, "a config's fault is wrong input");
  }
  return 0;
}
