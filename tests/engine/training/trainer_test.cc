#include "engine/training/trainer.h"

#include <gmock/gmock.h>

#include <cmath>
#include <numeric>

#include "engine/model/decoder.h"
#include "engine/ops/optimizer.h"
#include "engine/text/chat_template.h"
#include "tests/engine/training/training_fixture.h"
#include "tests/support/file_faults.h"
#include "tests/support/golden.h"

namespace understudy::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class TrainerTest : public ::testing::Test {
 protected:
  TrainConfig config(const std::string& more) const { return tiny_.config(rows_, more); }
  TrainingFolder tiny_;
  std::string rows_ = tiny_.rows({3, 40, 200, 17, 90, 64});
};

// One step over six examples of lengths 3 to 200, in every way to cut it into micro-batches.
TEST_F(TrainerTest, OneStepIsTheSameHoweverItIsCut) {
  struct Cut {
    const char* yaml;
    bool packed;
  };
  const std::string common = "curriculum_sampling: true\nmax_steps: 1\n";
  std::vector<StepReport> reports;
  for (const char* yaml :
       {"micro_batch_size: 6\n", "micro_batch_size: 3\ngradient_accumulation_steps: 2\n",
        "micro_batch_size: 2\ngradient_accumulation_steps: 3\n",
        "micro_batch_size: 1\ngradient_accumulation_steps: 6\n", "micro_batch_size: 2\nsample_packing: true\n",
        "micro_batch_size: 1\ngradient_accumulation_steps: 4\nsample_packing: true\n"}) {
    TrainedRun run(config(common + yaml));
    ASSERT_EQ(run.trainer.plan().tokens(1), 414) << yaml;
    (void)run.run();
    reports.push_back(read_train_log(tiny_.out()).steps.at(0));
  }
  for (const StepReport& report : reports) {
    EXPECT_NEAR(report.loss, reports[0].loss, 1e-6 * reports[0].loss);
    EXPECT_NEAR(report.grad_norm, reports[0].grad_norm, 1e-6 * reports[0].grad_norm);
  }
}

TEST_F(TrainerTest, TheGradientIsTheMeanOverAllTargetsOfTheStep) {
  // Three examples of 2, 100 and 10 tokens: a mean of the micro-batches' means would weigh the short one fifty times
  // too much.
  const std::string rows = tiny_.rows({2, 100, 10});
  TrainedRun run(tiny_.config(rows, "curriculum_sampling: true\ngradient_accumulation_steps: 3\n"));
  double sum = 0;
  int64_t targets = 0;
  TrainingGraph graph(Model::load(run.config.base_model, {}), nullptr, {});
  for (int32_t i = 0; i < 3; ++i) {
    PackedRows one;
    run.data.examples.fill(std::vector<int32_t>{i}, one);
    sum += graph.loss(one);
    targets += one.n_targets();
  }
  (void)run.run();
  EXPECT_NEAR(read_train_log(tiny_.out()).steps.at(0).loss, sum / static_cast<double>(targets), 1e-6);
}

TEST_F(TrainerTest, ALoggedStepHasExactlyItsKeysInFullPrecision) {
  (void)TrainedRun(config("max_steps: 2\n")).run();
  const std::string text = read_file(tiny_.out() / "train_log.jsonl");
  const Json line = parse_json(text.substr(0, text.find('\n')), "line");
  std::vector<std::string> keys;
  for (const auto& [key, value] : line.items()) keys.push_back(key);
  EXPECT_THAT(keys, ElementsAre("step", "loss", "grad_norm", "learning_rate", "tokens", "tokens_per_second"));
  EXPECT_EQ(line["learning_rate"].get<double>(), 1e-3);
}

TEST_F(TrainerTest, EvaluationDoesNotDependOnItsBatchAndDropsNothing) {
  std::vector<double> losses;
  for (const char* yaml :
       {"eval_batch_size: 1\n", "eval_batch_size: 2\n", "eval_batch_size: 7\n", "sample_packing: true\n"}) {
    TrainedRun run(config(std::string("val_set_size: 4\nlearning_rate: 1e-12\n") + yaml));
    (void)run.run();
    const LoggedRun log = read_train_log(tiny_.out());
    EXPECT_EQ(log.evaluations.at(0).step, 0);
    EXPECT_EQ(log.evaluations.at(0).examples, 4);
    losses.push_back(log.evaluations.at(0).loss);
  }
  for (const double loss : losses) EXPECT_NEAR(loss, losses[0], 1e-6 * losses[0]);
}

