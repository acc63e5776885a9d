#!/usr/bin/env python3
"""The rules of the house: who may include whom, no dead headers, no paths in documents that do not exist.

usage: house_test.py SOURCE_DIR

Prints every breach with its place and ends with 1 if there is any.
"""
import pathlib
import re
import subprocess
import sys
import tempfile

# What each folder may include besides itself. A name that ends in .h allows only that header.
ARROWS = {
    "daemon/app": ["daemon/", "rules/", "config/"],
    "daemon/tool": ["daemon/replay", "daemon/ingest", "daemon/match", "daemon/deliver", "daemon/kafka", "daemon/flow",
                    "daemon/observe", "rules/engine", "rules/reader", "config/yaml", "config/loader"],
    "daemon/replay": ["daemon/ingest", "daemon/match", "daemon/alert", "daemon/flow", "daemon/observe", "rules/engine",
                      "config/yaml", "config/loader"],
    "daemon/web": ["daemon/flow", "daemon/observe", "rules/engine"],
    "daemon/match": ["daemon/ingest", "daemon/flow", "daemon/observe", "rules/engine", "config/yaml", "config/loader"],
    # No rules at all: an alert is a function of the match record. Of the engine, they see what an article is and what the
    # record carries of its rule.
    "daemon/alert": ["daemon/flow", "daemon/observe", "config/yaml", "config/loader", "rules/engine/article.h",
                     "rules/engine/rule_info.h"],
    "daemon/deliver": ["daemon/http", "daemon/flow", "daemon/observe", "config/yaml", "config/loader",
                       "rules/engine/article.h", "rules/engine/rule_info.h"],
    "daemon/ingest": ["rules/engine", "daemon/observe", "config/yaml", "config/loader"],
    "daemon/kafka": ["daemon/observe", "config/yaml", "config/loader"],
    "daemon/http": ["daemon/observe", "config/yaml", "config/loader"],
    "daemon/flow": ["rules/engine", "daemon/observe/result.h"],
    "daemon/observe": [],
    "rules/reader": ["rules/engine", "config/yaml"],
    "rules/engine": ["config/yaml/diagnostic.h"],
    "config/yaml": [],
    "config/loader": ["config/yaml"],
    "daemon": ["daemon/app", "daemon/tool"],  # main.cc
}
STAGES = {"daemon/match", "daemon/alert", "daemon/deliver"}
NEVER_A_STAGE_HEADER = {"daemon/tool", "daemon/replay"}

# Slow or intrusive to compile: they stay in .cc files and in headers that say so in their name.
HEAVY = re.compile(r"<(spdlog/|yaml-cpp/|librdkafka/|boost/(asio|beast)(/|\.hpp)|simdjson|CLI/|prometheus/|re2/)")
MAY_BE_HEAVY = re.compile(r"(_internal\.h|^daemon/kafka/handle\.h|^daemon/ingest/json_values\.h)$")

TOP = {".ci", ".clang-format", ".clang-tidy", ".gitignore", "CHANGELOG.md", "CMakeLists.txt", "CMakePresets.json",
       "CONTRIBUTING.md", "LICENSE", "README.md", "bench", "config", "daemon", "docs", "rules", "scripts", "systemd",
       "tests"}
FOLDERS = sorted(name for name in TOP if "." not in name[1:] and name != "LICENSE")
INCLUDE = re.compile(r'^\s*#\s*include\s+(["<])([^">]+)[">]')


