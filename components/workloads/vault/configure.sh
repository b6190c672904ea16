# Step 4 of 4: what services find in a new Vault. The root token is revoked at the end: who needs another makes it from the
# recovery keys. Broken off: the container starts again in the same pod, and whatever is there already is left alone.
set -eu
if [ ! -s "$SHARED/root-token" ]; then
    echo "Nothing to configure"
    exit 0
fi
VAULT_TOKEN=$(cat "$SHARED/root-token")
export VAULT_TOKEN
until vault status >/dev/null 2>&1; do sleep 2; done

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

vault token revoke -self
rm "$SHARED/root-token"
echo "Vault is configured, and its root token is revoked"
