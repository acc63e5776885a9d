// Three kinds of thread. The main thread starts, reloads and stops, one after the other, and may block in each. The io
// thread has the signals, the status address, webhooks and a timer a second, and never blocks. The loops of the stages
// have a thread each. So a reload that compiles for seconds delays neither /healthz nor an alert, and a signal is seen
// while the main thread waits for a broker.
//
// systemd's watchdog is fed from the io thread and shows that this one turns. That no loop hangs in a call for ever is
// the business of kafka::Watchdog, which knows what each call may take; a loop that waits for a broker that is away is
// well, and must not be killed for it.

#include "daemon/app/run.h"

#include <unistd.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <csignal>
#include <cstdio>
#include <optional>
#include <thread>

#include "daemon/app/events.h"
#include "daemon/app/log_settings.h"
#include "daemon/app/notify.h"
#include "daemon/app/pipeline.h"
#include "daemon/kafka/client.h"
#include "daemon/kafka/topics.h"
#include "daemon/observe/log.h"
#include "daemon/observe/metrics.h"
#include "daemon/tool/commands.h"
#include "daemon/web/status_server.h"

namespace newswatch::app {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using observe::log_error;
using observe::log_info;
using observe::log_warn;
using observe::Metric;
using tool::ExitCode;

constexpr auto most_past_deadline = 10s;

class Process {
 public:
  Process(tool::Loaded loaded, std::string config_path)
      : loaded_(std::move(loaded)), config_path_(std::move(config_path)) {}

  int run() {
    std::signal(SIGPIPE, SIG_IGN);
    metrics_.gauge(Metric::build_info, {NEWSWATCH_VERSION, kafka::library_version()}).set(1);
    metrics_.gauge(Metric::reload_success).set(1);
    for (const char* result : {"ok", "failed"}) metrics_.counter(Metric::reloads, {result});
    if (!listen()) return ExitCode::exit_unavailable;
    wait_for_signals();
    tick();
    std::thread io([this]() noexcept { io_.run(); });
    const int exit_code = serve();
    asio::post(io_, [this] {
      server_.reset();
      signals_.cancel();
      timer_.cancel();
      work_.reset();
      last_resort_.cancel();
    });
    io.join();
    log_info("stopped", {{"exit_code", exit_code}});
    return exit_code;
  }

 private:
  bool listen() {
    const config::Status& status = loaded_.settings.status;
    if (status.host.empty()) return true;
    auto listening = web::StatusServer::listen(io_, status.host, status.port, metrics_, [this] { return report(); });
    if (!listening) {
      log_error(listening.error().message);
      return false;
    }
    server_ = std::move(*listening);
    log_info("status address", {{"address", status.host}, {"port", server_->port()}});
    return true;
  }

  void wait_for_signals() {
    signals_.async_wait([this](boost::system::error_code error, int signal) {
      if (error) return;
      if (signal == SIGHUP) {
        events_.reload();
      } else if (events_.stopping()) {
        // `timeout` and some supervisors signal the process and then its whole group: that is one wish, not two.
        if (std::chrono::steady_clock::now() - stop_asked_ < std::chrono::milliseconds(500)) return wait_for_signals();
        log_warn("second signal: ending at once; what was in hand is done again by the next run");
        _exit(ExitCode::exit_temporary);
      } else {
        log_info("stopping", {{"signal", signal == SIGTERM ? "SIGTERM" : "SIGINT"}});
        stop_asked_ = std::chrono::steady_clock::now();
        events_.stop();
      }
      wait_for_signals();
    });
  }

  void tick() {
    const web::Report now = report();
    metrics_.gauge(Metric::ready).set(now.ready() ? 1 : 0);
    if (const bool ready = now.ready() && !events_.stopping(); ready != ready_logged_) {
      ready_logged_ = ready;
      if (ready)
        log_info("ready: every stage has its partitions and their state");
      else if (!events_.stopping())
        log_info("not ready", {{"status", status_line(now)}});
    }
    if (ready_told_ && !events_.stopping()) notify::status(status_line(now));
    if (watchdog_) notify::watchdog();
    timer_.expires_after(watchdog_ ? std::min<std::chrono::milliseconds>(*watchdog_, 1s) : 1s);
    timer_.async_wait([this](boost::system::error_code error) {
      if (!error) tick();
    });
  }

