#include "engine/ops/reference/reference_ops.h"

namespace understudy {

std::unique_ptr<Ops> make_reference_ops() {
  return std::make_unique<ReferenceOps>();
}

}  // namespace understudy
