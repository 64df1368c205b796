#include "gateway/providers/vendor.h"

#include <gtest/gtest.h>

#include <set>

namespace understudy {
namespace {

TEST(Vendors, HaveNamesOfTheirOwnAndAddressesWithoutASlashAtTheEnd) {
  std::set<std::string_view> names;
  for (const Vendor& vendor : vendors()) {
    EXPECT_TRUE(names.insert(vendor.name).second) << vendor.name;
    EXPECT_EQ(find_vendor(vendor.name), &vendor);
    EXPECT_TRUE(vendor.embeddings_path.empty() || vendor.embeddings_path.front() == '/') << vendor.name;
    if (vendor.base_url.empty()) continue;
    EXPECT_NE(vendor.base_url.back(), '/') << vendor.name;
    const bool is_local = vendor.base_url.substr(0, 17) == "http://127.0.0.1:";
    EXPECT_TRUE(is_local || vendor.base_url.substr(0, 8) == "https://") << vendor.name;
  }
  EXPECT_EQ(find_vendor("nobody"), nullptr);
}

TEST(Vendors, AreThoseThatTheConfigNames) {
  for (const char* name : {"openai", "openai-responses", "anthropic", "gemini", "azure", "groq", "together",
                           "fireworks", "openrouter", "mistral", "vllm", "llama-server", "ollama", "understudy"}) {
    EXPECT_NE(find_vendor(name), nullptr) << name;
  }
}

}  // namespace
}  // namespace understudy
