"""Matching, measured."""

from __future__ import annotations

from pathlib import Path

import click
from flask import current_app

from marketplace.matching import evaluate as evaluation
from marketplace.matching import semantic

from . import result, with_application

_FILE = click.Path(exists=True, dir_okay=False, readable=True, path_type=Path)


@click.group("match")
def match_command() -> None:
    """Demands and the offers that fit them."""


@match_command.command("evaluate")
@click.option("--offers", type=_FILE, required=True, help="JSONL with id and title.")
@click.option("--demands", type=_FILE, required=True, help="JSONL with id, title and description.")
@click.option("--qrels", type=_FILE, required=True, help="Judgements in TREC form: demand 0 offer grade.")
@click.option(
    "--engine",
    type=click.Choice(["embedded", "elasticsearch"]),
    help="By default the one that SEARCH_ENGINE names.",
)
@click.option(
    "--no-semantic",
    is_flag=True,
    help="Rank by words and characters only, also where SEMANTIC_MODEL is set.",
)
@click.option(
    "--run",
    "out",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    help="Write the ranking as a TREC run file.",
)
@with_application
def evaluate(
    offers: Path, demands: Path, qrels: Path, engine: str | None, no_semantic: bool, out: Path | None
) -> None:
    """Measure the ranking on judged demands in a scratch index; nothing of the instance is touched."""
    settings = current_app.config["SETTINGS"]
    kind = engine or settings.search_engine
    model = None if no_semantic else semantic.model()
    with evaluation.scratch_engine(kind, settings.elasticsearch_url) as scratch:
        found = evaluation.evaluate(scratch, offers, demands, qrels, model)
    if out is not None:
        evaluation.write_run(found, out)
    result(
        {
            "ndcg@10": round(found.ndcg, 4),
            "interval95": [round(bound, 4) for bound in found.interval],
            "demands": found.demands,
            "engine": kind,
            "semantic": found.semantic,
        }
    )


@match_command.command("recognise")
@click.option("--patents", type=_FILE, required=True, help="JSONL with id, title and abstract.")
@click.option(
    "--engine",
    type=click.Choice(["embedded", "elasticsearch"]),
    help="By default the one that SEARCH_ENGINE names.",
)
@click.option(
    "--no-semantic",
    is_flag=True,
    help="Rank by words and characters only, also where SEMANTIC_MODEL is set.",
)
@with_application
def recognise(patents: Path, engine: str | None, no_semantic: bool) -> None:
    """Ask with each patent's title for its own abstract, in a scratch index: mean reciprocal rank."""
    settings = current_app.config["SETTINGS"]
    kind = engine or settings.search_engine
    with evaluation.scratch_engine(kind, settings.elasticsearch_url) as scratch:
        found = evaluation.recognise(scratch, patents, None if no_semantic else semantic.model())
    result(
        {
            "mrr@10": round(found.mrr, 4),
            "titles": found.titles,
            "engine": kind,
            "semantic": found.semantic,
        }
    )