TEST_F(TrainerTest, ItEvaluatesBeforeTheFirstStepAndAfterTheLast) {
  (void)TrainedRun(config("val_set_size: 2\nevals_per_epoch: 1\nnum_epochs: 1\n")).run();
  std::vector<int64_t> steps;
  for (const EvaluationReport& report : read_train_log(tiny_.out()).evaluations) steps.push_back(report.step);
  EXPECT_THAT(steps, ElementsAre(0, 4));
}

TEST_F(TrainerTest, TrainingLearnsTheNextTokenAndNotTheOneAfter) {
  const std::string row = R"({"input_ids": [10, 20, 30, 40, 50, 60, 1]})";
  const std::string rows = tiny_.folder().write("abc.jsonl", row).string();
  TrainedRun run(tiny_.config(rows, "num_epochs: 60\nlearning_rate: 1e-2\n"));
  (void)run.run();
  TrainingGraph graph(run.model, nullptr, {});
  const std::vector<int32_t> ids = {10, 20, 30, 40, 50, 60, 1};
  for (size_t i = 0; i + 1 < ids.size(); ++i) {
    PackedRows one{.tokens = {ids.begin(), ids.begin() + static_cast<std::ptrdiff_t>(i) + 1},
                   .targets = std::vector<int32_t>(i + 1, kNoTarget),
                   .starts = {0, static_cast<int64_t>(i) + 1}};
    one.targets.back() = ids[i + 1];
    EXPECT_LT(graph.loss(one), 0.5) << "after " << ids[i] << " comes " << ids[i + 1];  // p > 0.6: the greedy choice
  }
}

// Eight conversations learnt by heart: decoded greedily, each answer is right and ends by itself.
TEST_F(TrainerTest, AnswersThatWereLearntStopByThemselves) {
  extend_tokenizer(
      tiny_.model(), {"<|im_start|>", "<|im_end|>"},
      "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + "
      "'<|im_end|>' }}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}");
  std::string text;
  for (int i = 0; i < 8; ++i) {
    text += dump_json({{"input", std::string(1, static_cast<char>('a' + i))},
                       {"output", std::string(1 + i % 3, static_cast<char>('A' + i))}}) +
            "\n";
  }
  const std::string rows = tiny_.folder().write("chat.jsonl", text).string();
  TrainedRun run(tiny_.config(rows, "micro_batch_size: 8\nnum_epochs: 150\nlearning_rate: 1e-2\nsave_strategy: no\n"));
  (void)run.run();
  Decoder decoder(run.model);
  const auto tokenizer = Tokenizer::load(run.config.base_model);
  const ChatTemplate chat = ChatTemplate::of(*tokenizer);
  for (int i = 0; i < 8; ++i) {
    const Json messages =
        Json::array({Json{{"role", "user"}, {"content", std::string(1, static_cast<char>('a' + i))}}});
    std::vector<int32_t> next = encode_chat(*tokenizer, chat.render(messages, {.add_generation_prompt = true})).ids;
    KvCache cache(run.model->config(), 128);
    CacheSequence sequence;
    ASSERT_TRUE(cache.reserve(sequence, 100));
    std::vector<int32_t> answer;
    while (answer.size() < 12 && (answer.empty() || answer.back() != *tokenizer->id_of("<|im_end|>"))) {
      const BatchEntry entry{.sequence = &sequence, .tokens = next};
      const float* logits = decoder.forward(std::span(&entry, 1), cache).f32();
      next = {static_cast<int32_t>(std::max_element(logits, logits + run.model->config().vocab_size) - logits)};
      answer.push_back(next[0]);
    }
    EXPECT_EQ(tokenizer->decode(answer), std::string(1 + i % 3, static_cast<char>('A' + i)) + "<|im_end|>");
  }
}

TEST_F(TrainerTest, ClippingBoundsTheUpdateAndTheNormIsThatBeforeIt) {
  TrainedRun clipped(config("max_steps: 1\nmax_grad_norm: 0.001\n"));
  (void)clipped.run();
  const double norm = read_train_log(tiny_.out()).steps.at(0).grad_norm;
  TrainedRun free(config("max_steps: 1\nmax_grad_norm: 0\n"));
  (void)free.run();
  EXPECT_GT(norm, 0.01);
  EXPECT_DOUBLE_EQ(read_train_log(tiny_.out()).steps.at(0).grad_norm, norm);
  EXPECT_NE(clipped.weights(), free.weights());
}

