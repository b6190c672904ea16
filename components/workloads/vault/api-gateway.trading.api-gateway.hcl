# Stores what traders entrust to the platform, and cannot read it back.
path "transit/encrypt/trader-credentials" {
  capabilities = ["update"]
}
path "traders/data/*" {
  capabilities = ["create", "update"]
}
