"""The machine itself: what cloud-init, its firmware (DMI) and its resolver say of the cloud."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from greencell.carbon.evidence.base import Evidence, read_text, region_names

_CLOUD_INIT: Final = "run/cloud-init/instance-data.json"
_CLOUD_NAMES: Final[Mapping[str, str]] = {
    "aws": "aws", "ec2": "aws", "gce": "gcp", "azure": "azure", "oracle": "oci",
    "aliyun": "alibaba", "digitalocean": "digitalocean", "hetzner": "hetzner",
    "scaleway": "scaleway", "ibmcloud": "ibm", "ibm": "ibm", "ovh": "ovhcloud",
}  # fmt: skip
"""Names of clouds in cloud-init's standard, and ours."""
_OTHER_CLOUDS: Final = frozenset(
    {"openstack", "vultr", "upcloud", "akamai", "exoscale", "cloudstack", "nwcs"}
)
_DMI: Final = "sys/class/dmi/id"
_DMI_MARKS: Final = (
    ("chassis_vendor", "IBM:Cloud Compute Server", "ibm"),
    ("chassis_asset_tag", "ibmcloud", "ibm"),
    ("sys_vendor", "Tencent Cloud", "Tencent Cloud"),
    ("sys_vendor", "Amazon EC2", "aws"),
    ("bios_vendor", "Amazon EC2", "aws"),
    ("product_name", "Google Compute Engine", "gcp"),
    # "Microsoft Corporation" alone is any Hyper-V, also the one under a desk.
    ("chassis_asset_tag", "7783-7084-3265-9085-8269-3286-77", "azure"),
    ("chassis_asset_tag", "OracleCloud.com", "oci"),
    ("product_name", "Alibaba Cloud ECS", "alibaba"),
    ("sys_vendor", "DigitalOcean", "digitalocean"),
    ("sys_vendor", "Hetzner", "hetzner"),
    ("sys_vendor", "Scaleway", "scaleway"),
    ("chassis_asset_tag", "HUAWEICLOUD", "Huawei Cloud"),
    ("chassis_asset_tag", "OpenTelekomCloud", "Open Telekom Cloud"),
    ("chassis_asset_tag", "SAP CCloud VM", "SAP Converged Cloud"),
    ("sys_vendor", "Vultr", "Vultr"),
    ("sys_vendor", "UpCloud", "UpCloud"),
    ("sys_vendor", "Linode", "Akamai"),
    ("sys_vendor", "Akamai", "Akamai"),
    ("sys_vendor", "NWCS", "NWCS"),
    ("product_name", "OpenStack Nova", "an OpenStack cloud"),
    ("product_name", "OpenStack Compute", "an OpenStack cloud"),
)
"""Field, text and cloud, as cloud-init's ds-identify knows them; AWS's product is its type."""
_DOMAINS: Final = (
    (re.compile(r"([a-z]{2}(?:-[a-z]+){1,3}-\d)\.compute\.internal"), "aws"),
    (re.compile(r"(?:[a-z0-9-]+\.)*ec2\.internal"), "aws"),
    (re.compile(r"([a-z]+-[a-z]+\d+)-[a-z]\.c\.[a-z0-9.:-]+\.internal"), "gcp"),
    (re.compile(r"(?:c\.[a-z0-9.:-]+|google)\.internal"), "gcp"),
    (re.compile(r"[a-z0-9.-]+\.internal\.cloudapp\.net"), "azure"),
    (re.compile(r"[a-z0-9.-]+\.oraclevcn\.com"), "oci"),
)
_FIRST_AWS_REGION: Final = "us-east-1"
"""Its search domain is ``ec2.internal``, without a region in it."""


def cloud_init_evidence(root: Path) -> Evidence | None:
    """What cloud-init wrote down at boot; its readable copy holds no secrets."""
    text = read_text(root / _CLOUD_INIT)
    if not text:
        return None
    try:
        standard: Any = json.loads(text)["v1"]
        name = str(standard["cloud_name"]).strip().lower()
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    provider = _CLOUD_NAMES.get(name)
    if provider is None:
        return Evidence("cloud-init", platform=name) if name in _OTHER_CLOUDS else None
    zones = region_names(standard.get("availability_zone"))
    # Some clouds put the site into the zone: fsn1-dc14, fr-par-1, us-central1-a, eu-west-3b.
    sites = [site for z in zones for site in (z, z.rpartition("-")[0], z[:-1], z.partition("-")[0])]
    return Evidence("cloud-init", provider, region_names(standard.get("region"), *sites))


def dmi_evidence(root: Path) -> Evidence | None:
    """What the firmware's tables say of the maker of this machine: a cloud, not its region."""
    fields: dict[str, str] = {}
    if _is_amazons_xen(root):
        return Evidence("the firmware", "aws")
    for field, mark, cloud in _DMI_MARKS:
        if field not in fields:
            fields[field] = read_text(root / _DMI / field).strip()
        if fields[field].startswith(mark):
            known = cloud in _CLOUD_NAMES.values()
            return (
                Evidence("the firmware", cloud)
                if known
                else Evidence("the firmware", platform=cloud)
            )
    return None


def _is_amazons_xen(root: Path) -> bool:
    """Whether this is one of AWS's older instances: a Xen of their own, and a uuid of EC2."""
    uuid = read_text(root / "sys/hypervisor/uuid").strip().lower()
    versions = (
        read_text(root / _DMI / name).strip() for name in ("bios_version", "product_version")
    )
    return uuid.startswith("ec2") or any(version.endswith(".amazon") for version in versions)


def resolver_evidence(root: Path) -> Evidence | None:
    """What the search domains of the resolver name; nothing is looked up."""
    for line in read_text(root / "etc/resolv.conf").splitlines():
        words = line.lower().split()
        if not words or words[0] not in ("search", "domain"):
            continue
        for domain in words[1:]:
            for pattern, provider in _DOMAINS:
                found = pattern.fullmatch(domain.rstrip(".")[:255])
                if found:
                    regions = region_names(*found.groups())
                    if not found.groups() and provider == "aws":
                        regions = (_FIRST_AWS_REGION,)
                    return Evidence("the resolver's search domain", provider, regions)
    return None
