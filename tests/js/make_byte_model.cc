// make_byte_model FOLDER: a tiny chat model with random weights, for the tests of clients in other languages.
#include <cstdio>

#include "tests/support/tiny_model.h"

int main(int argc, char** argv) {
  using namespace understudy;
  if (argc != 2) {
    std::fprintf(stderr, "usage: make_byte_model FOLDER\n");
    return 2;
  }
  testing::write_byte_model(argv[1], "{% for message in messages %}{{ message['content'] }}\n{% endfor %}");
  return 0;
}
