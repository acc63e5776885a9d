#include "tests/support/process.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <thread>
#include <utility>

extern char** environ;

namespace newswatch::test {

Process::Process(std::vector<std::string> arguments, std::map<std::string, std::string> environment) {
  log_ = (std::filesystem::temp_directory_path() / "newswatch-output-XXXXXX").string();
  const int log = ::mkstemp(log_.data());
  std::vector<std::string> variables;
  for (char** entry = environ; *entry; ++entry) {
    const std::string_view text(*entry);
    if (environment.count(std::string(text.substr(0, text.find('=')))) == 0) variables.emplace_back(text);
  }
  for (const auto& [name, value] : environment) variables.push_back(name + "=" + value);
  std::vector<char*> argv, envp;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  for (std::string& variable : variables) envp.push_back(variable.data());
  argv.push_back(nullptr);
  envp.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, log, 1);
  posix_spawn_file_actions_adddup2(&actions, log, 2);
  const int error = ::posix_spawn(&pid_, argv[0], &actions, nullptr, argv.data(), envp.data());
  posix_spawn_file_actions_destroy(&actions);
  ::close(log);
  if (error != 0) throw std::runtime_error("cannot start " + arguments[0] + ": " + std::strerror(error));
}

Process::Process(Process&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)), status_(other.status_), log_(std::exchange(other.log_, {})) {}

Process& Process::operator=(Process&& other) noexcept {
  std::swap(pid_, other.pid_);
  std::swap(status_, other.status_);
  std::swap(log_, other.log_);
  return *this;
}

Process::~Process() {
  if (pid_ > 0 && !status_) kill9();
  if (!log_.empty()) ::unlink(log_.c_str());
}

void Process::signal(int number) const { ::kill(pid_, number); }

void Process::kill9() {
  if (status_) return;
  ::kill(pid_, SIGKILL);
  reap(true);
}

std::optional<int> Process::reap(bool block) {
  if (status_) return status_;
  int status = 0;
  if (::waitpid(pid_, &status, block ? 0 : WNOHANG) == pid_)
    status_ = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  return status_;
}

std::optional<int> Process::wait(std::chrono::milliseconds limit) {
  eventually(limit, [this] { return reap(false).has_value(); });
  return status_;
}

std::optional<int> Process::terminate(std::chrono::milliseconds limit) {
  signal(SIGTERM);
  const auto status = wait(limit);
  if (!status) kill9();
  return status;
}

bool Process::running() { return !reap(false).has_value(); }

std::string Process::output() const {
  std::ifstream file(log_);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

bool Process::wait_for_output(const std::string& text, std::chrono::milliseconds limit) {
  return eventually(limit, [&] { return output().find(text) != std::string::npos || !running(); }) &&
         output().find(text) != std::string::npos;
}

bool eventually(std::chrono::milliseconds limit, const std::function<bool()>& condition) {
  const auto until = std::chrono::steady_clock::now() + limit;
  for (;;) {
    if (condition()) return true;
    if (std::chrono::steady_clock::now() >= until) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
}

}  // namespace newswatch::test