  web::Report report() const {
    web::Report now = pipeline_.report();
    const std::lock_guard lock(waiting_mutex_);
    if (!waiting_for_.empty()) now.waiting_for = waiting_for_;
    if (events_.stopping()) now.waiting_for = "the end: stopping";
    return now;
  }

  void waits_for(std::string what) {
    const std::lock_guard lock(waiting_mutex_);
    waiting_for_ = std::move(what);
  }

  static std::string status_line(const web::Report& now) {
    if (!now.waiting_for.empty()) return "waiting for " + now.waiting_for;
    for (const web::Part& part : now.parts) {
      if (!part.failure.empty()) return part.name + " failed: " + part.failure;
    }
    for (const web::Part& part : now.parts) {
      if (!part.ready) return "not ready: " + part.name + " " + part.detail;
    }
    std::string out = "ready";
    for (const auto& [name, value] : now.facts) {
      if (name == "rules") out += "; " + value;
    }
    return out;
  }

  // The main thread's life.
  int serve() {
    const config::Settings& settings = loaded_.settings;
    log_info("newswatchd starts", {{"version", NEWSWATCH_VERSION},
                                   {"librdkafka", kafka::library_version()},
                                   {"instance", settings.common.instance},
                                   {"configuration", config_path_},
                                   {"rules", loaded_.rules->rules().size()},
                                   {"rule_set", loaded_.rules->revision()}});
    if (const auto warning = kafka::library_warning(settings.common.guarantee)) log_warn(*warning);
    waits_for("the brokers");
    notify::ready("waiting for the brokers");
    ready_told_ = true;
    int exit_code = prepare();
    if (exit_code == ExitCode::exit_ok && !events_.stopping()) exit_code = start();
    while (exit_code == ExitCode::exit_ok) {
      const auto kind = events_.take();
      if (kind == Events::Kind::reload) {
        reload();
        continue;
      }
      if (kind == Events::Kind::failure) {
        const auto failure = *events_.failure();
        log_error("a stage cannot go on", {{"code", failure.error.code}, {"error", failure.error.message}});
        exit_code = failure.exit_code;
      }
      break;
    }
    stop();
    return exit_code;
  }

  // Topics that are there as they must be. Comes back when they are, when told to stop, or with an exit code.
  int prepare() {
    for (;;) {
      const config::Settings& settings = loaded_.settings;
      std::vector<std::string> inputs;
      if (settings.stages.match) {
        for (const auto& input : settings.match.articles) {
          inputs.insert(inputs.end(), input.topics.begin(), input.topics.end());
        }
      }
      const auto specs =
          kafka::own_topics(settings.common, settings.stages, tool::longest_expire(loaded_.destinations));
      const auto problems = kafka::prepare_topics(settings.common, specs, inputs, [this] { return events_.pending(); });
      if (events_.pending()) {
        if (events_.take() != Events::Kind::reload) return ExitCode::exit_ok;
        reload();
        continue;
      }
      if (!problems) {
        if (problems.error().retryable()) continue;
        log_error(problems.error().message, {{"code", problems.error().code}});
        return ExitCode::exit_config;
      }
      bool blocked = false;
      for (const auto& problem : *problems) {
        blocked |= problem.blocking;
        observe::log(problem.blocking ? observe::LogLevel::error : observe::LogLevel::warn, problem.message,
                     {{"topic", problem.topic}, {"command", problem.command}});
      }
      return blocked ? ExitCode::exit_config : ExitCode::exit_ok;
    }
  }

  int start() {
    try {
      pipeline_.start(loaded_);
    } catch (const std::exception& error) {
      log_error("a destination cannot be opened", {{"error", error.what()}});
      return ExitCode::exit_config;
    }
    waits_for("");
    return ExitCode::exit_ok;
  }

