#!/usr/bin/env python3
"""The table of run.sh's figures: medians over the rounds; ratios are made within a round, and their median is shown."""

import json
import statistics
import sys


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        rows = [json.loads(line) for line in file]
    by = {}
    for row in rows:
        by.setdefault((row["who"], row["what"]), {})[row["round"]] = row
    has_nginx = ("nginx", "most") in by

    def per_round(who, what, value):
        return {number: value(row) for number, row in by.get((who, what), {}).items()}

    def added(who, field):
        direct = by[("direct", "half")]
        return per_round(who, "half", lambda row: row[field] - direct[row["round"]][field])

    def line(name, figures, unit, digits=0, goal=""):
        gateway, nginx, direct = (figures.get(who, {}) for who in ("gateway", "nginx", "direct"))
        cells = [f"{statistics.median(values.values()):,.{digits}f}" if values else "" for values in (direct, nginx, gateway)]
        both = [number for number in gateway if nginx.get(number, 0) > 0]
        ratio = f"{statistics.median(gateway[number] / nginx[number] for number in both):.2f}" if both else ""
        print(f"{name:<42} {cells[0]:>10} {cells[1]:>10} {cells[2]:>10} {unit:<5} {ratio:>8}  {goal}")

    print(f"{'':<42} {'direct':>10} {'nginx':>10} {'gateway':>10} {'':<5} {'to nginx':>8}  goal")
    proxies = ("nginx", "gateway") if has_nginx else ("gateway",)
    everyone = ("direct", *proxies)
    line("highest rate sustained", {who: per_round(who, "most", lambda row: row["most"]) for who in everyone}, "1/s", 0, "0.5 or more")
    line("highest rate without a schedule", {who: per_round(who, "most", lambda row: row["bound"]) for who in everyone}, "1/s")
    line("rate of the next rows (half the gateway's)", {who: per_round(who, "half", lambda row: row["asked"]) for who in everyone}, "1/s")
    line("p50", {who: per_round(who, "half", lambda row: row["p50_us"]) for who in everyone}, "us")
    line("p99", {who: per_round(who, "half", lambda row: row["p99_us"]) for who in everyone}, "us")
    line("added p50", {who: added(who, "p50_us") for who in proxies}, "us", 0, "3 or less; 150 us")
    line("added p99", {who: added(who, "p99_us") for who in proxies}, "us", 0, "5 or less; 800 us")
    line("processor time a request", {who: per_round(who, "half", lambda row: row["cpu_us"] / row["sent"]) for who in proxies}, "us", 1)
    line("errors", {who: per_round(who, "half", lambda row: row["errors"]) for who in everyone}, "", 0, "0")
    for number, row in sorted(by[("gateway", "many")].items()):
        print(f"\nmemory over {row['requests']:,} requests: {row['before_kib'] / 1024:.1f} MiB before, {row['after_kib'] / 1024:.1f} MiB after "
              "(goal: flat)")
    for who in everyone:
        row = by[(who, "streams")][1]
        print(f"{row['streams']} streams, {who}: {row['events']:,} of {row['expected']:,} events in {row['seconds']} s, {row['broken']} broken, "
              f"under way p50 {row['p50_us']:,.0f} us, p99 {row['p99_us']:,.0f} us"
              + (f", {row['most_kib'] / 1024:.1f} MiB, {row['cpu_us'] / max(row['events'], 1):.1f} us of processor time an event"
                 if who != "direct" else ""))
    starts = [row["ms"] for row in by[("gateway", "start")].values()]
    print(f"cold start until it listens: {statistics.median(starts):.0f} ms ({min(starts):.0f} to {max(starts):.0f}; goal: under 100 ms)")


main()
