#include "daemon/observe/log.h"

#include <spdlog/logger.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

// The journal's macros would add CODE_FILE of this file to every line.
#define SD_JOURNAL_SUPPRESS_LOCATION
#include <systemd/sd-journal.h>

#include <array>
#include <atomic>
#include <charconv>
#include <cinttypes>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <memory>
#include <vector>

namespace newswatch::observe {
namespace {

constexpr std::array<std::string_view, 4> level_names{"debug", "info", "warn", "error"};
constexpr std::array<std::string_view, 4> level_columns{"DEBUG", "INFO ", "WARN ", "ERROR"};
constexpr std::array<int, 4> journal_priorities{7, 6, 4, 3};

struct Destination {
  std::mutex mutex;  // guards the three below, not the writing
  LogFormat format = LogFormat::text;
  std::shared_ptr<spdlog::logger> logger;
  std::function<void(LogLevel, const std::string&)> capture;
};

// Never destroyed: threads may log while the process ends.
Destination& destination() {
  static auto* const it = new Destination;
  return *it;
}
std::atomic<LogLevel> current_level{LogLevel::info};
std::array<std::atomic<std::uint64_t>, 4> line_counts{};

std::shared_ptr<spdlog::logger> make_logger() {
  auto logger = std::make_shared<spdlog::logger>("newswatchd", std::make_shared<spdlog::sinks::stderr_sink_mt>());
  logger->set_pattern("%v");
  logger->set_level(spdlog::level::trace);
  logger->flush_on(spdlog::level::trace);
  logger->set_error_handler([](const std::string&) {});
  return logger;
}

spdlog::level::level_enum spdlog_level(LogLevel level) {
  switch (level) {
    case LogLevel::debug:
      return spdlog::level::debug;
    case LogLevel::info:
      return spdlog::level::info;
    case LogLevel::warn:
      return spdlog::level::warn;
    case LogLevel::error:
      return spdlog::level::err;
  }
  return spdlog::level::info;
}

// One code point of `text` from `at`, or -1 for a byte that starts no valid sequence. Moves `at` past it.
std::int32_t next_code_point(std::string_view text, std::size_t& at) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(at);
  if (first < 0x80) return byte(at++);
  int length = 0;
  std::int32_t value = 0;
  if (first >= 0xc2 && first <= 0xdf) {
    length = 2;
    value = first & 0x1f;
  } else if (first >= 0xe0 && first <= 0xef) {
    length = 3;
    value = first & 0x0f;
  } else if (first >= 0xf0 && first <= 0xf4) {
    length = 4;
    value = first & 0x07;
  }
  if (length == 0 || at + length > text.size()) {
    ++at;
    return -1;
  }
  for (int i = 1; i < length; ++i) {
    if ((byte(at + i) & 0xc0) != 0x80) {
      ++at;
      return -1;
    }
    value = (value << 6) | (byte(at + i) & 0x3f);
  }
  const bool overlong = (length == 3 && value < 0x800) || (length == 4 && value < 0x10000);
  if (overlong || (value >= 0xd800 && value <= 0xdfff) || value > 0x10ffff) {
    ++at;
    return -1;
  }
  at += length;
  return value;
}

bool is_dangerous(std::int32_t c) {
  return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x2028 || c == 0x2029 ||  // controls, line separators
         c == 0x061c || c == 0x200e || c == 0x200f || (c >= 0x202a && c <= 0x202e) ||
         (c >= 0x2066 && c <= 0x2069) ||                 // bidirectional controls
         c == 0xfeff || (c >= 0xe0000 && c <= 0xe007f);  // invisible: byte order mark, tags
}

void append_number(std::string& out, double number) {
  if (!std::isfinite(number)) {
    out += "null";
    return;
  }
  std::array<char, 32> buffer{};
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), number);
  out.append(buffer.data(), end.ptr);
}

void append_plain(std::string& out, const LogField::Value& value) {
  if (const auto* number = std::get_if<std::int64_t>(&value))
    out += std::to_string(*number);
  else if (const auto* natural = std::get_if<std::uint64_t>(&value))
    out += std::to_string(*natural);
  else if (const auto* real = std::get_if<double>(&value))
    append_number(out, *real);
  else if (const auto* truth = std::get_if<bool>(&value))
    out += *truth ? "true" : "false";
  else
    out += escape_for_log(std::get<std::string_view>(value));
}

