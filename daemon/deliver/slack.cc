#include "daemon/deliver/slack.h"

#include <array>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "daemon/deliver/fingerprint.h"
#include "daemon/deliver/http_sender.h"
#include "daemon/deliver/passage.h"
#include "daemon/deliver/text.h"
#include "daemon/flow/record_codec.h"
#include "daemon/http/url.h"

namespace newswatch::deliver {
namespace {

// Slack's limits: a header 150 characters, the text of a section 3,000.
constexpr std::size_t header_limit = 150;
constexpr std::size_t title_limit = 500;
constexpr std::size_t link_limit = 1'000;
constexpr std::size_t passage_limit = 1'400;

std::size_t units(char32_t c) { return c > 0xffff ? 2 : 1; }

std::string_view severity_word(engine::Severity severity) {
  static constexpr std::array<std::string_view, 4> words{"LOW", "MEDIUM", "HIGH", "CRITICAL"};
  return words[static_cast<std::size_t>(severity)];
}

/// For plain_text objects, where nothing is markup: control characters become spaces.
std::string plain(std::string_view text, std::size_t limit) {
  std::string out;
  std::size_t used = 0;
  for (const char32_t c : CodePoints(text)) {
    if (used + units(c) + 1 > limit) {
      append_utf8(out, 0x2026);
      return out;
    }
    append_utf8(out, c < 0x20 || c == 0x7f ? U' ' : c);
    used += units(c);
  }
  return out;
}

/// The link, fit to stand before the | of <link|text>; empty when it is none that a reader should follow.
std::string link(std::string_view text) {
  const auto parsed = http::parse_url(text.substr(0, text.find('#')));
  const auto* url = std::get_if<http::Url>(&parsed);
  if (!url) return {};
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte <= 0x20 || byte >= 0x7f) return {};
    switch (c) {
      case '|':
        out += "%7C";
        break;
      case '<':
        out += "%3C";
        break;
      case '>':
        out += "%3E";
        break;
      case '&':
        out += "&amp;";
        break;
      default:
        out += c;
    }
  }
  return out.size() <= link_limit ? out : std::string();
}

std::string marked_passage(const flow::Evidence& evidence) {
  // A star of the text's own would pair with ours; Slack has no escape for it.
  const bool mark = evidence.snippet.find('*') == std::string::npos;
  std::string out;
  std::size_t left = passage_limit;
  for (const Piece& piece : passage(evidence)) {
    if (left < 8) break;
    const std::string text = escape_slack(piece.text, left - 2);
    std::size_t used = 0;
    for (const char32_t c : CodePoints(text)) used += units(c);
    out += piece.hit && mark ? "*" + text + "*" : text;
    left -= std::min(left, used + 2);
  }
  return out;
}

boost::json::object section(std::string text) {
  return {{"type", "section"}, {"text", boost::json::object{{"type", "mrkdwn"}, {"text", std::move(text)}}}};
}

}  // namespace

std::string escape_slack(std::string_view text, std::size_t limit) {
  std::string out;
  std::size_t used = 0;
  for (const char32_t c : CodePoints(text)) {
    std::string one;
    std::size_t size = units(c);
    switch (c) {
      case U'&':
        one = "&amp;";
        size = 5;
        break;
      case U'<':
        one = "&lt;";
        size = 4;
        break;
      case U'>':
        one = "&gt;";
        size = 4;
        break;
      default:
        append_utf8(one, c < 0x20 || c == 0x7f || c == 0x2028 || c == 0x2029 ? U' ' : c);
    }
    if (used + size + 1 > limit) {  // room for the ellipsis
      if (limit > 0) append_utf8(out, 0x2026);
      return out;
    }
    out += one;
    used += size;
  }
  return out;
}

std::string slack_message(const flow::Alert& alert) {
  const flow::ArticleSummary& article = alert.article;
  const std::string severity(severity_word(alert.rule.severity));
  std::string what = alert.rule.title.empty() ? alert.rule.id : alert.rule.title;
  if (alert.kind != flow::AlertKind::alert) what = std::string(flow::name(alert.kind)) + ": " + what;
  const std::string title = article.title.empty() ? article.id : article.title;

  boost::json::array blocks;
  blocks.push_back(
      {{"type", "header"},
       {"text", {{"type", "plain_text"}, {"text", plain(severity + " · " + what, header_limit)}, {"emoji", false}}}});
  const std::string shown = escape_slack(title, title_limit);
  const std::string address = link(article.url);
  std::string text = address.empty() ? shown : "<" + address + "|" + shown + ">";
  if (const std::string words = marked_passage(alert.evidence); !words.empty()) text += "\n>" + words;
  blocks.push_back(section(std::move(text)));

  std::string context = "*" + severity + "*";
  if (!article.source.empty()) context += " · " + escape_slack(article.source, 200);
  if (article.published) context += " · published " + flow::format_time(*article.published);
  context += " · rule " + escape_slack(alert.rule.id, 200) + " · " + escape_slack(alert.id, 64);
  blocks.push_back({{"type", "context"}, {"elements", {{{"type", "mrkdwn"}, {"text", context}}}}});

  const boost::json::object message{{"text", escape_slack(severity + " · " + what + ": " + title, 1'000)},
                                    {"blocks", std::move(blocks)},
                                    {"unfurl_links", false},
                                    {"unfurl_media", false}};
  return boost::json::serialize(message);
}

std::string SlackSettings::fingerprint() const { return http.fingerprint(); }

std::unique_ptr<Sender> SlackSettings::open(boost::asio::io_context& io) const {
  return open_http_sender(io, http.client(pace), [http = http](const Letter& letter, Time) {
    http::Request request;
    request.url = http.url;
    request.timeout = http.timeout;
    request.headers = {{"Content-Type", "application/json; charset=utf-8"}, {"Idempotency-Key", letter.alert.id}};
    request.body = std::make_shared<const std::string>(slack_message(letter.alert));
    return request;
  });
}

std::unique_ptr<DestinationSettings> read_slack(const config::Destination& destination,
                                                yaml::Diagnostics& diagnostics) {
  auto settings = std::make_unique<SlackSettings>();
  yaml::Mapping map(*destination.section, "a slack destination", diagnostics);
  config::allow_common_keys(map);
  read_http(map, destination, settings->http, settings->pace, diagnostics);
  map.finish();
  return settings;
}

}  // namespace newswatch::deliver
