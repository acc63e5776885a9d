// libFuzzer: whatever the bytes are, what goes out is safe in its place: Slack's markup, a line of a terminal, a
// request head.
//   clang++ -fsanitize=fuzzer,address,undefined; corpus: any titles, answers of endpoints, URLs.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "daemon/deliver/passage.h"
#include "daemon/deliver/retry.h"
#include "daemon/deliver/slack.h"
#include "daemon/deliver/text.h"
#include "daemon/deliver/verdict.h"
#include "daemon/http/header.h"
#include "daemon/http/url.h"

namespace {

using namespace newswatch;

void must(bool condition) {
  if (!condition) std::abort();
}

std::string valid(std::string_view text) {
  std::string out;
  for (const char32_t c : deliver::CodePoints(text)) deliver::append_utf8(out, c);
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  must(valid(valid(bytes)) == valid(bytes));

  const std::string slack = deliver::escape_slack(bytes, 100);
  must(slack.find_first_of("<>\n\r") == std::string::npos && valid(slack) == slack);
  for (std::size_t at = slack.find('&'); at != std::string::npos; at = slack.find('&', at + 1)) {
    const std::string_view rest = std::string_view(slack).substr(at);
    must(rest.starts_with("&amp;") || rest.starts_with("&lt;") || rest.starts_with("&gt;"));
  }

  const std::string line = deliver::one_line(bytes, 200);
  must(line.size() <= 200 && valid(line) == line);
  for (const char c : line) must(static_cast<unsigned char>(c) >= 0x20 && c != 0x7f);

  const auto url = http::parse_url(bytes);
  if (const auto* parsed = std::get_if<http::Url>(&url)) {
    must(http::target_fault(parsed->target).empty() && parsed->port != 0);
    const auto again = http::parse_url(parsed->origin() + parsed->target);
    must(std::get_if<http::Url>(&again) && std::get<http::Url>(again) == *parsed);
  }
  if (const auto wait = deliver::parse_retry_after(bytes, Time{})) must(wait->count() >= 0);

  if (size < 4) return 0;
  flow::Evidence evidence;
  evidence.snippet = bytes.substr(4);
  evidence.snippet_start = data[0];
  Hit hit;
  hit.start = data[1];
  hit.end = data[2];
  evidence.hits = {hit, hit};
  evidence.hits[1].end = data[3];
  std::string joined;
  for (const auto& piece : deliver::passage(evidence)) joined += piece.text;
  must(joined == valid(evidence.snippet));
  return 0;
}
