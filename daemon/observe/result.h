#pragma once
// The one error type of the data plane. Start-up and reload use Diagnostics instead; bugs abort.

#include <boost/system/result.hpp>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>

namespace newswatch {

/// What the caller does about an error.
enum class ErrorKind : std::uint8_t {
  retryable,  ///< the same attempt may succeed later
  permanent,  ///< this input never succeeds: put it aside and go on
  fatal,      ///< nothing succeeds before an operator acts
};

struct Error {
  ErrorKind kind = ErrorKind::permanent;
  std::string code;     ///< stable, lower_case, for counters and tests; from a small fixed set
  std::string message;  ///< for a person: what is wrong, where, and what to do; may hold untrusted text

  bool retryable() const { return kind == ErrorKind::retryable; }
  bool permanent() const { return kind == ErrorKind::permanent; }
  bool fatal() const { return kind == ErrorKind::fatal; }
  bool operator==(const Error&) const = default;
};

inline Error retryable_error(std::string code, std::string message) {
  return {ErrorKind::retryable, std::move(code), std::move(message)};
}
inline Error permanent_error(std::string code, std::string message) {
  return {ErrorKind::permanent, std::move(code), std::move(message)};
}
inline Error fatal_error(std::string code, std::string message) {
  return {ErrorKind::fatal, std::move(code), std::move(message)};
}

/// A value or an Error. `return value;` and `return permanent_error(...);` both convert. Test with `if (!result)`;
/// take `*result` or `result.error()`. `value()` of an error is a bug and aborts.
template <class T>
using Result = boost::system::result<T, Error>;

/// Called by boost::system::result when `value()` is asked of an error.
[[noreturn]] inline void throw_exception_from_error(const Error& error, const boost::source_location& where) {
  std::fprintf(stderr, "bug: value() of an error at %s:%u: %s: %s\n", where.file_name(), unsigned(where.line()),
               error.code.c_str(), error.message.c_str());
  std::abort();
}

}  // namespace newswatch
