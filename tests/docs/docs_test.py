#!/usr/bin/env python3
"""Runs what the documents show: every ```yaml block is loaded, every ```json block parsed (alerts against their schema),
every ```console block executed in a copy of the tree and its output compared.

usage: docs_test.py SOURCE_DIR NEWSWATCHD [DOCUMENT...]

In a console block the lines that begin with "$ " (and those that continue them after a backslash, and here-documents) are
the commands, run as one bash script; all others are what must come out, in that order, `…` standing for anything (alone on a line: for
any lines). `localhost:9092` stands for the test broker of NEWSWATCH_TEST_BROKERS; without it such blocks are skipped,
and with CI=true that is a failure. Commands of NOT_RUN are run by the test named there instead.
"""
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

NOT_RUN = {
    "scripts/test": "this test is a part of it",
    "scripts/test --quick": "this test is a part of it",
    "scripts/test --full": "this test is a part of it",
    "scripts/install-dependencies": "scripts/test calls it first",
    "scripts/install-dependencies --test": "scripts/test calls it first",
}
CONFIG_KEYS = {"instance", "prefix", "guarantee", "stages", "workers", "commit_interval", "create_topics", "remember",
               "default_language", "kafka", "articles", "destinations", "routes", "log", "status", "topics",
               "shutdown_deadline"}
MINIMAL = {"kafka": "kafka: {brokers: ['localhost:9092']}", "articles": "articles: [{feed: wires, topics: [articles]}]",
           "rules": "rules: [RULES]"}


def blocks(path):
    """(language, first line number, text) of each fenced block."""
    language, start, lines = None, 0, []
    for number, line in enumerate(path.read_text().splitlines(), 1):
        fence = re.match(r"^\s*```(\S*)", line)
        if fence and language is None:
            language, start, lines = fence.group(1) or "text", number + 1, []
        elif fence:
            yield language, start, "\n".join(lines) + "\n"
            language = None
        elif language is not None:
            lines.append(line)