  void reload() {
    log_info("reloading", {{"configuration", config_path_}});
    notify::reloading();
    const auto refused = [this](const std::string& why) {
      metrics_.counter(Metric::reloads, {"failed"}).add();
      metrics_.gauge(Metric::reload_success).set(0);
      notify::ready("reload refused: " + why);
    };
    yaml::Diagnostics diagnostics;
    auto loaded = tool::load_all(config_path_, config::Purpose::run, diagnostics);
    log_diagnostics(diagnostics);
    if (!loaded) {
      const auto all = diagnostics.sorted();
      const std::string first =
          all.empty() ? std::string("unreadable") : yaml::to_string(all.front().place) + ": " + all.front().message;
      log_error("reload refused; the running configuration and rules stay",
                {{"errors", diagnostics.errors()}, {"first", first}});
      return refused(first);
    }
    try {
      if (pipeline_.started()) {
        for (const std::string& option : pipeline_.reload(*loaded)) {
          log_warn("this change needs a restart; the running value stays", {{"option", option}});
        }
        loaded_.rules = loaded->rules;
      } else {
        loaded_ = std::move(*loaded);
      }
    } catch (const std::exception& error) {
      log_error("reload refused; the running configuration and rules stay", {{"error", error.what()}});
      return refused(error.what());
    }
    metrics_.counter(Metric::reloads, {"ok"}).add();
    metrics_.gauge(Metric::reload_success).set(1);
    log_info("reloaded", {{"rules", loaded_.rules->rules().size()}, {"rule_set", loaded_.rules->revision()}});
    notify::ready("reloaded");
  }

  static void log_diagnostics(const yaml::Diagnostics& diagnostics) {
    constexpr std::size_t most = 50;
    const auto all = diagnostics.sorted();
    for (std::size_t i = 0; i < all.size() && i < most; ++i) {
      const auto& one = all[i];
      observe::log(
          one.level == yaml::Level::error ? observe::LogLevel::error : observe::LogLevel::warn,
          one.level == yaml::Level::error ? "error in a file" : "warning about a file",
          {{"place", yaml::to_string(one.place)}, {"code", one.code}, {"text", one.message}, {"hint", one.hint}});
    }
    if (all.size() > most) log_warn("more of these: see `newswatchd check`", {{"left_out", all.size() - most}});
  }

  void stop() {
    const auto deadline = loaded_.settings.shutdown_deadline;
    notify::stopping("finishing and committing what is in hand");
    // Every stop is bounded by itself; this is for the one that is not.
    asio::post(io_, [this, deadline] {
      last_resort_.expires_after(deadline + most_past_deadline);
      last_resort_.async_wait([](boost::system::error_code error) {
        if (error) return;
        log_error("could not stop in time; what was in hand is done again by the next run");
        _exit(ExitCode::exit_temporary);
      });
    });
    pipeline_.stop(deadline);
  }

  tool::Loaded loaded_;
  const std::string config_path_;
  Events events_;
  observe::Metrics metrics_;
  asio::io_context io_;
  asio::executor_work_guard<asio::io_context::executor_type> work_{io_.get_executor()};
  asio::signal_set signals_{io_, SIGTERM, SIGINT, SIGHUP};
  std::chrono::steady_clock::time_point stop_asked_{};  // on the io thread
  asio::steady_timer timer_{io_}, last_resort_{io_};
  const std::optional<std::chrono::milliseconds> watchdog_ = notify::watchdog_interval();
  std::atomic<bool> ready_told_{false};
  bool ready_logged_ = false;  // of the io thread
  mutable std::mutex waiting_mutex_;
  std::string waiting_for_;
  Pipeline pipeline_{io_, metrics_, [this](const kafka::LoopFailure& failure) { events_.fail(failure); }};
  std::unique_ptr<web::StatusServer> server_;
};

}  // namespace

int run(const tool::RunOptions& options) {
  yaml::Diagnostics diagnostics;
  auto loaded = tool::load_all(options.config, config::Purpose::run, diagnostics);
  tool::print(diagnostics);
  if (!loaded) return ExitCode::exit_config;
  observe::configure_log(log_format(loaded->settings.log), log_level(loaded->settings.log));
  return Process(std::move(*loaded), options.config).run();
}

}  // namespace newswatch::app
