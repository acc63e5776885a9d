// The deliver stage alone, for the tests that kill it: deliver_worker_program key=value ...
// webhook.NAME=URL and kafka.NAME=TOPIC make destinations.

#include <signal.h>

#include <cstdio>
#include <map>
#include <string>

#include "daemon/deliver/kafka.h"
#include "daemon/deliver/stage.h"
#include "daemon/deliver/webhook.h"
#include "daemon/http/client.h"
#include "daemon/kafka/watchdog.h"
#include "daemon/observe/metrics.h"

int main(int argc, char** argv) {
  using namespace newswatch;
  std::map<std::string, std::string> given;
  deliver::Stage::Destinations destinations;
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    const auto equals = argument.find('=');
    const std::string key = argument.substr(0, equals), value = argument.substr(equals + 1);
    std::shared_ptr<deliver::DestinationSettings> made;
    if (key.starts_with("webhook.")) {
      auto webhook = std::make_shared<deliver::WebhookSettings>();
      webhook->http.url = std::get<http::Url>(http::parse_url(value));
      made = std::move(webhook);
    } else if (key.starts_with("kafka.")) {
      made = std::make_shared<deliver::KafkaSettings>();
      made->topic = value;
    } else {
      given[key] = value;
      continue;
    }
    made->type = key.substr(0, key.find('.'));
    made->name = made->group = key.substr(key.find('.') + 1);
    destinations.push_back(std::move(made));
  }
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGUSR1);  // a loop failed
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);

  config::Common common;
  common.kafka.brokers = {given["brokers"]};
  common.prefix = given["prefix"];
  common.topics = config::Topics::named(common.prefix);
  common.instance = given["instance"];
  if (given["guarantee"] == "at_least_once") common.guarantee = config::Guarantee::at_least_once;
  if (given.contains("commit_ms")) common.commit_interval = std::chrono::milliseconds(std::stoi(given["commit_ms"]));

  observe::Metrics metrics;
  kafka::Watchdog watchdog;
  http::IoThread io;
  int code = 0;
  const pthread_t self = pthread_self();
  deliver::Stage stage(common, io.context(), watchdog, metrics, [&](const kafka::LoopFailure& failure) {
    std::fprintf(stderr, "failed: %s\n", failure.error.message.c_str());
    code = failure.exit_code;
    pthread_kill(self, SIGUSR1);
  });
  stage.apply(destinations);
  int signal = 0;
  sigwait(&signals, &signal);
  stage.stop(std::chrono::seconds(10));
  return code;
}
