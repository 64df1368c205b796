#include "base/config_fields.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace understudy {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

struct Inner {
  std::optional<int> rank;
};
struct Config {
  int64_t steps = 7;
  double rate = 0.5;
  std::vector<std::string> names;
  std::string word = "cosine";
  Inner inner;
  bool renamed = false;
};

const Fields<Config>& fields() {
  static const Fields<Inner> inner = Fields<Inner>().field("rank", &Inner::rank, "rank of the adapter");
  static const Fields<Config> fields = Fields<Config>()
                                           .field("steps", &Config::steps, "steps", at_least<int64_t>(1))
                                           .field("rate", &Config::rate, "rate", between(0.0, 1.0))
                                           .field("names", &Config::names, "names")
                                           .field("word", &Config::word, "schedule", one_of({"cosine", "linear"}))
                                           .group("inner", &Config::inner, inner, "inner")
                                           .special("old_name", "renamed", [](const ConfigNode& node, Config& config) {
                                             config.renamed = node.as_bool();
                                           });
  return fields;
}

Config read(const std::string& text) {
  return fields().read(ConfigNode::parse(text, "c.yml"));
}

Error fault_of(const std::string& text) {
  try {
    read(text);
  } catch (const Error& error) {
    return error;
  }
  return Error(ErrorCode::kInternal, "nothing was refused");
}

TEST(ConfigFields, FillsTheStructAndKeepsDefaults) {
  const Config config = read("steps: 3\nnames: [a, b]\ninner: {rank: 8}\nold_name: yes\nrate:\n");
  EXPECT_EQ(config.steps, 3);
  EXPECT_THAT(config.names, ElementsAre("a", "b"));
  EXPECT_EQ(config.inner.rank, 8);
  EXPECT_TRUE(config.renamed);
  EXPECT_DOUBLE_EQ(config.rate, 0.5) << "an empty value is not set";
  EXPECT_EQ(config.word, "cosine");
  EXPECT_FALSE(read("").inner.rank);
}

TEST(ConfigFields, OneValueIsAListOfOne) {
  EXPECT_THAT(read("names: a").names, ElementsAre("a"));
}

TEST(ConfigFields, AnUnknownKeyNamesLineAndNearest) {
  const Error top = fault_of("steps: 1\nstpes: 2\n");
  EXPECT_EQ(top.message(), "c.yml:2: stpes: unknown key");
  EXPECT_EQ(top.hint(), "did you mean steps?");
  const Error inner = fault_of("inner:\n  rnak: 2\n");
  EXPECT_EQ(inner.message(), "c.yml:2: inner.rnak: unknown key");
  EXPECT_EQ(inner.hint(), "did you mean rank?");
  EXPECT_THAT(fault_of("zzzzzzzz: 1").hint(), HasSubstr("known keys: steps, rate"));
}

TEST(ConfigFields, ChecksSpeakOfTheKey) {
  EXPECT_EQ(fault_of("steps: 0").message(), "c.yml:1: steps: expected at least 1, got 0");
  EXPECT_EQ(fault_of("rate: 1.5").message(), "c.yml:1: rate: expected 0 to 1, got 1.5");
  EXPECT_EQ(fault_of("word: cosin").hint(), "did you mean cosine?");
  EXPECT_THAT(fault_of("inner: {rank: 3000000000}").message(), HasSubstr("out of range"));
  EXPECT_THAT(fault_of("inner: 5").message(), HasSubstr("expected a map"));
}

TEST(ConfigFields, TheTableMakesTheHelp) {
  std::vector<std::string> keys;
  for (const FieldHelp& field : fields().help()) keys.push_back(field.key);
  EXPECT_THAT(keys, ElementsAre("steps", "rate", "names", "word", "inner.rank", "old_name"));
}

}  // namespace
}  // namespace understudy
