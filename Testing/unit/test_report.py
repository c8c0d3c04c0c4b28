"""The report: everything is in it, nothing hostile runs in it, and it needs nobody else."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support.pages import Page
from support.predictions import conflict, fact, make_prediction, opinions

from SeriesClassifierLib.errors import UsageError
from SeriesClassifierLib.explain.evidence_text import text
from SeriesClassifierLib.explain.label_reasons import deciding_reason, deciding_text
from SeriesClassifierLib.images.thumbnails import Thumbnail
from SeriesClassifierLib.publish.report import STATUS_ORDER, write_report
from SeriesClassifierLib.records import DecidedBy, Evidence, Prediction, Reason, Status, Witness

HOSTILE = "</title><script>alert(1)</script><img src=x onerror=alert(1)>\"'&amp;{{ 7 * 7 }}\u202egnp.exe"
PICTURE = Thumbnail(uri="data:image/png;base64,AAAA")


def report(tmp_path: Path, predictions: Any, **options: Any) -> Page:
    path = tmp_path / "report.html"
    write_report(predictions, path, **options)
    page = Page(path.read_text(encoding="utf-8"))
    assert page.open == []
    return page


def rows_of(page: Page) -> list[dict[str, str | None]]:
    return [
        attributes for _, attributes in page.elements if "part" in (attributes.get("class") or "").split()
    ]


def some_predictions() -> list[Prediction]:
    return [
        make_prediction(
            series_uid=f"1.2.{n}", series_number=n, status=status, description=f"series number {n}"
        )
        for n, status in enumerate(Status, start=1)
    ]


def test_every_part_has_a_row_with_its_status_in_words(tmp_path: Path) -> None:
    page = report(tmp_path, some_predictions())
    assert [row["data-status"] for row in rows_of(page)] == [status.value for status in Status]
    for prediction in some_predictions():
        assert prediction.series_uid in page.text
        assert prediction.description in page.text
        assert prediction.status.value in page.text
    assert "5 series, 1 study, 1 patient" in page.text
    assert "Research use; not a medical device" in page.text


def test_what_needs_eyes_comes_first(tmp_path: Path) -> None:
    page = report(tmp_path, some_predictions())
    links = [attributes["href"] for tag, attributes in page.elements if tag == "a"]
    targets = {f"#{row['id']}": row["data-status"] for row in rows_of(page)}
    assert [targets[str(link)] for link in links] == [status.value for status in STATUS_ORDER[:3]]
    assert page.text.index("Needs review") < page.text.index("Study 1")


def test_nothing_to_look_at_is_said(tmp_path: Path) -> None:
    assert "Nothing: every label below can be used" in report(tmp_path, [make_prediction()]).text


def test_the_page_needs_nobody_else(tmp_path: Path) -> None:
    page = report(tmp_path, some_predictions(), thumbnail_of=lambda _: PICTURE)
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert not re.search(r"https?:|url\(|@import|//[a-z]+\.", text)
    addresses = [v for _, attributes in page.elements for k, v in attributes.items() if k in ("src", "href")]
    assert all(str(address).startswith(("#r", "data:image/png;base64,")) for address in addresses)


def test_only_our_own_script_may_run(tmp_path: Path) -> None:
    page = report(tmp_path, some_predictions())
    (policy,) = (
        str(a["content"]) for _, a in page.elements if a.get("http-equiv") == "Content-Security-Policy"
    )
    (script,) = page.scripts
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in policy
    assert "default-src 'none'" in policy


@pytest.mark.parametrize(
    "field", ["description", "label", "error", "bundle", "series_uid", "study_uid", "patient_id"]
)
def test_hostile_text_is_only_text(tmp_path: Path, field: str) -> None:
    page = report(tmp_path, [make_prediction(**{field: HOSTILE}, status=Status.REVIEW)], show_patient_id=True)
    assert len(page.scripts) == 1
    assert not any(tag == "img" for tag, _ in page.elements)
    assert not any(name.startswith("on") for _, attributes in page.elements for name in attributes)
    assert "<script>alert(1)</script>" in page.text
    assert "{{ 7 * 7 }} gnp.exe" in page.text


def test_hostile_evidence_is_only_text(tmp_path: Path) -> None:
    evidence = (
        Evidence(Witness.FILE, Reason.UNREADABLE, detail=HOSTILE),
        Evidence(Witness.WORDS, Reason.WORDS_DISAGREE, "sequence", HOSTILE, other=HOSTILE, decisive=True),
        Evidence(Witness.HUMAN, Reason.LABELED, "plane", HOSTILE, source=HOSTILE, detail=HOSTILE),
    )
    page = report(
        tmp_path,
        [make_prediction(evidence=evidence, opinions=opinions({HOSTILE: 0.5}), status=Status.REVIEW)],
        thumbnail_of=lambda _: Thumbnail(reason=HOSTILE),
    )
    assert len(page.scripts) == 1
    assert not any(tag == "img" for tag, _ in page.elements)


def test_patients_are_numbered_unless_asked_for(tmp_path: Path) -> None:
    rows = [
        make_prediction(patient_id="SECRET-1"),
        make_prediction(patient_id="SECRET-2", study_uid="1.2.2"),
        make_prediction(patient_id="SECRET-1", study_uid="1.2.3"),
    ]
    hidden = report(tmp_path, rows)
    assert "SECRET" not in (tmp_path / "report.html").read_text()
    assert re.findall(r"Patient \d", hidden.text) == ["Patient 1", "Patient 2", "Patient 1"]
    assert "Patient SECRET-1" in report(tmp_path, rows, show_patient_id=True).text


def test_evidence_and_alternatives_are_told(tmp_path: Path) -> None:
    evidence = (fact("plane", "AX", "ImageOrientationPatient"), conflict("T1"))
    found = (
        *opinions({"T2": 0.6, "T1": 0.3, "PD": 0.1, "DWI": 0.001}),
        *opinions({"AX": 1.0}, facet="plane"),
    )
    prediction = make_prediction(
        status=Status.REVIEW, evidence=evidence, opinions=found, decided_by=DecidedBy.HEADER
    )
    shown = report(tmp_path, [prediction]).text
    assert text(evidence[0]) in shown
    assert shown.count(text(evidence[1])) == 3  # above all, beside the label, among the details
    assert re.search(r"T2\s*60\.0 %\s*T1\s*30\.0 %\s*PD\s*10\.0 %\s*plane\s*AX\s*> 99\.9 %", shown)
    assert "DWI" not in shown


def test_alternatives_are_those_that_the_label_was_taken_from(tmp_path: Path) -> None:
    found = opinions({"PD": 0.9, "T2": 0.1}, image={"ADC": 1.0}, joint={"T2": 0.8, "OTHER": 0.2})
    by_both = report(tmp_path, [make_prediction(opinions=found, decided_by=DecidedBy.JOINT)]).text
    assert re.search(r"T2\s*80\.0 %\s*OTHER\s*20\.0 %", by_both)
    by_header = report(tmp_path, [make_prediction(opinions=found, decided_by=DecidedBy.HEADER)]).text
    assert re.search(r"PD\s*90\.0 %\s*T2\s*10\.0 %", by_header)


# One piece of evidence of each kind of rule, none of which has decided unless it says so.
WARNING = Evidence(Witness.FILE, Reason.UNREADABLE, detail="a slice cannot be read")
FEW = Evidence(Witness.HEADER, Reason.FEW_PARAMETERS, decisive=True)
NAMED = Evidence(Witness.HUMAN, Reason.LABELED, "sequence", "PD", source="ms")
OLDER = Evidence(Witness.WORDS, Reason.RECORDED, detail="an older sentence", against=True)


@pytest.mark.parametrize(
    ("status", "evidence", "shown"),
    [
        (Status.AUTO, (conflict(decisive=False), WARNING), None),
        (Status.REVIEW, (conflict(decisive=False), FEW, conflict("PD"), WARNING), FEW),
        (Status.REVIEW, (conflict("PD"), FEW, conflict(decisive=False)), conflict("PD")),
        (Status.UNKNOWN, (WARNING, FEW, conflict(decisive=False)), FEW),
        (Status.CORRECTED, (FEW, NAMED, conflict()), NAMED),
        (Status.FAILED, (FEW,), None),
        # As an older version recorded it: what decided is not known.
        (Status.REVIEW, (WARNING, OLDER, WARNING), OLDER),
        (Status.REVIEW, (), Evidence(Witness.JOINT, Reason.NOT_CERTAIN, "sequence", "T2", 0.7)),
        (Status.UNKNOWN, (), Evidence(Witness.JOINT, Reason.NO_CLASS, "sequence", "T2", 0.98765432)),
    ],
)
def test_the_reason_is_the_rule_that_decided(
    status: Status, evidence: tuple[Evidence, ...], shown: Evidence | None
) -> None:
    unknown = {"sequence": "unknown", "confidence": None} if status is Status.UNKNOWN else {"confidence": 0.7}
    prediction = make_prediction(status=status, evidence=evidence, **unknown)
    found = deciding_reason(prediction)
    assert (replace(found, decisive=False) if found else None) == (
        replace(shown, decisive=False) if shown else None
    )
    assert deciding_text(prediction) == (text(shown) if shown else "")
    assert deciding_text(replace(prediction, error="not a DICOM file")) == "not a DICOM file"


def test_a_series_of_several_parts_says_what_it_is(tmp_path: Path) -> None:
    phases = ("PRE", "ART", "PORTVEN", "LATE")
    rows = [make_prediction(part=n, sequence="DCE", phase=phase) for n, phase in enumerate(phases, start=1)]
    text = report(tmp_path, rows).text
    assert "DCE x4: PRE/ART/PORTVEN/LATE" in text
    assert "part 2 of 4" in text
    assert "1 series in 4 parts" in text


def test_files_of_no_series_are_shown_one_by_one(tmp_path: Path) -> None:
    rows = [
        make_prediction(
            study_uid="", series_uid="", patient_id="", series_number=None, description=name, part=1
        )
        for name in ("a.dcm", "b.dcm")
    ]
    page = report(tmp_path, rows)
    assert "In no study" in page.text
    assert "part 1 of 2" not in page.text
    assert "0 patients" in page.text


def test_the_report_does_not_depend_on_the_order_or_the_clock(tmp_path: Path) -> None:
    paths = [tmp_path / "a.html", tmp_path / "b.html"]
    write_report(some_predictions(), paths[0])
    write_report(iter(some_predictions()[::-1]), paths[1])
    assert paths[0].read_bytes() == paths[1].read_bytes()


class Many:
    """Rows that are made each time they are read, as a journal makes them."""

    def __init__(self, n: int) -> None:
        self.n = n

    def __iter__(self) -> Iterator[Prediction]:
        for n in range(self.n):
            yield make_prediction(study_uid=f"1.{n // 20:05}", series_uid=f"1.{n:05}", series_number=n % 20)


def test_five_thousand_rows_with_pictures_one_at_a_time(tmp_path: Path) -> None:
    asked: list[str] = []
    path = tmp_path / "report.html"

    def picture_of(prediction: Prediction) -> Thumbnail:
        asked.append(prediction.series_uid)
        return PICTURE

    assert write_report(Many(5000), path, thumbnail_of=picture_of) == 5000
    assert asked == [f"1.{n:05}" for n in range(5000)]
    assert path.read_text().count('<tr class="part') == 5000


def test_pictures_can_be_left_out(tmp_path: Path) -> None:
    without = report(tmp_path, some_predictions())
    assert not any(tag == "img" for tag, _ in without.elements)
    assert "Thumbnail" not in without.text
    shown = report(tmp_path, some_predictions(), thumbnail_of=lambda _: PICTURE)
    assert sum(tag == "img" for tag, _ in shown.elements) == 5
    reason = report(
        tmp_path, some_predictions(), thumbnail_of=lambda _: Thumbnail(reason="image is too large")
    )
    assert reason.text.count("image is too large") == 5


def test_an_empty_report_is_a_report(tmp_path: Path) -> None:
    assert "0 series, 0 studies, 0 patients" in report(tmp_path, []).text


def test_a_missing_folder_is_a_wrong_usage(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="does not exist"):
        write_report([], tmp_path / "no" / "report.html")