class Documents:
    def __init__(self, source, binary):
        self.source, self.binary = pathlib.Path(source), pathlib.Path(binary)
        self.failures, self.ran, self.skipped = [], 0, 0
        self.brokers = os.environ.get("NEWSWATCH_TEST_BROKERS", "")

    def fail(self, path, line, why):
        self.failures.append(f"{path.relative_to(self.source)}:{line}: {why}")

    def run(self, command, cwd, **more):
        return subprocess.run(command, cwd=cwd, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, timeout=240, **more)

    def yaml(self, path, line, text):
        keys = set(re.findall(r"^(?:# )?([a-z_]+):", text, re.M))
        with tempfile.TemporaryDirectory() as folder:
            folder = pathlib.Path(folder)
            (folder / "rules.yaml").write_text("rules:\n  - {id: any-rule, any: [sanction]}\n")
            if keys & CONFIG_KEYS:
                extra = "\n".join(value for key, value in MINIMAL.items() if not re.search(rf"^{key}:", text, re.M))
                text += extra + "\n"
                text = re.sub(r"^rules: .*$", f"rules: [{folder}/rules.yaml]", text, flags=re.M)
                (folder / "newswatchd.yaml").write_text(text)
                command = [self.binary, "check", "--config", folder / "newswatchd.yaml"]
            else:
                if not re.search(r"^rules:", text, re.M):
                    text = "\n".join("  " + row if row and not re.search(r"^[a-z_-]+:", text, re.M) else row
                                     for row in text.splitlines()) + "\n"
                (folder / "block.yaml").write_text(text)
                # Watchlist files that the block names: one row that fits.
                for row in re.findall(r"^.*file: *[^ ,}]+.*$", text, re.M):
                    name = re.search(r"file: *([^ ,}]+)", row).group(1)
                    columns = re.search(r"columns: *{([^}]*)}", row)
                    heads = [pair.split(":")[1].strip() for pair in columns.group(1).split(",")] if columns else []
                    (folder / name).write_text(",".join(heads) + "\n" + ",".join("x" + h for h in heads) + "\n" if heads else "A Name\n")
                command = [self.binary, "check", folder / "block.yaml"]
            result = self.run(command, folder)
            if result.returncode != 0:
                self.fail(path, line, f"this YAML is refused:\n{result.stdout}")

    def json(self, path, line, text):
        try:
            value = json.loads(text)
        except ValueError as error:
            return self.fail(path, line, f"no JSON: {error}")
        schema = self.source / "config/schema/alert.schema.json"
        if isinstance(value, dict) and "specversion" in value and schema.exists():
            import jsonschema
            try:
                jsonschema.validate(value, json.loads(schema.read_text()))
            except jsonschema.ValidationError as error:
                self.fail(path, line, f"no valid alert: {error.message}")

    def console(self, path, line, text):
        commands, expected, more, here = [], [], False, None
        for row in text.splitlines():
            if here is not None:
                commands[-1] += "\n" + row
                if row == here:
                    here = None
            elif more or row.startswith("$ "):
                commands.append(row if more else row[2:])
                more = row.endswith("\\")
                document = re.search(r"<<\s*'?(\w+)'?", row)
                here = document.group(1) if document else None
            else:
                expected.append(row.rstrip())
        commands = [c for c in commands if c.strip() not in NOT_RUN]
        script = "\n".join(commands)
        if not script.strip():
            return
        if "localhost:9092" in script:
            if not self.brokers:
                self.skipped += 1
                print(f"SKIPPED {path.name}:{line}: needs a broker (NEWSWATCH_TEST_BROKERS)")
                if os.environ.get("CI") == "true":
                    self.fail(path, line, "no broker, and in CI that is a failure")
                return
        with tempfile.TemporaryDirectory() as folder:
            tree = self.copy(pathlib.Path(folder))
            shims = pathlib.Path(folder) / "shims"
            shims.mkdir()
            (shims / "sudo").write_text("#!/bin/sh\nexec \"$@\"\n")
            (shims / "git").write_text(
                f"#!/bin/sh\n[ \"$1\" = clone ] && exec cp -r '{tree}' newswatchd\nexec /usr/bin/git \"$@\"\n")
            (shims / "kafka-topics.sh").write_text(
                f"#!/bin/sh\nexec '{self.source}/scripts/kafka' tool TopicCommand \"$@\"\n")
            for shim in shims.iterdir():
                shim.chmod(0o755)
            env = dict(os.environ, PATH=f"{shims}:{self.binary.parent}:{os.environ['PATH']}",
                       NEWSWATCHD=str(self.binary), NO_COLOR="1")
            if "localhost:9092" in script:
                for file in [p for p in tree.rglob("*.yaml")]:
                    body = file.read_text()
                    if "localhost:9092" in body:
                        file.write_text(body.replace("localhost:9092", self.brokers))
                # A name of its own for each run: topics and state outlive it on a broker that is used again.
                script = script.replace("localhost:9092", self.brokers).replace("tour", f"tour{os.getpid()}")
            cwd = pathlib.Path(folder) if "git clone" in script else tree
            full = "set -e -o pipefail\ntrap 'kill $(jobs -p) 2>/dev/null || true; wait 2>/dev/null || true' EXIT\n" + script
            try:
                result = self.run(["bash", "-c", full], cwd, env=env)
            except subprocess.TimeoutExpired as error:
                return self.fail(path, line, f"not ended after 240 s:\n{(error.stdout or b'')[-2000:]}")
            if result.returncode != 0:
                return self.fail(path, line, f"ended with {result.returncode}:\n{result.stdout[-3000:]}")
            missing = self.missing(expected, result.stdout.replace(f"tour{os.getpid()}", "tour"))
            if missing is not None:
                self.fail(path, line, f"this line did not come: {missing!r}\nwhat came:\n{result.stdout[-4000:]}")

    @staticmethod
    def missing(expected, output):
        """The first expected line that the output does not hold after the ones before it; None when all are there."""
        rows = [re.sub(r"\x1b\[[0-9;]*m", "", row).rstrip() for row in output.splitlines()]
        at = 0
        for line in expected:
            if not line or line.strip() == "…":
                continue
            pattern = re.compile("^" + ".*".join(re.escape(part) for part in line.split("…")) + "$")
            for index in range(at, len(rows)):
                if pattern.match(rows[index]):
                    at = index + 1
                    break
            else:
                return line
        return None

    def copy(self, folder):
        tree = folder / "tree"
        files = subprocess.run(["git", "-c", "safe.directory=*", "ls-files", "-z"], cwd=self.source, stdout=subprocess.PIPE, text=True).stdout.split("\0")
        for name in filter(None, files):
            source = self.source / name
            if source.exists():
                (tree / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(source, tree / name)
        return tree

    def check(self, path):
        for language, line, text in blocks(path):
            if language in ("yaml", "json", "console"):
                self.ran += 1
                getattr(self, language)(path, line, text)
            elif language in ("sh", "bash", "shell"):
                self.fail(path, line, "commands stand in a `console` block, with `$ ` and their output, so that they are run")


def self_test():
    """The comparison itself must be able to fail."""
    assert Documents.missing(["a…c", "…", "z"], "abc\nmore\nz\n") is None
    assert Documents.missing(["z", "a…c"], "abc\nz\n") == "a…c"
    assert Documents.missing(["abd"], "abc\n") == "abd"


def main():
    self_test()
    source, binary = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]).resolve()
    documents = Documents(source, binary)
    names = [pathlib.Path(p).resolve() for p in sys.argv[3:]] or sorted(
        [source / "README.md", source / "CONTRIBUTING.md", source / "rules/README.md", *(source / "docs").glob("*.md")])
    for path in names:
        if path.exists():
            documents.check(path)
    for failure in documents.failures:
        print(f"FAILED {failure}")
    print(f"{documents.ran} blocks, {documents.skipped} skipped, {len(documents.failures)} failed")
    sys.exit(1 if documents.failures or documents.ran == 0 else 0)


if __name__ == "__main__":
    main()
