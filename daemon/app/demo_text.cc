#include "daemon/app/demo_text.h"

#include <cctype>

#include "daemon/deliver/passage.h"
#include "daemon/flow/record_codec.h"
#include "daemon/observe/log.h"

namespace newswatch::app {
namespace {

using observe::escape_for_log;

constexpr const char* reset = "\x1b[0m";
constexpr const char* bold = "\x1b[1m";
constexpr const char* dim = "\x1b[2m";
constexpr const char* marked = "\x1b[1;30;43m";

struct Look {
  const char* name;
  const char* colour;
};

Look look(engine::Severity severity) {
  switch (severity) {
    case engine::Severity::low:
      return {"LOW", "\x1b[36m"};
    case engine::Severity::medium:
      return {"MEDIUM", "\x1b[33m"};
    case engine::Severity::high:
      return {"HIGH", "\x1b[1;31m"};
    case engine::Severity::critical:
      return {"CRITICAL", "\x1b[1;37;41m"};
  }
  return {"", ""};
}

}  // namespace

std::string show_alert(const flow::Alert& alert, bool colour) {
  const auto in = [colour](const char* style, const std::string& text) {
    return colour && !text.empty() ? style + text + reset : text;
  };
  const auto [severity, severity_colour] = look(alert.rule.severity);
  std::string out = "\n" + in(severity_colour, severity) + "  " + escape_for_log(alert.rule.id);
  if (alert.rule.title != alert.rule.id) out += "  " + in(dim, escape_for_log(alert.rule.title));
  out += "\n  " + in(bold, escape_for_log(alert.article.title, 300)) + "\n  ";
  std::string from = escape_for_log(alert.article.source.empty() ? alert.article.feed : alert.article.source);
  if (alert.article.published) from += ", " + flow::format_time(*alert.article.published).substr(0, 16);
  out += in(dim, from) + "\n  ";
  for (const deliver::Piece& piece : deliver::passage(alert.evidence)) {
    const std::string text = escape_for_log(piece.text);
    out += !piece.hit ? text : colour ? in(marked, text) : "«" + text + "»";
  }
  return out + "\n";
}

std::string show_summary(const DemoCounts& counts) {
  const auto number = [](std::uint64_t n) { return std::to_string(n); };
  std::string out = "\nsummary: " + number(counts.articles) + " articles: " + number(counts.matched) + " matched, " +
                    number(counts.no_match) + " not";
  if (counts.rejected > 0) out += ", " + number(counts.rejected) + " could not be read";
  out += "\n         " + number(counts.matches) + " matches: " + number(counts.alerts) + " alerts";
  for (const auto& [gate, n] : counts.suppressed) {
    if (n > 0) out += ", " + number(n) + " suppressed by " + gate;
  }
  return out + "\n         " + number(counts.received) + " alerts came to the webhook\n";
}

}  // namespace newswatch::app
