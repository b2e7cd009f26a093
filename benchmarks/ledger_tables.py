"""The tables of `benchmarks/ledger.py`, from what its parts measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.ledger_contest import BATCH, GROUPED, OURS, SINGLE
from benchmarks.reach import table

Result = Mapping[str, Any]


def milliseconds(value: float) -> str:
    return f"{value * 1000:,.0f} ms" if value >= 0.1 else f"{value * 1000:.1f} ms"


def ratio(ours: float, theirs: float) -> str:
    """Ours over theirs."""
    found = ours / theirs
    return f"{found:,.0f}×" if found >= 10 else f"{found:.2f}×"


def contest(found: Result) -> str:
    """`ours` is the ledger's rate over the peer's; CPU is the processor's time of the whole process for each record.
    Who cannot keep up with the open loop has latencies that grow as long as it lasts."""
    heads = (
        "", "records/s", "ours", "CPU µs", "open p50", "p99", "most", "closed acks/s", "ours", "p50", "p99",
    )  # fmt: skip
    recorded, opened, closed = found["recorded"], found["open"], found["closed"]
    rows = [
        (
            name, f"{recorded[name]['rate']:,.0f}", ratio(recorded[OURS]["rate"], recorded[name]["rate"]),
            f"{recorded[name]['processor'] * 1e6:.0f}",
            milliseconds(opened[name]["p50"]), milliseconds(opened[name]["p99"]), milliseconds(opened[name]["most"]),
            f"{closed[name]['rate']:,.0f}", ratio(closed[OURS]["rate"], closed[name]["rate"]),
            milliseconds(closed[name]["p50"]), milliseconds(closed[name]["p99"]),
        )
        for name in (OURS, *GROUPED, *SINGLE)
    ]  # fmt: skip
    cosigned = found["cosigned"]
    after = (
        f"cosigned proof in hand and verified: p50 {milliseconds(cosigned['p50'])}, p99 {milliseconds(cosigned['p99'])}"
        f" ({cosigned['acts']:,.0f} acts followed, {cosigned['refused']:,.0f} given up;"
        f" {opened[OURS]['refused']:,.0f} acts turned away)"
    )
    return f"{table(heads, rows)}\n\n{after}"


def growth(found: Sequence[Result]) -> str:
    heads = (
        "records", "records/s", "CPU µs", "chain", "pymerkle", "open s", "fsck s", "bundle s", "publish s",
        "writer MiB", "open MiB", "fsck MiB",
    )  # fmt: skip
    rows = [
        (
            f"{one['size']:,}", f"{ours['rate']:,.0f}", f"{ours['processor'] * 1e6:.0f}",
            ratio(ours["rate"], rates["hash chain"]["rate"]), ratio(ours["rate"], rates["pymerkle"]["rate"]),
            f"{one['open']['seconds']:.2f}", f"{one['fsck']['seconds']:.1f}", f"{one['bundle']['seconds']:.2f}",
            f"{one['publish']:.2f}", f"{one['rss']:.0f}", f"{one['open']['rss']:.0f}", f"{one['fsck']['rss']:.0f}",
        )
        for one in found
        for rates in [one["rates"]]
        for ours in [rates[OURS]]
    ]  # fmt: skip
    return table(heads, rows)


def proofs(found: Sequence[Result]) -> str:
    """Ours opens the log and carries the checkpoint with its signatures; verifying it checks those too."""
    heads = (
        "records", "prove", "verify", "bytes", "pymerkle: first", "then", "verify", "chain: walk all", "fsck, ours",
    )  # fmt: skip
    rows = [
        (
            f"{one['size']:,}", milliseconds(one["prove"]["prove"]), milliseconds(one["prove"]["verify"]),
            f"{one['prove']['bytes']:,}", milliseconds(one["tree"]["first"]), milliseconds(one["tree"]["prove"]),
            milliseconds(one["tree"]["verify"]), milliseconds(one["chain"]["check"]),
            milliseconds(one["fsck"]["seconds"]),
        )
        for one in found
    ]  # fmt: skip
    return table(heads, rows)


def bytes_each(found: Sequence[Result]) -> str:
    """Bytes of files over records. `public` is the main log as anyone reads it: bundles of leaves, and tiles. `own log`
    is the same of one customer's log, made when asked for; it takes no room before."""
    names = sorted(
        {name for one in found for name in one["tables"]}, key=lambda name: -found[-1]["tables"].get(name, 0)
    )
    shown = [name for name in names if found[-1]["tables"][name] / found[-1]["size"] >= 1]
    heads = ("records", "leaves", "tiles", "log.db", "keys.db", "chain", "pymerkle", *(f"log.db {n}" for n in shown))
    rows = [
        (
            f"{one['size']:,}",
            *(
                f"{size / one['size']:.0f}"
                for size in (
                    one["entries"], one["public"] - one["entries"], one["log.db"], one["keys.db"],
                    one["chain"]["bytes"], one["tree"]["bytes"], *(one["tables"].get(name, 0) for name in shown),
                )
            ),
        )
        for one in found
    ]  # fmt: skip
    return table(heads, rows)


def completeness(found: Result) -> str:
    heads = (
        "records", "bundle MB", "bytes/record", "make s", "alone s", "CPU s", "all open s", "CPU s", "peak MiB",
        "verdict",
    )  # fmt: skip
    size, records = found["bytes"], found["records"]
    row = (
        f"{records:,}", f"{size / 1e6:.1f}", f"{size / records:.0f}", f"{found['make']:.2f}", f"{found['alone']:.2f}",
        f"{found['alone_processor']:.2f}", f"{found['verify']:.2f}", f"{found['processor']:.2f}",
        f"{found['rss']:.0f}", found["verdict"]["verdict"],
    )  # fmt: skip
    return table(heads, [row])


def logged(one: Result) -> float:
    """Bytes a record of the log itself: leaf and tiles in the published tree, the customer's own log beside it (the
    same leaf and its tiles, counted although nothing is stored before it is asked for)."""
    return float(one["public"] / one["size"])


def aims(found: Result) -> str:
    """What of the aims this run can speak to."""
    rows: list[tuple[str, str, str, str]] = []

    def aim(name: str, wanted: str, measured: str, met: bool) -> None:
        rows.append((name, wanted, measured, "met" if met else "NOT MET"))

    if contested := found.get("contest"):
        rate, p99 = contested["recorded"][OURS]["rate"], contested["open"][OURS]["p99"]
        cosigned = contested["cosigned"]["p99"]
        aim("full records a second, one process", "≥ 10,000", f"{rate:,.0f}", rate >= 10_000)
        aim("durable acknowledgement, open loop, p99", "≤ 30 ms", milliseconds(p99), p99 <= 0.030)
        aim("cosigned proof, p99", "≤ 2 s", milliseconds(cosigned), cosigned <= 2)
    if grown := found.get("growth"):
        last = grown[-1]
        aim("bytes a record, published tree", "≤ 600", f"{logged(last):.0f}", logged(last) <= 600)
        each = last["log.db"] / last["size"]
        aim("bytes a record, log.db", "≤ 600", f"{each:.0f}", each <= 600)
    if complete := found.get("completeness"):
        name = f"completeness of {complete['records']:,} records, offline"
        aim(name, "< 2 s", f"{complete['alone']:.2f} s", complete["alone"] < 2)
        aim("the same with every field opened", "none set", f"{complete['verify']:.2f} s", True)
    return table(("aim", "wanted", "measured", ""), rows)


__all__ = ["BATCH", "aims", "bytes_each", "completeness", "contest", "growth", "milliseconds", "proofs", "ratio"]
