// The demo is the daemon: the same stages over the same topics, with the shipped configuration of the demo. Only its
// surroundings are its own: a broker and a receiver of webhooks in this process, somebody who produces articles, and a
// screen.

#include "daemon/app/demo.h"

#include <unistd.h>

#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <thread>

#include "daemon/app/demo_receiver.h"
#include "daemon/app/demo_text.h"
#include "daemon/app/log_settings.h"
#include "daemon/app/pipeline.h"
#include "daemon/app/shipped.h"
#include "daemon/flow/outcome.h"
#include "daemon/kafka/client.h"
#include "daemon/kafka/embedded_broker.h"
#include "daemon/observe/log.h"
#include "daemon/observe/metrics.h"
#include "daemon/replay/article_files.h"
#include "daemon/tool/commands.h"
#include "daemon/web/status_server.h"

namespace newswatch::app {
namespace {

namespace asio = boost::asio;
namespace fs = std::filesystem;
using namespace std::chrono_literals;
using observe::Metric;
using tool::ExitCode;

// The embedded broker keeps 5 MiB a partition and drops what is older, read or not: so much may be under way.
constexpr std::uint64_t most_bytes_ahead = 1 << 20;
constexpr auto between_articles = 60ms;  // on a terminal, so that the eye can follow

void say(const std::string& text) {
  std::fputs(text.c_str(), stdout);
  std::fflush(stdout);
}

int complain(const std::string& text, int exit_code) {
  std::fprintf(stderr, "newswatchd demo: %s\n", text.c_str());
  return exit_code;
}

// One file of articles and the topic that it goes to.
struct Play {
  std::string file, topic;
};

class Demo {
 public:
  Demo(const tool::DemoOptions& options, fs::path shipped)
      : shipped_(std::move(shipped)),
        plays_(plays(options, shipped_)),
        rules_(options.rules),
        own_articles_(!options.articles.empty()),
        terminal_(isatty(STDOUT_FILENO) == 1),
        colour_(tool::colour_on(STDOUT_FILENO)),
        wait_(options.wait || (terminal_ && !options.no_wait)) {}

  int run() {
    for (const Play& play : plays_) {
      if (play.file != "-" && (!std::ifstream(play.file) || fs::is_directory(play.file))) {
        return complain("cannot read " + observe::escape_for_log(play.file), ExitCode::exit_no_input);
      }
    }
    signals_.async_wait([this](boost::system::error_code error, int) {
      if (!error) stop_ = true;
    });
    auto broker = kafka::EmbeddedBroker::start();
    if (!broker) return complain("no embedded broker: " + broker.error().message, ExitCode::exit_software);
    DemoReceiver receiver(io_, [this](const flow::Alert& alert) { received(alert); });
    setenv("NEWSWATCH_DEMO_BROKER", broker->bootstrap().c_str(), 1);
    setenv("NEWSWATCH_DEMO_URL", receiver.url().c_str(), 1);
    yaml::Diagnostics diagnostics;
    const std::string config = (shipped_ / "config/examples/demo/newswatchd.yaml").string();
    auto loaded = tool::load_all(config, config::Purpose::run, diagnostics, rules_);
    tool::print(diagnostics);
    if (!loaded) return ExitCode::exit_config;
    observe::configure_log(observe::LogFormat::text, log_level(loaded->settings.log));
    if (const auto problem = create_topics(*broker, loaded->settings))
      return complain(*problem, ExitCode::exit_software);
    return play(*broker, *loaded, receiver);
  }

 private:
  static std::vector<Play> plays(const tool::DemoOptions& options, const fs::path& shipped) {
    std::vector<Play> out;
    for (const std::string& file : options.articles) out.push_back({file, "demo.articles"});
    if (out.empty()) {
      const fs::path folder = shipped / "config/examples/demo";
      out = {{(folder / "articles.jsonl").string(), "demo.articles"},
             {(folder / "aggregator.jsonl").string(), "demo.aggregator"}};
    }
    return out;
  }