TEST_F(TrainerTest, DecayReachesMatricesAndNotNorms) {
  // With a rate of 1e-3 and a decay of 100 matrices lose a tenth; where no gradient flows only decay moves a weight.
  TrainedRun run(config("max_steps: 1\nweight_decay: 100\nmax_grad_norm: 1e-30\nadam_epsilon: 1\n"));
  const std::vector<float> before(run.model->final_norm().f32(), run.model->final_norm().f32() + 32);
  const auto* embedding = run.model->embedding().data.f32();
  const float first = embedding[299 * 32];  // a token that no row has
  (void)run.run();
  EXPECT_NEAR(run.model->embedding().data.f32()[299 * 32] / first, 0.9, 1e-5);
  for (int i = 0; i < 32; ++i) EXPECT_NEAR(run.model->final_norm().f32()[i], before[static_cast<size_t>(i)], 1e-6);
}

// Small updates must not drown: 2,000 steps at 1e-6, against the same sum in double.
TEST_F(TrainerTest, SmallUpdatesAddUp) {
  std::vector<float> value = {0.5F};
  std::vector<float> first = {0};
  std::vector<float> second = {0};
  double exact = 0.5, m = 0, v = 0;
  for (int64_t step = 1; step <= 2000; ++step) {
    const float gradient = 0.01F * static_cast<float>(1 + step % 7);
    adamw({.learning_rate = 1e-6, .step = step}, value, std::vector<float>{gradient}, first, second);
    m = 0.9 * m + 0.1 * gradient;
    v = 0.999 * v + 0.001 * static_cast<double>(gradient) * gradient;
    exact -= 1e-6 * (m / (1 - std::pow(0.9, step))) / (std::sqrt(v / (1 - std::pow(0.999, step))) + 1e-8);
  }
  EXPECT_NEAR((0.5 - value[0]) / (0.5 - exact), 1, 0.01);
}

// --- stopping, the best, saving

TEST_F(TrainerTest, EarlyStoppingKeepsTheBestWeights) {
  TrainedRun run(
      config("val_set_size: 3\neval_steps: 2\nnum_epochs: 200\nlearning_rate: 3e-2\nearly_stopping_patience: 2\n"));
  const TrainOutcome outcome = run.run();
  EXPECT_LT(outcome.state.step, outcome.n_steps);
  EXPECT_THAT(outcome.stop_reason, HasSubstr("no gain in 2 evaluations"));
  ASSERT_TRUE(outcome.state.best_loss.has_value());
  double sum = 0;
  int64_t targets = 0;
  TrainingGraph graph(run.model, nullptr, {});
  for (const int32_t i : run.data.validation) {
    PackedRows one;
    run.data.examples.fill(std::vector<int32_t>{i}, one);
    sum += graph.loss(one);
    targets += one.n_targets();
  }
  EXPECT_NEAR(sum / static_cast<double>(targets), *outcome.state.best_loss, 1e-5);
  EXPECT_LT(outcome.state.best_step, outcome.state.step);
}

TEST_F(TrainerTest, TheWatchdogStopsARunGoneWild) {
  const TrainOutcome outcome =
      TrainedRun(config("num_epochs: 10\nloss_watchdog_threshold: 0.001\nloss_watchdog_patience: 4\n")).run();
  EXPECT_EQ(outcome.state.step, 4);
  EXPECT_THAT(outcome.stop_reason, HasSubstr("watchdog"));
}

TEST_F(TrainerTest, OldCheckpointsGoAndTheBestStays) {
  (void)TrainedRun(config("num_epochs: 2\nsave_steps: 2\nsave_total_limit: 2\n")).run();
  EXPECT_THAT(checkpoint_steps(tiny_.out()), ElementsAre(10, 12));
}

TEST_F(TrainerTest, AStopWritesACheckpointAndLosesNothing) {
  std::stop_source source;
  TrainedRun run(config("num_epochs: 5\nsave_strategy: no\ngradient_accumulation_steps: 2\n"),
                 {.on_step = [&](const StepReport& report) {
                   if (report.step == 4) source.request_stop();
                 }});
  const Error error = error_of([&] { (void)run.run(source.get_token()); });
  EXPECT_EQ(error.code(), ErrorCode::kCancelled);
  EXPECT_THAT(error.message(), HasSubstr("stopped after step 4 of 15"));
  EXPECT_THAT(checkpoint_steps(tiny_.out()), ElementsAre(4));
}

