#include "daemon/tool/command_line.h"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>
#include <map>

#include "daemon/kafka/client.h"
#include "daemon/tool/commands.h"

namespace newswatch::tool {
namespace {

const std::map<std::string, Format> formats{{"text", Format::text}, {"json", Format::json}, {"jsonl", Format::json}};

void add_format(CLI::App& command, Format& format) {
  command.add_option("--format", format, "text for people, json for programs")
      ->transform(CLI::CheckedTransformer(formats, CLI::ignore_case))
      ->option_text("text|json");
}

void add_config(CLI::App& command, std::string& path) {
  command.add_option("--config", path, "the configuration file")->required()->type_name("FILE");
}

struct Line {
  CLI::App app{"Watches a stream of news in Kafka for keywords and entities, and sends alerts.", "newswatchd"};
  RunOptions run;
  DemoOptions demo;
  CheckOptions check;
  TopicsOptions topics;
  MatchCommandOptions match;
  std::string shown_config;
  CLI::App *run_command, *demo_command, *check_command, *show_command, *reference_command, *topics_command,
      *match_command, *metrics_command;

  Line() {
    app.set_version_flag("--version", "newswatchd " NEWSWATCH_VERSION " (librdkafka " + kafka::library_version() + ")",
                         "print the version and exit");
    app.set_help_flag("-h,--help", "print this help and exit");
    app.require_subcommand(1);
    app.footer(
        "Exit codes: 0 all is well, 1 the answer is no, 64 wrong command line, 66 no such articles,\n"
        "69 something is not available, 75 try again, 78 configuration or rules must be mended.");
    run_command = app.add_subcommand("run", "the daemon: read articles, match, alert, deliver");
    add_config(*run_command, run.config);
    run_command->footer(
        "SIGHUP reads configuration and rules anew and keeps the old ones if anything is wrong.\n"
        "SIGTERM and SIGINT finish and commit what is in hand; a second one ends at once.");
    add_demo();
    add_check();
    CLI::App* const config = app.add_subcommand("config", "what the configuration means");
    config->require_subcommand(1);
    show_command =
        config->add_subcommand("show", "the configuration in effect, each value with its origin, no secrets");
    add_config(*show_command, shown_config);
    reference_command = config->add_subcommand("reference", "every option with its default, as Markdown");
    topics_command =
        app.add_subcommand("topics", "every topic, group and transactional id, with its ACLs and commands");
    add_config(*topics_command, topics.config);
    topics_command->add_option("--principal", topics.principal, "who the ACLs are for, e.g. User:newswatch")
        ->type_name("NAME");
    topics_command->add_option("--brokers", topics.brokers, "how many brokers the cluster has")
        ->check(CLI::Range(1, 1000))
        ->capture_default_str();
    add_match();
    metrics_command = app.add_subcommand("metrics", "every metric with its labels and meaning, as Markdown");
  }

  void add_demo() {
    demo_command =
        app.add_subcommand("demo", "the whole pipeline on a broker in this process, with articles made up for it");
    demo_command->add_option("--articles", demo.articles, "your articles: JSON lines with title, body, id or url")
        ->type_name("FILE")
        ->allow_extra_args(false);
    demo_command->add_option("--rules", demo.rules, "your rules: files or directories")
        ->type_name("PATH")
        ->allow_extra_args(false);
    const auto wait = demo_command->add_flag("--wait", demo.wait, "stay until Ctrl-C (the default on a terminal)");
    demo_command->add_flag("--no-wait", demo.no_wait, "end after the last alert (the default in a pipe)")
        ->excludes(wait);
  }

  void add_check() {
    check_command =
        app.add_subcommand("check", "find everything that is wrong in rules, or in a configuration and its rules");
    const auto paths =
        check_command->add_option("PATH", check.paths, "rule files, directories or globs")->type_name("");
    check_command->add_option("--config", check.config, "a configuration file; its rules are checked with it")
        ->type_name("FILE")
        ->excludes(paths);
    add_format(*check_command, check.format);
    check_command->footer("Needs no broker and no secrets. Exit code 0: all is well; 78: something must be mended.");
  }

  void add_match() {
    match_command = app.add_subcommand("match", "try rules on articles in files");
    match_command->add_option("FILE", match.files, "JSON lines, also .gz and .zst; - is standard input (default)")
        ->type_name("");
    const auto rules = match_command->add_option("--rules", match.rules, "rule files, directories or globs")
                           ->type_name("PATH")
                           ->allow_extra_args(false);
    const auto config =
        match_command->add_option("--config", match.config, "take rules and the articles' shape from a configuration")
            ->type_name("FILE")
            ->excludes(rules);
    match_command
        ->add_option("--feed", match.feed, "the input whose shape the articles have (default: the first one)")
        ->type_name("NAME")
        ->needs(config);
    match_command->add_option("--threads", match.threads, "results come in input order whatever this is")
        ->check(CLI::Range(1, 256))
        ->capture_default_str();
    match_command->add_flag_callback(
        "--no-hits", [this] { match.hits = false; }, "only article, rule and severity");
    match_command->add_flag_callback(
        "--no-summary", [this] { match.summary = false; }, "no closing line on standard error");
    add_format(*match_command, match.format);
  }
};

int dispatch(Line& line, const ProcessCommands& process) {
  if (line.run_command->parsed()) return process.run(line.run);
  if (line.demo_command->parsed()) return process.demo(line.demo);
  if (line.check_command->parsed()) {
    if (line.check.paths.empty() && line.check.config.empty()) {
      std::fputs("newswatchd check: give rule files or directories, or --config FILE\n", stderr);
      return exit_usage;
    }
    return check(line.check);
  }
  if (line.show_command->parsed()) return config_show(line.shown_config);
  if (line.reference_command->parsed()) return config_reference();
  if (line.topics_command->parsed()) return topics(line.topics);
  if (line.match_command->parsed()) {
    if (line.match.rules.empty() && line.match.config.empty()) {
      std::fputs("newswatchd match: give --rules PATH or --config FILE\n", stderr);
      return exit_usage;
    }
    line.match.colour = colour_on(STDOUT_FILENO);
    return match(line.match);
  }
  return metrics();
}

}  // namespace

int command_line(int argc, char** argv, const ProcessCommands& process) {
  try {
    Line line;
    try {
      line.app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
      if (error.get_exit_code() == 0) return line.app.exit(error);  // --help, --version
      std::string where = "newswatchd";
      for (const CLI::App* command = &line.app; !command->get_subcommands().empty();) {
        command = command->get_subcommands().front();
        where += " " + command->get_name();
      }
      std::fprintf(stderr, "%s: %s\nTry: %s --help\n", where.c_str(), error.what(), where.c_str());
      return exit_usage;
    }
    return dispatch(line, process);
  } catch (const std::exception& error) {  // what is expected is told otherwise: this is a bug, or no memory
    std::fprintf(stderr, "newswatchd: %s\n", error.what());
    return exit_software;
  }
}

}  // namespace newswatch::tool
