#include "engine/ops/available.h"

#include <fmt/format.h>

#include "base/environment.h"
#include "engine/ops/cpu/cpu_ops.h"
#include "engine/ops/ops.h"

namespace understudy {

namespace {

#if defined(__x86_64__)
bool has_avx512() {
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
}
bool has_avx2() {
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}
#endif

const Kernels* choose() {
  const std::string wanted = environment("UNDERSTUDY_ISA").value_or("");
  if (wanted == "reference") return nullptr;
  for (const std::string_view isa : {std::string_view("avx512"), std::string_view("avx2")}) {
    if (!wanted.empty() && wanted != isa) continue;
    if (const Kernels* kernels = kernels_of(isa)) return kernels;
  }
  if (!wanted.empty()) {
    throw Error(ErrorCode::kInvalidInput,
                fmt::format("UNDERSTUDY_ISA: \"{}\" is not to be had on this processor", wanted),
                "use avx512, avx2 or reference, or leave it unset");
  }
  return nullptr;
}

}  // namespace

const Kernels* kernels_of(std::string_view isa) {
#if defined(__x86_64__)
  if (isa == "avx512" && has_avx512()) return avx512::kernels();
  if (isa == "avx2" && has_avx2()) return avx2::kernels();
#endif
  (void)isa;
  return nullptr;
}

const Kernels* default_kernels() {
  static const Kernels* const kernels = choose();
  return kernels;
}

std::unique_ptr<Ops> make_cpu_ops(std::string_view isa) {
  const Kernels* kernels = kernels_of(isa);
  return kernels == nullptr ? nullptr : std::make_unique<CpuOps>(*kernels);
}

Ops& default_ops() {
  static const std::unique_ptr<Ops> ops =
      default_kernels() == nullptr ? make_reference_ops() : std::make_unique<CpuOps>(*default_kernels());
  return *ops;
}

std::vector<std::string_view> available_ops() {
  std::vector<std::string_view> names;
  for (const std::string_view isa : {std::string_view("avx512"), std::string_view("avx2")}) {
    if (kernels_of(isa) != nullptr) names.push_back(isa);
  }
  names.push_back("reference");
  return names;
}

}  // namespace understudy
