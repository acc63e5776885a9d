#pragma once
// Where the files that ship with the program are.

#include <filesystem>
#include <optional>

namespace newswatch::app {

/// The folder that holds config/ and rules/ as in the repository: $NEWSWATCHD_SHARE, beside an installed binary
/// (../share/newswatchd), or above a built one.
std::optional<std::filesystem::path> shipped_files();
/// The same for a binary in that folder.
std::optional<std::filesystem::path> shipped_files_near(const std::filesystem::path& folder_of_binary);

}  // namespace newswatch::app
