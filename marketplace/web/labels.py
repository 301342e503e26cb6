"""What stored codes are called on pages, in both languages, and in which colour their badges are."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from flask_babel import gettext
from flask_babel import lazy_gettext as _l

from marketplace.listings.rules import SOURCES
from marketplace.search import titles

from .formats import day, english, ipc, money


@dataclass(frozen=True)
class Label:
    """A code's name (translated when it is shown), its badge's colour, and a sentence of explanation."""

    text: Any
    colour: str = "secondary"
    hint: Any = ""


TABLES: dict[str, dict[str, Label]] = {
    "offer_status": {
        "draft": Label(_l("Draft"), "secondary"),
        "in_review": Label(_l("In internal review"), "azure"),
        "price_notice": Label(_l("Price notice"), "azure"),
        "ready": Label(_l("Ready to file"), "blue"),
        "filed": Label(_l("Filed with CNIPA"), "blue"),
        "announced": Label(_l("Open for licensing"), "green"),
        "refused": Label(_l("Refused by CNIPA"), "red"),
        "withdrawal_filed": Label(_l("Withdrawal pending"), "yellow"),
        "withdrawn": Label(_l("Withdrawn"), "secondary"),
        "revoked": Label(_l("Revoked"), "red"),
        "lapsed": Label(_l("Ended"), "secondary"),
        "discarded": Label(_l("Discarded"), "secondary"),
    },
    "royalty_state": {
        "running": Label(_l("Running"), "azure"),
        "due": Label(_l("To report"), "yellow"),
        "overdue": Label(_l("Report overdue"), "red"),
        "reported": Label(_l("Reported"), "green"),
    },
    "royalty_payment": {
        "none": Label(_l("Nothing to pay"), "secondary"),
        "open": Label(_l("To pay"), "yellow"),
        "overdue": Label(_l("Payment overdue"), "red"),
        "paid": Label(_l("Paid"), "green"),
    },
    "royalty_length": {
        "quarter": Label(_l("Quarter")),
        "half_year": Label(_l("Half-year")),
        "year": Label(_l("Year")),
    },
    "royalty_source": {
        "announced": Label(_l("as the announced terms say")),
        "default": Label(_l("by default, as the announced terms say nothing")),
        "agreed": Label(_l("as both parties read the terms")),
    },
    "royalty_base": {"net_sales": Label(_l("Net sales")), "profit": Label(_l("Profit"))},
    "royalty_default": {
        "given": Label(_l("Notice of default given"), "red"),
        "restored": Label(_l("Restored"), "green"),
        "ended": Label(_l("Licence ended on it"), "secondary"),
        "taken_back": Label(_l("Taken back"), "secondary"),
    },
    "royalty_ground": {
        "unreported": Label(_l("No statement")),
        "unpaid": Label(_l("Royalty not paid")),
    },
    "royalty_basis": {
        "contractual": Label(_l("the clause on a grace period that the licensee has accepted")),
        "statutory": Label(_l("the law (Civil Code, Art. 563)")),
    },
    "ledger_kind": {
        "income": Label(_l("Income"), "green"),
        "cost": Label(_l("Cost"), "yellow"),
        "allocation": Label(_l("Allocation"), "azure"),
        "payout": Label(_l("Pay-out"), "blue"),
        "reversal": Label(_l("Reversal"), "secondary"),
    },
    "ledger_cost": {
        "agency_fee": Label(_l("Agency fee")),
        "annuity": Label(_l("Annuity")),
        "tax": Label(_l("Tax")),
        "evaluation": Label(_l("Evaluation report")),
        "other": Label(_l("Other cost")),
    },
    "consent": {
        "not_asked": Label(_l("Not asked here"), "secondary"),
        "asked": Label(_l("Asked, no answer yet"), "yellow"),
        "given": Label(_l("Agrees"), "green"),
        "refused": Label(_l("Refuses"), "red"),
        "outdated": Label(_l("To be asked again: the terms were changed"), "yellow"),
        "void": Label(_l("Void"), "secondary"),
    },
    "consent_strength": {
        "link": Label(_l("by the link sent to the e-mail address"), "azure"),
        "member": Label(_l("by a signed-in member"), "green"),
        "paper": Label(_l("on signed paper"), "green"),
    },
    "capacity": {
        "patentee": Label(_l("Patentee"), "azure"),
        "pledgee": Label(_l("Pledgee"), "azure"),
    },
    "counting": {
        "calendar": Label(_l("calendar days"), "secondary"),
        "working": Label(_l("working days"), "secondary"),
    },
    "objection": {
        "open": Label(_l("No answer yet"), "yellow"),
        "rejected": Label(_l("Not followed"), "secondary"),
        "upheld": Label(_l("Upheld: the terms change"), "red"),
    },
    "maturity": {
        "idea": Label(_l("Idea"), "secondary", _l("described and reckoned, not built yet")),
        "laboratory": Label(_l("Shown in the laboratory"), "azure", _l("the effect is measured on samples")),
        "prototype": Label(_l("Prototype"), "azure", _l("a working piece, tried under conditions of use")),
        "pilot": Label(_l("Pilot production"), "blue", _l("made in small series, or run by a first user")),
        "production": Label(_l("In production"), "green", _l("sold or used in daily business")),
    },
    "side_kind": {
        "know_how": Label(_l("Know-how")),
        "technical_service": Label(_l("Technical service")),
        "training": Label(_l("Training")),
        "samples": Label(_l("Samples and tests")),
        "further_development": Label(_l("Further development")),
        "other": Label(_l("Other help")),
    },
    "price_unit": {
        "once": Label(_l("once")),
        "day": Label(_l("a day")),
        "year": Label(_l("a year")),
    },
    "know_how": {
        "secret": Label(_l("speaks of a secret"), "red"),
        "recipe": Label(_l("recipe or quantities"), "yellow"),
        "parameter": Label(_l("parameters of a process"), "yellow"),
        "drawing": Label(_l("drawings or source code"), "yellow"),
    },
    "asked_for": {
        "product": Label(_l("the product")),
        "application": Label(_l("where it is used")),
        "problem": Label(_l("the problem it solves")),
        "advantage": Label(_l("the advantage over today's answer")),
        "maturity": Label(_l("how mature it is")),
        "costs": Label(_l("a cost comparison")),
        "picture": Label(_l("a picture")),
        "side_offers": Label(_l("know-how and help beside the licence")),
        "not_included": Label(_l("what is not included (in the declaration)")),
        "contact": Label(_l("a contact (in the declaration)")),
        "english": Label(_l("the English version")),
    },
    "text_origin": {
        "human": Label(_l("translation: by the holder")),
        "machine": Label(_l("translation: machine")),
        "unstated": Label(_l("translation: origin not stated")),
    },
    "question_state": {
        "unconfirmed": Label(_l("Address not confirmed"), "secondary"),
        "open": Label(_l("Waits for an answer"), "yellow"),
        "answered": Label(_l("Answered"), "green"),
        "published": Label(_l("Published"), "green"),
        "set_aside": Label(_l("Set aside"), "secondary"),
    },
    "evidence": {
        "holder_stated": Label(_l("Stated by the holder, not yet verified"), "yellow"),
        "verified": Label(_l("Verified against the gazette"), "green"),
        "platform": Label(_l("Made on this platform"), "green"),
    },
    "notice_state": {
        "not_served": Label(_l("Not served yet"), "yellow"),
        "served": Label(_l("Served, waiting for payment"), "blue"),
        "paid": Label(_l("Paid"), "green"),
        "lapsed": Label(_l("Lapsed unpaid"), "secondary"),
        "abandoned": Label(_l("Abandoned"), "secondary"),
        "undelivered": Label(_l("Never served, offer ended"), "secondary"),
        "refused": Label(_l("Refused: export banned or not cleared"), "red"),
        "awaits_export": Label(_l("Waiting for the export check"), "yellow"),
    },
    "bundle_part": {
        "waiting": Label(_l("Being given"), "yellow"),
        "served": Label(_l("Notice given"), "green"),
        "refused": Label(_l("Not given"), "red"),
    },
    "bundle_problem": {
        "own-offer": Label(_l("This is your own offer: you need no licence for your own patent.")),
        "offer-not-live": Label(_l("This offer cannot be taken up any more.")),
        "notice-open": Label(_l("You have already served a notice on this offer.")),
        "licence-in-effect": Label(_l("You already hold a licence under this offer.")),
        "offer-changed": Label(_l("The announced terms are not those that you saw any more.")),
        "terms-incomplete": Label(_l("The announced fee is not on record yet; please ask the operator.")),
        "term-unknown": Label(
            _l("The announced licence term is not on record yet; please ask the operator.")
        ),
        "clause-withdrawn": Label(
            _l("A further clause that you chose is no longer offered. Try again to go on without it.")
        ),
        "technology-banned": Label(
            _l("This technology is banned from export: no licence can be given to a licensee seated abroad.")
        ),
        "technology-class-missing": Label(_l("Please say what applies to the technology.")),
        "seat-unknown": Label(_l("Please choose where the licensee is seated.")),
        "text-not-printable": Label(_l("Some characters cannot be printed; please write it without them.")),
        "font-missing": Label(
            _l("A rare character in a name cannot be printed: an operator must add a font.")
        ),
        "not-a-member": Label(_l("Who confirmed it does not act for the organisation any more.")),
        "forbidden": Label(_l("Your account may not do this.")),
        "other": Label(_l("It could not be given. Please try again, or take the offer up by itself.")),
    },
    "transfer_state": {
        "open": Label(_l("Awaited"), "blue"),
        "slip_uploaded": Label(_l("Slip uploaded, waiting for the holder's confirmation"), "azure"),
        "quarantined": Label(_l("Being checked by the operator"), "orange"),
        "paid": Label(_l("Received"), "green"),
        "part": Label(_l("Received in part"), "yellow"),
        "cancelled": Label(_l("Cancelled"), "secondary"),
    },
    "technology": {
        "free": Label(_l("Free: in no list of the export catalogue"), "green"),
        "restricted": Label(_l("Restricted: in the list of restricted technology"), "yellow"),
        "banned": Label(_l("Banned: in the list of banned technology"), "red"),
        "unsure": Label(_l("I do not know: the holder shall say"), "secondary"),
    },
    "technology_said": {
        "free": Label(_l("Free: in no list of the export catalogue"), "green"),
        "restricted": Label(_l("Restricted: in the list of restricted technology"), "yellow"),
        "banned": Label(_l("Banned: in the list of banned technology"), "red"),
        "unsure": Label(_l("Not known so far: an operator is asked to help"), "secondary"),
    },
    "export_state": {
        "asked": Label(_l("Waits for the holder's word"), "yellow"),
        "free": Label(_l("Free technology"), "green"),
        "restricted": Label(_l("Waits for the export licence"), "yellow"),
        "licensed": Label(_l("Export licence recorded"), "green"),
        "banned": Label(_l("Banned from export"), "red"),
    },
    "clause_kind": {
        "use_reports": Label(_l("Use reports")),
        "grace_period": Label(_l("Grace period")),
        "improvements": Label(_l("Improvements")),
        "support": Label(_l("Technical support")),
        "marking": Label(_l("Marking of products")),
        "other": Label(_l("Other matter")),
    },
    "stamp_failure": {
        "unreachable": Label(_l("the authority does not answer")),
        "refused": Label(_l("the authority refused")),
        "not_valid": Label(_l("the answer was not valid")),
    },
    "obligation_state": {
        "open": Label(_l("To be paid"), "yellow"),
        "paid": Label(_l("Paid"), "green"),
        "cancelled": Label(_l("No longer due"), "secondary"),
        "overdue": Label(_l("Overdue"), "red"),
    },
    "obligation_kind": {
        "fee": Label(_l("Licence fee")),
        "entry_fee": Label(_l("Entry fee")),
        "royalty": Label(_l("Royalty")),
    },
    "confirmed_how": {
        "documents": Label(_l("Documents that the operator has seen")),
        "import": Label(_l("A list that the operator brought")),
        "account": Label(_l("The operator opened its account")),
        "bureau": Label(_l("The bureau")),
    },
    "payment_state": {
        "open": Label(_l("Started"), "blue"),
        "slip_uploaded": Label(_l("Slip uploaded, waiting for the holder's confirmation"), "azure"),
        "paid": Label(_l("Received"), "green"),
        "failed": Label(_l("Failed"), "red"),
        "expired": Label(_l("Expired"), "secondary"),
        "cancelled": Label(_l("Cancelled"), "secondary"),
        "quarantined": Label(_l("Being checked by the operator"), "orange"),
        "reversed": Label(_l("Entered wrongly, reversed"), "secondary"),
    },
    "licence_state": {
        "in_effect": Label(_l("In effect"), "green"),
        "ended": Label(_l("Ended"), "secondary"),
    },
    "dispute_state": {
        "open": Label(_l("Waits for an answer"), "yellow"),
        "answered": Label(_l("Answered"), "blue"),
        "referred": Label(_l("Taken elsewhere"), "purple"),
        "settled": Label(_l("Settled"), "green"),
        "decided": Label(_l("Ended elsewhere"), "green"),
        "withdrawn": Label(_l("Withdrawn"), "secondary"),
    },
    "dispute_topic": {
        "fee": Label(_l("What is owed")),
        "payment": Label(_l("Whether or when it was paid")),
        "scope": Label(_l("What the licence allows")),
        "term": Label(_l("From when and until when it runs")),
        "delivery_of_notice": Label(_l("Whether the notice arrived")),
        "recordal": Label(_l("The recordal")),
        "default": Label(_l("A duty that was not done")),
        "other": Label(_l("Something else")),
    },
    "dispute_subject": {
        "notice": Label(_l("Notice")),
        "payment": Label(_l("Payment")),
        "licence": Label(_l("Licence")),
    },
    "dispute_venue": {
        "cnipa": Label(_l("CNIPA, for mediation")),
        "local": Label(_l("The local patent department")),
        "court": Label(_l("A court")),
    },
    "dispute_outcome": {
        "pending": Label(_l("Under way"), "yellow"),
        "no_agreement": Label(_l("No agreement"), "secondary"),
        "agreement": Label(_l("Agreement before the authority"), "green"),
        "decision": Label(_l("Decision or judgment"), "green"),
    },
    "dispute_entry": {
        "statement": Label(_l("Statement")),
        "answer": Label(_l("Answer")),
        "remark": Label(_l("Remark")),
        "evidence": Label(_l("Evidence")),
        "settlement": Label(_l("Agreed settlement")),
        "decision": Label(_l("What was agreed or decided elsewhere")),
    },
    "deal_side": {
        "holder": Label(_l("Holder")),
        "licensee": Label(_l("Licensee")),
    },
    "mail_state": {
        "held": Label(_l("Held until the quiet hours end"), "yellow"),
        "sent": Label(_l("Sent"), "green"),
        "refused": Label(_l("Refused by the mail server"), "red"),
    },
    "webhook_state": {
        "active": Label(_l("Active"), "green"),
        "disabled": Label(_l("Disabled"), "red"),
    },
    "delivery_state": {
        "pending": Label(_l("Waiting"), "yellow"),
        "delivered": Label(_l("Delivered"), "green"),
        "failed": Label(_l("Given up"), "red"),
    },
    "licence_kind": {
        "open": Label(_l("Open licence"), "green"),
        "ordinary": Label(_l("Negotiated ordinary licence"), "secondary"),
    },
    "negotiated_kind": {
        "ordinary": Label(_l("Ordinary licence")),
        "sole": Label(_l("Sole licence")),
        "exclusive": Label(_l("Exclusive licence")),
    },
    "negotiated_state": {
        "stated": Label(_l("To be confirmed"), "yellow"),
        "confirmed": Label(_l("Confirmed by both"), "green"),
        "contested": Label(_l("Contested"), "red"),
        "withdrawn": Label(_l("Taken back"), "secondary"),
    },
    "order_state": {
        "ordered": Label(_l("Ordered"), "yellow"),
        "accepted": Label(_l("Accepted"), "blue"),
        "declined": Label(_l("Not taken on"), "secondary"),
        "cancelled": Label(_l("Cancelled"), "secondary"),
        "done": Label(_l("Done"), "azure"),
        "paid": Label(_l("Done and paid"), "green"),
    },
    "report_kind": {
        "month": Label(_l("Monthly report")),
        "quarter": Label(_l("Quarterly report")),
        "year": Label(_l("Yearly report")),
        "range": Label(_l("Report")),
    },
    "report_state": {
        "draft": Label(_l("Draft"), "yellow"),
        "published": Label(_l("Report published"), "green"),
        "superseded": Label(_l("Superseded"), "secondary"),
        "discarded": Label(_l("Thrown away"), "secondary"),
    },
    "recordal_state": {
        "to_do": Label(_l("Recordal to be filed"), "yellow"),
        "filed": Label(_l("Recordal filed"), "blue"),
        "recorded": Label(_l("Recorded with CNIPA"), "green"),
        "late": Label(_l("Recordal overdue"), "red"),
        "cancelled": Label(_l("Recordal cancelled"), "secondary"),
    },
    "recordal_side": {
        "holder": Label(_l("stated by the holder")),
        "licensee": Label(_l("stated by the licensee")),
        "operator": Label(_l("entered by the operator")),
        "gazette": Label(_l("verified by the gazette's list")),
    },
    "licence_paper": {
        "source": Label(_l("Evidence of the licence")),
        "termination": Label(_l("The holder's written ground for ending it")),
        "recordal": Label(_l("What CNIPA sent")),
    },
    "demand_state": {
        "draft": Label(_l("Draft"), "secondary"),
        "published": Label(_l("Looking for technology"), "green"),
        "answered": Label(_l("Answered"), "blue"),
        "closed": Label(_l("Closed"), "secondary"),
        "expired": Label(_l("Expired"), "secondary"),
    },
    "demand_poster": {
        "firm": Label(_l("the firm itself")),
        "agency": Label(_l("an agency for the firm")),
        "bureau": Label(_l("the IP bureau")),
    },
    "demand_outcome": {
        "met": Label(_l("The need is met")),
        "unmet": Label(_l("The need is not met")),
        "withdrawn": Label(_l("The demand is withdrawn")),
    },
    "demand_outcome_reason": {
        "licence": Label(_l("by a licence found here")),
        "cooperation": Label(_l("by working with a holder found here")),
        "elsewhere": Label(_l("by a solution found elsewhere")),
        "in_house": Label(_l("by our own work")),
        "no_answer": Label(_l("nobody has answered")),
        "not_fitting": Label(_l("no answer fits")),
        "too_expensive": Label(_l("too expensive")),
        "not_mature": Label(_l("not ready for use")),
        "no_longer_needed": Label(_l("no longer needed")),
        "mistake": Label(_l("posted by mistake")),
        "other": Label(_l("another reason")),
    },
    "demand_answer_state": {
        "given": Label(_l("Not judged yet"), "azure"),
        "helpful": Label(_l("Helpful"), "green"),
        "passed": Label(_l("Passed over"), "secondary"),
        "withdrawn": Label(_l("Taken back"), "secondary"),
    },
    "demand_access_state": {
        "asked": Label(_l("Access is asked for"), "yellow"),
        "granted": Label(_l("Access is granted"), "green"),
        "refused": Label(_l("Access is refused"), "secondary"),
        "revoked": Label(_l("Access is ended"), "secondary"),
        "taken_back": Label(_l("Taken back"), "secondary"),
    },
    "recommendation_state": {
        "shown": Label(_l("Suggested"), "secondary"),
        "opened": Label(_l("Opened"), "azure"),
        "contacted": Label(_l("Contacted"), "blue"),
        "passed": Label(_l("Passed over"), "secondary"),
        "licensed": Label(_l("Licensed"), "green"),
    },
    "mail_topic": {
        "recommendations": Label(
            _l("Recommendations"),
            hint=_l("One mail a day at most, in your language, only when there is something new."),
        ),
        "saved_searches": Label(
            _l("New offers for saved searches"), hint=_l("As often as each saved search says.")
        ),
        "reminders": Label(
            _l("Reminders about demands"), hint=_l("Before an answer is due, and what nobody has answered.")
        ),
    },
    "recommendation_channel": {
        "demand": Label(
            _l("Demand published"), hint=_l("Offers were looked for when the demand came or changed.")
        ),
        "offer": Label(_l("New offer"), hint=_l("A new offer was looked up among the stored demands.")),
        "answer": Label(_l("Answer of a holder"), hint=_l("A holder answered a demand with the offer.")),
        "field": Label(_l("Field followed"), hint=_l("The firm follows the field; it posted no demand.")),
        "patents": Label(_l("Own patents"), hint=_l("The offer is close to patents of the firm's own.")),
    },
    "pass_reason": {
        "off_topic": Label(_l("Not what we need")),
        "too_expensive": Label(_l("Too expensive")),
        "not_mature": Label(_l("Not ready for use")),
        "solved": Label(_l("Solved in another way")),
        "terms": Label(_l("Other terms do not suit")),
        "other": Label(_l("Another reason")),
    },
    "fee_form": {
        "free": Label(_l("Free"), "green", _l("No fee at all; the licence takes effect with the notice.")),
        "fixed": Label(_l("Fixed fee"), "blue", _l("One sum, paid once.")),
        "royalty_net_sales": Label(
            _l("Royalty on net sales"), "blue", _l("A share of what the licensed products sell for.")
        ),
        "royalty_profit": Label(
            _l("Royalty on profit"), "blue", _l("A share of the profit made with the licensed products.")
        ),
        "entry_plus_royalty": Label(
            _l("Entry fee plus royalty"),
            "blue",
            _l("One sum to begin with, then a share of sales or profit."),
        ),
    },
    "rate_base": {"net_sales": Label(_l("net sales")), "profit": Label(_l("profit"))},
    "channel": {
        "bank": Label(_l("Bank transfer"), hint=_l("From your bank to the holder's own account.")),
        "stripe": Label(
            _l("Pay online"), hint=_l("Card, Alipay or WeChat Pay, straight to the holder's own account.")
        ),
    },
    "kind": {
        "invention": Label(_l("Invention")),
        "utility_model": Label(_l("Utility model")),
        "design": Label(_l("Design")),
    },
    "owner_type": {
        "university": Label(_l("University")),
        "institute": Label(_l("Research institute")),
        "hospital": Label(_l("Hospital")),
        "enterprise": Label(_l("Enterprise")),
        "individual": Label(_l("Individual")),
        "agency": Label(_l("Service agency")),
    },
    "role": {
        "holder": Label(_l("Patent holder")),
        "firm": Label(_l("Firm")),
        "individual": Label(_l("Individual")),
        "manager": Label(_l("Technology manager")),
        "bureau": Label(_l("IP bureau")),
        "operator": Label(_l("Operator")),
        "member": Label(_l("Member")),
    },
    "level": {
        "administrator": Label(_l("Administrator"), "blue", _l("decides about members, data and mandates")),
        "editor": Label(_l("Editor"), "green", _l("does everything else")),
        "viewer": Label(_l("Viewer"), "secondary", _l("looks, and changes nothing")),
    },
    "verification": {
        "none": Label(_l("No papers handed in"), "secondary"),
        "submitted": Label(_l("Papers are being looked at"), "yellow"),
        "confirmed": Label(_l("Confirmed"), "green"),
        "returned": Label(_l("Returned"), "red"),
    },
    "identity_paper": {
        "business_licence": Label(_l("Business licence or certificate of registration")),
        "letter_of_authority": Label(_l("Letter of authority for whoever signs up")),
        "other": Label(_l("Another paper")),
    },
    "mandate_state": {
        "given": Label(_l("waits for the agency"), "yellow"),
        "accepted": Label(_l("in force"), "green"),
        "declined": Label(_l("declined"), "red"),
        "revoked": Label(_l("ended early"), "secondary"),
        "over": Label(_l("over"), "secondary"),
    },
    "kept": {
        "contract": Label(_l("evidence of a contract: three years (Civil Code 188, E-Commerce Law 31)")),
        "declaration": Label(_l("who signed for a declaration filed with CNIPA")),
        "register": Label(_l("named in the patent register or a gazette")),
    },
    "dated_field": {
        "name": Label(_l("Name of the organisation")),
        "name_en": Label(_l("English name")),
        "type": Label(_l("Type of organisation")),
        "region": Label(_l("District")),
        "state_established": Label(_l("Established by the state")),
    },
    "mandate_scope": {
        "holder": Label(_l("as a patent holder")),
        "licensee": Label(_l("as a licensee")),
        "both": Label(_l("as holder and licensee")),
    },
    "bar": {
        "not_granted": Label(_l("Granted")),
        "exclusive_licence": Label(_l("No exclusive or sole licence")),
        "suspension": Label(_l("Not suspended or preserved")),
        "annuity": Label(_l("Annuities paid")),
        "pledge": Label(_l("Not pledged, or the pledgee agrees")),
        "terminated": Label(_l("Not ended")),
        "invalidated": Label(_l("Not invalidated")),
        "report_missing": Label(_l("Evaluation report made")),
        "report_negative": Label(_l("Evaluation report positive")),
        "other": Label(_l("Nothing else hinders its use")),
    },
    "bar_result": {
        "clear": Label(_l("Clear"), "green"),
        "barred": Label(_l("Barred"), "red"),
        "unknown": Label(_l("Unknown"), "yellow"),
    },
    "fact": {
        "legal_status": Label(_l("Legal status")),
        "annuity_paid_until": Label(_l("Annuities paid until")),
        "evaluation_report": Label(_l("Evaluation report")),
        "pledged": Label(_l("Pledge")),
        "exclusive_licence_until": Label(_l("Exclusive or sole licence until")),
        "preserved_until": Label(_l("Suspended or preserved until")),
        "other_hindrance": Label(_l("Other hindrance")),
        "ownership": Label(_l("Ownership")),
    },
    "fact_value": {
        "pending": Label(_l("Under examination")),
        "in_force": Label(_l("In force")),
        "terminated": Label(_l("Terminated")),
        "invalidated": Label(_l("Declared invalid")),
        "expired": Label(_l("Term over")),
        "none": Label(_l("None")),
        "positive": Label(_l("Positive")),
        "negative": Label(_l("Negative")),
        "no": Label(_l("No")),
        "with_consent": Label(_l("Pledged, the pledgee agrees")),
        "without_consent": Label(_l("Pledged without the pledgee's consent")),
        "as_registered": Label(_l("As the register has it")),
        "differs": Label(_l("The register names others")),
    },
    "fact_ending": {
        "restated": Label(_l("stated anew")),
        "made_unknown": Label(_l("made unknown")),
        "attestation_revoked": Label(_l("attestation revoked")),
    },
    "bar_fault": {
        "not_granted": Label(_l("not granted")),
        "exclusive_licence": Label(_l("an exclusive or sole licence is in force")),
        "suspension": Label(_l("suspended or preserved")),
        "annuity": Label(_l("annuities not paid")),
        "pledge": Label(_l("pledged without the pledgee's consent")),
        "terminated": Label(_l("the patent has ended")),
        "invalidated": Label(_l("declared invalid")),
        "report_missing": Label(_l("no evaluation report")),
        "report_negative": Label(_l("negative evaluation report")),
        "other": Label(_l("another hindrance")),
    },
    "standing": {
        "may_file": Label(_l("May be offered"), "green"),
        "barred": Label(_l("Barred"), "red"),
        "unknown": Label(_l("Unknown"), "yellow"),
        "offered": Label(_l("Declared"), "blue"),
    },
    "refund_reason": {
        "second_payment": Label(_l("It was paid twice.")),
        "offer_ended": Label(_l("The money came after the offer had ended.")),
        "term_over": Label(_l("The money came after the licence term was over.")),
        "technology_banned": Label(_l("The technology may not be exported.")),
        "export_not_cleared": Label(_l("The export was not cleared in time.")),
        "notice_ended": Label(_l("The notice ended before the whole sum was there.")),
        "surplus": Label(_l("More came than was owed.")),
        "returned": Label(_l("An operator found that the money is not for a licence here.")),
    },
    "refund_state": {
        "open": Label(_l("To be returned"), "orange"),
        "asked": Label(_l("The provider was asked"), "blue"),
        "done": Label(_l("Returned"), "green"),
        "cancelled": Label(_l("Not needed any more"), "secondary"),
    },
    "receipt_source": {
        "payee": Label(_l("the holder's word")),
        "statement": Label(_l("bank statement")),
        "stripe": Label(_l("the provider's signed message")),
        "correction": Label(_l("correction by two operators")),
    },
    "correction_kind": {
        "apply": Label(_l("It pays a sum that is owed")),
        "reverse": Label(_l("A payment was entered wrongly: reverse it")),
        "foreign": Label(_l("It is not for a licence here")),
        "ask_return": Label(_l("The holder has to return it")),
    },
    "correction_state": {
        "proposed": Label(_l("Waits for a second operator"), "blue"),
        "approved": Label(_l("Approved"), "green"),
        "declined": Label(_l("Declined"), "red"),
        "taken_back": Label(_l("Taken back"), "secondary"),
    },
    "tax": {
        "vat": Label(_l("Value-added tax")),
        "vat_exemption": Label(_l("Exemption from value-added tax")),
        "stamp": Label(_l("Stamp duty")),
        "income_relief": Label(_l("Relief from income tax")),
        "withholding": Label(_l("Income tax withheld at source")),
    },
    "tax_bearer": {
        "payee": Label(_l("borne by the holder")),
        "payer": Label(_l("borne by the licensee")),
        "both": Label(_l("each party bears its own")),
    },
    "tax_state": {
        "confirmed": Label(_l("confirmed")),
        "unconfirmed": Label(_l("not yet confirmed by a tax adviser")),
    },
    "tax_unknown": {
        "individual": Label(_l("A person's tax depends on what is not known here.")),
        "payee-abroad": Label(_l("The payee is outside the mainland.")),
        "needs-registration": Label(_l("Only with a registered contract.")),
        "licence-too-short": Label(_l("The licence runs less than five years.")),
        "costs-unknown": Label(_l("It depends on the holder's costs and its other income.")),
        "seat-unknown": Label(_l("Nobody has said where the holder is seated.")),
    },
    "flag_status": {
        "refunded": Label(_l("The sum was returned in whole or in part")),
        "pending": Label(_l("The return is under way")),
        "succeeded": Label(_l("Returned")),
        "failed": Label(_l("The return failed")),
        "canceled": Label(_l("The return was cancelled")),
        "requires_action": Label(_l("The return waits for the payer")),
        "warning_needs_response": Label(_l("An enquiry waits for the holder's answer")),
        "warning_under_review": Label(_l("An enquiry is being examined")),
        "warning_closed": Label(_l("The enquiry is closed")),
        "needs_response": Label(_l("Waits for the holder's answer to the provider")),
        "under_review": Label(_l("The payer's bank examines it")),
        "won": Label(_l("Decided for the holder")),
        "lost": Label(_l("Decided for the payer")),
        "prevented": Label(_l("Settled before a dispute arose")),
    },
    "flag_kind": {
        "refund": Label(
            _l("Refund at the provider"),
            "yellow",
            _l("Ask the holder whether it returned the money knowingly. The licence is not ended by it."),
        ),
        "dispute": Label(
            _l("Disputed with the provider"),
            "red",
            _l(
                "The holder answers the dispute with the provider. The licence is not ended by it; "
                "the parties may use the ways of a dispute."
            ),
        ),
    },
    "quarantine_reason": {
        "amount-mismatch": Label(
            _l("Another sum came than is owed"),
            "orange",
            _l(
                "Compare with the payer's slip or the provider's page. Enter it for the sum that it "
                "pays, or have it returned."
            ),
        ),
        "paid-again": Label(
            _l("Money came for what had been paid already"),
            "orange",
            _l("Have the holder return it, or enter it for another sum that is owed to the same holder."),
        ),
        "currency-mismatch": Label(
            _l("The money came in another currency"),
            "orange",
            _l("Another currency pays no sum: have the holder return it."),
        ),
        "account-mismatch": Label(
            _l("The message came from another account"),
            "red",
            _l(
                "Check the holder's connected account. Money in a stranger's account is not for a "
                "licence here."
            ),
        ),
        "livemode-mismatch": Label(
            _l("A test message came to the real account, or the reverse"),
            "red",
            _l(
                "Test money is no payment. Check which keys and webhook addresses the holder's "
                "account uses, then close it."
            ),
        ),
        "test-mode": Label(
            _l("A message about test money came to the real account"),
            "red",
            _l(
                "Test money is no payment. Check which keys and webhook addresses the account uses, "
                "then close it."
            ),
        ),
        "unknown-checkout": Label(
            _l("The provider has a checkout with our reference, unknown here"),
            "orange",
            _l(
                "Look at the checkout on the provider's page: enter it for the sum that it pays, or "
                "have it returned."
            ),
        ),
        "account-refused": Label(_l("The provider does not show us this account"), "orange"),
        "not-answered": Label(_l("The provider did not answer"), "yellow"),
        "reported": Label(
            _l("An operator reports that it was entered wrongly"),
            "orange",
            _l(
                "Check the report with the holder, then propose the reversal, with the sum that it "
                "really pays if there is one."
            ),
        ),
        "session-mismatch": Label(
            _l("The message speaks of another checkout"),
            "orange",
            _l(
                "Look at both checkouts on the provider's page: enter the money for the sum that it "
                "pays, or have it returned."
            ),
        ),
        "reference-mismatch": Label(
            _l("The message bears another reference"),
            "orange",
            _l("Look for the sum of this reference, and enter the money for it, or have it returned."),
        ),
        "unknown-payment": Label(
            _l("Nobody knows what this money is for"),
            "orange",
            _l(
                "Ask the account's holder what it is for. Enter it for an open sum of the same "
                "account, or note that it is foreign."
            ),
        ),
        "session-unknown": Label(
            _l("The provider does not know our checkout"),
            "orange",
            _l("Ask the holder whether another account was connected; the payer may have to pay anew."),
        ),
        "paid-at-provider-only": Label(
            _l("The provider was paid, and we were not told"),
            "orange",
            _l(
                "The provider's message is missing: let it be sent again. If it does not come, enter "
                "the money."
            ),
        ),
        "paid-here-only": Label(
            _l("It counts as paid here, but not with the provider"),
            "red",
            _l(
                "Look at the provider's page. If it was entered wrongly, report the payment on its "
                "notice's page."
            ),
        ),
        "refund": Label(_l("The holder paid money back"), "yellow"),
        "dispute": Label(_l("The payer disputes the payment"), "red"),
    },
    "end_reason": {
        "term": Label(_l("The term is over")),
        "agreed": Label(_l("Both parties agreed")),
        "contractual_ground": Label(_l("The holder terminated it on a ground of the contract")),
        "statutory_ground": Label(_l("The holder terminated it on a ground of the law")),
        "patent_ended": Label(_l("The patent has ended")),
        "patent_invalidated": Label(_l("The patent was declared invalid")),
        "stated": Label(_l("As stated in the list")),
        "recordal_cancelled": Label(_l("The gazette announced the cancellation of its recordal")),
        "statement_withdrawn": Label(_l("Its statement was taken back")),
    },
    "correction_reason": {
        "typing_error": Label(_l("The number or the day was mistyped")),
        "wrong_licence": Label(_l("Another licence was meant")),
        "not_done": Label(_l("It was not filed or recorded after all")),
    },
    "list_kind": {
        "patents": Label(_l("Patents")),
        "offers": Label(_l("Announced declarations")),
        "withdrawals": Label(_l("Announced withdrawals")),
        "licences": Label(_l("Licences and recordals")),
        "organisations": Label(_l("Organisations")),
        "demands": Label(_l("Demands")),
        "own-patents": Label(_l("Our own patents")),
        "facts": Label(_l("Facts of patents")),
        "reference-fees": Label(_l("Reference fees by industry")),
        "annuities": Label(_l("The scale of annuities")),
        "gazette-announcements": Label(_l("Gazette: announcements")),
        "gazette-withdrawals": Label(_l("Gazette: withdrawals")),
        "gazette-recordals": Label(_l("Gazette: recordals")),
        "mirrored": Label(_l("Offers of another platform")),
    },
    "change_event": {
        "assignment": Label(
            _l("The patent is assigned to somebody else"),
            hint=_l("Withdraw first, then change the patentees; the new ones may declare anew."),
        ),
        "abandonment": Label(
            _l("The patent is given up"), hint=_l("Withdraw first, then abandon the patent.")
        ),
        "succession": Label(
            _l("The patentee changes otherwise (a merger, say), and the open licence goes on"),
            hint=_l("Withdraw, change the patentees, and declare anew with the same terms."),
        ),
        "succession_end": Label(
            _l("The patentee changes otherwise, and the open licence does not go on"),
            hint=_l("Withdraw, then change the patentees."),
        ),
        "pledge": Label(
            _l("The patent is pledged"),
            hint=_l("The pledgee has to agree in writing that the open licence goes on; else withdraw."),
        ),
    },
    "change_state": {
        "open": Label(_l("Being worked on"), "blue"),
        "done": Label(_l("Done"), "green"),
        "cancelled": Label(_l("Given up"), "secondary"),
    },
    "import_detail": {
        "announced": Label(_l("filed declarations announced")),
        "verified": Label(_l("stated announcements verified")),
        "offers_entered": Label(_l("declarations entered that were unknown here")),
        "patents_entered": Label(_l("patents entered that were unknown here")),
        "withdrawn": Label(_l("declarations withdrawn")),
        "withdrawals_verified": Label(_l("stated withdrawals verified")),
        "recorded": Label(_l("licences recorded")),
        "recordals_changed": Label(_l("changes of recordals noted")),
        "recordals_cancelled": Label(_l("recordals cancelled")),
        "mirrored_ended": Label(_l("mirrored offers deleted")),
        "mirrored_left_out": Label(_l("not in the list: deleted")),
        "mirrored_kept": Label(_l("not in the list, but kept because rows are faulty")),
    },
    "sort": {
        "relevance": Label(_l("Most relevant")),
        "newest": Label(_l("Newest first")),
        "fee": Label(_l("Lowest fee first")),
        "licences": Label(_l("Most licensed first")),
    },
}


def label(table: str, code: str | None) -> Label:
    """The label of a code in one of TABLES; a code that has none is shown as it is, nothing as a dash."""
    return TABLES[table].get(code or "") or Label(code or "—")


def name(table: str, code: str | None) -> Any:
    """What a code is called: `name("kind", "invention")`."""
    return label(table, code).text


def reason_text(reason: Any) -> Any:
    """A match's reason in words. Takes a `Reason`, or its `kind` and `value` in a dictionary."""
    kind, value = (
        (reason["kind"], reason["value"]) if isinstance(reason, dict) else (reason.kind, reason.value)
    )
    if kind == "ipc":
        return gettext("same class %(place)s", place=f"{ipc(str(value))} {ipc_title(str(value))}".strip())
    if kind == "interest":
        return gettext("you follow: %(field)s", field=value)
    if kind == "own_patent":
        return gettext("close to your patent %(number)s", number=value)
    if kind == "field":
        return gettext("field of use: %(field)s", field=value)
    if kind == "free":
        return gettext("free of charge")
    if kind == "fee_within_budget":
        return gettext("%(sum)s up front, within your budget", sum=money(int(value)))
    if kind == "royalty":
        return gettext("nothing up front: %(form)s", form=name("fee_form", str(value)))
    if kind == "district":
        return gettext("in your district: %(district)s", district=district(str(value)))
    if kind == "answer":
        return gettext("answer of %(holder)s", holder=value)
    return value


