# Tells CloudWatch how many days ago each secret of this stack got the value that it has. Secrets Manager publishes no age.
# PREFIX: with which the names of the secrets begin. NAMESPACE: of the metric.
set -eu

now=$(date +%s)
names=$(aws secretsmanager list-secrets --filters "Key=name,Values=$PREFIX" --query 'SecretList[].Name' --output text)
for name in $names; do
  # without a value it has no age yet: the check after a deployment names it
  since=$(aws secretsmanager list-secret-version-ids --secret-id "$name" --output text \
    --query "Versions[?contains(VersionStages, 'AWSCURRENT')].CreatedDate | [0]")
  [ "$since" != None ] || continue
  days=$(((now - $(date -d "$since" +%s)) / 86400))
  aws cloudwatch put-metric-data --namespace "$NAMESPACE" --metric-name DaysSinceRotation --value "$days" \
    --dimensions "SecretName=$name"
done
