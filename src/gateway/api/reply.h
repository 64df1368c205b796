// An answer's way out, the same for every protocol: a stream of server-sent events, or the collected stream in one
// piece.
#pragma once

#include "gateway/api/api.h"
#include "gateway/wire/protocol.h"
#include "gateway/wire/wire_request.h"

namespace understudy {

// What reply() does, for endpoints that answer in another way: the headers of the client's that a provider of the same
// protocol is to see; an error of our own; the provider's id of the request; and a provider's failure: with the status
// that the provider gave, but for a key of ours that it did not take, and in the provider's own words where the request
// is at fault.
WireRequest::Headers forwarded_headers(const HttpRequest& http);
HttpResponse error_response(const Protocol& protocol, int status, const Error& error);
void add_trace_headers(const TraceHeaders& headers, HttpResponse& response);
HttpResponse failure_response(const Protocol& protocol, const ProviderFailure& failure);

// Asks the router and writes its answer in `protocol`; where exchanges are kept, keeps this one. A failure before the
// first event is an error response with its status, in the protocol's own form; one after it is an event of the stream,
// which then ends without its proper end. `bytes`: the body, and what stands in the path.
Awaitable<HttpResponse> reply(Api& api, const Protocol& protocol, const HttpRequest& http, WireRequestBytes bytes);

}  // namespace understudy
