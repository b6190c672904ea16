# Takes a snapshot of all that Vault keeps. It is encrypted with Vault's own keys, which the seal protects.
# The leader is asked: a snapshot by way of another member breaks off (github.com/hashicorp/vault/issues/15258).
set -eu
umask 077
VAULT_ADDR=$(vault status -format=json | sed -n 's/^ *"leader_address": "\(https:.*\)".*/\1/p')
export VAULT_ADDR
if [ -z "$VAULT_ADDR" ]; then
    echo "Vault has no leader" >&2
    exit 1
fi
VAULT_TOKEN=$(vault write -field=token auth/kubernetes/login role=snapshots jwt=@/run/vault/token)
export VAULT_TOKEN
vault operator raft snapshot save "$SHARED/snapshot"
