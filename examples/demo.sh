#!/usr/bin/env bash
# The main job, end to end, on data that it makes itself: labelled invoices in, a served specialist out, and what it saves.
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

mkdir -p "$folder"
step "1. Data: 1,000 labelled invoices to learn from, 200 others to be measured on"
$examples invoices --rows 1000 --seed 1 --split train > "$folder/train.jsonl"
$examples invoices --rows 200 --seed 1 --split test > "$folder/test.jsonl"
echo "one of them:"
sed -n "1s/^\(.\{1,600\}\).*/\1/p" "$folder/test.jsonl"

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
$us serve "$folder/export/final_model.gguf" --name invoices --listen 127.0.0.1:0 > "$folder/serve.log" 2>&1 &
server=$!
trap 'kill $server 2>/dev/null || true' EXIT
for _ in $(seq 100); do
  grep -q "listening on" "$folder/serve.log" && break
  sleep 0.1
done
url=$(sed -n 's/^listening on //p' "$folder/serve.log")
[ -n "$url" ] || { cat "$folder/serve.log"; exit 3; }
input=$(sed -n '7s/.*"input": *\("\([^"\\]\|\\.\)*"\).*/\1/p' "$folder/test.jsonl")
wanted=$(sed -n '7s/.*"output": *\("\([^"\\]\|\\.\)*"\).*/\1/p' "$folder/test.jsonl")
printf '{"model": "invoices", "messages": [{"role": "user", "content": %s}], "temperature": 0, "max_tokens": 200}' "$input" > "$folder/request.json"
echo "POST $url/v1/chat/completions"
printf 'invoice:  %b\n' "$input"
answer=$(curl -sS -H 'Content-Type: application/json' --data-binary @"$folder/request.json" "$url/v1/chat/completions")
printf 'answered: %s\n' "$(sed -E 's/.*"content": *("([^"\\]|\\.)*").*/\1/' <<< "$answer")"
printf 'expected: %s\n' "$wanted"
kill $server; wait $server || true
trap - EXIT

step "7. The sum: the same work rented and owned"
speed=$(tr -d '\n' < "$folder/report/report.json" | sed -E 's/.*"tokens_per_second": *([0-9.]+).*/\1/')
$us cost examples/invoices/cost.yml --owned.per_hour="0.40 USD" --owned.tokens_per_second="$speed" --svg "$folder/cost.svg"

step "Summary"
cat <<EOF
fields right before        $(percent "$before")
fields right after         $(percent "$after")   (200 held-out invoices; the aim is 98%)
training                   ${training} s
whole demo                 $((SECONDS - began)) s
look at                    $folder/report/report.html, $folder/specialist/loss.svg, $folder/cost.svg
serve it yourself          $us serve $folder/export/final_model.gguf --name invoices
EOF