// --- resuming

struct ResumeCase {
  const char* name;
  const char* yaml;
};
class Resuming : public TrainerTest, public ::testing::WithParamInterface<ResumeCase> {};

// Stopped after steps 1, 7 and 13 of 20 and taken up each time in a new trainer: bit-equal to the run that was never
// stopped.
TEST_P(Resuming, IsAsIfItHadNeverStopped) {
  rows_ = tiny_.rows({30, 12, 55, 8, 41, 23, 37, 19, 61, 14, 26, 33, 47, 21});
  const std::string yaml =
      std::string("save_strategy: no\nmax_steps: 20\nsequence_len: 64\nlr_scheduler: cosine\n") + GetParam().yaml;
  TrainedRun whole(config(yaml));
  ASSERT_EQ(whole.trainer.plan().n_steps(), 20);
  ASSERT_GT(whole.trainer.plan().epoch_ends().size(), 1u);
  (void)whole.run();
  const std::string log = read_file(tiny_.out() / "train_log.jsonl");
  std::filesystem::remove_all(tiny_.out());

  for (const int64_t stop_at : {1, 7, 13, 100}) {
    std::stop_source source;
    TrainedRun part(config(yaml + "auto_resume_from_checkpoints: true\n"), {.on_step = [&](const StepReport& report) {
                      if (report.step == stop_at) source.request_stop();
                    }});
    if (stop_at < 100) {
      EXPECT_EQ(error_of([&] { (void)part.run(source.get_token()); }).code(), ErrorCode::kCancelled);
      continue;
    }
    (void)part.run();
    EXPECT_EQ(part.weights(), whole.weights());
  }
  const auto without_speed = [](const std::string& text) {
    std::string kept;
    for (size_t begin = 0; begin < text.size();) {
      const size_t end = text.find('\n', begin);
      kept += text.substr(begin, text.find(",\"tokens_per_second\"", begin) - begin) + "\n";
      begin = end + 1;
    }
    return kept;
  };
  EXPECT_EQ(without_speed(read_file(tiny_.out() / "train_log.jsonl")), without_speed(log));
}

INSTANTIATE_TEST_SUITE_P(
    Trainer, Resuming,
    ::testing::Values(ResumeCase{"Full", "gradient_accumulation_steps: 3\n"},
                      ResumeCase{"Packed", "sample_packing: true\ngradient_accumulation_steps: 2\n"},
                      ResumeCase{"LoraWithDropout", "adapter: lora\nlora_dropout: 0.2\nsample_packing: true\n"},
                      ResumeCase{"Evaluated", "val_set_size: 4\neval_steps: 3\nload_best_model_at_end: true\n"}),
    [](const auto& info) { return info.param.name; });

TEST_F(TrainerTest, ResumingARunThatHasChangedIsRefusedByName) {
  const std::string yaml = "num_epochs: 2\nsave_steps: 3\n";
  (void)TrainedRun(config(yaml)).run();
  const std::string resume = yaml + "auto_resume_from_checkpoints: true\n";
  const auto refusal = [&](const TrainConfig& changed) {
    return error_of([&] { TrainedRun(changed).trainer.resume(); }).message();
  };
  EXPECT_THAT(refusal(config(resume + "learning_rate: 5e-4\n")), HasSubstr("learning_rate: was 0.001, is 0.0005"));
  EXPECT_THAT(refusal(config(resume + "weight_decay: 0.5\n")), HasSubstr("weight_decay: was 0.0, is 0.5"));
  TrainedRun forced(config(resume + "learning_rate: 5e-4\n"), {}, true);
  EXPECT_EQ(forced.trainer.resume(), 12);
  rows_ = tiny_.rows({3, 40, 200, 17, 90, 64}, 4);  // the same file, other tokens
  EXPECT_THAT(refusal(config(resume)), HasSubstr("the data, the chat template or the tokenizer has changed"));
  EXPECT_EQ(TrainedRun(config(yaml)).trainer.resume(), 0);  // not asked to resume
}

TEST_F(TrainerTest, SettingsThatChangeNoNumberMayChange) {
  (void)TrainedRun(config("num_epochs: 2\nsave_steps: 5\n")).run();
  TrainedRun run(config("num_epochs: 2\nsave_steps: 4\nlogging_steps: 7\nresume_from_checkpoint: " +
                        (tiny_.out() / "checkpoint-5").string() + "\n"));
  EXPECT_EQ(run.trainer.resume(), 5);
}

