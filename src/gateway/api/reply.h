// An answer's way out, the same for every protocol: a stream of server-sent events, or the collected stream in one
// piece.
#pragma once

#include "gateway/api/api.h"
#include "gateway/wire/protocol.h"

namespace understudy {

// Asks the router and writes its answer in `protocol`; where exchanges are kept, keeps this one. A failure before the
// first event is an error response with its status, in the protocol's own form; one after it is an event of the stream,
// which then ends without its proper end. `bytes`: the body, and what stands in the path.
Awaitable<HttpResponse> reply(Api& api, const Protocol& protocol, const HttpRequest& http, WireRequestBytes bytes);

}  // namespace understudy
