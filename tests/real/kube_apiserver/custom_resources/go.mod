// Where tests read custom resource definitions from. Only downloaded, never built
module mastertrade/custom-resources

go 1.26.6

require (
	github.com/cert-manager/cert-manager v1.21.2
	sigs.k8s.io/karpenter v1.14.1
	sigs.k8s.io/secrets-store-csi-driver v1.5.3
)