void append_quoted(std::string& out, const LogField::Value& value) {
  const auto* text = std::get_if<std::string_view>(&value);
  if (!text) return append_plain(out, value);
  const std::string safe = escape_for_log(*text);
  const bool bare = !safe.empty() && safe.find_first_of(" =\"") == std::string::npos;
  if (bare) {
    out += safe;
    return;
  }
  out += '"';
  for (const char c : safe) {
    if (c == '"') out += '\\';
    out += c;
  }
  out += '"';
}

void append_json_string(std::string& out, std::string_view untrusted) {
  // The escape of the log first: whoever prints the parsed value to a terminal is safe as well.
  out += '"';
  for (const char c : escape_for_log(untrusted)) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  out += '"';
}

std::string timestamp(std::chrono::system_clock::time_point now) {
  const auto since_epoch = std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch()).count();
  const std::time_t seconds = static_cast<std::time_t>(since_epoch / 1000);
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  std::array<char, 80> buffer{};
  const int length = std::snprintf(buffer.data(), buffer.size(), "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ",
                                   parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min,
                                   parts.tm_sec, static_cast<int>(since_epoch % 1000));
  return std::string(buffer.data(), static_cast<std::size_t>(length));
}

std::string message_with_fields(std::string_view message, std::span<const LogField> fields) {
  std::string out(message);
  for (const LogField& field : fields) {
    out += ' ';
    out += field.key;
    out += '=';
    append_quoted(out, field.value);
  }
  return out;
}

void write_to_journal(LogLevel level, std::string_view message, std::span<const LogField> fields) {
  std::vector<std::string> entries;
  entries.reserve(fields.size() + 3);
  entries.push_back("MESSAGE=" + message_with_fields(message, fields));
  entries.push_back("PRIORITY=" + std::to_string(journal_priorities[static_cast<std::size_t>(level)]));
  entries.push_back("SYSLOG_IDENTIFIER=newswatchd");
  for (const LogField& field : fields) {
    std::string entry = "NEWSWATCH_";
    for (const char c : field.key) {
      entry += (c >= 'a' && c <= 'z') ? static_cast<char>(c - 'a' + 'A') : c;
    }
    entry += '=';
    append_plain(entry, field.value);
    entries.push_back(std::move(entry));
  }
  std::vector<iovec> parts;
  parts.reserve(entries.size());
  for (std::string& entry : entries) parts.push_back({entry.data(), entry.size()});
  sd_journal_sendv(parts.data(), static_cast<int>(parts.size()));
}

}  // namespace

std::string escape_for_log(std::string_view untrusted, std::size_t limit) {
  std::string out;
  out.reserve(std::min(untrusted.size(), limit) + 8);
  for (std::size_t at = 0; at < untrusted.size();) {
    const std::size_t begin = at;
    const std::int32_t c = next_code_point(untrusted, at);
    std::array<char, 16> buffer{};
    std::string_view piece = untrusted.substr(begin, at - begin);
    int length = -1;
    if (c == -1)
      length = std::snprintf(buffer.data(), buffer.size(), "\\x%02x", static_cast<unsigned char>(piece[0]));
    else if (c == '\\')
      piece = "\\\\";
    else if (c == '\n')
      piece = "\\n";
    else if (c == '\r')
      piece = "\\r";
    else if (c == '\t')
      piece = "\\t";
    else if (is_dangerous(c)) {
      const char* const format = c < 0x80 ? "\\x%02x" : "\\u{%04x}";
      length = std::snprintf(buffer.data(), buffer.size(), format, static_cast<unsigned>(c));
    }
    if (length > 0) piece = std::string_view(buffer.data(), static_cast<std::size_t>(length));
    if (out.size() + piece.size() > limit) return out + "…";
    out += piece;
  }
  return out;
}

