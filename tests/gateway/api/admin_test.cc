#include "gateway/api/admin.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/json.h"
#include "base/worker_pool.h"
#include "tests/support/memory_store.h"
#include "tests/support/run_awaitable.h"
#include "tests/support/temporary_folder.h"

namespace understudy {
namespace {

using ::testing::HasSubstr;
using testing::MemoryStore;
using testing::TemporaryFolder;

class AdminApiTest : public ::testing::Test {
 protected:
  AdminApiTest() {
    Route route;
    route.task = "invoices";
    route.share = 0.2;
    routes_.configure({route});
  }
  HttpResponse ask(const std::string& method, const std::string& path, const std::string& body = "",
                   const std::string& key = "let me in") {
    AdminApi api(AdminApi::Surroundings{.routes = routes_,
                                        .recorder = recorder_,
                                        .metrics = metrics_,
                                        .workers = pool_,
                                        .before_metrics = [this] { ++refreshed_; },
                                        .reload = [this] { reload_(); },
                                        .now_ms = [] { return int64_t{1'800'000'000'000}; },
                                        .key = key_});
    HttpRequest http;
    http.method = method;
    http.path = path;
    http.body = body;
    http.peer = peer_;
    if (!key.empty()) http.headers.emplace_back("Authorization", "Bearer " + key);
    return testing::run(api.answer(http));
  }
  Json json_of(const std::string& method, const std::string& path, const std::string& body = "") {
    const HttpResponse response = ask(method, path, body);
    EXPECT_EQ(response.status, 200);
    return parse_json(response.body, "answer");
  }
  ErrorCode refusal(const std::string& method, const std::string& path, const std::string& body = "",
                    const std::string& key = "let me in") {
    try {
      ask(method, path, body, key);
    } catch (const Error& error) {
      message_ = error.message();
      return error.code();
    }
    ADD_FAILURE() << method << " " << path << " was answered";
    return ErrorCode::kInternal;
  }

  const TemporaryFolder folder_;
  MemoryStore store_;
  RouteTable routes_{store_};
  Metrics metrics_;
  Recorder recorder_{{.folder = folder_ / "capture"}, metrics_};
  WorkerPool pool_{1};
  Secret key_{"let me in"};
  std::string peer_ = "203.0.113.7";
  std::function<void()> reload_ = [] {};
  int refreshed_ = 0;
  std::string message_;
};

TEST_F(AdminApiTest, NobodyComesInWithoutTheKey) {
  for (const char* path : {"/metrics", "/readyz", "/admin/routes"}) {
    EXPECT_EQ(refusal("GET", path, "", ""), ErrorCode::kUnauthorized) << path;
    EXPECT_EQ(refusal("GET", path, "", "let me im"), ErrorCode::kUnauthorized) << path;
  }
  EXPECT_EQ(refusal("POST", "/admin/reload", "", ""), ErrorCode::kUnauthorized);
  EXPECT_EQ(ask("GET", "/healthz", "", "").status, 200) << "a balancer has no key";
}

TEST_F(AdminApiTest, WithoutAKeyOnlyThisMachineIsServed) {
  key_ = Secret();
  EXPECT_EQ(refusal("GET", "/metrics", "", ""), ErrorCode::kUnauthorized);
  peer_ = "127.0.0.1";
  EXPECT_EQ(ask("GET", "/metrics", "", "").status, 200);
}

TEST_F(AdminApiTest, MetricsAreBroughtUpToDateFirst) {
  const HttpResponse response = ask("GET", "/metrics");
  EXPECT_EQ(refreshed_, 1);
  EXPECT_THAT(response.body, HasSubstr("understudy_capture_pending"));
}

TEST_F(AdminApiTest, AChangeIsAVersionWithItsAuthor) {
  const Json changed = json_of("PUT", "/admin/routes/invoices",
                               R"({"share":0.8,"shadow":true,"who":"ann","why":"evaluation of 12 May"})");
  EXPECT_EQ(changed["version"], 1);
  EXPECT_EQ(changed["share"], 0.8);
  EXPECT_EQ(changed["shadow"], true);
  EXPECT_EQ(changed["who"], "ann");
  const Json shown = json_of("GET", "/admin/routes/invoices");
  EXPECT_EQ(shown["route"], changed);
  ASSERT_EQ(shown["history"].size(), 2U);
  EXPECT_EQ(shown["history"][0]["share"], 0.2);

  EXPECT_EQ(json_of("PUT", "/admin/routes/invoices", R"({"rollback":0,"who":"ann"})")["share"], 0.2);
  EXPECT_EQ(json_of("PUT", "/admin/routes/invoices", R"({"share":1,"who":"ann"})")["share"], 1.0);
  const Json reset = json_of("PUT", "/admin/routes/invoices", R"({"reset":true,"who":"ben"})");
  EXPECT_EQ(reset["share"], 0.2);
  EXPECT_EQ(reset["version"], 4);
  EXPECT_EQ(json_of("GET", "/admin/routes")["routes"].size(), 1U);
}

TEST_F(AdminApiTest, AWrongChangeChangesNothingAndNamesTheField) {
  EXPECT_EQ(refusal("PUT", "/admin/routes/invoices", R"({"share":1.5,"who":"ann"})"), ErrorCode::kInvalidInput);
  EXPECT_THAT(message_, HasSubstr("share"));
  EXPECT_EQ(refusal("PUT", "/admin/routes/invoices", R"({"share":0.5})"), ErrorCode::kInvalidInput);
  EXPECT_THAT(message_, HasSubstr("who"));
  EXPECT_EQ(refusal("PUT", "/admin/routes/invoices", R"({"shares":0.5,"who":"ann"})"), ErrorCode::kInvalidInput);
  EXPECT_THAT(message_, HasSubstr("shares"));
  EXPECT_EQ(refusal("PUT", "/admin/routes/invoices", "{"), ErrorCode::kInvalidInput);
  EXPECT_EQ(refusal("PUT", "/admin/routes/nobody", R"({"share":0.5,"who":"ann"})"), ErrorCode::kNotFound);
  EXPECT_EQ(refusal("DELETE", "/admin/routes/invoices"), ErrorCode::kInvalidInput);
  EXPECT_EQ(refusal("GET", "/admin/other"), ErrorCode::kNotFound);
  EXPECT_EQ(json_of("GET", "/admin/routes/invoices")["history"].size(), 1U);
}

TEST_F(AdminApiTest, AReloadSaysWhatIsWrongWithTheConfig) {
  int read = 0;
  reload_ = [&read] { ++read; };
  EXPECT_EQ(json_of("POST", "/admin/reload")["status"], "reloaded");
  EXPECT_EQ(read, 1);
  reload_ = [] { throw Error(ErrorCode::kInvalidInput, "gateway.yml:3: listn: unknown"); };
  EXPECT_EQ(refusal("POST", "/admin/reload"), ErrorCode::kInvalidInput);
  EXPECT_THAT(message_, HasSubstr("gateway.yml:3"));
}

}  // namespace
}  // namespace understudy
