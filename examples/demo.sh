#!/usr/bin/env bash
# The main job, end to end, on data that it makes itself: a rented model's traffic captured, a specialist trained on it, measured, exported,
# served and routed to, an outage survived, and what it saves.
# usage: examples/demo.sh [FOLDER]   (default demo/; needs build/release/understudy and build/release/understudy-examples)
set -euo pipefail
cd "$(dirname "$0")/.."
folder=${1:-demo}
us=build/release/understudy
examples=build/release/understudy-examples
began=$SECONDS

step() { printf '\n\033[1m== %s\033[0m\n' "$*"; }
[ -t 1 ] && [ -z "${NO_COLOR:-}" ] || step() { printf '\n== %s\n' "$*"; }
# A figure of a report: value REPORT PATH, as a number.
figure() { tr -d '\n' < "$1" | sed -E "s/.*\"$2\": *\{[^{}]*\"$3\": *([0-9.eE+-]+|null).*/\1/"; }
percent() { awk -v x="$1" 'BEGIN { printf "%.1f%%", 100 * x }'; }

# Background programs of the demo; none outlives it.
started=()
stop_all() { for process in "${started[@]}"; do kill "$process" 2>/dev/null || true; done; }
trap stop_all EXIT
# serve LOG COMMAND...: in the background until "listening on" stands in LOG; sets $url and $process.
serve() {
  local log=$1
  shift
  "$@" > "$log" 2>&1 &
  process=$!
  started+=("$process")
  for _ in $(seq 100); do
    url=$(sed -n 's/^listening on //p' "$log")
    [ -n "$url" ] && return
    sleep 0.1
  done
  cat "$log"
  exit 3
}
# ask ROWS ...: the application at work, with its prompt of 2,000 tokens, through the gateway.
ask() {
  local rows=$1
  shift
  $examples send --data "$rows" --to "$gateway/v1" --model gpt-5 --task invoices --instructions "$folder/instructions.txt" "$@"
}
# gateway_config PROVIDER MODEL TASK: a further line of providers, one of models, and what the task says beside its teacher.
gateway_config() {
  cat <<EOF
listen: 127.0.0.1:0
admin: {listen: 127.0.0.1:0}
providers:
  rented: {vendor: openai, base_url: "$teacher/v1", keys: [env:DEMO_KEY], allow_private_address: true, terms: may_train}
  $1
models:
  gpt-5: [rented/gpt-5]
  $2
tasks:
  invoices: {teacher: gpt-5$3}
EOF
}

rm -rf "$folder/capture" "$folder"/understudy.db*
mkdir -p "$folder"
step "1. The rented model at work: 1,000 invoices through the gateway, with a prompt of 2,000 tokens each"
$examples invoices --rows 1000 --seed 1 --split train > "$folder/labelled.jsonl"
$examples invoices --rows 200 --seed 1 --split test > "$folder/test.jsonl"
$examples instructions > "$folder/instructions.txt"
cat "$folder/labelled.jsonl" "$folder/test.jsonl" > "$folder/known.jsonl"
serve "$folder/teacher.log" $examples teacher --data "$folder/known.jsonl" --listen 127.0.0.1:0
teacher=$url teacher_process=$process
gateway_config "" "" "" > "$folder/gateway.yml"
export DEMO_KEY=no-secret
serve "$folder/gateway.log" $us gateway "$folder/gateway.yml"
gateway=$url gateway_process=$process
ask "$folder/labelled.jsonl" --parallel 1
$us tasks --config "$folder/gateway.yml"
echo "what was captured is the training set, without the prompt:"
$us exchanges export --config "$folder/gateway.yml" --task invoices --format openai-chat --pruned > "$folder/train.jsonl" 2> "$folder/export.log"
cat "$folder/export.log"
pruned=$(sed -n 's/^pruned_prompt: \([0-9a-f]*\).*/\1/p' "$folder/export.log")
sed -n "1s/^\(.\{1,600\}\).*/\1/p" "$folder/train.jsonl"

step "2. Before: what the base model answers (40 of the 200)"
# Exit status 1 says that the gate was missed, as a base model must.
$us eval examples/invoices/eval.yml --data "$folder/test.jsonl" --model examples/seedling --limit 40 --out "$folder/before" > "$folder/before.txt" || [ $? = 1 ]
before=$(figure "$folder/before/report.json" micro recall)
echo "fields right (micro recall): $(percent "$before")"