  static std::optional<std::string> create_topics(kafka::EmbeddedBroker& broker, const config::Settings& settings) {
    std::vector<std::pair<std::string, int>> topics;
    for (const auto& input : settings.match.articles) {
      for (const std::string& name : input.topics) topics.emplace_back(name, 1);
    }
    const config::Topics& own = settings.common.topics;
    for (const auto* topic :
         {&own.matches, &own.state, &own.alerts, &own.rejected, &own.undelivered, &own.boilerplate}) {
      topics.emplace_back(topic->name, topic->partitions);
    }
    for (const auto& [name, partitions] : topics) {
      if (const auto created = broker.create_topic(name, partitions); !created) return created.error().message;
    }
    return std::nullopt;
  }

  int play(kafka::EmbeddedBroker& broker, const tool::Loaded& loaded, DemoReceiver& receiver) {
    auto publisher = kafka::Publisher::open(kafka::client_properties(loaded.settings.common.kafka));
    if (!publisher) return complain(publisher.error().message, ExitCode::exit_software);
    std::atomic<bool> failed{false};
    Pipeline pipeline(
        io_, metrics_,
        [&failed](const kafka::LoopFailure& failure) {
          observe::log_error("a stage cannot go on", {{"error", failure.error.message}});
          failed = true;
        },
        true);
    const config::Status& status = loaded.settings.status;
    auto server = web::StatusServer::listen(io_, status.host, status.port, metrics_, [&] { return pipeline.report(); });
    greet(broker, loaded, server ? "http://" + status.host + ":" + std::to_string((*server)->port()) + "/" : "");
    std::thread io([this]() noexcept { io_.run(); });
    pipeline.start(loaded);
    int exit_code = publish(*publisher, failed) ? ExitCode::exit_ok : ExitCode::exit_failure;
    await([&] { return failed || done(pipeline); });
    if (failed) exit_code = ExitCode::exit_software;
    if (!stop_) say(show_summary(counts()));
    if (wait_ && !stop_ && !failed) {
      say("\nThe broker stays until Ctrl-C.\n");
      await([] { return false; });
    }
    if (stop_) say("\nstopped\n");
    pipeline.stop(5s);
    asio::post(io_, [&] {
      if (server) server->reset();
      receiver.close();
      signals_.cancel();
      work_.reset();
      io_.stop();  // connections of the receiver that are still open
    });
    io.join();
    return exit_code;
  }

  void greet(const kafka::EmbeddedBroker& broker, const tool::Loaded& loaded, const std::string& status) const {
    const config::Topics& topics = loaded.settings.common.topics;
    say("newswatchd demo: " + std::to_string(loaded.rules->rules().size()) +
        " rules; a broker within this process, at least once, gone when it ends\n"
        "  alerts:   kcat -b " +
        broker.bootstrap() + " -C -t " + topics.alerts.name +
        "\n"
        "  the rest: -t demo.articles, demo.aggregator, " +
        topics.matches.name + ", " + topics.rejected.name + ", " + topics.undelivered.name + "\n" +
        (status.empty() ? "" : "  status:   " + status + "\n"));
  }

  // Sleeps in small steps, so that Ctrl-C is obeyed at any time. False when it was.
  template <class Condition>
  bool await(const Condition& condition) {
    while (!stop_ && !condition()) std::this_thread::sleep_for(20ms);
    return !stop_;
  }

