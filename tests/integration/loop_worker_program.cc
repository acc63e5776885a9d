// A worker of the counting stage, for the tests that kill it: loop_worker_program key=value ...

#include <signal.h>

#include <cstdio>
#include <map>
#include <sstream>
#include <string>

#include "daemon/kafka/loop.h"
#include "daemon/kafka/watchdog.h"
#include "daemon/observe/metrics.h"
#include "tests/support/counting_processor.h"

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
  sigaddset(&signals, SIGUSR1);  // the loop failed
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);

  config::Common common;
  common.kafka.brokers = {given["brokers"]};
  common.prefix = given["prefix"];
  common.instance = given["instance"];
  if (given["guarantee"] == "at_least_once") common.guarantee = config::Guarantee::at_least_once;
  if (given.contains("commit_ms")) common.commit_interval = std::chrono::milliseconds(std::stoi(given["commit_ms"]));
  kafka::LoopOptions options = kafka::loop_options(common, "alert", "0");
  std::istringstream topics(given["topics"]);
  for (std::string topic; std::getline(topics, topic, ',');) {
    options.topics.push_back(topic);
    options.start[topic] = {config::Start::Kind::earliest, {}, {}};
  }
  if (given["assignor"] == "range") options.assignor = kafka::Assignor::range;
  options.output_topics = {given["output"]};

  observe::Metrics metrics;
  kafka::Watchdog watchdog;
  test::CountingProcessor processor(
      {given["output"], given["state"], options.client, std::chrono::microseconds(std::stoi("0" + given["work_us"]))});
  int code = 0;
  const pthread_t self = pthread_self();
  kafka::Loop loop(options, processor, watchdog, metrics, [&](const kafka::LoopFailure& failure) {
    std::fprintf(stderr, "failed: %s\n", failure.error.message.c_str());
    code = failure.exit_code;
    pthread_kill(self, SIGUSR1);
  });
  loop.start();
  int signal = 0;
  sigwait(&signals, &signal);
  loop.stop(std::chrono::seconds(10));
  std::fprintf(stderr, "stopped: %d processed, %d aborts, %d starts\n", processor.processed.load(),
               processor.aborts.load(), processor.starts.load());
  return code;
}
