#pragma once
// The log: one line an event, a constant message and fields. Callers never see spdlog.
//
//   log_warn("no answer from the endpoint", {{"destination", name}, {"attempt", 3}, {"error", message}});
//
// Messages are constants of the program; whatever comes from outside goes into a field, where it is escaped.

#include <chrono>
#include <concepts>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>

namespace newswatch::observe {

enum class LogLevel : std::uint8_t { debug, info, warn, error };
enum class LogFormat : std::uint8_t {
  automatic,  ///< journald when standard error is connected to the journal, text on a terminal, JSON else
  text,
  json,
  journald,
};

/// One key and its value. Keys are constants in snake_case. A field lives no longer than the call that it is given to.
struct LogField {
  using Value = std::variant<std::string_view, std::int64_t, std::uint64_t, double, bool>;
  std::string_view key;
  Value value;

  LogField(std::string_view name, std::string_view text) : key(name), value(text) {}
  LogField(std::string_view name, const std::string& text) : key(name), value(std::string_view(text)) {}
  LogField(std::string_view name, const char* text) : key(name), value(std::string_view(text)) {}
  LogField(std::string_view name, bool truth) : key(name), value(truth) {}
  LogField(std::string_view name, double number) : key(name), value(number) {}
  template <std::signed_integral T>
  LogField(std::string_view name, T number) : key(name), value(static_cast<std::int64_t>(number)) {}
  template <std::unsigned_integral T>
  requires(!std::same_as<T, bool>) LogField(std::string_view name, T number)
      : key(name), value(static_cast<std::uint64_t>(number)) {}
  /// Durations are logged in seconds; name the field `..._seconds`.
  template <class Rep, class Period>
  LogField(std::string_view name, std::chrono::duration<Rep, Period> span)
      : key(name), value(std::chrono::duration<double>(span).count()) {}
};

using LogFields = std::initializer_list<LogField>;

/// Until this is called, lines go to standard error as text, from level info. May be called again, from one thread.
void configure_log(LogFormat format, LogLevel level);
void set_log_level(LogLevel level);
LogLevel log_level();
/// What `automatic` stands for in this process.
LogFormat detect_log_format();

/// How many lines of this level were written since the process started.
std::uint64_t log_line_count(LogLevel level);

/// Never throws; a line that cannot be written is dropped.
void log(LogLevel level, std::string_view message, LogFields fields = {}) noexcept;
void log(LogLevel level, std::string_view message, std::span<const LogField> fields) noexcept;
inline void log_debug(std::string_view message, LogFields fields = {}) noexcept {
  log(LogLevel::debug, message, fields);
}
inline void log_info(std::string_view message, LogFields fields = {}) noexcept { log(LogLevel::info, message, fields); }
inline void log_warn(std::string_view message, LogFields fields = {}) noexcept { log(LogLevel::warn, message, fields); }
inline void log_error(std::string_view message, LogFields fields = {}) noexcept {
  log(LogLevel::error, message, fields);
}

/// An event that may come thousands of times a second: the first is logged, then one an interval, which says how many
/// came in between (`repeated`). Any thread.
class LogRepeat {
 public:
  explicit LogRepeat(std::chrono::milliseconds every = std::chrono::seconds(30)) : every_(every) {}
  /// True when this call wrote a line.
  bool log(LogLevel level, std::string_view message, LogFields fields = {},
           std::chrono::steady_clock::time_point now = std::chrono::steady_clock::now()) noexcept;

 private:
  const std::chrono::milliseconds every_;
  std::mutex mutex_;
  std::chrono::steady_clock::time_point next_{};
  std::uint64_t held_back_ = 0;
};

/// Text from outside, made safe for a line of a log or a terminal: C0, DEL, C1, U+2028, U+2029, bidirectional controls
/// and bytes that are not UTF-8 come out as \n, \t, \x1b or \u{202e}; a backslash as two. At most `limit` bytes, then
/// "…".
std::string escape_for_log(std::string_view untrusted, std::size_t limit = 2048);

/// The line as it would be written, without its end. For tests and for the sinks.
std::string format_log_line(LogFormat format, LogLevel level, std::string_view message,
                            std::span<const LogField> fields, std::chrono::system_clock::time_point now);

/// For tests: while it lives, lines at or above the level go to `seen` (as text, without the time) instead of the sink.
class LogCapture {
 public:
  explicit LogCapture(std::function<void(LogLevel, const std::string&)> seen, LogLevel level = LogLevel::debug);
  ~LogCapture();
  LogCapture(const LogCapture&) = delete;
  LogCapture& operator=(const LogCapture&) = delete;

 private:
  LogLevel before_;
};

}  // namespace newswatch::observe