  bool publish(kafka::Publisher& publisher, const std::atomic<bool>& failed) {
    bool all = true;
    for (const Play& play : plays_) {
      replay::ArticleFiles files({play.file});
      replay::ArticleFiles::Line line;
      for (;;) {
        const auto next = files.next(line);
        if (!next) {
          complain(observe::escape_for_log(next.error().message), 0);
          all = false;
          continue;
        }
        if (!*next) break;
        if (!await([&] {
              return failed || bytes_published_ - std::min(bytes_read(), bytes_published_) < most_bytes_ahead;
            }))
          return all;
        kafka::OutRecord record;
        record.topic = play.topic;
        record.key = key_of(line.text);
        record.value = std::string(line.text);
        if (const auto sent = publisher.publish(record); !sent) {
          complain(sent.error().message, 0);
          return false;
        }
        ++published_;
        bytes_published_ += line.text.size();
        if (terminal_ && !own_articles_) {
          if (const auto sent = publisher.flush(); !sent) return false;
          std::this_thread::sleep_for(between_articles);
        }
      }
    }
    if (const auto sent = publisher.flush(); !sent) return complain(sent.error().message, 0), false;
    return all;
  }

  static std::optional<std::string> key_of(std::string_view line) {
    boost::system::error_code error;
    const auto value = boost::json::parse({line.data(), line.size()}, error);
    if (error || !value.is_object()) return std::nullopt;
    for (const char* name : {"id", "uri", "url"}) {
      if (const auto* id = value.as_object().if_contains(name); id && id->is_string())
        return std::string(id->as_string());
    }
    return std::nullopt;
  }

  void received(const flow::Alert& alert) {
    ++received_;
    say(show_alert(alert, colour_));
  }

  std::uint64_t bytes_read() {
    std::uint64_t sum = 0;
    for (const char* feed : feeds) sum += metrics_.counter(Metric::article_bytes, {feed}).value();
    return sum;
  }

  DemoCounts counts() {
    DemoCounts out;
    for (const char* feed : feeds) {
      const auto count = [&](flow::ArticleOutcome outcome) {
        return metrics_.counter(Metric::articles, {feed, flow::name(outcome)}).value();
      };
      out.matched += count(flow::ArticleOutcome::matched);
      out.no_match += count(flow::ArticleOutcome::no_match);
      out.rejected += count(flow::ArticleOutcome::rejected);
    }
    out.articles = out.matched + out.no_match + out.rejected;
    for (const auto outcome : flow::all_match_outcomes) {
      const auto n = metrics_.counter(Metric::matches, {flow::name(outcome)}).value();
      out.matches += n;
      if (flow::alerts(outcome))
        out.alerts += n;
      else
        out.suppressed[std::string(flow::name(outcome))] += n;
    }
    out.received = received_;
    return out;
  }

  // All of it: every article has an outcome, and no stage has anything left, as seen twice.
  bool done(const Pipeline& pipeline) {
    if (counts().articles < published_ || !pipeline.idle()) {
      idle_since_.reset();
      return false;
    }
    const auto now = std::chrono::steady_clock::now();
    if (!idle_since_) idle_since_ = now;
    return now - *idle_since_ > 500ms;
  }

  static constexpr std::array<const char*, 2> feeds{"wires", "aggregator"};
  const fs::path shipped_;
  const std::vector<Play> plays_;
  const std::vector<std::string> rules_;
  const bool own_articles_, terminal_, colour_, wait_;
  std::atomic<bool> stop_{false};
  std::atomic<std::uint64_t> received_{0};
  std::uint64_t published_ = 0, bytes_published_ = 0;
  std::optional<std::chrono::steady_clock::time_point> idle_since_;
  observe::Metrics metrics_;
  asio::io_context io_;
  asio::executor_work_guard<asio::io_context::executor_type> work_{io_.get_executor()};
  asio::signal_set signals_{io_, SIGINT, SIGTERM};
};

}  // namespace

int demo(const tool::DemoOptions& options) {
  std::signal(SIGPIPE, SIG_IGN);
  const auto shipped = shipped_files();
  if (!shipped) {
    return complain(
        "the shipped rules and articles are not found; NEWSWATCHD_SHARE names the folder that holds config/ and rules/",
        ExitCode::exit_no_input);
  }
  return Demo(options, *shipped).run();
}

}  // namespace newswatch::app
