# Reads the credentials that an order needs.
path "transit/decrypt/trader-credentials" {
  capabilities = ["update"]
}
path "traders/data/*" {
  capabilities = ["read"]
}
