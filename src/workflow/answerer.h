// Binds a model folder or GGUF (and an adapter) to what evaluation asks for.
#pragma once

#include <memory>
#include <string>

#include "evaluation/answerer.h"

namespace understudy::workflow {

// `model`: a Hugging Face folder or a GGUF file; `adapter`: a PEFT folder or GGUF adapter, empty for none. Loads at
// once; throws what loading throws.
std::unique_ptr<evaluation::Answerer> make_answerer(const std::string& model, const std::string& adapter);

}  // namespace understudy::workflow
