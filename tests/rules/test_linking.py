"""What a link says of itself."""

from rules.linking import EVIDENCE, LINKER


def test_evidence_names_fields_and_never_values() -> None:
    for entries in EVIDENCE.values():
        for entry in entries:
            assert set(entry) == {"field", "agreement"}
            assert entry["field"] in ("id_number", "name", "birth_date", "phone")
            assert entry["agreement"] == "exact"


def test_a_person_nobody_knew_is_linked_on_nothing() -> None:
    assert EVIDENCE["new"] == []


def test_every_answer_of_the_database_has_its_evidence() -> None:
    assert set(EVIDENCE) == {"identity_number", "name_birth_date_phone", "new"}


def test_the_linker_signs_with_name_and_version() -> None:
    name, _, version = LINKER.partition("-")
    assert name
    assert version.isdigit()
