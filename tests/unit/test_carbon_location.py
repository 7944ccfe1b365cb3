"""Where a machine is, from evidence on it: machines of many clouds, laptops, and hostile files."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from greencell.carbon.carbon_info import Wishes, carbon_info
from greencell.carbon.evidence.base import region_names
from greencell.carbon.grid_table import GridTable
from greencell.carbon.location import locate, system_timezone
from greencell.carbon.tables import Tables

TABLE = GridTable()
DMI = "sys/class/dmi/id"
CLOUD_INIT = "run/cloud-init/instance-data.json"
AZURE_TAG = "7783-7084-3265-9085-8269-3286-77"


@dataclass
class Machine:
    """Files and variables of a machine, and what is to be made of them."""

    zone: str
    located_by: str
    reason: str
    files: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    note: str = ""
    pue: float = 1.0

    def build(self, root: Path) -> Path:
        for name, text in self.files.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        return root


def cloud_init(name: str, region: str | None, zone: str | None = None) -> dict[str, str]:
    standard = {"cloud_name": name, "region": region, "availability_zone": zone}
    return {CLOUD_INIT: json.dumps({"v1": standard})}


MACHINES = {
    "EC2 by cloud-init": Machine(
        "aws:eu-west-3", "cloud", "Cloud-init names AWS eu-west-3",
        cloud_init("aws", "eu-west-3", "eu-west-3b"), pue=1.14,
    ),
    "EC2 by firmware and resolver": Machine(
        "aws:us-west-2", "cloud", "The resolver's search domain names AWS us-west-2",
        {f"{DMI}/sys_vendor": "Amazon EC2\n", f"{DMI}/product_name": "m5.xlarge\n",
         "etc/resolv.conf": "nameserver 10.0.0.2\nsearch us-west-2.compute.internal\n"}, pue=1.12,
    ),
    "EC2 in its first region": Machine(
        "aws:us-east-1", "cloud", "The resolver's search domain names AWS us-east-1",
        {"etc/resolv.conf": "search ec2.internal\n"}, pue=1.15,
    ),
    "EC2 by firmware and its client's variable": Machine(
        "aws:eu-west-1", "cloud", "Its client's variable names AWS eu-west-1",
        {f"{DMI}/bios_vendor": "Amazon EC2"}, {"AWS_REGION": "eu-west-1"}, pue=1.1,
    ),
    "Google by firmware and resolver": Machine(
        "gcp:us-central1", "cloud", "The resolver's search domain names Google Cloud us-central1",
        {f"{DMI}/product_name": "Google Compute Engine",
         "etc/resolv.conf": "search us-central1-a.c.my-project.internal c.my-project.internal google.internal"},
        pue=1.09,
    ),
    "Google by the zone in cloud-init": Machine(
        "gcp:europe-west9", "cloud", "Cloud-init names Google Cloud europe-west9",
        cloud_init("gce", None, "europe-west9-a"), pue=1.09,
    ),
    "Azure by firmware, region unknown": Machine(
        "WORLD", "default", "Azure, its region is not known",
        {f"{DMI}/chassis_asset_tag": AZURE_TAG}, {"TZ": "UTC"},
        "Azure: its region is not known. Place unknown (the time zone UTC names no country); "
        "world average used.", 1.17,
    ),
    "Azure by cloud-init": Machine(
        "azure:westeurope", "cloud", "Cloud-init names Azure westeurope",
        cloud_init("azure", "westeurope"), pue=1.17,
    ),
    "Hyper-V under a desk": Machine(
        "DE", "timezone", "guessed from the time zone Europe/Berlin",
        {f"{DMI}/sys_vendor": "Microsoft Corporation"}, {"TZ": "Europe/Berlin"}, "DK",
    ),
    "SageMaker": Machine(
        "aws:eu-central-1", "cloud", "SageMaker's metadata names AWS eu-central-1",
        {"opt/ml/metadata/resource-metadata.json":
         json.dumps({"ResourceArn": "arn:aws:sagemaker:eu-central-1:123:app/d-1/x"})}, pue=1.33,
    ),
    "Azure ML": Machine(
        "azure:eastus", "cloud", "Azure ML's address names Azure eastus",
        {}, {"AZUREML_SERVICE_ENDPOINT": "https://eastus.api.azureml.ms"}, pue=1.17,
    ),
    "Azure ML by MLflow": Machine(
        "azure:northeurope", "cloud", "Azure ML's address names Azure northeurope", {},
        {"MLFLOW_TRACKING_URI": "azureml://northeurope.api.azureml.ms/mlflow/v1.0/x"}, pue=1.17,
    ),
    "Modal": Machine(
        "oci:us-ashburn-1", "cloud", "Modal names Oracle Cloud us-ashburn-1", {},
        {"MODAL_CLOUD_PROVIDER": "CLOUD_PROVIDER_OCI", "MODAL_REGION": "us-ashburn-1"},
    ),
    "Colab": Machine(
        "WORLD", "default", "Google Cloud (Colab), its region is not known", {},
        {"COLAB_RELEASE_TAG": "release-colab-20260101", "TZ": "Etc/UTC"},
        "Google Cloud (Colab): its region is not known.", 1.09,
    ),
    "Kaggle, whose image has Colab's variables": Machine(
        "WORLD", "default", "Google Cloud (Kaggle), its region is not known", {},
        {"KAGGLE_KERNEL_RUN_TYPE": "Interactive", "COLAB_RELEASE_TAG": "x"}, "(Kaggle)", 1.09,
    ),
    "Databricks": Machine(
        "WORLD", "default", "no time zone is set", {}, {"DATABRICKS_RUNTIME_VERSION": "16.4"},
        "Runs on Databricks. Place unknown",
    ),
    "Databricks on a machine that says AWS": Machine(
        "aws:us-east-2", "cloud", "Cloud-init names AWS us-east-2", cloud_init("aws", "us-east-2"),
        {"DATABRICKS_RUNTIME_VERSION": "16.4"}, pue=1.12,
    ),
    "Codespaces": Machine(
        "WORLD", "default", "Azure (GitHub Codespaces), its region is not known", {},
        {"CODESPACES": "true"}, "(GitHub Codespaces)", 1.17,
    ),
    "Binder in UTC": Machine(
        "WORLD", "default", "the time zone UTC names no country", {"etc/timezone": "Etc/UTC\n"},
        {"BINDER_LAUNCH_HOST": "https://mybinder.org/", "TZ": "UTC"}, "Runs on Binder.",
    ),
    "a JupyterHub at a university": Machine(
        "GB", "timezone", "guessed from the time zone Europe/London",
        {"etc/timezone": "Europe/London\n"}, {"JUPYTERHUB_USER": "ada"}, "Runs on a JupyterHub.",
    ),
    "Lambda": Machine(
        "aws:ap-south-1", "cloud", "The variable AWS_EXECUTION_ENV names AWS ap-south-1", {},
        {"AWS_EXECUTION_ENV": "AWS_Lambda", "AWS_REGION": "ap-south-1"}, pue=1.44,
    ),
    "Vertex": Machine(
        "gcp:us-east4", "cloud", "The variable VERTEX_PRODUCT names Google Cloud us-east4", {},
        {"VERTEX_PRODUCT": "WORKBENCH", "GOOGLE_CLOUD_REGION": "us-east4"}, pue=1.08,
    ),
    "Hetzner": Machine(
        "hetzner:fsn1", "cloud", "Cloud-init names Hetzner fsn1",
        cloud_init("hetzner", "eu-central", "fsn1-dc14"),
    ),
    "Scaleway": Machine(
        "scaleway:fr-par", "cloud", "Cloud-init names Scaleway fr-par",
        cloud_init("scaleway", None, "fr-par-1"),
    ),
    "DigitalOcean": Machine(
        "digitalocean:fra1", "cloud", "Cloud-init names DigitalOcean fra1",
        cloud_init("digitalocean", "fra1"),
    ),
    "DigitalOcean by firmware": Machine(
        "WORLD", "default", "DigitalOcean, its region is not known",
        {f"{DMI}/sys_vendor": "DigitalOcean"}, note="DigitalOcean: its region is not known.",
    ),
    "IBM": Machine(
        "ibm:us-south", "cloud", "Cloud-init names IBM Cloud us-south",
        cloud_init("ibmcloud", None, "us-south-1"),
    ),
    "Oracle": Machine(
        "oci:eu-frankfurt-1", "cloud", "Cloud-init names Oracle Cloud eu-frankfurt-1",
        cloud_init("oracle", "eu-frankfurt-1") | {f"{DMI}/chassis_asset_tag": "OracleCloud.com"},
    ),
    "Alibaba": Machine(
        "alibaba:ap-southeast-1", "cloud", "Cloud-init names Alibaba Cloud ap-southeast-1",
        cloud_init("aliyun", "ap-southeast-1"),
    ),
    "an OpenStack without a table": Machine(
        "FR", "timezone", "guessed from the time zone Europe/Paris",
        {f"{DMI}/product_name": "OpenStack Nova", "etc/timezone": "Europe/Paris"},
        note="Runs on an OpenStack cloud. France is guessed",
    ),
    "two witnesses at odds": Machine(
        "aws:eu-west-3", "cloud", "Cloud-init names AWS eu-west-3",
        cloud_init("aws", "eu-west-3") | {f"{DMI}/product_name": "Google Compute Engine"},
        note="The firmware speaks of Google Cloud instead.", pue=1.14,
    ),
    "a laptop with a cloud's variables": Machine(
        "FR", "timezone", "guessed from the time zone Europe/Paris", {},
        {"AWS_REGION": "us-east-1", "AWS_CA_BUNDLE": "/x", "CLOUDSDK_CONFIG": "/y",
         "GOOGLE_CLOUD_REGION": "europe-west9", "TZ": "Europe/Paris"}, "It could also be MC.",
    ),
    "AWS on Xen by its uuid": Machine(
        "WORLD", "default", "no time zone is set; AWS, its region is not known",
        {"sys/hypervisor/uuid": "ec2e1916-9099-7caf-fd21-012345abcdef\n"},
        note="AWS: its region is not known.", pue=1.14,
    ),
    "AWS on Xen by its firmware": Machine(
        "FR", "timezone", "guessed from the time zone Europe/Paris; AWS, its region is not known",
        {f"{DMI}/product_name": "HVM domU", f"{DMI}/sys_vendor": "Xen",
         f"{DMI}/bios_version": "4.11.amazon", "etc/timezone": "Europe/Paris"},
        note="AWS: its region is not known.", pue=1.14,
    ),
    "IBM's virtual private cloud": Machine(
        "DE", "timezone", "guessed from the time zone Europe/Berlin; IBM Cloud, its region is not known",
        {f"{DMI}/sys_vendor": "QEMU", f"{DMI}/chassis_vendor": "IBM:Cloud Compute Server 1.0:cx2-2x4",
         "etc/timezone": "Europe/Berlin"}, note="IBM Cloud: its region is not known.",
    ),
    "Tencent": Machine(
        "CN", "timezone", "guessed from the time zone Asia/Shanghai",
        {f"{DMI}/sys_vendor": "Tencent Cloud", f"{DMI}/product_name": "CVM",
         "etc/timezone": "Asia/Shanghai"}, note="Runs on Tencent Cloud.",
    ),
    "RunPod in Romania": Machine(
        "RO", "cloud", "RunPod EU-RO-1 names Romania", {"etc/timezone": "Etc/UTC"},
        {"RUNPOD_POD_ID": "abc", "RUNPOD_DC_ID": "EU-RO-1"}, "Runs on RunPod.",
    ),
    "RunPod in Kansas": Machine(
        "US-KS", "cloud", "RunPod US-KS-2 names Kansas", {}, {"RUNPOD_DC_ID": "US-KS-2"},
        "Runs on RunPod.",
    ),
    "RunPod in Montreal": Machine(
        "CA", "cloud", "RunPod CA-MTL-1 names Canada", {}, {"RUNPOD_DC_ID": "CA-MTL-1"},
        "Runs on RunPod.",
    ),
    "RunPod somewhere": Machine(
        "WORLD", "default", "no time zone is set", {},
        {"RUNPOD_POD_ID": "abc", "RUNPOD_DC_ID": "XX-1"}, "Runs on RunPod.",
    ),
    "Paperspace": Machine(
        "FR", "timezone", "guessed from the time zone Europe/Paris", {"etc/timezone": "Europe/Paris"},
        {"PAPERSPACE_FQDN": "x.paperspacegradient.com"}, "Runs on Paperspace.",
    ),
    "a laptop in one country alone": Machine(
        "JP", "timezone", "guessed from the time zone Asia/Tokyo", {}, {"TZ": "Asia/Tokyo"},
        "Japan is guessed from the time zone Asia/Tokyo.",
    ),
    "nothing at all": Machine("WORLD", "default", "no time zone is set", note="world average used"),
}  # fmt: skip


@pytest.mark.parametrize("name", MACHINES)
def test_a_machine_is_found_by_its_own_evidence(name: str, tmp_path: Path) -> None:
    """Zone, how it was found, what told it, what a person should know, and the building."""
    machine = MACHINES[name]
    root = machine.build(tmp_path)

    place = locate(None, machine.environment, TABLE, root)
    info = carbon_info(place, Wishes())

    assert (info.factor.zone, info.located_by) == (machine.zone, machine.located_by)
    assert machine.reason in info.reason
    assert machine.note in info.note
    row_pue = TABLE.find(machine.zone).pue if ":" in machine.zone else None
    assert info.factor.pue == (row_pue or machine.pue)
    assert bool(info.note) or machine.located_by == "cloud"


@pytest.mark.parametrize("name", MACHINES)
def test_a_setting_comes_before_all_evidence(name: str, tmp_path: Path) -> None:
    """Whoever says where they are is believed."""
    root = MACHINES[name].build(tmp_path)

    place = locate("NO", MACHINES[name].environment, TABLE, root)

    assert (place.zone.code, place.located_by, place.reason) == ("NO", "setting", "set by the user")


def test_candidates_are_kept_for_who_wants_to_choose(tmp_path: Path) -> None:
    """A part of the country that holds the whole time zone is one of them."""
    assert locate(None, {"TZ": "Europe/Paris"}, TABLE, tmp_path).candidates == ("MC",)
    assert "AU-NSW" in locate(None, {"TZ": "Australia/Sydney"}, TABLE, tmp_path).candidates


class CountingTables(Tables):
    """Remembers which tables were opened."""

    def __init__(self) -> None:
        super().__init__()
        self.opened: list[str] = []

    def rows(self, name: str):  # type: ignore[no-untyped-def]
        self.opened.append(name)
        return super().rows(name)


@pytest.mark.parametrize(
    ("wished", "environment", "opened"),
    [
        ("FR", {}, ["grid_intensity"]),
        (None, {"TZ": "Europe/Paris"}, ["timezone_zone", "grid_intensity"]),
        (None, {}, ["grid_intensity"]),
        (
            "aws:eu-west-3", {},
            ["cloud_regions", "grid_intensity_subregions", "grid_intensity", "pue_wue"],
        ),
    ],
)  # fmt: skip
def test_only_the_tables_that_are_needed_are_read(
    wished: str | None, environment: dict[str, str], opened: list[str], tmp_path: Path
) -> None:
    """Each once."""
    tables = CountingTables()

    carbon_info(locate(wished, environment, GridTable(tables), tmp_path), Wishes())

    assert sorted(tables.opened) == sorted(opened)


EVIDENCE_FILES = (
    CLOUD_INIT, "opt/ml/metadata/resource-metadata.json", "etc/resolv.conf", "etc/timezone",
    f"{DMI}/sys_vendor", f"{DMI}/product_name", f"{DMI}/chassis_asset_tag",
)  # fmt: skip
HOSTILE = (
    b"\xff\xfe\0", b"[" * 100_000, b'{"v1": {"cloud_name": "aws", "region": "../../etc"}}',
    b'{"v1": {"cloud_name": "aws", "region": "' + b"a" * 10_000 + b'"}}', b'{"v1": 7}', b"null",
    b'{"v1": {"cloud_name": {"a": 1}, "region": 3}}', b'{"ResourceArn": 12}', b"search \x1b[2J",
    b'{"v1": {"cloud_name": "aws", "region": "eu\\u001b[2J"}}', b"search " + b"x." * 50_000,
)  # fmt: skip


@pytest.mark.parametrize("name", EVIDENCE_FILES)
@pytest.mark.parametrize("content", HOSTILE)
def test_hostile_evidence_is_passed_over(name: str, content: bytes, tmp_path: Path) -> None:
    """There is always a place, and its words are one printable line."""
    path = tmp_path / name
    path.parent.mkdir(parents=True)
    path.write_bytes(content)

    place = locate(None, {}, TABLE, tmp_path)

    assert place.reason and place.reason.isprintable()
    assert place.note.isprintable() and len(place.note) < 500


@settings(max_examples=200)
@given(st.sampled_from(EVIDENCE_FILES), st.binary(max_size=300))
def test_any_bytes_are_evidence_of_something(
    tmp_path_factory: pytest.TempPathFactory, name: str, content: bytes
) -> None:
    """Never an exception."""
    root = tmp_path_factory.mktemp("root")
    path = root / name
    path.parent.mkdir(parents=True)
    path.write_bytes(content)

    place = locate(None, {"TZ": "Europe/Oslo"}, TABLE, root)

    assert place.located_by in ("timezone", "cloud")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_in_the_place_of_evidence_does_not_hold_the_start(tmp_path: Path) -> None:
    """Opening one waits for a writer that never comes."""
    for name in EVIDENCE_FILES:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        os.mkfifo(tmp_path / name)

    assert locate(None, {}, TABLE, tmp_path).located_by == "default"


@given(st.text(max_size=50))
def test_only_names_become_regions(text: str) -> None:
    """Small letters, digits and hyphens."""
    for name in region_names(text, None, 3):
        assert name.isascii() and name.replace("-", "").isalnum() and len(name) <= 40


@pytest.mark.parametrize("name", ["CET", "MET", "EET", "WET", "EST", "MST", "HST"])
@pytest.mark.parametrize("where", ["variable", "file", "link"])
def test_an_abbreviation_of_hours_is_no_country(name: str, where: str, tmp_path: Path) -> None:
    """One city's rules stand behind it, and half a continent keeps them."""
    (tmp_path / "etc").mkdir()
    environment = {}
    if where == "variable":
        environment["TZ"] = name
    elif where == "file":
        (tmp_path / "etc/timezone").write_text(f"{name}\n")
    else:
        (tmp_path / "etc/localtime").symlink_to(f"/usr/share/zoneinfo/{name}")

    place = locate(None, environment, TABLE, tmp_path)

    assert (place.zone.code, place.located_by) == ("WORLD", "default")
    assert name in place.reason


@pytest.mark.parametrize(
    "named", [":/etc/localtime", "/etc/localtime", ":/usr/share/zoneinfo/Europe/Paris"]
)
def test_a_variable_may_name_a_file(named: str, tmp_path: Path) -> None:
    """As the C library reads it: the link is followed, whatever another file says."""
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/localtime").symlink_to("/usr/share/zoneinfo/Europe/Paris")
    (tmp_path / "etc/timezone").write_text("Asia/Tokyo\n")

    assert system_timezone({"TZ": named}, tmp_path) == "Europe/Paris"


def test_a_file_that_is_no_link_names_no_time_zone(tmp_path: Path) -> None:
    """Its rules are there, its name is not."""
    (tmp_path / "rules").write_bytes(b"TZif2")

    assert system_timezone({"TZ": ":/rules"}, tmp_path) is None
    assert system_timezone({"TZ": ":/nowhere"}, tmp_path) is None
