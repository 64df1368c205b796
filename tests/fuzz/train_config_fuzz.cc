// Training configs of strangers: read into a typed struct that reads back as itself, or refused with kInvalidInput.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/json.h"
#include "engine/training/train_config.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  try {
    const understudy::TrainConfig config =
        understudy::read_train_config(understudy::ConfigNode::parse(text, "fuzz.yml"));
    (void)understudy::read_train_config(
        understudy::ConfigNode::parse(understudy::to_yaml(understudy::resolved_config(config)), "again"));
  } catch (const understudy::Error& error) {
    CHECK(error.code() == understudy::ErrorCode::kInvalidInput, "a config's fault is wrong input");
  }
  return 0;
}
