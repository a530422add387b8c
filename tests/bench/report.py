"""From the rounds of one run to medians, ratios, verdicts and the printed table.

Ratios are taken within a round, where both sides met the same mood of the machine, and the median
of those is judged."""

from statistics import median

DISTURBED_CORES = 0.1  # what other processes may use before a measurement counts as disturbed

COLUMNS = ["direct", "nginx", "haproxy", "node", "prototype", "wsbroker", "cached"]
TITLES = {"haproxy": "HAProxy", "cached": "wsbroker with its cache"}
CLOSED_CASES = ["64x1", "500x1", "500x4", "64x16", "2000x1"]
OTHER_CASES = ["rate", "idle", "idle-tls"]
ONE_CORE = "one-core"  # the open loop where nobody can be woken up elsewhere; has no goal

# What wsbroker has to reach (with its cache, where the goal says so): case → level → tests that must all hold. A test is (metric, at least
# or at most, factor, other contestant or None for an absolute bound).
GOALS = {
    "64x1": {"must": [("rate", ">=", 1.1, "nginx")], "aim": [("rate", ">=", 1.3, "nginx")]},
    "500x1": {
        "must": [("rate", ">=", 1.7, "haproxy"), ("cpu_proxy_us", "<=", 0.65, "haproxy")],
        "aim": [("rate", ">=", 2, "haproxy"), ("rate", ">=", 1, "direct")],
    },
    "500x4": {"must": [("rate", ">=", 1.2, "haproxy")], "aim": [("rate", ">=", 1.5, "haproxy")]},
    "64x16": {"must": [("rate", ">=", 0.55, "nginx")], "aim": [("rate", ">=", 1, "nginx")]},
    "2000x1": {"must": [("rate", ">=", 1.8, "haproxy")], "aim": [("rate", ">=", 2.5, "haproxy")]},
    "upstream-500x1": {"must": [("cpu_upstream_us", "<=", 0.2, "direct")]},
    "upstream-500x4": {"must": [("cpu_upstream_us", "<=", 0.2, "direct")]},
    "cached-500x1": {
        "must": [("rate", ">=", 1, "wsbroker")], "aim": [("rate", ">=", 1, "direct")],
    },
    "rate": {"must": [("p50_added_us", "<=", 25, None)]},
    "idle": {"must": [("pss_kib", "<=", 8, None)]},
    "idle-tls": {"must": [("pss_kib", "<=", 64, None)]},
}


def title(name):
    return TITLES.get(name, name)


def add_differences(rounds):
    """Enters in each open-loop result what it takes longer than direct of the same round."""
    for results in rounds:
        for case in ("rate", ONE_CORE):
            direct = results.get(case, {}).get("direct")
            for result in results.get(case, {}).values():
                if direct:
                    result["p50_added_us"] = result["p50_us"] - direct["p50_us"]


def is_disturbed(result):
    return result.get("busy_others", 0) > DISTURBED_CORES


def without_disturbed(rounds):
    """The rounds without the disturbed results of those that were measured in peace, too."""
    calm = {
        (case, name)
        for results in rounds
        for case, found in results.items()
        for name, result in found.items()
        if not is_disturbed(result)
    }
    return [
        {
            case: {
                name: result
                for name, result in found.items()
                if not is_disturbed(result) or (case, name) not in calm
            }
            for case, found in results.items()
        }
        for results in rounds
    ]


def values(rounds, case, name, metric):
    found = (results.get(case, {}).get(name, {}).get(metric) for results in rounds)
    return [value for value in found if value is not None]


def middle(rounds, case, name, metric):
    """Median over the rounds, None where nothing was measured."""
    found = values(rounds, case, name, metric)
    return median(found) if found else None


def ratio(rounds, case, name, metric, other):
    """Median of name ÷ other over the rounds that have both; of the medians where none has."""
    found = []
    for results in rounds:
        mine = results.get(case, {}).get(name, {}).get(metric)
        theirs = results.get(case, {}).get(other, {}).get(metric)
        if mine is not None and theirs:
            found.append(mine / theirs)
    if found:
        return median(found)
    mine, theirs = (middle(rounds, case, who, metric) for who in (name, other))
    return mine / theirs if mine is not None and theirs else None


def measured_case(goal):
    return goal.removeprefix("upstream-").removeprefix("cached-")


def judged(goal):
    return "cached" if goal.startswith("cached-") else "wsbroker"


def judge(rounds):
    """goal → level → list of tests with what was found and whether it holds (None: unknown)."""
    verdicts = {}
    for goal, levels in GOALS.items():
        case = measured_case(goal)
        for level, tests in levels.items():
            for metric, relation, bound, other in tests:
                if other:
                    found = ratio(rounds, case, judged(goal), metric, other)
                else:
                    found = middle(rounds, case, judged(goal), metric)
                holds = None
                if found is not None:
                    holds = found >= bound if relation == ">=" else found <= bound
                verdicts.setdefault(goal, {}).setdefault(level, []).append(
                    {
                        "metric": metric,
                        "relation": relation,
                        "bound": bound,
                        "of": other,
                        "found": found,
                        "holds": holds,
                    }
                )
    return verdicts


UNITS = {"p50_added_us": " µs", "pss_kib": " KiB"}


def show_verdict(tests):
    """The cell of a goal: each bound, what was found, and yes or NO."""
    parts = []
    for test in tests or []:
        sign = "≥" if test["relation"] == ">=" else "≤"
        unit = f" × {title(test['of'])}" if test["of"] else UNITS[test["metric"]]
        what = "CPU " if test["metric"] == "cpu_proxy_us" else ""
        text = f"{what}{sign} {test['bound']:g}{unit}"
        if test["found"] is not None:
            text += f": {test['found']:.2f} {'yes' if test['holds'] else 'NO'}"
        parts.append(text)
    return ", ".join(parts)


