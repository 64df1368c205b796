#!/usr/bin/env bash
# The gateway beside nginx, in one session: run.sh [--quick] [--rounds N] [--out FOLDER]. README.md says what is measured and how.
# Needs `make bench` (or --build FOLDER with understudy, gateway/load and gateway/upstream in it); nginx where it is to be the yardstick.
set -euo pipefail
cd "$(dirname "$0")/../.."

build=build/bench
out=
rounds=5
seconds=3
events=500
many=200000
starts=5
while [ $# -gt 0 ]; do
  case $1 in
    --quick) rounds=2 seconds=1 events=100 many=3000 starts=3 ;;
    --rounds) rounds=$2; shift ;;
    --out) out=$2; shift ;;
    --build) build=$2; shift ;;
    *) echo "run.sh: expected --quick, --rounds N, --out FOLDER or --build FOLDER, got $1" >&2; exit 2 ;;
  esac
  shift
done
[ -n "$out" ] || out=$build/gateway/figures-$(date +%Y%m%d-%H%M%S)
mkdir -p "$out/raw"
out=$(realpath "$out")
scratch=$(mktemp -d)
understudy=$(realpath "${UNDERSTUDY:-$build/understudy}")
load=$(realpath "$build/gateway/load")
upstream=$(realpath "$build/gateway/upstream")
streams=500
per_second=50
ulimit -n 8192

started=()
trap 'for pid in "${started[@]}"; do kill "$pid" 2>/dev/null || true; done; wait; rm -rf "$scratch"' EXIT

# The proxy that is measured has core 0 to itself, generator and upstream share core 1.
under_test="taskset -c 0"
beside="taskset -c 1"

free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

