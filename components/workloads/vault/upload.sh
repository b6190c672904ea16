# Puts the snapshot into the bucket, under the region and the time.
set -eu
aws s3 cp --only-show-errors "$SHARED/snapshot" "s3://$SNAPSHOT_BUCKET/$AWS_REGION/$(date -u +%Y/%m/%d/%H%M%S).snap"
