// The prompt that the demo's application sends with every invoice to the rented model: what people write who have no
// specialist, rules first, then worked examples, 2,000 tokens of them.
#pragma once

#include <string>

namespace understudy::examples {

std::string invoice_instructions();

}  // namespace understudy::examples
