#include "daemon/deliver/verdict.h"

#include "daemon/deliver/text.h"

namespace newswatch::deliver {
namespace {

using Kind = Outcome::Kind;

Outcome judge_failure(const http::Failure& failure) {
  Outcome outcome{Kind::retry, one_line(failure.message, 500), std::nullopt, true};
  switch (failure.fault) {
    case http::Fault::refused_request:
      outcome.kind = Kind::park;
      outcome.endpoint_down = false;
      break;
    case http::Fault::overload:
    case http::Fault::cancelled:
      outcome.endpoint_down = false;  // our own doing
      break;
    case http::Fault::resolve:
    case http::Fault::connect:
    case http::Fault::tls:
    case http::Fault::proxy:
    case http::Fault::timeout:
    case http::Fault::closed:
    case http::Fault::malformed:
      break;
  }
  return outcome;
}

bool transient(int status) {
  return status == 408 || status == 425 || status == 429 || (status >= 500 && status != 501 && status != 505);
}

}  // namespace

std::string one_line(std::string_view untrusted, std::size_t limit) {
  std::string line;
  bool blank = false;
  for (const char32_t c : CodePoints(untrusted)) {
    const bool invisible = c <= 0x20 || (c >= 0x7f && c <= 0xa0) || c == 0x2028 || c == 0x2029 ||
                           (c >= 0x200b && c <= 0x200f) || (c >= 0x202a && c <= 0x202e) ||
                           (c >= 0x2066 && c <= 0x2069) || c == 0xfeff;
    if (invisible) {
      blank = !line.empty();
      continue;
    }
    std::string next = blank ? " " : "";
    append_utf8(next, c);
    if (line.size() + next.size() > limit) return line;
    line += next;
    blank = false;
  }
  return line;
}

Outcome judge(const http::Reply& reply, Time now) {
  if (const auto* failure = std::get_if<http::Failure>(&reply)) return judge_failure(*failure);
  const auto& response = std::get<http::Response>(reply);
  if (response.status >= 200 && response.status <= 299) return {};

  Outcome outcome{Kind::park, "answered " + std::to_string(response.status), std::nullopt, false};
  if (transient(response.status)) {
    outcome.kind = Kind::retry;
    outcome.endpoint_down = true;
    outcome.retry_after = parse_retry_after(response.header("Retry-After"), now);
  } else if (response.status >= 300 && response.status <= 399) {
    outcome.reason += ": redirects are not followed; configure the address that it points to";
  } else if (response.status == 410) {
    outcome.reason += ": the endpoint is gone for good; remove the destination";
  } else if (response.status == 401 || response.status == 403) {
    outcome.reason += ": not allowed; check the secret or token";
  }
  if (const std::string said = one_line(response.body, 300); !said.empty()) outcome.reason += " (" + said + ")";
  return outcome;
}

}  // namespace newswatch::deliver
