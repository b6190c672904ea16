# Step 1 of 4: proves that the recovery keys can be kept, before anything is done that cannot be undone, and looks whether
# they are kept already. A version under a stage of its own leaves the current one, which may hold keys, as it is.
set -eu
aws secretsmanager put-secret-value --secret-id "$RECOVERY_SECRET" --version-stages PROVEN \
    --secret-string "written to prove that it can be" --query Name --output text
aws secretsmanager describe-secret --secret-id "$RECOVERY_SECRET" \
    --query "contains(values(VersionIdsToStages)[], 'KEPT')" --output json >"$SHARED/kept"
