#include "base/config_node.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/json.h"
#include "tests/support/fuzz_count.h"
#include "tests/support/temporary_folder.h"

namespace understudy {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

ConfigNode parse(const std::string& text) {
  return ConfigNode::parse(text, "train.yml");
}

template <class Action>
std::string fault_of(Action action) {
  try {
    action();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kInvalidInput);
    return error.message();
  }
  return "nothing was refused";
}

TEST(ConfigNode, ReadsScalarsByWhatIsAsked) {
  const ConfigNode node = parse("a: 16\nb: 2e-5\nc: yes\nd: 10_000\ne: Off\nf: text\ng: '16'\nh: -0.5\n");
  EXPECT_EQ(node["a"].as_integer(), 16);
  EXPECT_EQ(node["a"].as_text(), "16");
  EXPECT_DOUBLE_EQ(node["b"].as_number(), 2e-5) << "PyYAML calls it text, Axolotl's users mean a number";
  EXPECT_TRUE(node["c"].as_bool()) << "a word of YAML 1.1";
  EXPECT_EQ(node["d"].as_integer(), 10'000);
  EXPECT_FALSE(node["e"].as_bool());
  EXPECT_EQ(node["f"].as_text(), "text");
  EXPECT_EQ(node["g"].as_integer(), 16);
  EXPECT_DOUBLE_EQ(node["h"].as_number(), -0.5);
}

TEST(ConfigNode, EveryWordOfYaml11IsABoolean) {
  for (const char* word : {"true", "True", "TRUE", "yes", "Yes", "YES", "on", "On", "ON"}) {
    EXPECT_TRUE(parse(std::string("a: ") + word)["a"].as_bool()) << word;
  }
  for (const char* word : {"false", "False", "FALSE", "no", "No", "NO", "off", "Off", "OFF"}) {
    EXPECT_FALSE(parse(std::string("a: ") + word)["a"].as_bool()) << word;
  }
  EXPECT_THAT(fault_of([] { (void)parse("a: 'yes'")["a"].as_bool(); }), HasSubstr("expected true or false"));
  EXPECT_THAT(fault_of([] { (void)parse("a: 1")["a"].as_bool(); }), HasSubstr("got \"1\""));
}

TEST(ConfigNode, NothingWrittenIsNothingSet) {
  const ConfigNode node = parse("a:\nb: ~\nc: null\nd: ''\ne: NULL\n");
  for (const char* key : {"a", "b", "c", "e", "absent"}) EXPECT_TRUE(node[key].is_null()) << key;
  EXPECT_FALSE(node["d"].is_null());
  EXPECT_EQ(node["d"].as_text(), "");
  EXPECT_TRUE(parse("").is_map());
  EXPECT_TRUE(parse("# only a comment\n").is_map());
}

TEST(ConfigNode, AnErrorNamesFileLineAndPath) {
  const ConfigNode node = parse("lora_r: 16a\ndatasets:\n  - path: x\n    type: [1]\n");
  EXPECT_EQ(fault_of([&] { (void)node["lora_r"].as_integer(); }),
            "train.yml:1: lora_r: expected a whole number, got \"16a\"");
  EXPECT_EQ(fault_of([&] { (void)node["datasets"].items()[0]["type"].as_text(); }),
            "train.yml:4: datasets[0].type: expected a text, got a list");
  EXPECT_THAT(fault_of([&] { (void)node["lora_r"].items(); }), HasSubstr("expected a list"));
  EXPECT_THAT(fault_of([&] { (void)node["datasets"].members(); }), HasSubstr("expected a map of keys"));
}

TEST(ConfigNode, ARepeatedKeyIsRefusedWithBothLines) {
  EXPECT_EQ(fault_of([] { parse("a: 1\nb: 2\na: 3\n"); }), "train.yml:3: a: stands twice, on line 1 and on line 3");
  EXPECT_THAT(fault_of([] { parse("x:\n  a: 1\n  a: 1\n"); }), HasSubstr("on line 2 and on line 3"));
  EXPECT_THAT(fault_of([] { parse("{a: 1, a: 2}"); }), HasSubstr("stands twice"));
}

TEST(ConfigNode, RefusesWhatIsNoConfig) {
  EXPECT_THAT(fault_of([] { parse("a: [1, 2\nb: 3\n"); }), AllOf(HasSubstr("train.yml:"), HasSubstr("not valid YAML")));
  EXPECT_THAT(fault_of([] { parse("a: 1\n---\nb: 2\n"); }), HasSubstr("several YAML documents"));
  EXPECT_THAT(fault_of([] { parse("? [a, b]\n: 1\n"); }), HasSubstr("plain word"));
  std::string deep;
  for (int i = 0; i < 100; ++i) deep += "[";
  EXPECT_THAT(fault_of([&] { parse(deep + std::string(100, ']')); }), HasSubstr("levels deep"));
}

TEST(ConfigNode, AliasesThatExpandWithoutBoundAreRefused) {
  std::string bomb = "a: &a [x, x, x, x, x, x, x, x, x, x]\n";
  for (char name = 'b'; name <= 'i'; ++name) {
    bomb += fmt::format("{}: &{} [", name, name);
    for (int i = 0; i < 10; ++i) bomb += fmt::format("*{}, ", static_cast<char>(name - 1));
    bomb += "]\n";
  }
  EXPECT_THAT(fault_of([&] { parse(bomb); }), HasSubstr("aliases that expand"));
}

// Text that yaml-cpp takes for endlessly many documents, each without a character.
TEST(ConfigNode, ACommaAtTheTopIsRefused) {
  EXPECT_THAT(fault_of([] { parse(", {b: 1}\n"); }), HasSubstr("train.yml:"));
}

TEST(ConfigNode, KeysKeepTheFilesOrder) {
  EXPECT_THAT(parse("z: 1\na: 2\nm: 3\n").keys(), ElementsAre("z", "a", "m"));
}

TEST(ConfigNode, NumbersOutOfRangeAreNoNumbers) {
  EXPECT_THAT(fault_of([] { (void)parse("a: 99999999999999999999")["a"].as_integer(); }), HasSubstr("whole number"));
  EXPECT_THAT(fault_of([] { (void)parse("a: 1e999")["a"].as_number(); }), HasSubstr("a number"));
  EXPECT_THAT(fault_of([] { (void)parse("a: nan")["a"].as_number(); }), HasSubstr("a number"));
  EXPECT_THAT(fault_of([] { (void)parse("a: 1.5")["a"].as_integer(); }), HasSubstr("whole number"));
}

TEST(ConfigNode, BecomesJson) {
  const Json json = parse("a: 1\nb: 'x'\nc: [true, 1.5, '1', ~]\nd: {e: no}\n").to_json();
  EXPECT_EQ(dump_json(json), R"({"a":1,"b":"x","c":[true,1.5,"1",null],"d":{"e":false}})");
}

TEST(ConfigNode, TheCommandLineOverridesTheFile) {
  ConfigNode node = parse("a: {b: 1, c: 2}\nd: 3\n");
  node.set("a.b", "9", "--a.b");
  node.set("new.deep.key", "[1, 2]", "--new.deep.key");
  node.set("d", "null", "--d");
  EXPECT_EQ(node["a"]["b"].as_integer(), 9);
  EXPECT_EQ(node["a"]["c"].as_integer(), 2);
  EXPECT_EQ(node["new"]["deep"]["key"].items().size(), 2U);
  EXPECT_TRUE(node["d"].is_null());
  EXPECT_EQ(fault_of([&] { (void)node["a"]["b"].as_bool(); }), "--a.b: expected true or false, got \"9\"");
  EXPECT_THAT(fault_of([&] { node.set("a.b.x", "1", "--a.b.x"); }), HasSubstr("no map there"));
}

TEST(ConfigNode, ReadsAFileAndMissesOne) {
  const testing::TemporaryFolder folder;
  const auto path = folder.write("c.yml", "a: x y\n");
  EXPECT_EQ(ConfigNode::read_file(path)["a"].as_text(), "x y");
  EXPECT_THROW(ConfigNode::read_file(folder / "none.yml"), Error);
}

TEST(ConfigNode, AManyKeyedMapIsReadInGoodTime) {
  std::string text;
  for (int i = 0; i < 20'000; ++i) text += fmt::format("key{}: 1\n", i);
  EXPECT_EQ(parse(text).members().size(), 20'000U);
}

TEST(ConfigNode, MutatedTextIsReadOrRefused) {
  const std::string valid =
      "a: &x [1, {b: 'c', d: \"e\\n\"}]\nf: *x\ng: |\n  text\n  more\nh: 10_000 # comment\n? i\n: j\n";
  for (int seed = 0; seed < testing::fuzz_count(400); ++seed) {
    Random random(static_cast<uint64_t>(seed));
    const std::string text = testing::mutated(valid, random);
    SCOPED_TRACE(fmt::format("seed {}", seed));
    try {
      (void)dump_json(parse(text).to_json());
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kInvalidInput);
    }
  }
}

TEST(ConfigNode, SetReachesItemsOfLists) {
  ConfigNode node = ConfigNode::parse("datasets:\n  - path: a\n  - path: b\n", "train.yml");
  node.set("datasets.1.path", "c", "--datasets.1.path");
  EXPECT_EQ(node["datasets"].items()[0]["path"].as_text(), "a");
  EXPECT_EQ(node["datasets"].items()[1]["path"].as_text(), "c");
  EXPECT_THROW(node.set("datasets.2.path", "d", "--datasets.2.path"), Error);
}

}  // namespace
}  // namespace understudy
