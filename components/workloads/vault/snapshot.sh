# Takes a snapshot of all that Vault keeps. It is encrypted with Vault's own keys, which the seal protects.
set -eu
umask 077
VAULT_TOKEN=$(vault write -field=token auth/kubernetes/login role=snapshots jwt=@/run/vault/token)
export VAULT_TOKEN
vault operator raft snapshot save "$SHARED/snapshot"
