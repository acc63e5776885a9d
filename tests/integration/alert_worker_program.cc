// The alert stage alone, for the tests that kill it: alert_worker_program key=value ...

#include <signal.h>

#include <cstdio>
#include <map>
#include <string>

#include "daemon/alert/stage.h"
#include "daemon/kafka/watchdog.h"
#include "daemon/observe/metrics.h"

int main(int argc, char** argv) {
  using namespace newswatch;
  std::map<std::string, std::string> given;
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    const auto equals = argument.find('=');
    given[argument.substr(0, equals)] = argument.substr(equals + 1);
  }
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGUSR1);  // the stage failed
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);

  config::Common common;
  common.kafka.brokers = {given["brokers"]};
  common.prefix = given["prefix"];
  common.instance = given["instance"];
  common.topics = config::Topics::named(common.prefix);
  if (given["guarantee"] == "at_least_once") common.guarantee = config::Guarantee::at_least_once;
  config::AlertStage settings;
  settings.routes = {{{"medium"}, {}, {"desk"}}};

  observe::Metrics metrics;
  kafka::Watchdog watchdog;
  int code = 0;
  const pthread_t self = pthread_self();
  alert::Stage stage(common, settings, watchdog, metrics, [&](const kafka::LoopFailure& failure) {
    std::fprintf(stderr, "failed: %s\n", failure.error.message.c_str());
    code = failure.exit_code;
    pthread_kill(self, SIGUSR1);
  });
  stage.start();
  int signal = 0;
  sigwait(&signals, &signal);
  stage.stop(std::chrono::seconds(10));
  return code;
}
