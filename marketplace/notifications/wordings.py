"""The words of messages: title, body and the page, by code. Places in them are filled in by `texts`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from flask_babel import lazy_gettext as _l

from . import royalties
from .beside import WORDINGS as BESIDE
from .bundles import WORDINGS as BUNDLES


@dataclass(frozen=True, slots=True)
class Wording:
    """A message before its places are filled in: a line, a sentence or two, and the page it is about."""

    title: Any
    body: Any
    path: str


WORDINGS: Final[Mapping[str, Wording]] = {
    "notice_served": Wording(
        _l("%(organisation)s has served you a written notice"),
        _l(
            "%(organisation)s wants to use your patent “%(offer)s” on the announced terms. "
            "The licence takes effect once the announced fee is paid; you need not approve it."
        ),
        "/notices/%(notice_id)s",
    ),
    "notice_undelivered": Wording(
        _l("Your notice %(notice)s was not served before the offer ended"),
        _l(
            "The offer of “%(offer)s” has ended, and it is not proven that notice %(notice)s reached the "
            "holder before. No licence came of it and nothing is owed. If you can prove that it had arrived, "
            "send the proof to the operator."
        ),
        "/notices/%(notice_id)s",
    ),
    "notice_refused": Wording(
        _l("Notice %(notice)s is refused: the technology is banned from export"),
        _l(
            "The technology of “%(offer)s” may not be exported, so no licence can come of notice %(notice)s. "
            "What was paid under it has to go back."
        ),
        "/notices/%(notice_id)s",
    ),
    "notice_not_cleared": Wording(
        _l("Notice %(notice)s ended before its export was cleared"),
        _l(
            "The offer of “%(offer)s”, its term or the patent was over while notice %(notice)s waited for "
            "its export check. No licence came of it, and what was paid under it has to go back."
        ),
        "/notices/%(notice_id)s",
    ),
    "export_asked": Wording(
        _l("Please say which technology it is: %(organisation)s is seated outside the mainland"),
        _l(
            "The licence under notice %(notice)s on “%(offer)s” would be an export of technology. Look into "
            "the catalogue of banned and restricted technology and answer by %(day)s: the licence waits for "
            "your word."
        ),
        "/notices/%(notice_id)s/evidence#export",
    ),
    "export_free": Wording(
        _l("The holder has answered: the technology may be exported freely"),
        _l(
            "Notice %(notice)s on “%(offer)s” goes on: the licence takes effect with notice and payment and "
            "does not wait for the registration of the contract. Record its number here once it is there."
        ),
        "/notices/%(notice_id)s/evidence#export",
    ),
    "export_restricted": Wording(
        _l("Notice %(notice)s needs an export licence"),
        _l(
            "The technology of “%(offer)s” is said to be restricted. The licence takes effect with the "
            "export licence, which the authority decides on within 30 working days. Record its number here "
            "once it is issued."
        ),
        "/notices/%(notice_id)s/evidence#export",
    ),
    "export_unsure": Wording(
        _l("The holder does not know which technology it is"),
        _l(
            "The licence under notice %(notice)s on “%(offer)s” waits on; the operator was asked to look "
            "into it. You may give the notice up; what you paid has to go back then."
        ),
        "/notices/%(notice_id)s/evidence#export",
    ),
    "export_offer_ended": Wording(
        _l("The offer has ended while notice %(notice)s waits for its export check"),
        _l(
            "The offer of “%(offer)s” has ended. What was paid before that still counts if the technology is "
            "free: please settle the check by %(day)s. After that day the notice is refused, and what was "
            "paid has to go back."
        ),
        "/notices/%(notice_id)s/evidence#export",
    ),
    "export_licensed": Wording(
        _l("The export licence for notice %(notice)s is recorded"),
        _l(
            "The licence on “%(offer)s” takes effect with the export licence and the payment. What is not "
            "paid yet can be paid now."
        ),
        "/notices/%(notice_id)s/evidence#export",
    ),
    "export_to_look_into": Wording(
        _l("An export check waits for an operator"),
        _l(
            "Nobody can say for the holder which technology notice %(notice)s on “%(offer)s” is about. Ask "
            "the holder or the authority, and note the answer."
        ),
        "/operator/export-checks",
    ),
    "clause_accepted": Wording(
        _l("%(organisation)s has accepted a further clause"),
        _l(
            "%(organisation)s accepts a clause that you offer beside the announced terms of “%(offer)s”. "
            "Both sides are bound by it from now on."
        ),
        "/notices/%(notice_id)s/evidence#clauses",
    ),
    "payment_to_confirm": Wording(
        _l("Please check whether a payment has arrived"),
        _l(
            "%(organisation)s says that it has transferred %(amount)s to your account for “%(offer)s” "
            "(reference %(reference)s). Please confirm the date and the amount that arrived."
        ),
        "/notices/%(notice_id)s",
    ),
    "payment_part_received": Wording(
        _l("A part of your payment has arrived"),
        _l(
            "The holder's account shows a part of what is owed for “%(offer)s” (reference %(reference)s). "
            "The licence takes effect when the whole sum of %(amount)s has arrived."
        ),
        "/notices/%(notice_id)s",
    ),
    "payment_invoiced": Wording(
        _l("The holder's invoice is there"),
        _l(
            "The invoice for your payment of %(amount)s for “%(offer)s” (reference %(reference)s) "
            "can be saved."
        ),
        "/notices/%(notice_id)s",
    ),
    "instalment_due_soon": Wording(
        _l("An instalment falls due on %(due)s"),
        _l("Under notice %(notice)s for “%(offer)s”, %(amount)s is to be paid by %(due)s."),
        "/notices/%(notice_id)s",
    ),
    "instalment_overdue": Wording(
        _l("An instalment is overdue"),
        _l(
            "Under notice %(notice)s for “%(offer)s”, %(amount)s was to be paid by %(due)s. The licence goes "
            "on; the holder may have rights because of the delay. Please pay soon, or write to the holder."
        ),
        "/notices/%(notice_id)s",
    ),
    "instalment_not_paid": Wording(
        _l("A licensee has not paid an instalment"),
        _l(
            "Under notice %(notice)s for “%(offer)s”, %(amount)s was to be paid by %(due)s and is not on "
            "record as paid. Look at your account first; a licence does not end by itself."
        ),
        "/notices/%(notice_id)s",
    ),
    "refund_required": Wording(
        _l("Please give %(amount)s back"),
        _l(
            "Of what came under notice %(notice)s for “%(offer)s”, %(amount)s has no licence behind it. The "
            "page of the notice says why, and how to give it back."
        ),
        "/notices/%(notice_id)s",
    ),
    "refund_required_payer": Wording(
        _l("%(amount)s comes back to you"),
        _l("The holder was asked to return %(amount)s that came under notice %(notice)s for “%(offer)s”."),
        "/notices/%(notice_id)s",
    ),
    "refund_failed": Wording(
        _l("The provider could not return %(amount)s"),
        _l(
            "The refund under notice %(notice)s did not reach the payer. Try again, or return it by a "
            "transfer of your own."
        ),
        "/notices/%(notice_id)s",
    ),
    "refund_done_payer": Wording(
        _l("%(amount)s was returned to you"),
        _l("The refund under notice %(notice)s for “%(offer)s” is noted as done."),
        "/notices/%(notice_id)s",
    ),
    "payment_refund": Wording(
        _l("A payment was returned at the provider"),
        _l(
            "The provider tells of a refund of the payment %(reference)s for “%(offer)s”. The licence is not "
            "ended by it."
        ),
        "/notices/%(notice_id)s",
    ),
    "payment_dispute": Wording(
        _l("A payment is disputed with the provider"),
        _l(
            "The payer's side disputes the payment %(reference)s of %(amount)s for “%(offer)s” with the "
            "provider. The holder answers there. The licence is not ended by it."
        ),
        "/notices/%(notice_id)s",
    ),
    "dispute_over": Wording(
        _l("A dispute over a payment is decided at the provider"),
        _l(
            "The page of the notice shows how the dispute over the payment %(reference)s for “%(offer)s” "
            "ended. What follows for the licence is for the parties."
        ),
        "/notices/%(notice_id)s",
    ),
    "correction_proposed": Wording(
        _l("A correction waits for a second operator"),
        _l("Another operator has proposed what to do about a case in quarantine: please decide."),
        "/operator/quarantine/%(quarantine_id)s",
    ),
    "slip_waits": Wording(
        _l("A payer has been waiting for your confirmation for two working days"),
        _l(
            "%(organisation)s says that it has transferred %(amount)s for “%(offer)s” (reference "
            "%(reference)s). Please look at your account and confirm the date and the amount, or write to "
            "the payer. The operator of the platform has been told as well."
        ),
        "/notices/%(notice_id)s",
    ),
    "slip_to_look_into": Wording(
        _l("A bank slip has waited for two working days"),
        _l(
            "The holder has not confirmed the transfer of %(amount)s by %(organisation)s for “%(offer)s” "
            "(reference %(reference)s). Please ask it to look at its account."
        ),
        "/operator/notices/%(notice_id)s",
    ),
    "licence_in_effect": Wording(
        _l("Your licence %(licence)s is in effect"),
        _l(
            "Your licence of “%(patent)s” is in effect since %(effective_on)s. "
            "The deal certificate is ready for you. Please have the licence recorded with CNIPA in time."
        ),
        "/licences/%(licence_id)s",
    ),
    "licence_granted": Wording(
        _l("%(organisation)s has taken a licence of your patent"),
        _l(
            "Licence %(licence)s of “%(patent)s” is in effect since %(effective_on)s. "
            "Please have it recorded with CNIPA in time."
        ),
        "/licences/%(licence_id)s",
    ),
    "licence_ended": Wording(
        _l("Licence %(licence)s has ended"),
        _l("Licence %(licence)s of “%(patent)s” has ended; its last day was %(ended_on)s."),
        "/licences/%(licence_id)s",
    ),
    "licence_patent_ended": Wording(
        _l("Licence %(licence)s has ended with its patent"),
        _l(
            "The patent “%(patent)s” has ended, and licence %(licence)s with it on %(ended_on)s: "
            "a licence lasts only while the patent lives (Civil Code, Article 865)."
        ),
        "/licences/%(licence_id)s",
    ),
    "licence_patent_invalidated": Wording(
        _l("Licence %(licence)s has ended: its patent was declared invalid"),
        _l(
            "“%(patent)s” was declared wholly invalid; licence %(licence)s has ended with the day of the "
            "decision, %(ended_on)s. What was paid stands, save bad faith; nothing more becomes due "
            "(Patent Law, Article 47)."
        ),
        "/licences/%(licence_id)s",
    ),
    "patent_end_stated": Wording(
        _l("The holder states that the patent of licence %(licence)s has ended"),
        _l(
            "The holder states that “%(patent)s” ended on %(stated_on)s. An operator checks it against the "
            "register; until then licence %(licence)s stays in effect here."
        ),
        "/licences/%(licence_id)s",
    ),
    "patent_end_to_check": Wording(
        _l("An end of a patent is to be checked"),
        _l(
            "The holder states that “%(patent)s” ended on %(stated_on)s. If the register says so, end "
            "licence %(licence)s."
        ),
        "/operator/patent-ends",
    ),
    "licence_end_proposed": Wording(
        _l("The end of licence %(licence)s is proposed"),
        _l(
            "The other party proposes to end licence %(licence)s of “%(patent)s” by agreement. Please answer."
        ),
        "/licences/%(licence_id)s",
    ),
    "licence_end_declined": Wording(
        _l("The end of licence %(licence)s is declined"),
        _l("The other party does not agree to end licence %(licence)s of “%(patent)s”: it stays in effect."),
        "/licences/%(licence_id)s",
    ),
    "licence_end_taken_back": Wording(
        _l("The proposed end of licence %(licence)s is taken back"),
        _l("Licence %(licence)s of “%(patent)s” stays in effect."),
        "/licences/%(licence_id)s",
    ),
    "offer_announced": Wording(
        _l("Your announcement is noted and will be verified"),
        _l(
            "You have stated that CNIPA announced the open licence of “%(offer)s”. "
            "It can be found and taken once the announcement is verified."
        ),
        "/offers/%(offer_id)s",
    ),
    "announcement_to_verify": Wording(
        _l("An announcement is to be verified"),
        _l("%(organisation)s states that the open licence of “%(offer)s” was announced."),
        "/operator/offers/%(offer_id)s",
    ),
    "offer_live": Wording(
        _l("Your patent is open for licensing"),
        _l(
            "The announcement of “%(offer)s” is verified. "
            "Everybody can find the offer now and take a licence on its terms."
        ),
        "/offers/%(offer_id)s",
    ),
    "withdrawal_consent_asked": Wording(
        _l("%(organisation)s asks for your consent to a withdrawal"),
        _l(
            "A withdrawal of the open licence of “%(offer)s” needs the consent of all patentees. Please read "
            "its reason and answer."
        ),
        "/consents",
    ),
    "withdrawal_consent_given": Wording(
        _l("A consent to your withdrawal was given"),
        _l("A co-owner has agreed to the withdrawal of the open licence of “%(offer)s”."),
        "/holder/offers/%(offer_id)s/withdrawal-consents",
    ),
    "withdrawal_consent_refused": Wording(
        _l("A consent to your withdrawal was refused"),
        _l("A co-owner does not agree to the withdrawal of the open licence of “%(offer)s”; see why."),
        "/holder/offers/%(offer_id)s/withdrawal-consents",
    ),
    "consent_asked": Wording(
        _l("%(organisation)s asks for your consent to an open licence"),
        _l(
            "%(organisation)s wants to declare the open licence of “%(offer)s”, of which you are a patentee. "
            "Please read the terms, and agree or refuse."
        ),
        "/consents",
    ),
    "consent_given": Wording(
        _l("A consent to your declaration was given"),
        _l("A party that you asked agrees to the open licence of “%(offer)s” on the present terms."),
        "/holder/offers/%(offer_id)s/consents",
    ),
    "consent_refused": Wording(
        _l("A consent to your declaration was refused"),
        _l("A party that you asked does not agree to the open licence of “%(offer)s”. See its reason."),
        "/holder/offers/%(offer_id)s/consents",
    ),
    "price_objection": Wording(
        _l("An objection to your price notice came in"),
        _l("Somebody objects to the price notice of “%(offer)s”. It has to be answered before you go on."),
        "/holder/offers/%(offer_id)s/price-notice",
    ),
    "offer_withdrawn": Wording(
        _l("Your offer is withdrawn"),
        _l(
            "The withdrawal of the open licence of “%(offer)s” is announced. "
            "Licences that were taken before stay in force."
        ),
        "/offers/%(offer_id)s",
    ),
    "licensed_offer_withdrawn": Wording(
        _l("An offer under which you hold a licence is withdrawn"),
        _l("The open licence of “%(offer)s” is withdrawn. Your licence stays in force as it is."),
        "/offers/%(offer_id)s",
    ),
    "duty_to_withdraw": Wording(
        _l("You have to withdraw an offer"),
        _l(
            "“%(offer)s” may no longer be offered for open licensing: a bar has arisen. "
            "Please file the withdrawal with CNIPA promptly and tell your licensees."
        ),
        "/offers/%(offer_id)s",
    ),
    "licensed_offer_barred": Wording(
        _l("A bar has arisen to an offer under which you hold a licence"),
        _l(
            "The holder of “%(offer)s” has to withdraw the offer. "
            "Your licence stays; please see on the offer's page what has changed about the patent."
        ),
        "/offers/%(offer_id)s",
    ),
    "duty_raised": Wording(
        _l("A holder has to withdraw an offer"),
        _l("A bar has arisen to “%(offer)s” of %(organisation)s, whose offer is in force."),
        "/offers/%(offer_id)s",
    ),
    "reminder_annuity_30": Wording(
        _l("Annuities run out within 30 days: %(count)s"),
        _l(
            "The paid time of %(count)s of your patents ends within 30 days, the first on %(day)s. "
            "Pay in time and enter the new date: an unpaid annuity bars an open licence."
        ),
        "/holder/facts",
    ),
    "reminder_annuity_7": Wording(
        _l("Annuities run out within 7 days: %(count)s"),
        _l(
            "The paid time of %(count)s of your patents ends within 7 days, the first on %(day)s. "
            "Pay in time and enter the new date: an unpaid annuity obliges you to withdraw an offer."
        ),
        "/holder/facts",
    ),
    "reminder_exclusive_30": Wording(
        _l("Exclusive or sole licences end within 30 days: %(count)s"),
        _l(
            "Exclusive or sole licences of %(count)s of your patents end within 30 days, the first on "
            "%(day)s. From the day after, they are no bar to an open licence."
        ),
        "/holder/facts",
    ),
    "reminder_exclusive_7": Wording(
        _l("Exclusive or sole licences end within 7 days: %(count)s"),
        _l(
            "Exclusive or sole licences of %(count)s of your patents end within 7 days, the first on "
            "%(day)s. From the day after, they are no bar to an open licence."
        ),
        "/holder/facts",
    ),
    "reminder_report_missing": Wording(
        _l("Evaluation reports are missing: %(count)s"),
        _l(
            "You prepare declarations on %(count)s utility models or designs without a patent evaluation "
            "report. CNIPA makes it within two months of the request, and no declaration goes without it."
        ),
        "/holder/facts",
    ),
    "quarantine_opened": Wording(
        _l("A payment was set aside"),
        _l("Money or a message does not fit what is owed (%(reason)s). Please look into the case."),
        "/operator/quarantine",
    ),
    "identity_clash": Wording(
        _l("Two organisations have one credit code or name"),
        _l("%(organisation)s states a credit code or name that another one has too. Please look into it."),
        "/operator/organisations",
    ),
    "join_asked": Wording(
        _l("Somebody asks to join %(organisation)s"),
        _l("A person asks to act for %(organisation)s. Please answer."),
        "/account/members",
    ),
    "join_to_answer": Wording(
        _l("Somebody asks to join %(organisation)s"),
        _l("%(organisation)s has no administrator, so the answer falls to you."),
        "/operator/organisations",
    ),
    "papers_submitted": Wording(
        _l("%(organisation)s shows who it is"),
        _l("%(organisation)s has handed in papers. Please look at them."),
        "/operator/papers",
    ),
    "papers_confirmed": Wording(
        _l("Your organisation is confirmed"),
        _l("Your papers were looked at: the identity of %(organisation)s is confirmed."),
        "/account/verification",
    ),
    "papers_returned": Wording(
        _l("Your papers are returned"),
        _l("Your papers do not show who %(organisation)s is. The reason stands on the page; hand in others."),
        "/account/verification",
    ),
    "mandate_given": Wording(
        _l("%(organisation)s gives you a power of attorney"),
        _l("You may act for %(organisation)s once you have accepted."),
        "/account/mandates",
    ),
    "mandate_accepted": Wording(
        _l("%(organisation)s accepts your power of attorney"),
        _l("%(organisation)s may act for you from now on."),
        "/account/mandates",
    ),
    "mandate_declined": Wording(
        _l("%(organisation)s declines your power of attorney"),
        _l("%(organisation)s does not act for you."),
        "/account/mandates",
    ),
    "mandate_revoked": Wording(
        _l("The power of attorney between you and %(organisation)s has ended"),
        _l("The power of attorney was ended before its last day."),
        "/account/mandates",
    ),
    "mandate_ends": Wording(
        _l("The power of attorney between you and %(organisation)s ends soon"),
        _l("Its last day is %(day)s. If it is to go on, a new one has to be given and accepted."),
        "/account/mandates",
    ),
    "organisation_succeeded": Wording(
        _l("%(organisation)s is succeeded by another organisation"),
        _l(
            "Offers of %(organisation)s in force have to be withdrawn and declared anew by the successor "
            "(Guidelines V-11 §9)."
        ),
        "/holder",
    ),
    "erasure_asked": Wording(
        _l("Somebody asks to be erased"),
        _l("A person asks to have all personal data erased. Please see to it."),
        "/operator/accounts",
    ),
    "demand_matched": Wording(
        _l("There are new offers for your demand"),
        _l("Offers that may help with “%(demand)s”: %(count)s. See why, and say which of them fit."),
        "/demands/%(demand_id)s",
    ),
    "question_asked": Wording(
        _l("A reader has a question about your offer"),
        _l("There is a question about “%(offer)s”. Please answer within days: readers do not wait long."),
        "/questions/%(question_id)s",
    ),
    "question_answered": Wording(
        _l("Your question has been answered"),
        _l("The holder has answered your question about “%(offer)s”."),
        "/questions/%(question_id)s",
    ),
    "stock_to_review": Wording(
        _l("Stock-taking: a patent waits for your review"),
        _l("“%(patent)s” was submitted. Please approve it, or return it with what is to be put right."),
        "/holder/stock/%(stock_id)s",
    ),
    "stock_to_review_many": Wording(
        _l("Stock-taking: patents wait for your review: %(count)s"),
        _l(
            "%(count)s patents were submitted together. Please approve them, or return them with what is to "
            "be put right."
        ),
        "/holder/stock?state=%(state)s",
    ),
    "stock_sent_back": Wording(
        _l("Stock-taking: a patent came back to your unit"),
        _l("The institution has returned “%(patent)s”. Please look at it again."),
        "/holder/stock/%(stock_id)s",
    ),
    "stock_sent_back_many": Wording(
        _l("Stock-taking: patents came back to your unit: %(count)s"),
        _l("The institution has returned %(count)s patents together. Please look at them again."),
        "/holder/stock?state=%(state)s",
    ),
    "stock_returned": Wording(
        _l("Stock-taking: a patent of yours was returned"),
        _l("The reviewers have returned “%(patent)s”."),
        "/holder/stock/%(stock_id)s",
    ),
    "stock_returned_many": Wording(
        _l("Stock-taking: patents of yours were returned: %(count)s"),
        _l("The reviewers have returned %(count)s patents that you enter."),
        "/holder/stock?inventor=me&state=%(state)s",
    ),
    "stock_accepted": Wording(
        _l("Stock-taking: a patent of yours is approved"),
        _l("The entry on “%(patent)s” is approved: nothing more is to be done."),
        "/holder/stock/%(stock_id)s",
    ),
    "stock_accepted_many": Wording(
        _l("Stock-taking: patents of yours are approved: %(count)s"),
        _l("The entries on %(count)s patents that you enter are approved: nothing more is to be done."),
        "/holder/stock?inventor=me&state=%(state)s",
    ),
    "demand_answered": Wording(
        _l("%(organisation)s has answered your demand"),
        _l("%(organisation)s points you to its offer “%(offer)s” for your demand “%(demand)s”."),
        "/offers/%(offer_id)s",
    ),
    "demand_answered_in_words": Wording(
        _l("%(organisation)s has answered your demand"),
        _l("%(organisation)s has written to you about your demand “%(demand)s”. See what it says."),
        "/demands/%(demand_id)s#answers",
    ),
    "demand_posted_for_you": Wording(
        _l("A demand was posted for you"),
        _l("“%(demand)s” was posted on your behalf. You see the answers, and you can close it at any time."),
        "/demands/%(demand_id)s",
    ),
    "demand_day_is_near": Wording(
        _l("Answers to your demand are wanted by %(day)s"),
        _l(
            "The time of “%(demand)s” ends on %(day)s. Answers that wait for your word: %(count)s. Say which "
            "of them help, give it more time, or close it."
        ),
        "/demands/%(demand_id)s",
    ),
    "demand_expired": Wording(
        _l("The time of your demand is over"),
        _l("“%(demand)s” has ended with the day you named, %(day)s. Give it more time if you still look."),
        "/demands/%(demand_id)s",
    ),
    "demand_expired_answered": Wording(
        _l("The time of your demand is over"),
        _l(
            "“%(demand)s” has ended with the day you named, %(day)s. "
            "Answers that wait for your word: %(count)s. Say what became of it, or give it more time."
        ),
        "/demands/%(demand_id)s#answers",
    ),
    "demand_opened_unanswered": Wording(
        _l("A demand that you have looked at waits for an answer"),
        _l("You have opened “%(demand)s” and have not answered. If you can help, the firm still waits."),
        "/demands/%(demand_id)s#answer",
    ),
    "demand_answer_helpful": Wording(
        _l("Your answer helps"),
        _l("The firm finds your answer to “%(demand)s” helpful."),
        "/demands/%(demand_id)s#answers",
    ),
    "demand_answer_passed": Wording(
        _l("A firm has passed over your answer"),
        _l("The firm has passed over your answer to “%(demand)s”. Its reason: %(pass_reason)s"),
        "/demands/answers",
    ),
    "demand_answer_replied": Wording(
        _l("There is a message about an answer"),
        _l("The other side has written about the answer to “%(demand)s”."),
        "/demands/%(demand_id)s#answers",
    ),
    "demand_answer_withdrawn": Wording(
        _l("%(organisation)s takes its answer back"),
        _l("%(organisation)s has taken back its answer to your demand “%(demand)s”."),
        "/demands/%(demand_id)s#answers",
    ),
    "demand_answer_renewed": Wording(
        _l("%(organisation)s answers your demand again"),
        _l("%(organisation)s has given again the answer that it had taken back, to “%(demand)s”."),
        "/demands/%(demand_id)s#answers",
    ),
    "demand_access_asked": Wording(
        _l("%(organisation)s asks for the confidential part of your demand"),
        _l(
            "%(organisation)s has accepted the confidentiality statement and asks to read the confidential "
            "part of “%(demand)s”. Please grant or refuse."
        ),
        "/demands/%(demand_id)s#confidential",
    ),
    "demand_access_granted": Wording(
        _l("You may read the confidential part of a demand"),
        _l("The firm grants you access to the confidential part of “%(demand)s”. Each reading is kept."),
        "/demands/%(demand_id)s#confidential",
    ),
    "demand_access_refused": Wording(
        _l("Access to a confidential part is refused"),
        _l("The firm does not grant access to the confidential part of “%(demand)s”. Its reason is there."),
        "/demands/%(demand_id)s#confidential",
    ),
    "demand_access_revoked": Wording(
        _l("Access to a confidential part is ended"),
        _l("The firm has ended your access to the confidential part of “%(demand)s”. Its reason is there."),
        "/demands/%(demand_id)s#confidential",
    ),
    "saved_search_found": Wording(
        _l("New offers for your saved search “%(saved_search)s”: %(count)s"),
        _l("Since you were last told, offers were announced that your search finds: %(count)s."),
        "/saved-searches/%(saved_search_id)s",
    ),
    "dispute_opened": Wording(
        _l("A dispute with you was opened: %(dispute)s"),
        _l(
            "The other side says what happened and what it asks for. Please answer by %(due)s. The licence "
            "stays as it is meanwhile."
        ),
        "/disputes/%(dispute_id)s",
    ),
    "dispute_answered": Wording(
        _l("Your dispute is answered: %(dispute)s"),
        _l(
            "The other side has answered. See what it says; you may propose a settlement or take another way."
        ),
        "/disputes/%(dispute_id)s",
    ),
    "dispute_added": Wording(
        _l("Something was added to a dispute: %(dispute)s"),
        _l("The other side has added a remark or evidence."),
        "/disputes/%(dispute_id)s",
    ),
    "dispute_answer_due": Wording(
        _l("Please answer a dispute by %(due)s: %(dispute)s"),
        _l(
            "The other side waits for your answer. If there is none, it may go to CNIPA, the local "
            "department or a court."
        ),
        "/disputes/%(dispute_id)s",
    ),
    "dispute_answer_overdue": Wording(
        _l("A dispute was not answered in time: %(dispute)s"),
        _l(
            "The day set for the answer, %(due)s, is over. An answer is still possible, and so are the "
            "other ways."
        ),
        "/disputes/%(dispute_id)s",
    ),
    "dispute_settlement_proposed": Wording(
        _l("A settlement is proposed: %(dispute)s"),
        _l(
            "The other side proposes a text. Agree to it as it stands, decline it, or write what you would "
            "change."
        ),
        "/disputes/%(dispute_id)s",
    ),
    "dispute_settlement_declined": Wording(
        _l("Your proposed settlement is declined: %(dispute)s"),
        _l("The other side does not agree to the text. You may propose another one."),
        "/disputes/%(dispute_id)s",
    ),
    "dispute_settlement_taken_back": Wording(
        _l("A proposed settlement is taken back: %(dispute)s"),
        _l("The other side has taken its proposal back."),
        "/disputes/%(dispute_id)s",
    ),
    "dispute_settled": Wording(
        _l("A dispute is settled: %(dispute)s"),
        _l("Both sides agree to the text of the settlement. It is kept with the dispute."),
        "/disputes/%(dispute_id)s",
    ),
    "dispute_referred": Wording(
        _l("A dispute was taken elsewhere: %(dispute)s"),
        _l("The other side has taken the dispute to an authority or a court. See where."),
        "/disputes/%(dispute_id)s",
    ),
    "dispute_returned": Wording(
        _l("A mediation has ended without an agreement: %(dispute)s"),
        _l("The other side has noted that the mediation ended without an agreement. The dispute goes on."),
        "/disputes/%(dispute_id)s",
    ),
    "dispute_decided": Wording(
        _l("A dispute has ended elsewhere: %(dispute)s"),
        _l("What was agreed or decided is recorded with its paper."),
        "/disputes/%(dispute_id)s",
    ),
    "dispute_withdrawn": Wording(
        _l("A dispute is withdrawn: %(dispute)s"),
        _l("The other side has withdrawn its dispute."),
        "/disputes/%(dispute_id)s",
    ),
    "dispute_opened_bureau": Wording(
        _l("A dispute was opened: %(dispute)s"),
        _l("Two parties of a deal are in dispute. They were told which ways there are."),
        "/disputes/%(dispute_id)s",
    ),
    "dispute_answer_overdue_bureau": Wording(
        _l("A dispute is unanswered behind its day: %(dispute)s"),
        _l("The day set for the answer, %(due)s, is over without one."),
        "/disputes/%(dispute_id)s",
    ),
    "notice_lapsed": Wording(
        _l("A notice has lapsed unpaid"),
        _l(
            "Notice %(notice)s on “%(offer)s” was not paid by its day. A new notice can be served while "
            "the offer stands."
        ),
        "/notices/%(notice_id)s",
    ),
    "notice_abandoned": Wording(
        _l("A notice was given up"),
        _l("The licensee has given up notice %(notice)s on “%(offer)s”. Nothing is owed under it."),
        "/notices/%(notice_id)s",
    ),
    "payment_confirmed": Wording(
        _l("Your payment has arrived"),
        _l("%(amount)s with the reference %(reference)s has arrived at the holder."),
        "/notices/%(notice_id)s",
    ),
    "payment_failed": Wording(
        _l("Your payment has failed"),
        _l("The payment of %(amount)s did not go through. You can start another one."),
        "/notices/%(notice_id)s",
    ),
    "licence_recordal_filed": Wording(
        _l("The recordal of licence %(licence)s is filed"),
        _l("The other side has filed the recordal of the licence on “%(patent)s”."),
        "/licences/%(licence_id)s",
    ),
    "licence_recorded": Wording(
        _l("Licence %(licence)s is recorded"),
        _l("The licence on “%(patent)s” has its recordal number."),
        "/licences/%(licence_id)s",
    ),
    "licence_recordal_near": Wording(
        _l("The recordal of licence %(licence)s is to be filed by %(day)s"),
        _l(
            "The recordal of the licence on “%(patent)s” is to be filed with CNIPA by %(day)s. Either side "
            "may file it; the page of the licence has all its papers in one file."
        ),
        "/licences/%(licence_id)s",
    ),
    "licence_recordal_due": Wording(
        _l("A few days are left for the recordal of licence %(licence)s: until %(day)s"),
        _l(
            "Nobody has stated that the recordal of the licence on “%(patent)s” is filed. Its last day is "
            "%(day)s. Either side may file it; the page of the licence has all its papers in one file."
        ),
        "/licences/%(licence_id)s",
    ),
    "licence_recordal_changed": Wording(
        _l("The recordal of licence %(licence)s was changed"),
        _l("A change of the recordal of the licence on “%(patent)s” is on record; its page says which."),
        "/licences/%(licence_id)s",
    ),
    "licence_recordal_cancelled": Wording(
        _l("The recordal of licence %(licence)s was cancelled"),
        _l(
            "The cancellation of the recordal of the licence on “%(patent)s” is on record. The annuity "
            "reduction that rests on it ends."
        ),
        "/licences/%(licence_id)s",
    ),
    "licence_source_kept": Wording(
        _l("Evidence was laid beside licence %(licence)s"),
        _l("The licence on “%(patent)s” has a new paper, which you can open. If it is wrong, say so here."),
        "/licences/%(licence_id)s",
    ),
    "licence_termination_kept": Wording(
        _l("The holder has given its ground for ending licence %(licence)s in writing"),
        _l("The page of the licence on “%(patent)s” shows the ground in the holder's own words."),
        "/licences/%(licence_id)s",
    ),
    "licence_recordal_late": Wording(
        _l("The recordal of licence %(licence)s is late"),
        _l(
            "The three months for the recordal of the licence on “%(patent)s” are over. It can still be "
            "filed, with the reason."
        ),
        "/licences/%(licence_id)s",
    ),
    "webhook_given_up": Wording(
        _l("A webhook address does not answer and was disabled"),
        _l(
            "Messages to %(webhook)s have failed for days, so nothing more is sent to it. Put your system "
            "right, enable the address and send again what was missed."
        ),
        "/account/webhooks/%(webhook_id)s",
    ),
    **{code: Wording(*parts) for code, parts in royalties.WORDING.items()},
    **{code: Wording(*words) for code, words in BESIDE.items()},
    **{code: Wording(*words) for code, words in BUNDLES.items()},
}
