"""Which person a record belongs to, given what the database found: the simple matcher behind the linker's interface.
Pure.

Exact identity number, or the same name, birth date and a phone in common. The full linker replaces this module; what
calls it (actions/linkage.py) stays.
"""

LINKER = "exact-1"
"""Name and version written into every link this matcher makes."""

EVIDENCE: dict[str, list[dict[str, str]]] = {
    "identity_number": [{"field": "id_number", "agreement": "exact"}],
    "name_birth_date_phone": [
        {"field": "name", "agreement": "exact"},
        {"field": "birth_date", "agreement": "exact"},
        {"field": "phone", "agreement": "exact"},
    ],
    "new": [],
}
"""What agreed, by field name; never a value."""
