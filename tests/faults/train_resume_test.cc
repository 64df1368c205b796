// Training is killed with SIGKILL at random moments, checkpoints half-written among them, and taken up again by the
// same command until it ends: adapter and losses are bit-equal to those of a run that was left alone.
// UNDERSTUDY_FAULT_COUNT raises the number of kills.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <thread>

#include "base/environment.h"
#include "tests/engine/training/training_fixture.h"

namespace understudy::testing {
namespace {

using ::testing::HasSubstr;
using Clock = std::chrono::steady_clock;

int fault_count(int few) {
  const auto many = environment("UNDERSTUDY_FAULT_COUNT");
  return many ? std::atoi(many->c_str()) : few;
}

class TrainProcess : public ::testing::Test {
 protected:
  void SetUp() override { config_ = write_config(""); }

  std::string write_config(const std::string& more) const {
    return tiny_.folder()
        .write(
            "train.yml",
            "base_model: " + tiny_.model().string() +
                "\ndatasets: [{path: " + tiny_.rows({30, 12, 55, 8, 41, 23, 37, 19, 61, 14, 26}) +
                "}]\nadapter: lora\nlora_r: 4\nlora_dropout: 0.1\nbf16: false\nlearning_rate: 1e-3\nmicro_batch_size: "
                "1\n"
                "gradient_accumulation_steps: 2\nsequence_len: 64\nsample_packing: true\nmax_steps: 60\nsave_steps: 2\n"
                "val_set_size: 2\neval_steps: 10\n" +
                more)
        .string();
  }

  // Starts a run; what it says goes to the file.
  pid_t start(const std::filesystem::path& out, const std::filesystem::path& said) const {
    const pid_t child = ::fork();
    if (child != 0) return child;
    const int file = ::open(said.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644);
    ::dup2(file, 1);
    ::dup2(file, 2);
    const std::string output = "--output_dir=" + out.string();
    ::execl(UNDERSTUDY_BINARY, UNDERSTUDY_BINARY, "train", config_.c_str(), output.c_str(),
            "--auto_resume_from_checkpoints=true", nullptr);
    ::_exit(127);
  }
  static int status_of(pid_t child) {
    int raw = 0;
    ::waitpid(child, &raw, 0);
    return WIFEXITED(raw) ? WEXITSTATUS(raw) : 128 + WTERMSIG(raw);
  }
  static size_t n_lines(const std::filesystem::path& out) {
    const std::string text = bytes_of_file(out / "train_log.jsonl");
    return static_cast<size_t>(std::count(text.begin(), text.end(), '\n'));
  }
  static void wait_for_lines(const std::filesystem::path& out, size_t n) {
    for (const auto end = Clock::now() + std::chrono::seconds(60); n_lines(out) < n && Clock::now() < end;) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  }
  static std::vector<std::pair<int64_t, double>> losses(const std::filesystem::path& out) {
    std::vector<std::pair<int64_t, double>> list;
    const LoggedRun run = read_train_log(out);
    for (const StepReport& step : run.steps) list.emplace_back(step.step, step.loss);
    for (const EvaluationReport& report : run.evaluations) list.emplace_back(-1 - report.step, report.loss);
    return list;
  }

  TrainingFolder tiny_;
  std::string config_;
};

TEST_F(TrainProcess, KilledAtAnyMomentItEndsBitEqual) {
  const std::filesystem::path whole = tiny_.folder() / "whole";
  const std::filesystem::path broken = tiny_.folder() / "broken";
  const std::filesystem::path said = tiny_.folder() / "said";
  const auto began = Clock::now();
  ASSERT_EQ(status_of(start(whole, said)), 0) << bytes_of_file(said);
  const auto duration = std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - began);

  Random random(17);
  const int kills = fault_count(6);
  for (int kill = 0; kill < kills; ++kill) {
    const pid_t child = start(broken, said);
    const auto moment =
        std::chrono::microseconds(static_cast<int64_t>(random.below(static_cast<uint64_t>(duration.count()))));
    std::this_thread::sleep_for(moment);
    ::kill(child, SIGKILL);
    const int status = status_of(child);
    ASSERT_TRUE(status == 128 + SIGKILL || status == 0) << "kill " << kill << ": " << bytes_of_file(said);
  }
  ASSERT_EQ(status_of(start(broken, said)), 0) << bytes_of_file(said);
  EXPECT_EQ(losses(broken), losses(whole));
  EXPECT_EQ(bytes_of_file(broken / "adapter_model.safetensors"), bytes_of_file(whole / "adapter_model.safetensors"));
  for (const auto& entry : std::filesystem::directory_iterator(broken)) {
    EXPECT_EQ(entry.path().filename().string().find(".tmp-"), std::string::npos) << entry.path();
  }
}

TEST_F(TrainProcess, InterruptedItWritesACheckpointAndSaysHowToGoOn) {
  config_ = write_config("save_strategy: no\n");
  const std::string text = bytes_of_file(config_);
  tiny_.folder().write("train.yml", text.substr(0, text.find("max_steps")) + "max_steps: 100000\nsave_strategy: no\n");
  const std::filesystem::path said = tiny_.folder() / "said";
  for (const int signal : {SIGINT, SIGTERM}) {
    std::filesystem::remove_all(tiny_.out());
    const pid_t child = start(tiny_.out(), said);
    wait_for_lines(tiny_.out(), 5);
    ::kill(child, signal);
    EXPECT_EQ(status_of(child), 130) << bytes_of_file(said);
    EXPECT_THAT(bytes_of_file(said), HasSubstr("--auto_resume_from_checkpoints=true"));
    const std::vector<int64_t> steps = checkpoint_steps(tiny_.out());
    ASSERT_EQ(steps.size(), 1u) << bytes_of_file(said);
    const auto logged = read_train_log(tiny_.out()).steps;
    EXPECT_EQ(steps[0], logged.back().step);
  }
}

}  // namespace
}  // namespace understudy::testing