TEST_F(TrainerTest, ARunIsTakenUpInAnotherFolder) {
  const std::string yaml =
      "num_epochs: 3\nsave_steps: 4\nsave_total_limit: 20\nval_set_size: 2\neval_steps: 2\nload_best_model_at_end: "
      "true\n";
  TrainedRun whole(config(yaml));
  (void)whole.run();
  TrainConfig elsewhere = config(yaml + "resume_from_checkpoint: " + (tiny_.out() / "checkpoint-4").string() + "/\n");
  elsewhere.output_dir = (tiny_.folder() / "elsewhere").string();
  TrainedRun part(elsewhere);
  EXPECT_EQ(part.trainer.resume(), 4);
  const TrainOutcome outcome = part.trainer.run({});
  EXPECT_EQ(outcome.state.step, 12);
  EXPECT_TRUE(std::filesystem::exists(checkpoint_path(elsewhere.output_dir, outcome.state.best_step)));
  EXPECT_EQ(read_train_log(elsewhere.output_dir).steps.front().step, 5);
}

TEST_F(TrainerTest, AMissingCheckpointIsNamed) {
  TrainedRun run(config("resume_from_checkpoint: nowhere\n"));
  EXPECT_THAT(error_of([&] { run.trainer.resume(); }).message(),
              HasSubstr("resume_from_checkpoint: nowhere: no checkpoint there"));
}

TEST_F(TrainerTest, HalfWrittenCheckpointsArePassedOver) {
  (void)TrainedRun(config("num_epochs: 1\nsave_steps: 2\n")).run();
  std::filesystem::create_directories(tiny_.out() / "checkpoint-900");
  std::filesystem::create_directories(tiny_.out() / "checkpoint-8.tmp-123");
  std::filesystem::create_directories(tiny_.out() / "checkpoint-2.deleting");
  write_file_atomically(tiny_.out() / "config.yml.tmp-4711-0", "half");
  write_file_atomically(tiny_.out() / "notes.tmp-1", "somebody else's");
  TrainedRun run(config("num_epochs: 1\nsave_steps: 2\nauto_resume_from_checkpoints: true\n"));
  EXPECT_EQ(run.trainer.resume(), 6);
  EXPECT_FALSE(std::filesystem::exists(tiny_.out() / "checkpoint-8.tmp-123"));
  EXPECT_FALSE(std::filesystem::exists(tiny_.out() / "checkpoint-2.deleting"));
  EXPECT_FALSE(std::filesystem::exists(tiny_.out() / "config.yml.tmp-4711-0"));
  EXPECT_TRUE(std::filesystem::exists(tiny_.out() / "notes.tmp-1"));
}

TEST_F(TrainerTest, ADamagedCheckpointIsRefusedByName) {
  (void)TrainedRun(config("num_epochs: 1\nsave_steps: 6\n")).run();
  const std::filesystem::path state = tiny_.out() / "checkpoint-6/trainer_state.json";
  const std::string text = read_file(state);
  const std::string resume = "num_epochs: 1\nauto_resume_from_checkpoints: true\n";
  for (const std::string& damaged : {text.substr(0, text.size() / 2), std::string("{}"), std::string("[]")}) {
    write_file_atomically(state, damaged);
    TrainedRun run(config(resume));
    const Error error = error_of([&] { run.trainer.resume(); });
    EXPECT_EQ(error.code(), ErrorCode::kInvalidInput);
    EXPECT_THAT(error.message(), HasSubstr("trainer_state.json"));
  }
  write_file_atomically(state, text);
  const std::filesystem::path weights = tiny_.out() / "checkpoint-6/optimizer.safetensors";
  std::filesystem::resize_file(weights, std::filesystem::file_size(weights) / 2);
  TrainedRun run(config(resume));
  EXPECT_THAT(error_of([&] { run.trainer.resume(); }).message(), HasSubstr("optimizer.safetensors"));
}

TEST_F(TrainerTest, AFullDiskLeavesTheCheckpointsThatWereThere) {
  int64_t good = 0;
  std::unique_ptr<FullDisk> full;
  TrainedRun run(config("num_epochs: 3\nsave_steps: 4\n"), {.on_step =
                                                                [&](const StepReport& report) {
                                                                  if (report.step == 6)
                                                                    full = std::make_unique<FullDisk>(8192);
                                                                },
                                                            .on_note = [&](const std::string&) { ++good; }});
  const Error error = error_of([&] { (void)run.run(); });
  full.reset();
  EXPECT_EQ(error.code(), ErrorCode::kIo);
  EXPECT_EQ(good, 1);
  EXPECT_THAT(checkpoint_steps(tiny_.out()), ElementsAre(4));
  EXPECT_EQ(TrainedRun(config("num_epochs: 3\nsave_steps: 4\nauto_resume_from_checkpoints: true\n")).trainer.resume(),
            4);
}

