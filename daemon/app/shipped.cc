#include "daemon/app/shipped.h"

#include <cstdlib>

namespace newswatch::app {
namespace {

namespace fs = std::filesystem;

bool has_files(const fs::path& folder) {
  std::error_code error;
  return fs::is_regular_file(folder / "config/examples/demo/newswatchd.yaml", error);
}

}  // namespace

std::optional<fs::path> shipped_files_near(const fs::path& folder_of_binary) {
  if (const auto installed = folder_of_binary / "../share/newswatchd"; has_files(installed)) {
    return installed.lexically_normal();
  }
  for (fs::path folder = folder_of_binary; folder.has_relative_path(); folder = folder.parent_path()) {
    if (has_files(folder)) return folder;
  }
  return std::nullopt;
}

std::optional<fs::path> shipped_files() {
  if (const char* const given = std::getenv("NEWSWATCHD_SHARE")) {
    return has_files(given) ? std::optional<fs::path>(given) : std::nullopt;
  }
  std::error_code error;
  const fs::path binary = fs::read_symlink("/proc/self/exe", error);
  return error ? std::nullopt : shipped_files_near(binary.parent_path());
}

}  // namespace newswatch::app
