// Which instruction sets this process can use, read once from the processor; UNDERSTUDY_ISA overrides (avx512, avx2,
// reference) and is refused, by name, where the processor lacks it.
#pragma once

#include <string_view>

namespace understudy {

struct Kernels;

// The chosen table; nullptr where the reference was chosen or nothing better is there.
const Kernels* default_kernels();
// nullptr where this build or processor lacks it.
const Kernels* kernels_of(std::string_view isa);

}  // namespace understudy