def tracked(source):
    out = subprocess.run(["git", "-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
                         cwd=source, stdout=subprocess.PIPE, text=True)
    if out.returncode == 0:
        return sorted({name for name in out.stdout.split("\0") if name and (source / name).exists()})
    return sorted(str(p.relative_to(source)) for p in source.rglob("*")  # a release archive has no git
                  if p.is_file() and not str(p.relative_to(source)).startswith(("build/", ".kafka/")))


def allowed(folder, file, included):
    target = str(pathlib.PurePosixPath(included).parent)
    if target == folder:
        return True
    name = pathlib.PurePosixPath(file).name
    if folder in STAGES and target == "daemon/kafka":
        return name in ("stage.h", "stage.cc") or name.startswith("stage_")
    if folder in NEVER_A_STAGE_HEADER and included.endswith("/stage.h"):
        return False
    return any(included == arrow or target == arrow or (arrow.endswith("/") and included.startswith(arrow))
               for arrow in ARROWS[folder])


class House:
    def __init__(self, source):
        self.source = pathlib.Path(source)
        self.files = tracked(self.source)
        self.breaches = []

    def breach(self, place, why):
        self.breaches.append(f"{place}: {why}")

    def text(self, name):
        return (self.source / name).read_text(errors="replace")

    def code(self):
        return [f for f in self.files if f.endswith((".h", ".cc"))]

    def includes(self):
        included_by = {f: set() for f in self.code() if f.endswith(".h")}
        for file in self.code():
            folder = str(pathlib.PurePosixPath(file).parent)
            for number, line in enumerate(self.text(file).splitlines(), 1):
                found = INCLUDE.match(line)
                if not found:
                    continue
                quote, included = found.groups()
                place = f"{file}:{number}"
                if quote == "<":
                    if file.endswith(".h") and file.startswith(("daemon/", "rules/", "config/")) and \
                            HEAVY.match(f"<{included}") and not MAY_BE_HEAVY.search(file):
                        self.breach(place, f"<{included}> is slow to compile: include it in .cc files, or in one internal header")
                    if included == "regex":
                        self.breach(place, "std::regex is never used (RE2 is)")
                    continue
                if included not in included_by:
                    self.breach(place, f'"{included}" is not a file of ours, named from the top of the repository')
                    continue
                included_by[included].add(file)
                if folder in ARROWS:
                    if not allowed(folder, file, included):
                        self.breach(place, f'{folder} may not include "{included}" (the table is in {pathlib.Path(__file__).name})')
                elif folder.startswith(("daemon", "rules", "config")):
                    self.breach(place, f"the folder {folder} has no row in the table of {pathlib.Path(__file__).name}")
        for header, users in sorted(included_by.items()):
            stem = header[: -len(".h")]
            own = {stem + ".cc", f"tests/unit/{stem}_test.cc"}
            if not users - own:
                self.breach(header, "nobody includes it: delete it, or the part that is not used")

    def headers(self):
        for file in self.code():
            if file.endswith(".h") and not re.search(r"^#pragma once$", self.text(file), re.M):
                self.breach(file, "#pragma once is missing")
            if not re.match(r"^[a-z0-9_/]+\.(h|cc)$", file):
                self.breach(file, "names of files are snake_case")
            if file.startswith("daemon/") and file != "daemon/main.cc" and re.search(r"^int main\(", self.text(file), re.M):
                self.breach(file, "the only main() is daemon/main.cc")
        main = self.text("daemon/main.cc").count("\n")
        if main > 40:
            self.breach("daemon/main.cc", f"{main} lines; 40 are enough to hand argv on")

    def top(self):
        for name in sorted({f.split("/")[0] for f in self.files} - TOP):
            self.breach(name, "not an entry of the top of the house; give it a place in one that is")
        for file in self.files:
            parts = pathlib.PurePosixPath(file).parts
            if parts[0] in ("daemon", "rules", "config") and ({"common", "util", "utils"} & set(parts[:-1])):
                self.breach(file, "a helper lives with its user; there is no common/ or util/")

    def documents(self):
        for file in self.files:
            if not file.endswith(".md"):
                continue
            fenced = False
            for number, line in enumerate(self.text(file).splitlines(), 1):
                if re.match(r"^\s*```", line):
                    fenced = not fenced
                    continue
                if fenced:
                    continue
                for link in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", line):
                    if not re.match(r"^[a-z]+:", link) and not (self.source / file).parent.joinpath(link).exists():
                        self.breach(f"{file}:{number}", f"the link {link} leads nowhere")
                for code in re.findall(r"`([^`]+)`", line):
                    for word in code.split():
                        self.path_in_document(f"{file}:{number}", word.strip(",;:()"))

    def path_in_document(self, place, word):
        if not re.match(rf"^({'|'.join(re.escape(f) for f in FOLDERS)})/", word) or re.search(r"[<>$…]|NAME", word):
            return
        words = [word]
        brace = re.match(r"^(.*)\{([^}]*)\}(.*)$", word)
        if brace:
            words = [brace[1] + part + brace[3] for part in brace[2].split(",")]
        for one in words:
            exists = any(self.source.glob(one)) if "*" in one else (self.source / one).exists()
            if not exists:
                self.breach(place, f"`{one}` does not exist")

    def check(self):
        self.includes()
        self.headers()
        self.top()
        self.documents()
        return self.breaches


def self_test():
    """A house with one breach of each kind: a test that cannot fail proves nothing."""
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        for name, text in {
            "daemon/main.cc": "int main() {}\n",
            "daemon/alert/core.cc": '#include "daemon/kafka/loop.h"\n#include "rules/engine/rule_set.h"\n#include <regex>\n',
            "daemon/alert/stage.cc": '#include "daemon/kafka/loop.h"\n#include "daemon/match/dead.h"\n',
            "daemon/tool/tool.cc": '#include "daemon/match/stage.h"\n',
            "daemon/kafka/loop.h": "#pragma once\n#include <librdkafka/rdkafka.h>\n",
            "daemon/match/stage.h": "#pragma once\n",
            "daemon/match/dead.h": "#pragma once\n",
            "daemon/observe/unused.h": "",
            "rules/engine/rule_set.h": "#pragma once\n",
            "rules/engine/rules.cc": '#include "missing.h"\n',
            "stray.txt": "",
            "README.md": "See [this](docs/none.md) and `daemon/nowhere/x.h`.\n```\n`daemon/not/checked`\n```\n",
        }.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text)
        subprocess.run(["git", "init", "-q", folder], check=True)
        found = "\n".join(House(root).check())
        for expected in ['core.cc:1: daemon/alert may not include "daemon/kafka/loop.h"',
                         'core.cc:2: daemon/alert may not include "rules/engine/rule_set.h"', "core.cc:3: std::regex",
                         'stage.cc:2: daemon/alert may not include "daemon/match/dead.h"',
                         'tool.cc:1: daemon/tool may not include "daemon/match/stage.h"', "loop.h:2: <librdkafka/rdkafka.h>",
                         "daemon/observe/unused.h: nobody includes it", "daemon/observe/unused.h: #pragma once is missing",
                         'rules.cc:1: "missing.h" is not', "stray.txt: not an entry", "README.md:1: the link docs/none.md",
                         "README.md:1: `daemon/nowhere/x.h` does not exist"]:
            assert expected in found, f"the house test does not see: {expected}\n{found}"
        assert "stage.cc:1" not in found and "not/checked" not in found, found


def main():
    self_test()
    breaches = House(pathlib.Path(sys.argv[1]).resolve()).check()
    for breach in breaches:
        print(breach)
    print(f"{len(breaches)} breaches of the rules of the house")
    sys.exit(1 if breaches else 0)


if __name__ == "__main__":
    main()
