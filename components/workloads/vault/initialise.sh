# Step 2 of 4: initialises Vault, unless it is. The answer goes to memory that the next steps share, and to nobody's eyes.
# Broken off before the command: the next attempt begins again. Broken off after it, with the pod lost before step 3:
# Vault runs and unseals itself, but nobody has keys to make a new root token: delete its volumes and begin again.
set -eu
umask 077
while :; do
    code=0
    vault operator init -status >/dev/null 2>&1 || code=$?
    if [ "$code" -ne 1 ]; then break; fi
    sleep 2
done
if [ "$code" -eq 0 ]; then
    echo "Vault is initialised"
    exit 0
fi
vault operator init -recovery-shares=5 -recovery-threshold=3 >"$SHARED/answer"
grep '^Recovery Key' "$SHARED/answer" >"$SHARED/recovery-keys"
sed -n 's/^Initial Root Token: //p' "$SHARED/answer" >"$SHARED/root-token"
rm "$SHARED/answer"
echo "Vault has been initialised"