_WITH_DATES = ("annuity_paid_until", "exclusive_licence_until", "preserved_until")


def fact_text(fact: Any) -> Any:
    """What is known of a patent, in words: a coded value, a day, or the words of the source."""
    if fact.name in _WITH_DATES and fact.value != "none":
        return day(fact.value)
    return label("fact_value", fact.value).text


def source_text(source: str | None) -> str:
    """Where a fact comes from: a code of ours in words, anything else as it is."""
    found = SOURCES.get(source or "")
    return gettext(found) if found else (source or "—")


@cache
def _titles(file: str) -> dict[str, tuple[str, str]]:
    """Code → Chinese and English name, from a table with these three columns in `listings/data`."""
    path = resources.files("marketplace.listings") / "data" / file
    _header, *rows = csv.reader(path.read_text(encoding="utf-8").splitlines(), delimiter="\t")
    return {code: (zh, en) for code, zh, en in rows}


def district(code: str | None) -> str:
    """The name of an administrative division (GB/T 2260), else that of its province."""
    known = _titles("divisions.tsv")
    found = known.get(code or "") or known.get(f"{(code or '')[:2]}0000")
    return found[english()] if found else (code or "—")


def districts(province: str) -> list[tuple[str, str]]:
    """Codes and names of a province's districts, for a choice."""
    return [
        (code, both[english()])
        for code, both in _titles("divisions.tsv").items()
        if code.startswith(province[:2]) and not code.endswith("0000")
    ]


def ipc_title(symbol: str | None) -> str:
    """The title of the nearest place of the classification that has one here, empty if none has.

    Takes an IPC symbol, or for designs a Locarno symbol (which begins with a digit).
    """
    symbol = symbol or ""
    if symbol[:1].isdigit():
        names = _titles("locarno.tsv")
        found = next((names[symbol[:length]] for length in (5, 2) if symbol[:length] in names), None)
    else:
        above = (symbol, symbol.partition("/")[0], symbol[:4], symbol[:3], symbol[:1])
        found = next((known for place in above if (known := titles.title(place))), None)
    return (found[english()] or found[not english()]) if found else ""