step "3. Training: a LoRA adapter, three passes over the 1,000"
rm -rf "$folder/specialist"
training_began=$SECONDS
$us train examples/invoices/train.yml --datasets.0.path="$folder/train.jsonl" --output_dir="$folder/specialist"
training=$((SECONDS - training_began))

step "4. Evaluation on the 200 held-out invoices"
$us eval examples/invoices/eval.yml --data "$folder/test.jsonl" --model examples/seedling --adapter "$folder/specialist" \
  --out "$folder/report" || [ $? = 1 ]
after=$(figure "$folder/report/report.json" micro recall)

step "5. Export: the merged model, the adapter alone, the card"
$us export --base examples/seedling --adapter "$folder/specialist" --out "$folder/export" --report "$folder/report/report.json"
ls -l "$folder/export"

step "6. Serving final_model.gguf behind OpenAI's API"
serve "$folder/serve.log" $us serve "$folder/export/final_model.gguf" --name invoices --listen 127.0.0.1:0
input=$(sed -n '7s/.*"input": *\("\([^"\\]\|\\.\)*"\).*/\1/p' "$folder/test.jsonl")
wanted=$(sed -n '7s/.*"output": *\("\([^"\\]\|\\.\)*"\).*/\1/p' "$folder/test.jsonl")
printf '{"model": "invoices", "messages": [{"role": "user", "content": %s}], "temperature": 0, "max_tokens": 200}' "$input" > "$folder/request.json"
echo "POST $url/v1/chat/completions"
printf 'invoice:  %b\n' "$input"
answer=$(curl -sS -H 'Content-Type: application/json' --data-binary @"$folder/request.json" "$url/v1/chat/completions")
printf 'answered: %s\n' "$(sed -E 's/.*"content": *("([^"\\]|\\.)*").*/\1/' <<< "$answer")"
printf 'expected: %s\n' "$wanted"
kill "$process"; wait "$process" || true

step "7. The same traffic through the route: 80% to the specialist inside the gateway, what breaks the schema to the rented model"
routed_at=$(date -u +%Y-%m-%dT%H:%M:%SZ)
gateway_config "local: {engine: {model: export/final_model.gguf}}" "invoices-v1: [local/invoices-v1]" \
  ", specialist: invoices-v1, share: 80%, pruned_prompt: $pruned, after: {schema: $PWD/examples/invoices/invoices.schema.json}" > "$folder/gateway.next"
mv "$folder/gateway.next" "$folder/gateway.yml"   # the gateway sees it and reads it again; no request fails for it
for _ in $(seq 100); do grep -q "read again" "$folder/gateway.log" && break; sleep 0.1; done
ask "$folder/test.jsonl" --limit 40
echo "and now the rented model goes down in the middle of it:"
ask "$folder/test.jsonl" --skip 40 > "$folder/outage.txt" &
asking=$!
sleep 1
kill "$teacher_process"
outage=held
wait "$asking" || outage="failed requests"
cat "$folder/outage.txt"

step "8. The bill, before and after: what the gateway booked since the route stands, and the sum at 10,000 requests a day"
$us cost book --config "$folder/gateway.yml" --kind training --task invoices --amount "$(awk -v s="$training" 'BEGIN { printf "%.3f", s / 3600 * 0.40 }') USD"
$us cost --from-traffic --config "$folder/gateway.yml" --since "$routed_at"
kill "$gateway_process"; wait "$gateway_process" || true
speed=$(tr -d '\n' < "$folder/report/report.json" | sed -E 's/.*"tokens_per_second": *([0-9.]+).*/\1/')
$us cost examples/invoices/cost.yml --owned.per_hour="0.40 USD" --owned.tokens_per_second="$speed" --svg "$folder/cost.svg"

step "Summary"
cat <<EOF
fields right before        $(percent "$before")
fields right after         $(percent "$after")   (200 held-out invoices; the aim is 98%)
outage of the teacher      $outage ($(cat "$folder/outage.txt"))
training                   ${training} s
whole demo                 $((SECONDS - began)) s
look at                    $folder/report/report.html, $folder/specialist/loss.svg, $folder/cost.svg
serve it yourself          $us serve $folder/export/final_model.gguf --name invoices
EOF
