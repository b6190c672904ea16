# Step 4 of 4: what services find in a new Vault. The root token is revoked at the end: who needs another makes it from the
# recovery keys. Broken off: the container starts again in the same pod, and whatever is there already is left alone. With the
# pod lost: every attempt says that Vault is not configured, until somebody does it with a token made from the recovery keys.
set -eu
until vault status >/dev/null 2>&1; do sleep 2; done
if [ ! -s "$SHARED/root-token" ]; then
    # the role of the snapshots is written last: with it everything is there
    if vault write -field=token auth/kubernetes/login role=snapshots jwt=@/run/vault/token >/dev/null; then
        echo "Nothing to configure"
        exit 0
    fi
    echo "Vault is not configured: make a root token from the recovery keys, and do what configure.sh does" >&2
    exit 1
fi
VAULT_TOKEN=$(cat "$SHARED/root-token")
export VAULT_TOKEN

# Whether the token is gone, now or since an attempt that broke off
revoked() {
    answer=$(vault token revoke -self 2>&1) && return 0
    case "$answer" in
        *"Code: 403"*) return 0 ;;
        *) return 1 ;;
    esac
}

if [ ! -e "$SHARED/configured" ]; then
    # One device, on standard output: a Vault that cannot write its audit log does not answer
    vault audit list 2>/dev/null | grep -q '^stdout/' || vault audit enable -path=stdout file file_path=stdout
    vault auth list | grep -q '^kubernetes/' || vault auth enable kubernetes
    vault write auth/kubernetes/config kubernetes_host=https://kubernetes.default.svc
    vault secrets list | grep -q '^transit/' || vault secrets enable transit
    vault write -f transit/keys/trader-credentials
    vault secrets list | grep -q '^traders/' || vault secrets enable -path=traders -version=2 kv

    # A policy for each file, and a role of the same name: NAME.NAMESPACE.SERVICE-ACCOUNT.hcl
    for file in "$POLICIES"/*.hcl; do
        name=$(basename "$file" .hcl)
        role=${name%%.*}
        rest=${name#*.}
        vault policy write "$role" "$file"
        vault write "auth/kubernetes/role/$role" audience=vault token_policies="$role" token_ttl=1h \
            bound_service_account_namespaces="${rest%%.*}" bound_service_account_names="${rest#*.}"
    done
    : >"$SHARED/configured"
fi

until revoked; do sleep 2; done
rm "$SHARED/root-token"
echo "Vault is configured, and its root token is revoked"
