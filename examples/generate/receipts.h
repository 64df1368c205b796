// Till receipts with the disorder of scanned ones: a line before the name, registration numbers, long addresses, items,
// several sums that are not the total, summaries of tax, thanks. Put together from blocks, each of many kinds, so that
// no two have one layout. Every value is recorded as written. Pure function of the random numbers given; thread-safe.
#pragma once

#include "generate/document.h"

namespace understudy::examples {

// The seller is the legal name where a trade name stands beside it; a registration number in the same line is not part
// of it.
Document write_receipt(Random& random);

}  // namespace understudy::examples