# start_and_read_port COMMAND...: starts it and waits for its line "listening on ...PORT"; sets pid, port and started_ms.
start_and_read_port() {
  local pipe=$scratch/pipe line=
  rm -f "$pipe"; mkfifo "$pipe"
  local begin=$(date +%s%N)
  "$@" >"$pipe" 2>>"$out/raw/messages.txt" &
  pid=$!
  exec 3<"$pipe"
  while read -r -t 30 line <&3; do [[ $line == listening* ]] && break; done
  started_ms=$(( ($(date +%s%N) - begin) / 10000 ))  # in hundredths
  started_ms=${started_ms%??}.${started_ms: -2}
  [[ $line == listening* ]] || { echo "run.sh: $1 did not start; see $out/raw/messages.txt" >&2; exit 1; }
  port=${line##*[: ]}
  started+=("$pid")
}

end() { kill "$1"; wait "$1" 2>/dev/null || true; }

# The bodies: a request of 5 kB, and the same as a stream.
python3 - "$scratch" <<'PY'
import json, sys
for name, extra in (("plain", {}), ("stream", {"stream": True})):
    body = {"model": "fixed", **extra, "messages": [
        {"role": "system", "content": "You read invoices and answer with vendor, number and total as JSON."},
        {"role": "user", "content": ""}]}
    row = 0
    while len(json.dumps(body, separators=(",", ":"))) < 5000:
        row += 1
        body["messages"][1]["content"] += f"Row {row}: 3 pieces of article A-{row:04}, 12.50 EUR each, delivered in March.\n"
    open(f"{sys.argv[1]}/{name}.json", "w").write(json.dumps(body, separators=(",", ":")))
PY

start_and_read_port $beside "$upstream" --events "$events" --events-per-second "$per_second"
upstream_port=$port

write_gateway_config() {  # FOLDER
  mkdir -p "$1"
  cat >"$1/gateway.yml" <<YML
listen: 127.0.0.1:0
store: sqlite:$1/store.db
capture: {folder: $1/capture}
providers:
  fixed: {vendor: vllm, base_url: "http://127.0.0.1:$upstream_port/v1", allow_private_address: true}
models:
  fixed: [fixed/fixed]
YML
}

# figure ROUND WHO WHAT JSON: one row of the raw figures.
figure() { echo "{\"round\":$1,\"who\":\"$2\",\"what\":\"$3\",${4#\{}" >>"$out/raw/figures.jsonl"; }

: >"$out/raw/figures.jsonl"
for ((i = 1; i <= starts; i++)); do
  write_gateway_config "$scratch/start$i"
  start_and_read_port $under_test "$understudy" gateway "$scratch/start$i/gateway.yml"
  figure "$i" gateway start "{\"ms\":$started_ms}"
  end "$pid"
done

write_gateway_config "$scratch/gateway"
start_and_read_port $under_test "$understudy" gateway "$scratch/gateway/gateway.yml"
gateway_pid=$pid gateway_port=$port gateway_stream_port=$port

competitors=(direct gateway)
if command -v nginx >/dev/null; then
  nginx_port=$(free_port)
  nginx_stream_port=$(free_port)
  mkdir -p "$scratch/nginx"
  cat >"$scratch/nginx/nginx.conf" <<CONF
worker_processes 1;
worker_rlimit_nofile 8192;
daemon off;
pid $scratch/nginx/nginx.pid;
error_log $out/raw/messages.txt warn;
events { worker_connections 4096; }
http {
  access_log off;
  client_body_temp_path $scratch/nginx/body;
  proxy_temp_path $scratch/nginx/proxy;
  fastcgi_temp_path $scratch/nginx/fastcgi;
  uwsgi_temp_path $scratch/nginx/uwsgi;
  scgi_temp_path $scratch/nginx/scgi;
  client_body_buffer_size 64k;
  keepalive_requests 100000000;
  upstream fixed { server 127.0.0.1:$upstream_port; keepalive 256; keepalive_requests 100000000; }
  proxy_http_version 1.1;
  proxy_set_header Connection "";
  server { listen 127.0.0.1:$nginx_port; location / { proxy_pass http://fixed; } }
  server { listen 127.0.0.1:$nginx_stream_port; location / { proxy_pass http://fixed; proxy_buffering off; } }
}
CONF
  $under_test nginx -p "$scratch/nginx" -c "$scratch/nginx/nginx.conf" -e "$out/raw/messages.txt" &
  started+=($!)
  sleep 0.5
  nginx_pid=$(cat "/proc/$!/task/$!/children"); nginx_pid=${nginx_pid% }
  competitors=(direct nginx gateway)
else
  echo "nginx is not installed: no yardstick, its row is left out"
fi
direct_port=$upstream_port direct_stream_port=$upstream_port direct_pid=

of() { local name=$1_$2; echo "${!name}"; }  # of nginx port

# Nanoseconds of processor time that all threads of a process have had.
cpu_ns() { [ -n "$1" ] || { echo 0; return; }; cat /proc/"$1"/task/*/schedstat | awk '{sum += $1} END {printf "%.0f\n", sum}'; }
memory_kib() { [ -n "$1" ] || { echo 0; return; }; awk -v name="$2:" '$1 == name {print $2}' "/proc/$1/status"; }
field() { sed -E "s/.*\"$2\":([0-9.]+).*/\1/" <<<"$1"; }
generate() { $beside "$load" "$@"; }

# rate ROUND WHO RATE
rate() {
  local before after said
  before=$(cpu_ns "$(of "$2" pid)")
  said=$(generate rate --port "$(of "$2" port)" --body "$scratch/plain.json" --rate "$3" --seconds "$seconds" --raw "$out/raw/half-$2-$1.ns")
  after=$(cpu_ns "$(of "$2" pid)")
  figure "$1" "$2" half "{\"cpu_us\":$(( (after - before) / 1000 )),${said#\{}"
}

for ((round = 1; round <= rounds; round++)); do
  echo "round $round of $rounds, load average $(cut -d' ' -f1 /proc/loadavg)" >&2
  for who in "${competitors[@]}"; do
    said=$(generate most --port "$(of "$who" port)" --body "$scratch/plain.json" --seconds "$seconds")
    figure "$round" "$who" most "$said"
    [ "$who" != gateway ] || half=$(awk -v most="$(field "$said" most)" 'BEGIN {printf "%d", most / 2}')
  done
  for who in "${competitors[@]}"; do rate "$round" "$who" "$half"; done
done

# Memory: before and after many requests, then with the streams.
for who in "${competitors[@]}"; do
  [ "$who" != direct ] || continue
  before=$(memory_kib "$(of "$who" pid)" VmRSS)
  generate rate --port "$(of "$who" port)" --body "$scratch/plain.json" --rate "$half" --total "$many" >/dev/null
  figure 1 "$who" many "{\"requests\":$many,\"before_kib\":$before,\"after_kib\":$(memory_kib "$(of "$who" pid)" VmRSS)}"
done
for who in "${competitors[@]}"; do
  before=$(cpu_ns "$(of "$who" pid)")
  generate streams --port "$(of "$who" stream_port)" --body "$scratch/stream.json" --streams "$streams" --events "$events" \
    --events-per-second "$per_second" --raw "$out/raw/streams-$who.ns" >"$scratch/said" &
  generator=$!
  most_kib=0
  while kill -0 "$generator" 2>/dev/null; do
    now_kib=$(memory_kib "$(of "$who" pid)" VmRSS)
    [ "$now_kib" -le "$most_kib" ] || most_kib=$now_kib
    sleep 0.2
  done
  wait "$generator"
  said=$(cat "$scratch/said")
  figure 1 "$who" streams "{\"most_kib\":$most_kib,\"cpu_us\":$(( ($(cpu_ns "$(of "$who" pid)") - before) / 1000 )),${said#\{}"
done

python3 bench/gateway/table.py "$out/raw/figures.jsonl" | tee "$out/table.txt"
echo "raw figures: $out"