std::string format_log_line(LogFormat format, LogLevel level, std::string_view message,
                            std::span<const LogField> fields, std::chrono::system_clock::time_point now) {
  if (format != LogFormat::json) {
    std::string out = timestamp(now) + " ";
    out += level_columns[static_cast<std::size_t>(level)];
    out += ' ';
    return out + message_with_fields(message, fields);
  }
  std::string out = "{\"time\":\"" + timestamp(now) + "\",\"level\":\"";
  out += level_names[static_cast<std::size_t>(level)];
  out += "\",\"message\":";
  append_json_string(out, message);
  for (const LogField& field : fields) {
    out += ",\"";
    out += field.key;
    out += "\":";
    if (const auto* text = std::get_if<std::string_view>(&field.value))
      append_json_string(out, *text);
    else
      append_plain(out, field.value);
  }
  return out + "}";
}

LogFormat detect_log_format() {
  // systemd.exec(5): JOURNAL_STREAM holds device and inode of the stream that is connected to the journal.
  if (const char* const stream = std::getenv("JOURNAL_STREAM")) {
    std::uint64_t device = 0, inode = 0;
    struct stat info {};
    if (std::sscanf(stream, "%" SCNu64 ":%" SCNu64, &device, &inode) == 2 && fstat(STDERR_FILENO, &info) == 0 &&
        info.st_dev == device && info.st_ino == inode) {
      return LogFormat::journald;
    }
  }
  return isatty(STDERR_FILENO) ? LogFormat::text : LogFormat::json;
}

void configure_log(LogFormat format, LogLevel level) {
  set_log_level(level);
  Destination& to = destination();
  const std::lock_guard lock(to.mutex);
  to.format = format == LogFormat::automatic ? detect_log_format() : format;
  if (!to.logger) to.logger = make_logger();
}

void set_log_level(LogLevel level) { current_level.store(level, std::memory_order_relaxed); }
std::uint64_t log_line_count(LogLevel level) {
  return line_counts[static_cast<std::size_t>(level)].load(std::memory_order_relaxed);
}
LogLevel log_level() { return current_level.load(std::memory_order_relaxed); }

void log(LogLevel level, std::string_view message, std::span<const LogField> fields) noexcept {
  if (level < log_level()) return;
  line_counts[static_cast<std::size_t>(level)].fetch_add(1, std::memory_order_relaxed);
  try {
    Destination& to = destination();
    LogFormat format;
    std::shared_ptr<spdlog::logger> logger;
    {
      const std::lock_guard lock(to.mutex);
      if (to.capture) {
        to.capture(level, message_with_fields(message, fields));
        return;
      }
      if (!to.logger) to.logger = make_logger();
      format = to.format;
      logger = to.logger;
    }
    if (format == LogFormat::journald) return write_to_journal(level, message, fields);
    logger->log(spdlog_level(level), spdlog::string_view_t(format_log_line(format, level, message, fields,
                                                                           std::chrono::system_clock::now())));
  } catch (...) {  // out of memory, or a sink that is gone: a log line is not worth the process
  }
}

void log(LogLevel level, std::string_view message, LogFields fields) noexcept {
  log(level, message, std::span<const LogField>(fields.begin(), fields.size()));
}

bool LogRepeat::log(LogLevel level, std::string_view message, LogFields fields,
                    std::chrono::steady_clock::time_point now) noexcept {
  std::uint64_t held_back = 0;
  {
    const std::lock_guard lock(mutex_);
    if (now < next_) {
      ++held_back_;
      return false;
    }
    next_ = now + every_;
    held_back = std::exchange(held_back_, 0);
  }
  if (held_back == 0) {
    observe::log(level, message, fields);
    return true;
  }
  try {
    std::vector<LogField> all(fields);
    all.emplace_back("repeated", held_back);
    observe::log(level, message, all);
  } catch (...) {
  }
  return true;
}

LogCapture::LogCapture(std::function<void(LogLevel, const std::string&)> seen, LogLevel level) : before_(log_level()) {
  Destination& to = destination();
  {
    const std::lock_guard lock(to.mutex);
    to.capture = std::move(seen);
  }
  set_log_level(level);
}

LogCapture::~LogCapture() {
  set_log_level(before_);
  Destination& to = destination();
  const std::lock_guard lock(to.mutex);
  to.capture = nullptr;
}

}  // namespace newswatch::observe
