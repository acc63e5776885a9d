#pragma once
// argv → one of the commands. What only the process itself can do (run, demo) is handed in by main.

#include <functional>
#include <string>
#include <vector>

namespace newswatch::tool {

/// sysexits(3), the ones we use; scripts and units depend on them.
enum ExitCode : int {
  exit_ok = 0,
  exit_failure = 1,       ///< the answer is "no": a difference, a file that could not be read to its end
  exit_usage = 64,        ///< the command line is wrong
  exit_no_input = 66,     ///< a file that was named is not there
  exit_unavailable = 69,  ///< something needed cannot be had now: a port, a broker
  exit_software = 70,     ///< a bug
  exit_temporary = 75,    ///< try again
  exit_config = 78,       ///< configuration, rules or the state of Kafka must be mended first
};

struct RunOptions {
  std::string config;
};

struct DemoOptions {
  std::vector<std::string> articles;  ///< files of JSON lines in newswatch's own format; empty: the shipped ones
  std::vector<std::string> rules;     ///< empty: the shipped packs
  bool wait = false;                  ///< stay until Ctrl-C, so that the topics can be looked at
  bool no_wait = false;               ///< end after the last alert, also on a terminal
};

struct ProcessCommands {
  std::function<int(const RunOptions&)> run;
  std::function<int(const DemoOptions&)> demo;
};

/// Parses and runs. Returns the process's exit code. Results go to standard output, everything else to standard error.
int command_line(int argc, char** argv, const ProcessCommands& process);

}  // namespace newswatch::tool
