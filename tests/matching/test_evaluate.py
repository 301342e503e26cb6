"""How the ranking is measured: by hand on an invented set, and on the real one where it is at hand."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.core.errors import Invalid
from marketplace.matching.evaluate import evaluate, ndcg, read_qrels, recognise, scratch_engine, write_run

REAL = Path(__file__).parents[3] / "shared" / "data" / "matching_dev"
ENGINES = ["embedded", "elasticsearch"]

OFFERS = {
    "o1": "一种含镍电镀废水的除镍装置",
    "o2": "电镀废水处理方法",
    "o3": "一种轴承套圈的淬火方法",
    "o4": "磁力泵的密封结构",
    "o5": "葡萄酒发酵罐",
    "o6": "联合收割机割台",
    "o7": "光纤压力传感器",
    "o8": "无人机机翼",
    "o9": "可降解支架",
    "o10": "谐波减速器",
}
GRADES = {"o1": 1, "o2": 3, "o3": 0, "o4": 0, "o5": 0, "o6": 0, "o7": 0, "o8": 0, "o9": 0, "o10": 2}


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path, Path]:
    """Ten offers; a demand with ten judgements, one with too few, one with no good offer."""
    offers, demands, qrels = (tmp_path / name for name in ("offers.jsonl", "demands.jsonl", "qrels.txt"))
    rows = [{"id": id_, "title": title} for id_, title in OFFERS.items()]
    offers.write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in rows), encoding="utf-8")
    needs = [
        {"id": "d1", "title": "含镍电镀废水如何除镍", "description": "电镀车间的废水含镍超标。"},
        {"id": "d2", "title": "轴承淬火", "description": "判得太少"},
        {"id": "d3", "title": "机翼", "description": "没有好的"},
    ]
    demands.write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in needs), encoding="utf-8")
    lines = [f"d1 0 {offer} {grade}" for offer, grade in GRADES.items()]
    lines += ["d2 0 o3 3", *(f"d3 0 {offer} 1" for offer in OFFERS)]
    qrels.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return offers, demands, qrels


def scratch(request: pytest.FixtureRequest, kind: str) -> str:
    return str(request.getfixturevalue("elasticsearch_url")) if kind == "elasticsearch" else ""


@pytest.mark.parametrize("kind", ENGINES)
def test_an_invented_demand_scores_what_was_worked_out_by_hand(
    request: pytest.FixtureRequest, kind: str, files: tuple[Path, Path, Path], tmp_path: Path
) -> None:
    with scratch_engine(kind, scratch(request, kind)) as engine:
        found = evaluate(engine, *files)
    assert found.demands == 1  # d2 has one judgement, d3 no grade of 2 or more
    order = [row.id for row in found.runs["d1"]]
    assert order[:2] == ["o1", "o2"]
    assert sorted(order) == sorted(OFFERS)
    # o1 (gain 1) first, o2 (gain 7) second, o10 (gain 3) shares nothing: by id among the rest, at its place.
    place = order.index("o10") + 1
    got = 1 / math.log2(2) + 7 / math.log2(3) + 3 / math.log2(place + 1)
    best = 7 / math.log2(2) + 3 / math.log2(3) + 1 / math.log2(4)
    assert found.ndcg == pytest.approx(got / best)
    run = tmp_path / "run.trec"
    write_run(found, run)
    lines = [line.split() for line in run.read_text(encoding="utf-8").splitlines()]
    assert [(line[0], line[1], line[3]) for line in lines] == [("d1", "Q0", str(n)) for n in range(1, 11)]
    assert [line[2] for line in lines] == order


@pytest.mark.parametrize("kind", ENGINES)
def test_real_demands_reach_the_target(request: pytest.FixtureRequest, kind: str) -> None:
    if not REAL.is_dir():
        pytest.skip("the judged demands are not beside this clone (../shared/data/matching_dev)")
    with scratch_engine(kind, scratch(request, kind)) as engine:
        found = evaluate(engine, REAL / "offers.jsonl", REAL / "demands.jsonl", REAL / "qrels.txt")
    assert found.demands == 91
    assert found.ndcg >= 0.64
    low, high = found.interval
    assert low < found.ndcg < high


@pytest.mark.parametrize("kind", ENGINES)
def test_a_title_finds_its_own_abstract(request: pytest.FixtureRequest, kind: str, tmp_path: Path) -> None:
    patents = tmp_path / "patents.jsonl"
    rows = [
        {"id": id_, "title": title, "abstract": f"本发明公开了{title},结构简单。"}
        for id_, title in OFFERS.items()
    ]
    patents.write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in rows), encoding="utf-8")
    with scratch_engine(kind, scratch(request, kind)) as engine:
        found = recognise(engine, patents)
    assert (found.mrr, found.titles) == (1.0, len(OFFERS))


def test_perfect_order_scores_one_and_the_worst_less() -> None:
    assert ndcg([3, 2, 1, 0], [0, 1, 2, 3]) == 1.0
    assert ndcg([0, 1, 2, 3], [0, 1, 2, 3]) == pytest.approx(
        (1 / math.log2(3) + 3 / 2 + 7 / math.log2(5)) / (7 + 3 / math.log2(3) + 1 / 2)
    )


@given(st.lists(st.integers(0, 3), min_size=1, max_size=30))
def test_no_order_scores_more_than_one(grades: list[int]) -> None:
    assert 0.0 <= ndcg(grades, grades) <= 1.0 + 1e-12


@pytest.mark.parametrize("line", ["d1 0 o1", "d1 0 o1 good", "d1 0 o1 -1"])
def test_a_judgement_that_cannot_be_read_is_named_by_file_and_line(line: str, tmp_path: Path) -> None:
    path = tmp_path / "qrels.txt"
    path.write_text(f"d1 0 o1 1\n{line}\n", encoding="utf-8")
    with pytest.raises(Invalid) as refused:
        read_qrels(path)
    assert (refused.value.code, refused.value.parameters["line"]) == ("evaluation-file", 2)


def test_the_command_needs_no_database_and_leaves_none(
    files: tuple[Path, Path, Path], tmp_path: Path
) -> None:
    offers, demands, qrels = map(str, files)
    database = tmp_path / "none.db"
    command = [
        sys.executable, "-c", "from marketplace.cli import main; main()", "match", "evaluate",
        "--no-semantic", "--offers", offers, "--demands", demands, "--qrels", qrels, "--engine", "embedded",
    ]  # fmt: skip
    environment = {
        **os.environ,
        "DATABASE_URL": f"sqlite:///{database}",
        "INSTANCE_DIR": str(tmp_path / "instance"),
    }
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    answer = json.loads(done.stdout.splitlines()[-1])
    assert (answer["demands"], answer["engine"], answer["semantic"]) == (1, "embedded", False)
    assert 0 < answer["ndcg@10"] <= 1
    assert not database.exists()
    assert not (tmp_path / "instance" / "search").exists()
