"""The TLS certificate of a region, proven by DNS."""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.context import RegionContext


@dataclass(frozen=True)
class CertificateArgs:
    """What a certificate is given.

    `validation_fqdn` is the proof that another region's certificate already put into DNS, or None to put it there: ACM asks
    for the same record in every region of an account, since it depends on the domain and the account alone.
    """

    context: RegionContext
    domain: str
    hosted_zone_id: str
    global_provider: aws.Provider
    validation_fqdn: pulumi.Input[str] | None


class Certificate(pulumi.ComponentResource):
    """Covers the domain and every host one label below it. Renewed by ACM as long as the proof stays in DNS."""

    arn: pulumi.Output[str]
    """Known once the certificate is issued."""
    validation_fqdn: pulumi.Input[str]

    def __init__(self, name: str, args: CertificateArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mastertrade:entry:Certificate", name, None, opts)
        logical = args.context.logical("certificate")
        certificate = aws.acm.Certificate(
            logical,
            domain_name=args.domain,
            subject_alternative_names=[f"*.{args.domain}"],
            validation_method="DNS",
            key_algorithm="RSA_2048",  # Route 53 does not say which curves its health checkers take
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.validation_fqdn = args.validation_fqdn or self._prove(args, certificate)
        issued = aws.acm.CertificateValidation(
            logical,
            certificate_arn=certificate.arn,
            validation_record_fqdns=[self.validation_fqdn],
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.arn = issued.certificate_arn
        self.register_outputs({"arn": self.arn})

    def _prove(self, args: CertificateArgs, certificate: aws.acm.Certificate) -> pulumi.Output[str]:
        # the domain and its wildcard share one proof, so any option will do
        option = certificate.domain_validation_options[0]
        record = aws.route53.Record(
            "certificate-validation",
            zone_id=args.hosted_zone_id,
            name=option.resource_record_name,
            type=option.resource_record_type,
            records=[option.resource_record_value],
            ttl=300,
            allow_overwrite=True,  # another stack of this account may have put the same record
            opts=pulumi.ResourceOptions(parent=self, provider=args.global_provider),
        )
        return record.fqdn
