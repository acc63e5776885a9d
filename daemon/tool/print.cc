#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include "daemon/tool/commands.h"

namespace newswatch::tool {

bool colour_on(int descriptor) {
  const char* const no = std::getenv("NO_COLOR");
  return (no == nullptr || *no == '\0') && isatty(descriptor) == 1;
}

void print(const yaml::Diagnostics& diagnostics, Format format) {
  if (format == Format::json) {
    std::printf("%s\n", diagnostics.json().c_str());
  } else if (!diagnostics.empty()) {
    std::fputs(diagnostics.text(colour_on(STDERR_FILENO)).c_str(), stderr);
  }
}

}  // namespace newswatch::tool
