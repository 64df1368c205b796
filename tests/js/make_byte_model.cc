// make_byte_model FOLDER: a tiny chat model with random weights, for the tests of clients in other languages.
#include <cstdio>
#include <filesystem>

#include "base/files.h"
#include "tests/support/byte_model.h"

int main(int argc, char** argv) {
  using namespace understudy;
  if (argc != 2) {
    std::fprintf(stderr, "usage: make_byte_model FOLDER\n");
    return 2;
  }
  const std::filesystem::path folder = argv[1];
  Model::random(testing::byte_model_config(), 1, {})->save_hf(folder, DType::kF32);
  write_file_atomically(folder / "tokenizer.json", dump_json(testing::byte_tokenizer_json()));
  const Json settings = {{"bos_token", "<s>"},
                         {"eos_token", "</s>"},
                         {"tokenizer_class", "PreTrainedTokenizerFast"},
                         {"chat_template", "{% for message in messages %}{{ message['content'] }}\n{% endfor %}"}};
  write_file_atomically(folder / "tokenizer_config.json", dump_json(settings));
  return 0;
}
