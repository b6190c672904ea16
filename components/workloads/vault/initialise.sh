# Step 2 of 4: initialises Vault, unless it is. The answer goes to memory that the next steps share, and to nobody's eyes.
# Broken off before the command: the next attempt begins again. Broken off after it: the container finds the answer in memory.
# With the pod lost before step 3, or the answer on its way: Vault runs and unseals itself, but nobody has keys to make a new
# root token, and every attempt says so: delete its volumes and begin again.
set -eu
umask 077

# 0: initialised. 2: every member answers, and none is. A member that lost its volume would begin a Vault of its own: one
# that is not initialised proves nothing about the others.
initialised() {
    found=2
    for member in $MEMBERS; do
        code=0
        VAULT_ADDR=$member vault operator init -status >/dev/null 2>&1 || code=$?
        case "$code" in
            0) return 0 ;;
            2) ;;
            *) found=1 ;;
        esac
    done
    return "$found"
}

if [ -e "$SHARED/root-token" ]; then
    echo "Vault has been initialised by an earlier attempt"
    exit 0
fi
# the token comes last: with it the answer is whole
if ! grep -q '^Initial Root Token: ' "$SHARED/answer" 2>/dev/null; then
    while :; do
        code=0
        initialised || code=$?
        if [ "$code" -ne 1 ]; then break; fi
        sleep 2
    done
    if [ "$code" -eq 0 ]; then
        if grep -q true "$SHARED/kept"; then
            echo "Vault is initialised"
            exit 0
        fi
        echo "Vault is initialised, but its recovery keys were never kept: delete its volumes and begin again, while it is empty" >&2
        exit 1
    fi
    vault operator init -recovery-shares=5 -recovery-threshold=3 >"$SHARED/answer"
fi
grep '^Recovery Key' "$SHARED/answer" >"$SHARED/recovery-keys"
sed -n 's/^Initial Root Token: //p' "$SHARED/answer" >"$SHARED/root-token.part"
mv "$SHARED/root-token.part" "$SHARED/root-token"
rm "$SHARED/answer"
echo "Vault has been initialised"
