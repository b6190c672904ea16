"""EKS add-ons: what the cluster runs for its workloads beside what Auto Mode brings. Their versions are settings."""

from enum import StrEnum


class AddOn(StrEnum):
    """Add-ons by the names that EKS gives them, in the order in which they are installed."""

    METRICS = "metrics-server"
    """CPU of pods, for the autoscalers."""
    OBJECT_METRICS = "kube-state-metrics"
    """State of Kubernetes objects, for Prometheus."""
    CERTIFICATES = "cert-manager"
    """Certificates between services."""
    MOUNTED_SECRETS = "aws-secrets-store-csi-driver-provider"
    """Secrets as files, read with the pod's own role."""
    LOG_COLLECTION = "amazon-cloudwatch-observability"
    """What pods write, to CloudWatch Logs."""

    @property
    def namespace(self) -> str:
        """Where EKS installs it (EKS user guide, "Community add-ons"; "AWS add-ons")."""
        return {
            AddOn.METRICS: "kube-system",
            AddOn.OBJECT_METRICS: "kube-state-metrics",
            AddOn.CERTIFICATES: "cert-manager",
            AddOn.MOUNTED_SECRETS: "aws-secrets-manager",
            AddOn.LOG_COLLECTION: "amazon-cloudwatch",
        }[self]
