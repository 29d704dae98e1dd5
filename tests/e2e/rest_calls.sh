#!/bin/sh
# The calls of the documents the shop was asked for in, as they stand there; only ids and tokens come from the answers before.
# usage: rest_calls.sh [URL], against a shop that was just started: the e-mail addresses must be free
set -eu
url=${1:-http://localhost:8080}
answer=

# expect STATUS WHAT curl…: runs it, keeps the body in $answer, ends the script when the status is another
expect() {
  wanted=$1 what=$2
  shift 2
  answer=$("$@" -w '\n%{http_code}')
  status=$(printf '%s' "$answer" | tail -n 1)
  answer=$(printf '%s' "$answer" | sed '$d')
  if [ "$status" != "$wanted" ]; then
    printf 'FAIL %s: %s, not %s\n%s\n' "$what" "$status" "$wanted" "$answer"
    exit 1
  fi
  printf 'ok   %s: %s\n' "$what" "$status"
}
field() { printf '%s' "$answer" | grep -o "\"$1\":\"[^\"]*\"" | head -n 1 | cut -d'"' -f4; }
login() {
  expect 201 "a session of $1" curl -s -X POST "$url/api/v1/sessions" \
    -H "Content-Type: application/json" \
    -d "{\"email\": \"$1\", \"password\": \"$2\"}"
}

# --- the short form ---
expect 201 "POST /api/users" curl -s -X POST "$url/api/users" \
  -d '{"name":"John Doe","email":"john@example.com"}'
guest=$(field id)
expect 200 "a product to order" curl -s "$url/api/v1/products?in_stock=true&first=1"
product=$(field id)
expect 201 "POST /api/orders" curl -s -X POST "$url/api/orders" \
  -d '{"user_id":"'"$guest"'","items":[{"id":"'"$product"'","quantity":2}]}'

# --- the whole form ---
expect 201 "POST /api/v1/users" curl -s -X POST "$url/api/v1/users" \
  -H "Content-Type: application/json" \
  -d '{
    "name": "John Doe",
    "email": "john.doe@example.com",
    "password": "securepassword"
  }'
user=$(field id)
login john.doe@example.com securepassword
token=$(field access_token)
login catalog@punnet.example catalog-demo-password
catalog_token=$(field access_token)
expect 201 "POST /api/v1/products" curl -s -X POST "$url/api/v1/products" \
  -H "Content-Type: application/json" \
  -H "Authorization: Bearer $catalog_token" \
  -d '{
    "name": "Premium Laptop",
    "description": "High-performance laptop for professionals",
    "price": "1299.99",
    "currency": "USD",
    "inventory": 100
  }'
product=$(field id)
expect 201 "POST /api/v1/orders" curl -s -X POST "$url/api/v1/orders" \
  -H "Content-Type: application/json" \
  -H "Authorization: Bearer $token" \
  -d '{
    "user_id": "'"$user"'",
    "items": [
      {
        "product_id": "'"$product"'",
        "quantity": 1
      }
    ],
    "shipping_address": {
      "street": "123 Main St",
      "city": "San Francisco",
      "state": "CA",
      "zip": "94105",
      "country": "US"
    }
  }'
order=$(field id)
expect 201 "POST /api/v1/payments" curl -s -X POST "$url/api/v1/payments" \
  -H "Content-Type: application/json" \
  -H "Authorization: Bearer $token" \
  -d '{
    "order_id": "'"$order"'",
    "payment_method": "credit_card",
    "payment_details": {
      "card_number": "4111111111111111",
      "expiry_month": "12",
      "expiry_year": "2025",
      "cvv": "123"
    }
  }'
payment=$(field id)

# --- what was made can be read ---
for place in "users/$user" "products/$product" "orders/$order" "payments/$payment" "orders" "users/me"; do
  expect 200 "GET /api/v1/${place%%/*}" curl -s "$url/api/v1/$place" -H "Authorization: Bearer $token"
done

# --- what operators and developers look at ---
expect 200 "GET /health" curl -s "$url/health"
expect 200 "GET /metrics" curl -s "$url/metrics"
expect 200 "GET /traces" curl -s "$url/traces"
expect 200 "GET /api/docs" curl -s "$url/api/docs"
expect 200 "GET /api/openapi.json" curl -s "$url/api/openapi.json"
