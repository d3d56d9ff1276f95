set -eu
API=${API:-http://127.0.0.1:8000}
CREDENTIALS=${CREDENTIALS:-.tongli/demo/credentials.json}
mine() { python3 -c 'import json, sys
print(next(one[sys.argv[3]] for one in json.load(open(sys.argv[1])) if one["agency_code"] == sys.argv[2]))' \
    "$CREDENTIALS" "$1" "$2"; }
field() { python3 -c 'import json, sys
value = json.load(sys.stdin)
for name in sys.argv[1:]: value = value[int(name)] if isinstance(value, list) else value[name]
print(value)' "$@"; }
fresh() { python3 -c 'import uuid; print(uuid.uuid4())'; }
call() { token=$1; shift; curl -sS --fail-with-body -H "Authorization: Bearer $token" "$@"; }

token() { curl -sS --fail-with-body "$API/oauth/token" -d grant_type=client_credentials \
    -d client_id="$(mine "$1" client_id)" -d client_secret="$(mine "$1" client_secret)" | field access_token; }
UNION=$(token DEMO-340802-UNION)
LABOUR=$(token DEMO-340802-LABOUR)

REPORT=$(call "$LABOUR" "$API/v1/reports" -H "Idempotency-Key: $(fresh)" -H 'Content-Type: application/json' -d '{
  "source": {"system": "labour-inspection", "record_id": "'"$(fresh)"'"},
  "aware_at": "2026-02-26T01:30:00Z", "channel": "visit",
  "person": {"name": "周桂兰", "sex": "female", "birth_date": "1974-03-15", "address": {"division_code": "340802"}},
  "needs": ["employment"],
  "sharing_basis": {"kind": "consent", "reference": "同意书",
                    "recipients": ["'"$(mine DEMO-340802-LABOUR agency_id)"'"]}
}')
echo "$REPORT"
CASE=$(echo "$REPORT" | field case id)

call "$UNION" "$API/v1/matters?need=employment&division=340802" | field data 0 title_zh
REFERRAL=$(call "$UNION" "$API/v1/cases/$CASE/referrals" \
    -H "Idempotency-Key: $(fresh)" -H 'Content-Type: application/json' \
    -d '{"matter": "LAB-09", "to_agency": "'"$(mine DEMO-340802-LABOUR agency_id)"'", "need": "employment"}')
echo "$REFERRAL"
ID=$(echo "$REFERRAL" | field id)

call "$LABOUR" "$API/v1/referrals/$ID/accept" -H 'If-Match: "v1"' \
    -H "Idempotency-Key: $(fresh)" -H 'Content-Type: application/json' -d '{}' | field status
call "$LABOUR" "$API/v1/referrals/$ID" -H 'Tongli-Purpose: referral' | field people 0 name

call "$UNION" "$API/v1/events?types=referral.*&wait=10" | field data 0 type
