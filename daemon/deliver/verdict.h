#pragma once
// What an HTTP reply means for an alert. Pure.

#include "daemon/deliver/destination.h"
#include "daemon/http/client.h"
#include "rules/engine/article.h"

namespace newswatch::deliver {

/// 2xx: delivered. Try again: everything that is no answer, and 408, 425, 429 and 5xx save 501 and 505. For good: all
/// other statuses; redirects too, since following one would hand the alert (and its signature) to a host that nobody
/// named.
Outcome judge(const http::Reply& reply, Time now);

/// Text of the endpoint's, fit for a reason: one line, printable, valid UTF-8, at most `limit` bytes.
std::string one_line(std::string_view untrusted, std::size_t limit);

}  // namespace newswatch::deliver