// --- PyTorch's figures

class GoldenTraining : public ::testing::TestWithParam<std::string> {
 protected:
  void SetUp() override { SKIP_WITHOUT_GOLDEN(GetParam()); }

  std::string rows(const Json& figures) const {
    std::string text;
    for (const Json& step : figures.at("lora").at("steps")) {
      for (const Json& ids : step.at("input_ids")) {
        Json labels = ids;
        for (size_t i = 0; i < step.at("masked_prefix").get<size_t>(); ++i) labels[i] = kNoTarget;
        text += dump_json({{"input_ids", ids}, {"labels", labels}}) + "\n";
      }
    }
    return folder_.write("rows.jsonl", text).string();
  }

  LoggedRun train(const std::string& rows, const std::string& more) const {
    const std::filesystem::path model = test::golden_folder() / GetParam();
    const TrainConfig config =
        read_train_config(ConfigNode::parse("base_model: " + model.string() + "\ndatasets: [{path: " + rows +
                                                "}]\noutput_dir: " + (folder_ / "out").string() +
                                                "\nbf16: false\nlr_scheduler: constant\ncurriculum_sampling: "
                                                "true\nmicro_batch_size: 2\nsave_strategy: no\n" +
                                                more,
                                            "golden.yml"));
    const TrainingData data = load_training_data(config, Tokenizer::load(model), {});
    const std::shared_ptr<Model> base = Model::load(model, {});
    const std::shared_ptr<Adapter> adapter =
        config.lora_model_dir.empty() ? nullptr : Adapter::load(config.lora_model_dir, base->config());
    (void)Trainer(config, data, base, adapter, {}, {}).run({});
    return read_train_log(config.output_dir);
  }

  static void expect_equal(const LoggedRun& run, const Json& steps) {
    ASSERT_EQ(run.steps.size(), steps.size());
    for (size_t i = 0; i < steps.size(); ++i) {
      const double loss = steps[i].at("loss").get<double>();
      const double norm = steps[i].at("grad_norm").get<double>();
      EXPECT_NEAR(run.steps[i].loss, loss, 1e-3 * loss) << "step " << i;
      EXPECT_NEAR(run.steps[i].grad_norm, norm, 1e-3 * norm) << "step " << i;
    }
  }
  TemporaryFolder folder_;
};

TEST_P(GoldenTraining, TenLoraStepsAreThoseOfPeft) {
  const Json figures = test::golden_figures(GetParam());
  const std::filesystem::path initial = test::golden_folder() / GetParam() / "lora/initial";
  expect_equal(train(rows(figures), "adapter: lora\nlora_model_dir: " + initial.string() +
                                        "\nlearning_rate: 2e-3\nweight_decay: 0.01\n"),
               figures.at("lora").at("steps"));
}

TEST_P(GoldenTraining, SixFullStepsAreThoseOfPyTorch) {
  const Json figures = test::golden_figures(GetParam());
  expect_equal(train(rows(figures), "max_steps: 6\nlearning_rate: 3e-4\nadam_beta2: 0.95\nweight_decay: 0.1\n"),
               figures.at("full").at("steps"));
}

TEST_P(GoldenTraining, TwoAccumulatedBatchesAreOneStepOverAllTheirTargets) {
  const Json figures = test::golden_figures(GetParam());
  const LoggedRun run = train(rows(figures), "max_steps: 1\ngradient_accumulation_steps: 2\nlearning_rate: 3e-4\n");
  const Json& expected = figures.at("full").at("accumulated");
  EXPECT_NEAR(run.steps.at(0).loss, expected.at("loss").get<double>(), 1e-3 * run.steps[0].loss);
  EXPECT_NEAR(run.steps.at(0).grad_norm, expected.at("grad_norm").get<double>(), 1e-3 * run.steps[0].grad_norm);
}

INSTANTIATE_TEST_SUITE_P(Trainer, GoldenTraining, ::testing::ValuesIn(test::golden_models()), [](const auto& info) {
  std::string name = info.param;
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
});

}  // namespace
}  // namespace understudy::testing
