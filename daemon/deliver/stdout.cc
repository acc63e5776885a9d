#include "daemon/deliver/stdout.h"

#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <cerrno>
#include <condition_variable>
#include <cstring>
#include <deque>
#include <mutex>
#include <thread>

#include "daemon/deliver/fingerprint.h"
#include "daemon/deliver/passage.h"
#include "daemon/deliver/verdict.h"
#include "daemon/flow/record_codec.h"

namespace newswatch::deliver {
namespace {

/// Shared with a thread that nobody waits for: a write to a pipe that is not read never returns.
struct Writer {
  struct Line {
    std::string text;
    std::function<void(Outcome)> done;
  };
  std::mutex mutex;
  std::condition_variable changed;
  std::deque<Line> lines;                 // at most Pace::concurrency
  boost::asio::io_context* io = nullptr;  // null once the sender is gone
  bool gone = false;
  int descriptor = 1;

  Outcome write(const std::string& text) const {
    std::size_t at = 0;
    while (at < text.size()) {
      const ssize_t wrote = ::write(descriptor, text.data() + at, text.size() - at);
      if (wrote > 0) {
        at += static_cast<std::size_t>(wrote);
      } else if (wrote < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
        pollfd ready{descriptor, POLLOUT, 0};
        ::poll(&ready, 1, 1'000);
      } else if (wrote == 0 || errno != EINTR) {
        return {Outcome::Kind::retry, std::string("standard output cannot be written: ") + std::strerror(errno),
                std::nullopt, true};
      }
    }
    return {};
  }

  void run() noexcept {
    // A reader that went away is an error to report, not a signal that ends the process.
    sigset_t pipe;
    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe, nullptr);
    std::unique_lock lock(mutex);
    for (;;) {
      changed.wait(lock, [&] { return gone || !lines.empty(); });
      if (gone) return;
      Line line = std::move(lines.front());
      lines.pop_front();
      lock.unlock();
      Outcome outcome = write(line.text);
      lock.lock();
      if (gone || !io) return;
      boost::asio::post(*io, [done = std::move(line.done), outcome = std::move(outcome)] { done(outcome); });
    }
  }
};

class StdoutSender : public Sender {
 public:
  StdoutSender(boost::asio::io_context& io, StdoutSettings::Format format, int descriptor)
      : writer_(std::make_shared<Writer>()), format_(format) {
    writer_->io = &io;
    writer_->descriptor = descriptor;
    std::thread([writer = writer_]() noexcept { writer->run(); }).detach();
  }
  ~StdoutSender() override {
    std::lock_guard lock(writer_->mutex);
    writer_->gone = true;
    writer_->io = nullptr;
    *alive_ = false;
    writer_->changed.notify_one();
  }
  void send(std::shared_ptr<const Letter> letter, Time, std::function<void(Outcome)> done) override {
    std::lock_guard lock(writer_->mutex);
    writer_->lines.push_back({stdout_line(*letter, format_), [alive = alive_, done = std::move(done)](Outcome outcome) {
                                if (*alive) done(std::move(outcome));
                              }});
    writer_->changed.notify_one();
  }

 private:
  std::shared_ptr<Writer> writer_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // io thread
  const StdoutSettings::Format format_;
};

}  // namespace

std::string stdout_line(const Letter& letter, StdoutSettings::Format format) {
  if (format == StdoutSettings::Format::json) {
    std::string line = letter.value;
    for (char& c : line)
      if (c == '\n' || c == '\r') c = ' ';  // legal between the tokens of JSON, and nowhere else
    return line + '\n';
  }
  static constexpr std::array<std::string_view, 4> severities{"LOW", "MEDIUM", "HIGH", "CRITICAL"};
  const flow::Alert& alert = letter.alert;
  std::string line = flow::format_time(alert.time) + ' ';
  line += severities[static_cast<std::size_t>(alert.rule.severity)];
  if (alert.kind != flow::AlertKind::alert) line += ' ' + std::string(flow::name(alert.kind));
  const auto add = [&](std::string_view text, std::size_t limit) {
    if (text.empty()) return;
    line += " | ";
    line += one_line(text, limit);
  };
  add(alert.rule.title.empty() ? alert.rule.id : alert.rule.title, 200);
  add(alert.article.title.empty() ? alert.article.id : alert.article.title, 500);
  add(alert.article.source, 200);
  add(alert.article.url, 1'000);
  std::string words;
  for (const Piece& piece : passage(alert.evidence)) words += piece.hit ? "[" + piece.text + "]" : piece.text;
  add(words, 2'000);
  return line + '\n';
}

std::string StdoutSettings::fingerprint() const { return Fingerprint().number(static_cast<int>(format)).text(); }

std::unique_ptr<Sender> StdoutSettings::open(boost::asio::io_context& io) const {
  return std::make_unique<StdoutSender>(io, format, descriptor);
}

std::unique_ptr<DestinationSettings> read_stdout(const config::Destination& destination,
                                                 yaml::Diagnostics& diagnostics) {
  auto settings = std::make_unique<StdoutSettings>();
  yaml::Mapping map(*destination.section, "a stdout destination", diagnostics);
  config::allow_common_keys(map);
  if (const auto format = map.choice<StdoutSettings::Format>(
          "format", {{"json", StdoutSettings::Format::json}, {"text", StdoutSettings::Format::text}}))
    settings->format = *format;
  map.finish();
  return settings;
}

}  // namespace newswatch::deliver
