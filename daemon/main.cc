// argv to the commands; the two that are the daemon itself live in app.

#include "daemon/app/demo.h"
#include "daemon/app/run.h"
#include "daemon/tool/command_line.h"

int main(int argc, char** argv) {
  return newswatch::tool::command_line(argc, argv, {newswatch::app::run, newswatch::app::demo});
}
