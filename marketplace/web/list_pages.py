"""Pages of one kind of list: its template, the upload with a rehearsal, and the report of bad rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from marketplace.accounts.identity import access, current_actor
from marketplace.core import importing
from marketplace.core.actor import Actor
from marketplace.core.permissions import require

from .forms import status_of
from .list_templates import header, headers_of, template_answer
from .uploads import Kind, UploadForm, carry_out, kept_list, rehearse, report_answer, sentence_on


@dataclass(frozen=True)
class ListPages:
    """What the pages of a kind of list say and where they lead; whoever may import it enters.

    Attributes:
        permission: the import's own.
        above: name and endpoint of the page that they belong to.
        after: the endpoint to go to when a list was taken over.
    """

    kind: Kind
    permission: str
    above: tuple[Any, str]
    after: Callable[[Actor], str]

    def _actor(self) -> Actor:
        actor = current_actor()
        require(actor, self.permission)
        return actor

    def _render(self, page: str, **values: Any) -> str:
        name = self.kind.name
        return render_template(
            f"lists/{page}.html", kind=self.kind, above=self.above, headers=headers_of(name), **values
        )

    def upload(self) -> ResponseReturnValue:
        """Choose a file; its rehearsal is shown before anything is written."""
        actor, name = self._actor(), self.kind.name
        form = UploadForm()
        rehearsal = rehearse(actor, name, form, actor.organisation_id, owner=None)
        columns = importing.columns_of(name)
        page = self._render("upload", form=form, columns=columns, rehearsal=rehearsal, header=header)
        return page, status_of(form)

    def import_list(self) -> ResponseReturnValue:
        """Import a list that was rehearsed."""
        actor, name = self._actor(), self.kind.name
        kept = kept_list(request.form.get("file", 0, type=int), name, actor.organisation_id)
        done = carry_out(actor, name, kept, owner=None, dry_run=False)
        following, sentence = url_for(self.after(actor)), sentence_on(done.summary)
        if done.report_id is None:
            flash(sentence, "success")
            return redirect(following)
        return self._render("imported", done=done, sentence=sentence, following=following)

    def list_report(self, file_id: int) -> ResponseReturnValue:
        """The rows that were not taken, with line, column, value and reason."""
        return report_answer(file_id, self._actor().organisation_id)

    def template(self) -> ResponseReturnValue:
        """An empty list with its headers, choices and notes."""
        self._actor()
        return template_answer(self.kind.name)

    def add_to(self, blueprint: Blueprint, prefix: str = "") -> None:
        """Add these pages to a blueprint, below `prefix`, as its endpoints `upload`, `template` and so on."""
        for rule, view, methods in (
            ("/list", self.upload, ["GET", "POST"]),
            ("/list/import", self.import_list, ["POST"]),
            ("/list/report/<int:file_id>", self.list_report, ["GET"]),
            ("/list/template.xlsx", self.template, ["GET"]),
        ):
            blueprint.add_url_rule(prefix + rule, view.__name__, access("signed_in")(view), methods=methods)
