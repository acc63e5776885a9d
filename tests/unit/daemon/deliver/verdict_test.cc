#include "daemon/deliver/verdict.h"

#include <gtest/gtest.h>

#include <set>

namespace newswatch::deliver {
namespace {

using namespace std::chrono_literals;
using Kind = Outcome::Kind;

http::Reply answer(int status, std::vector<http::Header> headers = {}, std::string body = {}) {
  http::Response response;
  response.status = status;
  response.headers = std::move(headers);
  response.body = std::move(body);
  return response;
}

TEST(Verdict, EveryStatusHasItsOwn) {
  const std::set<int> again{408, 425, 429};
  for (int status = 200; status <= 599; ++status) {
    const Outcome outcome = judge(answer(status), Time{});
    Kind expected = Kind::park;
    if (status <= 299) expected = Kind::delivered;
    if (again.contains(status) || (status >= 500 && status != 501 && status != 505)) expected = Kind::retry;
    EXPECT_EQ(outcome.kind, expected) << status;
    EXPECT_EQ(outcome.endpoint_down, expected == Kind::retry) << status;
    EXPECT_EQ(outcome.reason.empty(), expected == Kind::delivered) << status;
  }
}

TEST(Verdict, EveryFaultHasItsOwn) {
  using http::Fault;
  for (const Fault fault :
       {Fault::resolve, Fault::connect, Fault::tls, Fault::proxy, Fault::timeout, Fault::closed, Fault::malformed}) {
    const Outcome outcome = judge(http::Failure{fault, "it broke"}, Time{});
    EXPECT_EQ(outcome.kind, Kind::retry);
    EXPECT_TRUE(outcome.endpoint_down);
    EXPECT_EQ(outcome.reason, "it broke");
  }
  for (const Fault ours : {Fault::overload, Fault::cancelled}) {
    const Outcome outcome = judge(http::Failure{ours, "it broke"}, Time{});
    EXPECT_EQ(outcome.kind, Kind::retry);
    EXPECT_FALSE(outcome.endpoint_down) << "our own doing is not the endpoint's fault";
  }
  EXPECT_EQ(judge(http::Failure{Fault::refused_request, "bad header"}, Time{}).kind, Kind::park);
}

TEST(Verdict, PassesRetryAfterOnOnlyForARetry) {
  EXPECT_EQ(judge(answer(429, {{"retry-after", "7"}}), Time{}).retry_after, 7s);
  EXPECT_EQ(judge(answer(503, {{"Retry-After", "7"}}), Time{}).retry_after, 7s);
  EXPECT_FALSE(judge(answer(404, {{"Retry-After", "7"}}), Time{}).retry_after);
  EXPECT_FALSE(judge(answer(503), Time{}).retry_after);
}

TEST(Verdict, QuotesTheEndpointInOnePrintableLine) {
  const Outcome outcome = judge(answer(400, {}, "no\r\n[critical] forged\x1b[31m\xe2\x80\xae \xff end"), Time{});
  EXPECT_EQ(outcome.reason, "answered 400 (no [critical] forged [31m \xef\xbf\xbd end)");
  EXPECT_LE(judge(answer(400, {}, std::string(100'000, 'x')), Time{}).reason.size(), 500u);
}

}  // namespace
}  // namespace newswatch::deliver
