// An answer's way out, the same for every protocol: a stream of server-sent events, or the collected stream in one
// piece.
#pragma once

#include "gateway/api/api.h"
#include "gateway/wire/protocol.h"

namespace understudy {

// Asks the router and writes its answer in `protocol`. A failure before the first event is an error response with its
// status; one after it is an event of the stream, which then ends without [DONE].
Awaitable<HttpResponse> reply(Api& api, const Protocol& protocol, const HttpRequest& http);

}  // namespace understudy
