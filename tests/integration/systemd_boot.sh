#!/usr/bin/env bash
# Boots systemd in a container made of this machine's own files (an overlay, so nothing of it is changed), with the unit
# that ships and the program given, and prints what came of starting, reloading and stopping it: lines NAME=VALUE.
#   systemd_boot.sh NEWSWATCHD SOURCE_DIR
# Needs root, overlay mounts and namespaces. Ends with 77 when it cannot be done here.
set -euo pipefail
program=$1 source_dir=$2
[ "$(id -u)" = 0 ] || { echo "needs root" >&2; exit 77; }
command -v systemd-nspawn >/dev/null || { echo "systemd-nspawn is not installed (package systemd-container)" >&2; exit 77; }

base=$(mktemp -d)
clean_up() {
  umount -l "$base/root" 2>/dev/null || true
  umount -l "$base/upper" 2>/dev/null || true
  rm -rf --one-file-system "$base"
}
trap clean_up EXIT
mkdir "$base/upper" "$base/root"
mount -t tmpfs -o size=1g tmpfs "$base/upper" || { echo "may not mount" >&2; exit 77; }
mkdir "$base/upper/files" "$base/upper/work"
mount -t overlay overlay -o "lowerdir=/,upperdir=$base/upper/files,workdir=$base/upper/work" "$base/root" ||
  { echo "may not mount an overlay" >&2; exit 77; }
root=$base/root

install -m 755 "$program" "$root/usr/bin/newswatchd"
install -D -m 644 "$source_dir/systemd/newswatchd.service" "$root/etc/systemd/system/newswatchd.service"
mkdir -p "$root/etc/newswatchd/rules"
cat >"$root/etc/newswatchd/newswatchd.yaml" <<'Y'
kafka: {brokers: ["127.0.0.1:1"]}
articles: [{feed: wires, topics: [articles]}]
rules: [/etc/newswatchd/rules]
status: {listen: "127.0.0.1:0"}
Y
echo 'rules: [{id: any-rule, any: [sanction]}]' >"$root/etc/newswatchd/rules/rules.yaml"
cat >"$root/usr/bin/newswatch-boot-test" <<'S'
#!/bin/bash
# Runs in the container, as a service. No broker is there: the daemon must be up all the same, and wait.
say() { printf '%s=%s\n' "$1" "$(systemctl show -P "$2" newswatchd)"; }
systemctl start newswatchd; echo "start=$?"
say active ActiveState; say type Type; say first_pid MainPID
for _ in $(seq 50); do case $(systemctl show -P StatusText newswatchd) in "waiting for the brokers") break ;; esac; sleep 0.1; done
say status StatusText
sleep 4
say restarts NRestarts; say later_pid MainPID
systemctl reload newswatchd; echo "reload=$?"
for _ in $(seq 50); do journalctl -u newswatchd -o cat --no-pager | grep -q '^reloaded' && break; sleep 0.1; done
journalctl -u newswatchd -o cat --no-pager | grep -c '^reloaded ' | sed 's/^/reloaded=/'
echo 'rules: [{id: any-rule, any: [sanction], severty: high}]' >/etc/newswatchd/rules/rules.yaml
systemctl reload newswatchd; echo "bad_reload=$?"
say active_after_bad_reload ActiveState; say pid_after_bad_reload MainPID
journalctl -u newswatchd -o json --no-pager | grep -c '"NEWSWATCH_INSTANCE"' | sed 's/^/journal_fields=/'
systemctl stop newswatchd; echo "stop=$?"
say result Result; say active_after_stop ActiveState
systemctl start newswatchd; echo "bad_start=$?"
S
chmod 755 "$root/usr/bin/newswatch-boot-test"
cat >"$root/etc/systemd/system/newswatch-boot-test.target" <<'U'
[Unit]
Requires=basic.target newswatch-boot-test.service
After=basic.target
U
cat >"$root/etc/systemd/system/newswatch-boot-test.service" <<'U'
[Unit]
After=basic.target
[Service]
Type=oneshot
ExecStart=/usr/bin/newswatch-boot-test
ExecStartPost=/bin/systemctl --no-block poweroff
StandardOutput=file:/boot-test.out
TimeoutStartSec=120
[Install]
U
mkdir -p "$root/etc/systemd/system/newswatch-boot-test.service.d"
# Poweroff also when the script fails.
printf '[Unit]\nFailureAction=poweroff\nSuccessAction=poweroff\n' >"$root/etc/systemd/system/newswatch-boot-test.service.d/end.conf"

timeout --kill-after=10 180 systemd-nspawn --quiet --register=no --keep-unit --link-journal=no --boot --directory="$root" \
  --machine="newswatch-boot-$$" --console=pipe systemd.unit=newswatch-boot-test.target </dev/null >"$base/upper/console" 2>&1 || true
if [ ! -s "$root/boot-test.out" ]; then
  tail -n 30 "$base/upper/console" >&2
  echo "the container did not come up" >&2
  exit 77
fi
cat "$root/boot-test.out"