def _number(value, digits=1):
    return "–" if value is None else f"{value:.{digits}f}"


def _milliseconds(us):
    return f"{us / 1000:.{2 if us < 1000 else 1 if us < 10000 else 0}f}"


def closed_cell(rounds, case, name):
    rate = middle(rounds, case, name, "rate")
    if rate is None:
        return ""
    proxy = None if name == "direct" else middle(rounds, case, name, "cpu_proxy_us")
    upstream = middle(rounds, case, name, "cpu_upstream_us")
    p50, p99 = (_milliseconds(middle(rounds, case, name, key)) for key in ("p50_us", "p99_us"))
    return f"{rate / 1000:.0f} ({_number(proxy)}; {_number(upstream)}) {p50}/{p99} ms"


def ratio_cell(rounds, case, name):
    found = None
    if name != "direct":
        found = ratio(rounds, case, name, "cpu_upstream_us", "direct")
    return "" if found is None else f"{100 * found:.0f} %"


def share_cell(rounds, case, name):
    found = ratio(rounds, case, name, "rate", "direct") if name == "cached" else None
    return "" if found is None else f"{found:.2f} ×"


def plain_cell(rounds, case, name, metric, unit):
    found = middle(rounds, case, name, metric)
    return "" if found is None else f"{found:.1f} {unit}"


def rate_cell(rounds, case, name):
    if name == "direct":
        found = middle(rounds, case, name, "p50_us")
        return "" if found is None else f"({found:.1f} µs)"
    return plain_cell(rounds, case, name, "p50_added_us", "µs")


def one_core_cell(rounds, case, name):
    cell = rate_cell(rounds, case, name)
    proxy = None if name == "direct" else middle(rounds, case, name, "cpu_proxy_us")
    return cell if proxy is None else f"{cell} ({proxy:.1f})"


def memory_cell(rounds, case, name):
    """Clients that never spoke, and after one request each."""
    silent, spoken = (middle(rounds, case, name, f"pss{kind}_kib") for kind in ("", "_spoken"))
    return "" if silent is None else f"{silent:.1f} ({spoken:.1f}) KiB"


def table(rounds, names):
    """The rows of the table, the heading first."""
    verdicts = judge(rounds)
    kinds = [(case, case.replace("x", " × "), closed_cell) for case in CLOSED_CASES]
    for case in ("500x1", "500x4"):
        label = f"{case.replace('x', ' × ')}: upstream CPU of direct's"
        kinds.append((f"upstream-{case}", label, ratio_cell))
    kinds.append(("cached-500x1", "500 × 1: hits, by direct", share_cell))
    kinds += [
        ("rate", "p50 added at 2 000/s (direct: p50)", rate_cell),
        (ONE_CORE, "on one core: p50 added (CPU) (direct: p50)", one_core_cell),
        ("idle", "idle client (after a request)", memory_cell),
        ("idle-tls", "idle TLS client (after a request)", memory_cell),
    ]
    rows = [["clients × depth", *map(title, names), "must", "aim"]]
    for goal, label, cell in kinds:
        cells = [cell(rounds, measured_case(goal), name) for name in names]
        if any(cells):
            levels = verdicts.get(goal, {})
            shown = [show_verdict(levels.get(level)) for level in ("must", "aim")]
            rows.append([label, *cells, *shown])
    return rows


def busy_table(rounds, names):
    """How many cores each process kept busy: whoever is near 1.00 is what limits that row."""
    rows = [["cores busy: proxy + upstream + generator (+ others)", *map(title, names)]]
    for case in CLOSED_CASES:
        cells = []
        for name in names:
            kinds = ("proxy", "upstream", "generator", "others")
            shown = [_number(middle(rounds, case, name, f"busy_{who}"), 2) for who in kinds]
            measured = bool(values(rounds, case, name, "busy_proxy"))
            cells.append("{} + {} + {} (+ {})".format(*shown) if measured else "")
        if any(cells):
            rows.append([case.replace("x", " × "), *cells])
    return rows


def markdown(rows):
    """Rows as a table that reads well both as it is and rendered."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths)) + " |"
        for row in rows
    ]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(lines)


def summary(verdicts):
    """One line for each level: how many of the goals that were measured are reached."""
    lines = []
    for level in ("must", "aim"):
        tests = [test for levels in verdicts.values() for test in levels.get(level, [])]
        known = [test for test in tests if test["holds"] is not None]
        if known:
            reached = sum(test["holds"] for test in known)
            lines.append(f"{level}: {reached} of {len(known)} reached")
    return "\n".join(lines)


METRICS = [
    "rate", "p50_us", "p99_us", "p50_added_us", "cpu_proxy_us", "cpu_upstream_us",
    "busy_proxy", "busy_upstream", "busy_generator", "busy_others",
    "rss_kib", "pss_kib", "rss_spoken_kib", "pss_spoken_kib",
]  # fmt: skip


def medians(rounds, names):
    """case → contestant → metric → median."""
    return {
        case: {
            name: {
                metric: middle(rounds, case, name, metric)
                for metric in METRICS
                if values(rounds, case, name, metric)
            }
            for name in names
            if any(name in results.get(case, {}) for results in rounds)
        }
        for case in [*CLOSED_CASES, *OTHER_CASES, ONE_CORE]
        if any(results.get(case) for results in rounds)
    }
