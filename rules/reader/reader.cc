#include "rules/reader/reader.h"

#include <glob.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <set>

#include "config/yaml/document.h"
#include "rules/reader/program_builder.h"
#include "rules/reader/rule_file.h"
#include "rules/reader/warnings.h"
#include "rules/reader/watchlist.h"

namespace newswatch::rules {
namespace {

namespace fs = std::filesystem;

bool is_rule_file(const fs::path& path) {
  const auto extension = path.extension();
  return (extension == ".yaml" || extension == ".yml") && !path.filename().string().starts_with('.');
}

// A test of rules stands beside them (`*.test.yaml`) and is no rule file.
bool is_test_file(const fs::path& path) {
  return path.stem().extension() == ".test";
}

void add_directory(const std::string& root, std::vector<std::string>& files, yaml::Diagnostics& diagnostics) {
  const std::size_t before = files.size();
  std::size_t others = 0;
  std::error_code error;
  std::error_code unknown;
  std::set<fs::path> seen{fs::canonical(root, unknown)};
  fs::recursive_directory_iterator it(root, fs::directory_options::follow_directory_symlink, error), end;
  for (; !error && it != end; it.increment(error)) {
    const std::string name = it->path().filename().string();
    std::error_code ignored;
    if (it->is_directory(ignored)) {
      // Links may lead round in a circle.
      if (name.starts_with('.') || it.depth() > 32 || !seen.insert(fs::canonical(it->path(), ignored)).second)
        it.disable_recursion_pending();
      continue;
    }
    if (!is_rule_file(it->path()) || is_test_file(it->path())) continue;
    files.push_back(it->path().string());
    if (!it->is_other(ignored)) continue;
    // Opening a pipe would wait for somebody who writes.
    diagnostics.error({yaml::intern_file(files.back()), 0, 0}, "unreadable-file", "`" + files.back() + "` is no regular file");
    files.pop_back();
    ++others;
  }
  const yaml::Place place{yaml::intern_file(root), 0, 0};
  if (error)
    diagnostics.error(place, "unreadable-file", "cannot read the directory `" + root + "`: " + error.message());
  else if (files.size() == before && others == 0)
    diagnostics.error(place, "unreadable-file", "there is no rule file in `" + root + "`", "rule files end in .yaml or .yml");
}

void add_glob(const std::string& pattern, std::vector<std::string>& files, yaml::Diagnostics& diagnostics) {
  glob_t found{};
  const int code = ::glob(pattern.c_str(), 0, nullptr, &found);
  for (std::size_t i = 0; code == 0 && i < found.gl_pathc; ++i) {
    std::error_code ignored;
    if (fs::is_directory(found.gl_pathv[i], ignored))
      add_directory(found.gl_pathv[i], files, diagnostics);
    else if (!is_test_file(found.gl_pathv[i]))
      files.emplace_back(found.gl_pathv[i]);
  }
  ::globfree(&found);
  if (code != 0)
    diagnostics.error({yaml::intern_file(pattern), 0, 0}, "unreadable-file", "no file fits `" + pattern + "`");
}

std::vector<std::string> find_files(std::span<const std::string> paths, yaml::Diagnostics& diagnostics) {
  std::vector<std::string> files;
  for (const auto& path : paths) {
    std::error_code error;
    const auto status = fs::status(path, error);
    if (fs::is_directory(status)) {
      add_directory(path, files, diagnostics);
    } else if (!fs::exists(status) && path.find_first_of("*?[") != std::string::npos) {
      add_glob(path, files, diagnostics);
    } else {
      files.push_back(path);
    }
  }
  for (auto& file : files) file = fs::path(file).lexically_normal().string();
  std::sort(files.begin(), files.end());
  files.erase(std::unique(files.begin(), files.end()), files.end());
  return files;
}

class Reading {
 public:
  Reading(const ReaderOptions& options, yaml::Diagnostics& diagnostics)
      : options_(options), diagnostics_(diagnostics), builder_(diagnostics), errors_(diagnostics.errors()) {}

  void add(std::optional<yaml::Node> root, const std::string& name) {
    files_.push_back(name);
    if (!root) return builder_.miss_names();
    read_rule_file(*root, {builder_, diagnostics_, options_.destinations ? &*options_.destinations : nullptr, watchlists_});
  }

  std::optional<LoadedRules> finish() {
    for (const auto& request : watchlists_) {
      read_watchlist(request, builder_, diagnostics_);
      files_.push_back(request.path);
    }
    builder_.resolve();
    if (options_.warnings) {
      builder_.warn_unused();
      warn(builder_.program(), diagnostics_);
    }
    if (diagnostics_.errors() > errors_) return std::nullopt;
    std::sort(files_.begin(), files_.end());
    files_.erase(std::unique(files_.begin(), files_.end()), files_.end());
    return LoadedRules{std::move(builder_.program()), std::move(files_)};
  }

 private:
  const ReaderOptions& options_;
  yaml::Diagnostics& diagnostics_;
  ProgramBuilder builder_;
  std::vector<WatchlistRequest> watchlists_;
  std::vector<std::string> files_;
  std::size_t errors_;
};

}  // namespace

std::optional<LoadedRules> read_rules(std::span<const std::string> paths, const ReaderOptions& options,
                                      yaml::Diagnostics& diagnostics) {
  const std::size_t errors = diagnostics.errors();
  const auto files = find_files(paths, diagnostics);
  Reading reading(options, diagnostics);
  for (const auto& file : files) reading.add(yaml::load_file(file, diagnostics), file);
  auto loaded = reading.finish();
  if (diagnostics.errors() > errors) return std::nullopt;
  return loaded;
}

std::optional<LoadedRules> read_rules(std::span<const MemoryFile> files, const ReaderOptions& options,
                                      yaml::Diagnostics& diagnostics) {
  Reading reading(options, diagnostics);
  for (const auto& file : files) reading.add(yaml::load(file.text, file.name, diagnostics), file.name);
  return reading.finish();
}

}  // namespace newswatch::rules
